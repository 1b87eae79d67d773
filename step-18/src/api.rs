//! The JSON API.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::SocketIo;

use crate::error::{Error, Json, Path, Query};
use crate::live;
use crate::store::{
    Content, Label, Message, MessageId, NewUser, Page, Store, User, UserId,
};

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

/// The body of POST /api/users.
#[derive(Deserialize)]
pub(crate) struct UserBody {
    name: String,
    email: String,
    nickname: String,
}

/// POST /api/users
pub(crate) async fn create_user(
    State(store): State<Store>,
    Json(body): Json<UserBody>,
) -> Result<(StatusCode, Json<User>), Error> {
    let new = NewUser {
        name: Label::new("name", body.name)?,
        email: Label::new("email", body.email)?,
        nickname: Label::new("nickname", body.nickname)?,
    };
    let user = store.add_user(new).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// The query of a list of messages: `?before=<id>&limit=<1..500>`.
#[derive(Deserialize)]
pub(crate) struct PageQuery {
    before: Option<MessageId>,
    limit: Option<u32>,
}

impl PageQuery {
    fn page(self) -> Result<Page, Error> {
        let limit = self.limit.unwrap_or(100);
        if !(1..=500).contains(&limit) {
            return Err(Error::Invalid(
                "limit must be a number from 1 to 500".to_owned(),
            ));
        }
        Ok(Page {
            before: self.before,
            limit,
        })
    }
}

/// GET /api/messages
pub(crate) async fn messages(
    State(store): State<Store>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Vec<Message>>, Error> {
    Ok(Json(store.messages(query.page()?).await?))
}

/// GET /api/users/{id}/messages
pub(crate) async fn user_messages(
    State(store): State<Store>,
    Path(id): Path<UserId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Vec<Message>>, Error> {
    Ok(Json(store.messages_of(id, query.page()?).await?))
}

/// The body of POST /api/messages.
#[derive(Deserialize)]
pub(crate) struct MessageBody {
    author_id: UserId,
    recipient_id: UserId,
    content: String,
}

/// POST /api/messages
pub(crate) async fn create_message(
    State(store): State<Store>,
    State(io): State<SocketIo>,
    Json(body): Json<MessageBody>,
) -> Result<(StatusCode, Json<Message>), Error> {
    let content = Content::new("content", body.content)?;
    // In a task of its own: when the sender hangs up, this function is
    // dropped at its next await, but the recipient still gets the message.
    let delivery = tokio::spawn(async move {
        let message = store
            .add_message(body.author_id, body.recipient_id, content)
            .await?;
        live::deliver(&io, &message).await;
        Ok::<_, Error>(message)
    });
    let message = delivery.await??;
    Ok((StatusCode::CREATED, Json(message)))
}
