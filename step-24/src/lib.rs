//! The chat server: the routes put together, and the one function that
//! serves them.

mod api;
mod connections;
mod database;
mod error;
mod extract;
mod front;
mod headers;
mod limits;
mod live;
mod origin;
pub mod output;
mod password;
mod session;
mod store;
mod stream;
mod text;
mod vendor;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{
    from_fn_with_state, map_response, map_response_with_state,
};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use socketioxide::SocketIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

pub use crate::connections::Patience;
use crate::error::{Error, ErrorText};
use crate::front::Templates;
use crate::limits::Limits;
pub use crate::origin::{NotPublicUrl, PublicUrl};
use crate::password::{Hasher, Memory, Password};
use crate::session::Cookie;
use crate::store::accounts::Account;
pub use crate::store::{OpenError, Store};

/// The largest request body that is read, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// How long what is under way may take to end at a shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// What whoever runs the chat decides.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where browsers find the chat, when that is not what a request has as its
    /// `Host`: a proxy may stand before it.
    pub public_url: Option<PublicUrl>,
    /// Whether nobody is told that something is too much.
    pub unlimited: bool,
    /// The address of a proxy before the chat. What it says in
    /// `X-Forwarded-For` is where a request comes from.
    pub proxy: Option<IpAddr>,
    /// How long clients may let the server wait.
    pub patience: Patience,
}

/// What the handlers share. A handler does not take all of it: `FromRef` lets
/// it ask for one field by its type, such as `State<Store>`, so that its
/// signature says what it can do, and no module needs this one.
#[derive(Clone, FromRef)]
struct AppState {
    /// The users and messages, in the database.
    store: Store,
    /// The HTML of the pages, parsed once.
    templates: Templates,
    /// Emits to the sockets.
    io: SocketIo,
    /// Hashes passwords.
    hasher: Hasher,
    /// What a browser keeps its session in.
    cookie: Cookie,
    /// Counts what everybody does.
    limits: Limits,
}

/// Serves the chat on `listener` until `shutdown` completes, then closes the
/// database.
///
/// # Errors
/// When passwords can't be hashed.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let cookie = match &settings.public_url {
        Some(url) if url.is_https() => Cookie::HTTPS,
        _ => Cookie::HTTP,
    };
    let limits = Limits::new(!settings.unlimited);
    let (live_layer, io) = live::layer(store.clone(), cookie, limits.clone());
    let sweep = live::sweep(io.clone(), store.clone());
    let deliver = live::deliver_stored(io.clone(), store.clone());
    let hasher = Hasher::new().map_err(io::Error::other)?;
    let state = AppState {
        store: store.clone(),
        templates: Templates::new(),
        io: io.clone(),
        hasher,
        cookie,
        limits: limits.clone(),
    };
    // Outside of all that: what it answers itself must not pass those layers.
    let app = sealed(app(state.clone())).layer(live_layer);
    let sockets = from_fn_with_state(state, session::required_for_sockets);
    let app = app.layer(sockets);
    let patience = settings.patience;
    let app = app.layer(from_fn_with_state(patience, connections::in_time));
    // This one is around Socket.IO, too: its handshakes are requests.
    let origins = from_fn_with_state(settings.public_url, origin::checked);
    let app = app.layer(origins);
    // And these are on what is refused as well.
    let headers = map_response_with_state(headers::of_all(), headers::add);
    let app = app.layer(headers);

    let (stopping, stopped) = oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        stopping.send(()).ok();
        // A page that reads no more must not keep the rest from ending: the
        // other half of the time is for requests.
        timeout(GRACE / 2, io.close()).await.ok();
    };
    let server = connections::serve(
        listener,
        app,
        limits.clone(),
        settings.proxy.map(|it| it.to_canonical()),
        patience,
        shutdown,
    );
    let grace = async {
        stopped.await.ok();
        sleep(GRACE).await;
    };
    // A client that never ends its request must not keep the server alive.
    tokio::select! {
        () = server => (),
        () = grace => tracing::warn!("gave up on requests that did not end"),
        () = sweep => (),
        () = deliver => (),
        () = limits.forget() => (),
        () = output::count_lost() => (),
    }

    // Nor must another program that has locked the database.
    if timeout(GRACE, store.close()).await.is_err() {
        tracing::warn!("gave up on the database: it is locked");
    }
    Ok(())
}

