//! The chat server: the routes put together, and the one function that
//! serves them.

mod api;
mod error;
mod front;
mod store;

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, OriginalUri};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware;
use axum::response::Redirect;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::error::Error;
use crate::front::Templates;
pub use crate::store::{OpenError, Store};

/// The largest request body that is read, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// How long what is under way may take to end at a shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// What handlers may ask for, each by its own type: `State<Store>`.
#[derive(Clone, FromRef)]
struct AppState {
    store: Store,
    templates: Templates,
}

/// Serves the chat on `listener` until `shutdown` completes, then closes the
/// database.
///
/// # Errors
/// What axum reports; today it goes on after each error of the listener.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = app(AppState {
        store: store.clone(),
        templates: Templates::new(),
    });

    let (stopping, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        shutdown.await;
        drop(stopping);
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(shutdown);
    let grace = async {
        stopped.await.ok();
        sleep(GRACE).await;
    };
    // A client that never ends its request must not keep the server alive.
    tokio::select! {
        result = server => result?,
        () = grace => tracing::warn!("gave up on requests that did not end"),
    }

    // Nor must another program that has locked the database.
    if timeout(GRACE, store.close()).await.is_err() {
        tracing::warn!("gave up on the database: it is locked");
    }
    Ok(())
}

fn app(state: AppState) -> Router {
    let pages = Router::new()
        .route("/users", get(front::users))
        .route("/messages/{id}", get(front::messages))
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            front::errors_as_pages,
        ));

    Router::new()
        .route("/", get(async || Redirect::to("/front/users")))
        .route("/db/alive", get(api::alive))
        .route("/api/version", get(api::version))
        .route("/api/users", get(api::users).post(api::create_user))
        .route("/api/users/{id}", get(api::user))
        .route("/api/users/{id}/messages", get(api::user_messages))
        .route(
            "/api/messages",
            get(api::messages).post(api::create_message),
        )
        .nest("/front", pages)
        .nest_service(
            "/static",
            static_files().fallback(get(no_such_path).fallback(wrong_method)),
        )
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        // The next start may serve other files at the same address: ask.
        .layer(SetResponseHeaderLayer::if_not_present(
            CACHE_CONTROL,
            HeaderValue::from_static("no-cache"),
        ))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
                .on_response(DefaultOnResponse::new().level(Level::INFO)),
        )
        .with_state(state)
}

/// The folder is found from any current folder: its path is known when the
/// program is built.
fn static_files() -> ServeDir {
    ServeDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/static"))
        .call_fallback_on_method_not_allowed(true)
}

async fn no_such_path(OriginalUri(uri): OriginalUri) -> Error {
    Error::NotFound(format!("there is nothing at {}", uri.path()))
}

async fn wrong_method() -> Error {
    Error::WrongMethod
}
