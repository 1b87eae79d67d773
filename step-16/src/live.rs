//! Socket.IO: who connects, and which events are handled.

use std::convert::Infallible;
use std::path::Path;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::Value;
use socketioxide::extract::{SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::layer::SocketIoLayer;
use socketioxide::socket::DisconnectReason;
use socketioxide::{ParserConfig, SocketIo};
use tower_http::services::ServeDir;

use crate::error::Error;

/// The largest packet that is read, in bytes. A larger one closes its socket.
const PACKET_LIMIT: usize = 64 * 1024;

/// Where the browser's client comes from when it was not installed.
const CDN: &str =
    "https://cdn.jsdelivr.net/npm/socket.io-client@4.8.4/dist/socket.io.min.js";

/// The layer that answers `/socket.io/`, and the handle to emit by.
pub(crate) fn layer() -> (SocketIoLayer, SocketIo) {
    let (layer, io) = SocketIo::builder()
        // Three limits, since packets come in three ways: as the body of a
        // POST, as a WebSocket frame, as a message of several frames.
        .max_payload(PACKET_LIMIT as u64)
        .ws_max_frame_size(PACKET_LIMIT)
        .ws_max_message_size(PACKET_LIMIT)
        // Bytes come beside their packet, and may be many: none are read.
        .with_parser(ParserConfig::common().max_incoming_binaries(0))
        .build_layer();
    // What must be in place before the client's first event is a middleware:
    // it runs before the client is told that it is connected.
    io.ns("/", on_connect.with(register_events));
    (layer, io)
}

async fn register_events(socket: SocketRef) -> Result<(), Infallible> {
    socket.on("connect-ack", on_connect_ack);
    socket.on_disconnect(on_disconnect);
    Ok(())
}

async fn on_connect(socket: SocketRef) {
    tracing::info!(socket = %socket.id, "connected");
}

/// The reason tells a page that was left from a packet that was refused.
async fn on_disconnect(socket: SocketRef, reason: DisconnectReason) {
    tracing::info!(socket = %socket.id, ?reason, "disconnected");
}

/// `TryData`, since a handler with `Data` is not called at all when the
/// client sends no payload.
async fn on_connect_ack(TryData(payload): TryData<Value>) {
    let payload = payload.unwrap_or(Value::Null);
    println!("received ACK message: {payload}");
}

/// Serves the browser's client from the `node_modules` folder that `npm ci`
/// makes, and leads to a CDN while there is none.
pub(crate) fn client_files() -> ServeDir<Router> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = here
        .ancestors()
        .find(|folder| folder.join("package.json").is_file())
        .unwrap_or(here);
    let not_installed = Router::new()
        .route("/socket.io.min.js", get(redirect_to_cdn))
        .fallback(no_such_file)
        .method_not_allowed_fallback(async || Error::WrongMethod);
    ServeDir::new(course.join("node_modules/socket.io-client/dist"))
        .call_fallback_on_method_not_allowed(true)
        .fallback(not_installed)
}

/// Not kept by the browser: the next `npm ci` must show at once.
async fn redirect_to_cdn() -> impl IntoResponse {
    (
        StatusCode::TEMPORARY_REDIRECT,
        [(LOCATION, CDN), (CACHE_CONTROL, "no-store")],
    )
}

async fn no_such_file() -> Error {
    Error::NotFound("the Socket.IO client has no such file".to_owned())
}
