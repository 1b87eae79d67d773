//! Where a request comes from: a page of another site gets nothing.

use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::error::Error;

/// The one address that browsers have for the chat: `http` or `https`, a host,
/// and a port when it is not the usual one.
#[derive(Clone, Debug)]
pub struct PublicUrl(String);

/// Why a text is no [`PublicUrl`].
#[derive(Debug, thiserror::Error)]
#[error("it must be http:// or https:// and a host, with a port or without")]
pub struct NotPublicUrl;

impl FromStr for PublicUrl {
    type Err = NotPublicUrl;

    fn from_str(text: &str) -> Result<Self, NotPublicUrl> {
        let url: Url = text.parse().map_err(|_| NotPublicUrl)?;
        // As browsers write it: in small letters, without the usual port.
        let origin = url.origin().ascii_serialization();
        let is_http = ["http", "https"].contains(&url.scheme());
        // A path or a user's name would be left out without a word.
        let is_all = url.as_str() == format!("{origin}/");
        // To `Url`, a star is part of a name.
        match is_http && is_all && !origin.contains('*') {
            true => Ok(Self(origin)),
            false => Err(NotPublicUrl),
        }
    }
}

impl PublicUrl {
    pub(crate) fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// Lets nothing pass that a page of another site asks for, but for a link.
/// Browsers say where a request comes from, and no page can change that.
/// Programs such as curl say nothing, and have no cookies but their user's.
pub(crate) async fn checked(
    State(public_url): State<Option<PublicUrl>>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(error) = check(&request, public_url) {
        let (method, uri) = (request.method(), request.uri());
        let header = |name| request.headers().get(name);
        let (origin, host) = (header("origin"), header("host"));
        tracing::warn!(%method, %uri, ?origin, ?host, "refused: {error}");
        return ([(CACHE_CONTROL, "no-store")], error).into_response();
    }
    next.run(request).await
}

fn check(
    request: &Request,
    public_url: Option<PublicUrl>,
) -> Result<(), Error> {
    let header = |name| request.headers().get(name);
    if let Some(site) = header("sec-fetch-site") {
        let is_ours = site == "same-origin" || site == "none";
        return match is_ours || follows_link(request) {
            true => Ok(()),
            false => Err(Error::OtherSite),
        };
    }
    // Browsers send the above to https and to this computer only, and some of
    // them not with a WebSocket.
    let Some(origin) = header("origin") else {
        return Ok(());
    };
    match public_url {
        Some(PublicUrl(ours)) if *origin == ours => Ok(()),
        Some(PublicUrl(ours)) => Err(Error::OtherOrigin(ours)),
        None if is_at(origin, header("host")) => Ok(()),
        None => Err(Error::OtherHost),
    }
}

/// Whether a window leaves another site for this one. It shows the answer, and
/// the other site can't read it.
fn follows_link(request: &Request) -> bool {
    let headers = request.headers();
    let has = |name, value| headers.get(name).is_some_and(|it| it == value);
    [Method::GET, Method::HEAD].contains(request.method())
        && has("sec-fetch-mode", "navigate")
        && has("sec-fetch-dest", "document")
}

/// Whether an origin has the host and the port that a request was sent to. Which
/// scheme is not known here: a proxy may have taken https off. `null`, the
/// origin of a page that has none, is at no host.
fn is_at(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin.to_str().ok().and_then(|it| it.split_once("://"));
    match (origin, host) {
        (Some(("http" | "https", authority)), Some(host)) => host == authority,
        _ => false,
    }
}
