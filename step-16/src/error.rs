//! What can go wrong, and the HTTP answer to each.
//!
//! A handler returns `Result<_, Error>` and uses `?`. The text of an error
//! goes to the client; what is behind a 5xx goes to the log alone.

use std::error::Error as _;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use tokio_rusqlite::rusqlite;

/// Why a request can't be answered as it was meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// 404: what the request names does not exist.
    #[error("{0}")]
    NotFound(String),

    /// 405: the path exists, but not for this method.
    #[error("this path does not take this method")]
    WrongMethod,

    /// 409: somebody else has this nickname.
    #[error("the nickname {0} is taken: choose another one")]
    NicknameTaken(String),

    /// 422: a field breaks a rule.
    #[error("{0}")]
    Invalid(String),

    /// 400, 413, 415 or 422: the body is not what the handler takes.
    #[error("{text}")]
    Body {
        /// The status that says which of them it is.
        status: StatusCode,
        /// What is wrong with the body.
        text: String,
    },

    /// 503: the database is busy or broken.
    #[error("the database does not answer: try again in a moment")]
    Database(#[from] rusqlite::Error),

    /// 503: the server is shutting down.
    #[error("the database is closed: try again in a moment")]
    DatabaseClosed,

    /// 500: a template and its values do not fit.
    #[error("this page can't be shown: the server's log says why")]
    Page(#[from] tera::Error),
}

impl Error {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::NicknameTaken(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Body { status, .. } => *status,
            Self::Database(_) | Self::DatabaseClosed => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Page(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Writes what is behind a 5xx to the log.
    pub(crate) fn log(&self) {
        if self.status().is_server_error() {
            let cause = self.source().map(ToString::to_string);
            tracing::error!(cause, "{self}");
        }
    }
}

/// The text of the error behind a response, for whoever wants to show it in
/// another form than JSON.
#[derive(Clone)]
pub(crate) struct ErrorText(pub(crate) String);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let text = self.to_string();
        let body = axum::Json(json!({ "error": text }));
        let mut response = (self.status(), body).into_response();
        response.extensions_mut().insert(ErrorText(text));
        response
    }
}

/// axum's `Json`, refused with our [`Error`].
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// axum's `Path`, refused with our [`Error`].
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub(crate) struct Path<T>(pub(crate) T);

/// axum's `Query`, refused with our [`Error`].
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
pub(crate) struct Query<T>(pub(crate) T);

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        let text = match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                "the body is larger than 64 KiB".to_owned()
            }
            _ => rejection.body_text(),
        };
        Self::Body { status, text }
    }
}

impl From<PathRejection> for Error {
    fn from(_: PathRejection) -> Self {
        Self::NotFound("there is nothing here: an id is a number".to_owned())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}