/// Sets the password of a user: those of an older database have none. Ends the
/// user's sessions.
///
/// # Errors
/// In words, when there is no such user, or the password breaks a rule.
pub async fn set_password(
    store: Store,
    nickname: &str,
    password: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let account = store.account(nickname.to_owned()).await?;
    let Some(Account { me, .. }) = account else {
        return Err(format!("nobody has the nickname {nickname}").into());
    };
    let names = [&*me.user.name, &*me.email, &*me.user.nickname];
    let hash = Password::new(password, names)?.hash(&mut Memory::default())?;
    store.set_password(me.user.id, hash).await?;
    store.close().await;
    Ok(())
}

fn app(state: AppState) -> Router {
    let routes = Router::new()
        .route("/", get(front::home))
        .route("/api/users", get(api::users))
        .route("/api/users/{id}", get(api::user))
        .route("/api/users/{id}/messages", get(api::user_messages))
        .route("/api/me", get(api::me))
        .route("/api/session", delete(api::delete_session))
        .route(
            "/api/messages",
            get(api::messages).post(api::create_message),
        )
        .route("/front/users", get(front::users))
        .route("/front/messages/{id}", get(front::messages))
        .route("/front/lobby", get(front::lobby))
        .fallback(async || StatusCode::NOT_FOUND)
        // Around all routes so far, and around those that there are not. What
        // follows is open to everybody.
        .layer(from_fn_with_state(state.clone(), session::required))
        .route("/db/alive", get(api::alive))
        .route("/api/version", get(api::version))
        .route("/api/users", post(api::create_user))
        .route("/api/sessions", post(api::create_session))
        .route("/front/sign-in", get(front::sign_in))
        .route("/front/sign-up", get(front::sign_up))
        .merge(files())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(state.clone());
    sealed(routes)
        // A response passes the layers from here on in this order.
        .layer(map_response(explain))
        .layer(map_response_with_state(state, front::errors_as_pages))
        // What somebody saw is not kept for whoever has the browser next.
        .layer(cached_by_default("no-store"))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
                .on_response(DefaultOnResponse::new().level(Level::INFO)),
        )
}

/// A router whose layers are around the whole of another one. Otherwise each is
/// around each route, and a request clones all that its route is made of, once
/// for each layer.
fn sealed(app: Router) -> Router {
    Router::new().fallback_service(app)
}

/// What is the same for everybody.
fn files() -> Router<AppState> {
    Router::new()
        .nest_service("/static", static_files())
        .nest_service("/vendor", vendor::client_files())
        // The next start may serve other files at the same address: ask.
        .layer(cached_by_default("no-cache"))
}

fn cached_by_default(
    value: &'static str,
) -> SetResponseHeaderLayer<HeaderValue> {
    let value = HeaderValue::from_static(value);
    SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, value)
}

/// The folder is found from any current folder: its path is known when the
/// program is built.
fn static_files() -> ServeDir {
    ServeDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/static"))
        .append_index_html_on_directories(false)
}

/// Gives words to a 404 or 405 that no handler answered: axum and tower-http
/// send them without a body.
async fn explain(uri: Uri, response: Response) -> Response {
    if response.extensions().get::<ErrorText>().is_some() {
        return response;
    }
    match response.status() {
        StatusCode::NOT_FOUND => {
            Error::NotFound(uri.path().to_owned()).into_response()
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let allow = response.headers().get(ALLOW).cloned();
            let allow = allow.map(|methods| [(ALLOW, methods)]);
            (allow, Error::WrongMethod).into_response()
        }
        _ => response,
    }
}
