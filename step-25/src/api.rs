//! The JSON API.

use axum::Extension;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::SocketIo;

use crate::error::Error;
use crate::extract::{Json, Object, Path, Query};
use crate::limits::{self, Limits};
use crate::live;
use crate::password::{Hasher, Password};
use crate::session::{self, Cookie, Token};
use crate::store::accounts::{Me, Session};
use crate::store::{
    Edge, Message, NewMessage, NewUser, Slice, Store, Stored, User,
};
use crate::text::{Key, Label, MessageId, UserId, whole_number};

/// GET /db/alive
pub(crate) async fn alive(
    State(store): State<Store>,
) -> Result<Json<Value>, Error> {
    let schema_version = store.schema_version().await?;
    Ok(Json(json!({
        "status": "healthy",
        "schema_version": schema_version,
    })))
}

/// GET /api/version
pub(crate) async fn version() -> Json<Value> {
    Json(json!({ "version": env!("CARGO_PKG_NAME") }))
}

/// GET /api/users
pub(crate) async fn users(
    State(store): State<Store>,
) -> Result<Json<Vec<User>>, Error> {
    Ok(Json(store.users().await?))
}

/// GET /api/users/{id}
pub(crate) async fn user(
    State(store): State<Store>,
    Path(id): Path<UserId>,
) -> Result<Json<User>, Error> {
    Ok(Json(store.user(id).await?))
}

/// GET /api/me: who is signed in.
pub(crate) async fn me(
    State(store): State<Store>,
    Extension(session): Extension<Session>,
) -> Result<Json<Me>, Error> {
    Ok(Json(store.me(session.user.id).await?))
}

/// The answer to whoever gets in: the user, and the cookie.
type Welcome = (StatusCode, [(HeaderName, String); 1], Json<Me>);

fn welcome(cookie: Cookie, token: &Token, me: Me) -> Welcome {
    let cookie = [(SET_COOKIE, token.cookie(cookie))];
    (StatusCode::CREATED, cookie, Json(me))
}

/// The body of POST /api/sessions.
#[derive(Deserialize)]
pub(crate) struct SessionBody {
    nickname: String,
    password: String,
}

/// POST /api/sessions: signs in. A session that this browser has ends.
pub(crate) async fn create_session(
    State(store): State<Store>,
    State(hasher): State<Hasher>,
    State(io): State<SocketIo>,
    State(cookie): State<Cookie>,
    Extension(here): Extension<limits::Here>,
    headers: HeaderMap,
    Json(Object(body)): Json<Object<SessionBody>>,
) -> Result<Welcome, Error> {
    here.sign_in(&body.nickname)?;
    let account = store.account(body.nickname).await?;
    let hash = account.as_ref().and_then(|it| it.password.clone());
    let fits = hasher.fits(Password::typed(&body.password), hash).await?;
    let Some(account) = account.filter(|_| fits) else {
        return Err(Error::WrongPassword);
    };
    here.signed_in(&account.me.user.nickname);
    let me = account.me.clone();
    let (token, session) = session::begin(cookie, &headers)?;
    let replaced = session.replaces.clone();
    store.begin_session(account, session).await?;
    live::end(&io, replaced).await;
    Ok(welcome(cookie, &token, me))
}

/// DELETE /api/session: signs out.
pub(crate) async fn delete_session(
    State(store): State<Store>,
    State(io): State<SocketIo>,
    State(cookie): State<Cookie>,
    Extension(session): Extension<Session>,
) -> Result<(StatusCode, [(HeaderName, String); 1]), Error> {
    store.end_session(session.id.clone()).await?;
    live::end(&io, vec![session.id]).await;
    let cookie = [(SET_COOKIE, session::no_cookie(cookie))];
    Ok((StatusCode::NO_CONTENT, cookie))
}

/// The body of POST /api/users.
#[derive(Deserialize)]
pub(crate) struct UserBody {
    name: String,
    email: String,
    nickname: String,
    password: String,
}

