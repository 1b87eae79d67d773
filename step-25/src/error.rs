//! What can go wrong with a request, and the HTTP answer to each.
//!
//! One enum for all handlers: each returns `Result<_, Error>` and uses `?`,
//! and what a status means is decided here alone. The text of an error goes
//! to the client; what is behind a 5xx goes to the log alone.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request can't be answered as it was meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// 404: there is no such path, file or page.
    #[error("There is nothing at {0}.")]
    NotFound(String),

    /// 404: the request names a user who does not exist.
    #[error("No user has the id {0}.")]
    UnknownUser(i64),

    /// 401: the request comes with no session, or with one that has ended.
    #[error("Nobody is signed in. Sign in first.")]
    NotSignedIn,

    /// 401: which of the two is wrong, nobody is told.
    #[error("The nickname or the password is wrong.")]
    WrongPassword,

    /// 403: the user who is signed in is not the one the request names.
    #[error("This is another user's, and you are signed in as {0}.")]
    NotYours(String),

    /// 403: the browser says that the request comes from another site.
    #[error("A page of another site asks for this, and gets nothing.")]
    OtherSite,

    /// 403: the request's `Origin` is not what `PUBLIC_URL` says.
    #[error("A page of another site asks for this: the chat is at {0} alone.")]
    OtherOrigin(String),

    /// 403: the request's `Origin` is not its `Host`.
    #[error(
        "A page of another site asks for this: its Origin is not the Host. If \
         this is the chat's own page, a proxy has changed the Host: it must \
         keep it, or PUBLIC_URL must be the chat's address."
    )]
    OtherHost,

    /// 408: the request has not come as a whole.
    #[error("The request took too long.")]
    TooSlow,

    /// 405: the path exists, but not for this method.
    #[error("This path does not take this method.")]
    WrongMethod,

    /// 409: somebody else has this nickname.
    #[error("The nickname {0} is taken. Choose another one.")]
    NicknameTaken(String),

    /// 409: the request is meant for another database.
    #[error("This chat has another database by now. Reload the page.")]
    OtherDatabase,

    /// 422: the author has sent something else with this key.
    #[error("This key belongs to another message. Use a new key.")]
    KeyTaken,

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

    /// 429: somebody has done this too often.
    #[error("Too many {what}. Try again in {} s.", seconds(wait))]
    TooMany {
        /// What was done too often.
        what: &'static str,
        /// When the next one passes.
        wait: Duration,
    },

    /// 429: a user has a socket for each open page.
    #[error("You have the chat open too often. Close some of its pages.")]
    TooManyPages,

    /// 503: the database is busy, broken or gone. Not 500, since trying again may
    /// help: it may be started again, or its disk be full.
    #[error("The database does not answer. Try again in a moment.")]
    Database(#[source] sqlx::Error),

    /// 503: the same, for what was to be written together.
    #[error("The database does not answer. Try again in a moment.")]
    Group(#[source] Arc<sqlx::Error>),

    /// 503: the connection was lost while they were committed.
    #[error(
        "The database does not say whether this is stored. With a key, try \
         again in a moment."
    )]
    Unknown(#[source] Arc<sqlx::Error>),

    /// 503: others kept the database busy until it was too late.
    #[error("The database is busy. Try again in a moment.")]
    DatabaseBusy,

    /// 503: more people sign in at once than the server has time for.
    #[error("Many people are signing in. Try again in a moment.")]
    TooManyPasswords,

    /// 503: the server has no place for one more socket.
    #[error("Too many people are here. Try again in a moment.")]
    ServerFull,

    /// 503: the server is shutting down.
    #[error("The database is closed. Try again in a moment.")]
    DatabaseClosed,

    /// 500: the task that does a request's work ended early.
    #[error("The request can't be completed. The server's log says why.")]
    Task(#[from] tokio::task::JoinError),

    /// 500: the task that writes panicked.
    #[error("The request can't be completed. The server's log says why.")]
    Panic,

    /// 500: a password can't be hashed.
    #[error("The request can't be completed. The server's log says why.")]
    Password(#[from] argon2::password_hash::Error),

    /// 500: the system has no random bytes.
    #[error("The request can't be completed. The server's log says why.")]
    Random(#[from] getrandom::Error),

    /// 500: a template and its values do not fit.
    #[error("This page can't be shown. The server's log says why.")]
    Template(#[from] tera::Error),
}

impl Error {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) | Self::UnknownUser(_) => StatusCode::NOT_FOUND,
            Self::NotSignedIn | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::NotYours(_)
            | Self::OtherSite
            | Self::OtherOrigin(_)
            | Self::OtherHost => StatusCode::FORBIDDEN,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany { .. } | Self::TooManyPages => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::NicknameTaken(_) | Self::OtherDatabase => {
                StatusCode::CONFLICT
            }
            Self::KeyTaken | Self::Invalid(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Body { status, .. } => *status,
            Self::Database(_)
            | Self::Group(_)
            | Self::Unknown(_)
            | Self::DatabaseBusy
            | Self::DatabaseClosed
            | Self::ServerFull
            | Self::TooManyPasswords => StatusCode::SERVICE_UNAVAILABLE,
            Self::Task(_)
            | Self::Panic
            | Self::Template(_)
            | Self::Password(_)
            | Self::Random(_) => StatusCode::INTERNAL_SERVER_ERROR,
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

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed => Self::DatabaseClosed,
            _ => Self::Database(error),
        }
    }
}

/// Not one too few: after them, it must work.
fn seconds(wait: &Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
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
        let wait = match &self {
            Self::TooManyPasswords => Some(1),
            Self::TooMany { wait, .. } => Some(seconds(wait)),
            _ => None,
        };
        if let Some(wait) = wait {
            let wait = HeaderValue::from(wait);
            response.headers_mut().insert(RETRY_AFTER, wait);
        }
        response.extensions_mut().insert(ErrorText(text));
        response
    }
}
