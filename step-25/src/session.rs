//! Who is signed in: a cookie in the browser, and a row in the database.

use std::mem;

use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{CONTENT_TYPE, COOKIE, SEC_WEBSOCKET_KEY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::error::Error;
use crate::limits::Limits;
use crate::store::Store;
use crate::store::accounts::{NewSession, Session};
use crate::text::{SessionId, hex};

/// What a browser keeps its session in: how the cookie is called, and where the
/// browser may send it.
#[derive(Clone, Copy)]
pub(crate) struct Cookie {
    name: &'static str,
    attributes: &'static str,
}

impl Cookie {
    /// The cookie's name is this program's: a browser sends what one port of a
    /// host has set to all others, so two programs side by side need two names.
    pub(crate) const HTTP: Self = Self {
        name: env!("CARGO_CRATE_NAME"),
        attributes: "Path=/; HttpOnly; SameSite=Lax",
    };

    /// With a name that begins like this, a browser takes a cookie by https, and
    /// only from the very host that it is sent to.
    pub(crate) const HTTPS: Self = Self {
        name: concat!("__Host-", env!("CARGO_CRATE_NAME")),
        attributes: "Path=/; HttpOnly; SameSite=Lax; Secure",
    };
}

/// How many cookies of this name are looked up.
const MOST: usize = 8;

/// What a browser has to show: 32 random bytes, in hexadecimal digits. Whoever
/// has them is taken for the user, so the database knows their hash alone.
pub(crate) struct Token(String);

impl Token {
    fn new() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex(&bytes)))
    }

    fn session_id(&self) -> SessionId {
        SessionId::of(&self.0)
    }

    /// The value of `Set-Cookie`. No script can read it, and another site's page
    /// sends it along with a link only. It lasts as long as a session may; the
    /// database knows whether it still does.
    pub(crate) fn cookie(&self, Cookie { name, attributes }: Cookie) -> String {
        let (token, seconds) = (&self.0, 90 * 24 * 60 * 60);
        format!("{name}={token}; {attributes}; Max-Age={seconds}")
    }
}

/// The value of `Set-Cookie` that deletes the cookie.
pub(crate) fn no_cookie(Cookie { name, attributes }: Cookie) -> String {
    format!("{name}=; {attributes}; Max-Age=0")
}

/// A new session, for a request that may name older ones: they end with it.
pub(crate) fn begin(
    cookie: Cookie,
    headers: &HeaderMap,
) -> Result<(Token, NewSession), Error> {
    let token = Token::new()?;
    let (id, replaces) = (token.session_id(), named(cookie, headers));
    Ok((token, NewSession { id, replaces }))
}

/// The sessions that a request names. There may be several: a page on another
/// port can set a cookie of this name, for another path.
pub(crate) fn named(cookie: Cookie, headers: &HeaderMap) -> Vec<SessionId> {
    let fields = headers.get_all(COOKIE).iter();
    let mut ids = Vec::new();
    for field in fields {
        // Others may have set cookies that are not ASCII.
        let field = String::from_utf8_lossy(field.as_bytes());
        for pair in field.split(';') {
            if let Some((name, token)) = pair.trim().split_once('=')
                && name == cookie.name
            {
                ids.push(SessionId::of(token));
            }
        }
    }
    ids.truncate(MOST);
    ids
}

/// Lets nobody pass who is not signed in. Those who are, a handler may ask for
/// as `Extension<Session>`.
pub(crate) async fn required(
    State(store): State<Store>,
    State(cookie): State<Cookie>,
    mut request: Request,
    next: Next,
) -> Response {
    match current(&store, cookie, request.headers()).await {
        Ok(session) => {
            request.extensions_mut().insert(session);
            next.run(request).await
        }
        Err(Error::NotSignedIn) if is_page(request.uri()) => {
            Redirect::to(&sign_in_before(request.uri())).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// Lets the first request of a socket pass when somebody is signed in: whoever
/// has no session gets an answer, and no socket is made. The requests that
/// follow name it by its `sid`.
pub(crate) async fn required_for_sockets(
    State(store): State<Store>,
    State(cookie): State<Cookie>,
    State(limits): State<Limits>,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let uri = request.uri();
    let mut query = uri.query().unwrap_or_default().split('&');
    let is_first = !query.any(|it| it.starts_with("sid="));
    let is_socket = uri.path().starts_with("/socket.io");
    if is_first && is_socket {
        let user = current(&store, cookie, request.headers()).await?.user.id;
        limits.handshake(user)?;
        // Socket.IO keeps this until the connection ends, by which the socket
        // may come and go.
        let places = limits.socket(user)?;
        request.extensions_mut().insert(places);
    }
    if is_socket {
        request = with_own_head(request);
    }
    Ok(next.run(request).await)
}

/// What is read of a request's head by whoever serves sockets.
const READ: [HeaderName; 3] = [COOKIE, CONTENT_TYPE, SEC_WEBSOCKET_KEY];

/// Copies what is read of a head. Socket.IO keeps it as long as the socket, and
/// what came from hyper would keep the whole buffer that it was read into.
fn with_own_head(request: Request) -> Request {
    let (mut head, body) = request.into_parts();
    let all = mem::take(&mut head.headers);
    for name in READ {
        for value in all.get_all(&name) {
            let value = HeaderValue::from_bytes(value.as_bytes());
            head.headers.extend(value.map(|it| (name.clone(), it)));
        }
    }
    head.uri = head.uri.to_string().parse().unwrap_or_default();
    head.extensions.remove::<OriginalUri>();
    Request::from_parts(head, body)
}

/// The session of a request; nobody's is an error.
pub(crate) async fn current(
    store: &Store,
    cookie: Cookie,
    headers: &HeaderMap,
) -> Result<Session, Error> {
    let session = store.session(named(cookie, headers)).await?;
    session.ok_or(Error::NotSignedIn)
}

/// Whether a person sees the answer as a page.
pub(crate) fn is_page(uri: &Uri) -> bool {
    uri.path() == "/"
        || uri.path() == "/front"
        || uri.path().starts_with("/front/")
}

/// The address of the sign-in page that leads to `uri` afterwards.
fn sign_in_before(uri: &Uri) -> String {
    let next = uri.path_and_query().map_or("/", |it| it.as_str());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next)
        .finish();
    format!("/front/sign-in?{query}")
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};

    use super::*;

    #[test]
    fn what_is_kept_of_a_head_shares_nothing_with_what_was_read() {
        let read = Bytes::from(b"/socket.io/?EIO=4 a=b; c=d secret".to_vec());
        let piece = |range| HeaderValue::from_maybe_shared(read.slice(range));
        let uri = Uri::from_maybe_shared(read.slice(..17)).unwrap();
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri.clone();
        request.extensions_mut().insert(OriginalUri(uri));
        let headers = request.headers_mut();
        headers.append(COOKIE, piece(18..21).unwrap());
        headers.append(COOKIE, piece(23..26).unwrap());
        headers.append("x-other", piece(27..33).unwrap());
        assert!(!read.is_unique());

        let request = with_own_head(request);

        assert!(read.is_unique());
        assert_eq!(request.uri(), "/socket.io/?EIO=4");
        let cookies: Vec<_> =
            request.headers().get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=b", "c=d"]);
        assert_eq!(request.headers().len(), 2);
    }
}