/// POST /api/users: who signs up is signed in.
pub(crate) async fn create_user(
    State(store): State<Store>,
    State(hasher): State<Hasher>,
    State(io): State<SocketIo>,
    State(cookie): State<Cookie>,
    here: Extension<limits::Here>,
    headers: HeaderMap,
    Json(Object(body)): Json<Object<UserBody>>,
) -> Result<Welcome, Error> {
    let UserBody {
        name,
        email,
        nickname,
        ..
    } = &body;
    let password = Password::new(&body.password, [name, email, nickname]);
    let new = NewUser {
        name: Label::new("name", body.name)?,
        email: Label::new("email", body.email)?,
        nickname: Label::new("nickname", body.nickname)?,
        password: {
            let password = password?;
            here.sign_up()?;
            hasher.hash(password).await?
        },
    };
    let (token, session) = session::begin(cookie, &headers)?;
    let replaced = session.replaces.clone();
    let me = store.add_user(new, session).await?;
    here.signed_in(&me.user.nickname);
    live::end(&io, replaced).await;
    Ok(welcome(cookie, &token, me))
}

/// The query of a list of messages: `?before=<id>&limit=<1..500>`, or `after`
/// instead of `before`.
#[derive(Deserialize)]
pub(crate) struct SliceQuery {
    before: Option<MessageId>,
    after: Option<MessageId>,
    #[serde(default = "usual_limit", deserialize_with = "whole_number")]
    limit: i64,
}

fn usual_limit() -> i64 {
    100
}

impl SliceQuery {
    fn slice(self) -> Result<Slice, Error> {
        if !(1..=500).contains(&self.limit) {
            return Err(Error::Invalid(
                "The limit must be a number from 1 to 500.".to_owned(),
            ));
        }
        let edge = match (self.before, self.after) {
            (None, None) => Edge::Newest,
            (Some(id), None) => Edge::Before(id),
            (None, Some(id)) => Edge::After(id),
            (Some(_), Some(_)) => {
                let text = "A list is before or after a message, not both.";
                return Err(Error::Invalid(text.to_owned()));
            }
        };
        let limit = self.limit;
        Ok(Slice { edge, limit })
    }
}

/// GET /api/messages: one's own.
pub(crate) async fn messages(
    State(store): State<Store>,
    Extension(session): Extension<Session>,
    Query(query): Query<SliceQuery>,
) -> Result<Json<Vec<Message>>, Error> {
    let messages = store.messages_of(session.user.id, query.slice()?);
    Ok(Json(messages.await?))
}

/// GET /api/users/{id}/messages
pub(crate) async fn user_messages(
    State(store): State<Store>,
    Extension(session): Extension<Session>,
    Path(id): Path<UserId>,
    Query(query): Query<SliceQuery>,
) -> Result<Json<Vec<Message>>, Error> {
    let user = store.user(id).await?;
    session.must_be(user.id)?;
    Ok(Json(store.messages_of(id, query.slice()?).await?))
}

/// The body of POST /api/messages. The author is who is signed in; a page says
/// whose it is, so that nothing goes out in the name of somebody who has signed
/// in beside it. Whoever may have to send it again gives it a key, and says
/// which database it is for.
#[derive(Deserialize)]
pub(crate) struct MessageBody {
    author_id: Option<UserId>,
    recipient_id: UserId,
    content: String,
    key: Option<String>,
    database_id: Option<String>,
}

/// POST /api/messages: 201 when the message is stored by it, 200 when it was
/// stored before.
pub(crate) async fn create_message(
    State(store): State<Store>,
    State(limits): State<Limits>,
    Extension(session): Extension<Session>,
    Json(Object(body)): Json<Object<MessageBody>>,
) -> Result<(StatusCode, Json<Message>), Error> {
    limits.message(session.user.id)?;
    if let Some(author) = body.author_id {
        session.must_be(author)?;
    }
    let new = NewMessage {
        author: session.user.id,
        recipient: body.recipient_id,
        content: body.content,
        key: body.key.map(Key::new).transpose()?,
        database_id: body.database_id,
    };
    // When the sender hangs up, this function is dropped here; the message is
    // stored and delivered all the same.
    Ok(match store.add_message(new).await? {
        Stored::Now(message) => (StatusCode::CREATED, Json(message)),
        Stored::Before(message) => (StatusCode::OK, Json(message)),
    })
}
