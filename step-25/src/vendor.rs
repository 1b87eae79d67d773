//! The browser's Socket.IO client: from `node_modules`, or from a CDN.

use std::path::Path;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::services::ServeDir;

/// Where the client comes from when it was not installed.
pub(crate) const CDN: &str =
    "https://cdn.jsdelivr.net/npm/socket.io-client@4.8.4/dist/socket.io.min.js";

/// Serves the client from the `node_modules` folder that `npm ci` makes, and
/// leads to a CDN while there is none.
pub(crate) fn client_files() -> ServeDir<Router> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = here
        .ancestors()
        .find(|folder| folder.join("package.json").is_file())
        .unwrap_or(here);
    let not_installed =
        Router::new().route("/socket.io.min.js", get(redirect_to_cdn));
    ServeDir::new(course.join("node_modules/socket.io-client/dist"))
        .append_index_html_on_directories(false)
        .fallback(not_installed)
}

/// Not kept by the browser: the next `npm ci` must show at once.
async fn redirect_to_cdn() -> impl IntoResponse {
    (
        StatusCode::TEMPORARY_REDIRECT,
        [(LOCATION, CDN), (CACHE_CONTROL, "no-store")],
    )
}
