//! The HTML pages.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use tera::{Context, Tera, context};

use crate::error::{Error, ErrorText};
use crate::extract::{Path, Query};
use crate::session::{self, Cookie, is_page};
use crate::store::accounts::Session;
use crate::store::{Edge, Slice, Store};
use crate::text::{MessageId, UserId};

/// How many messages a page shows.
const SHOWN: usize = 100;

/// The templates, read into the program when it is built.
#[derive(Clone)]
pub(crate) struct Templates(Arc<Tera>);

impl Templates {
    pub(crate) fn new() -> Self {
        let mut tera = Tera::default();
        // The names end in .html: that is what makes Tera escape values.
        tera.add_raw_templates([
            ("base.html", include_str!("../templates/base.html")),
            ("error.html", include_str!("../templates/error.html")),
            ("lobby.html", include_str!("../templates/lobby.html")),
            ("messages.html", include_str!("../templates/messages.html")),
            ("sign-in.html", include_str!("../templates/sign-in.html")),
            ("sign-up.html", include_str!("../templates/sign-up.html")),
            ("users.html", include_str!("../templates/users.html")),
        ])
        .expect("the templates are part of the program, and tested");
        tera.global_context().insert("step", env!("CARGO_PKG_NAME"));
        Self(Arc::new(tera))
    }

    fn render(
        &self,
        name: &str,
        context: &Context,
    ) -> Result<Html<String>, Error> {
        Ok(Html(self.0.render(name, context)?))
    }
}

/// GET /: one's own messages.
pub(crate) async fn home(Extension(session): Extension<Session>) -> Redirect {
    Redirect::to(&format!("/front/messages/{}", session.user.id.0))
}

/// GET /front/sign-in, for whoever is signed in as well. The link to sign-up
/// keeps the query, which says where to go on.
pub(crate) async fn sign_in(
    State(store): State<Store>,
    State(templates): State<Templates>,
    State(cookie): State<Cookie>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, Error> {
    let mut context = match session::current(&store, cookie, &headers).await {
        Ok(session) => of(&store, &session).await?,
        Err(Error::NotSignedIn) => Context::new(),
        Err(error) => return Err(error),
    };
    context.insert("query", &uri.query());
    templates.render("sign-in.html", &context)
}

/// GET /front/sign-up
pub(crate) async fn sign_up(
    State(templates): State<Templates>,
    uri: Uri,
) -> Result<Html<String>, Error> {
    templates.render("sign-up.html", &context! { query => &uri.query() })
}

/// What each page of somebody who is signed in has.
async fn of(store: &Store, session: &Session) -> Result<Context, Error> {
    let database_id = store.database_id().await?;
    Ok(context! {
        user => &session.user,
        database_id => &database_id,
    })
}

/// GET /front/users
pub(crate) async fn users(
    State(store): State<Store>,
    State(templates): State<Templates>,
    Extension(session): Extension<Session>,
) -> Result<Html<String>, Error> {
    let mut context = of(&store, &session).await?;
    context.insert("users", &store.users().await?);
    templates.render("users.html", &context)
}

/// The query of the messages page: `?before=<id>` for older ones, `?to=<id>`
/// chooses a recipient.
#[derive(Deserialize)]
pub(crate) struct MessagesQuery {
    before: Option<MessageId>,
    to: Option<UserId>,
}

/// GET /front/messages/{id}
pub(crate) async fn messages(
    State(store): State<Store>,
    State(templates): State<Templates>,
    Extension(session): Extension<Session>,
    Path(id): Path<UserId>,
    Query(MessagesQuery { before, to }): Query<MessagesQuery>,
) -> Result<Html<String>, Error> {
    let user = store.user(id).await?;
    session.must_be(user.id)?;
    let mut context = of(&store, &session).await?;
    context.insert("users", &store.users().await?);
    context.insert("to", &to);
    // One more than is shown tells whether there are older ones.
    let slice = Slice {
        edge: before.map_or(Edge::Newest, Edge::Before),
        limit: SHOWN as i64 + 1,
    };
    let mut messages = store.messages_of(id, slice).await?;
    let has_older = messages.len() > SHOWN;
    if has_older {
        messages.remove(0);
    }
    context.insert("messages", &messages);
    context.insert("has_older", &has_older);
    context.insert("is_newest", &before.is_none());
    templates.render("messages.html", &context)
}

/// GET /front/lobby
pub(crate) async fn lobby(
    State(store): State<Store>,
    State(templates): State<Templates>,
    Extension(session): Extension<Session>,
) -> Result<Html<String>, Error> {
    templates.render("lobby.html", &of(&store, &session).await?)
}

/// Shows an error under /front as a page with the same status.
pub(crate) async fn errors_as_pages(
    State(templates): State<Templates>,
    uri: Uri,
    response: Response,
) -> Response {
    if !is_page(&uri) {
        return response;
    }
    let Some(ErrorText(text)) = response.extensions().get() else {
        return response;
    };
    let context = context! {
        status => &response.status().as_u16(),
        text => text,
    };
    match templates.render("error.html", &context) {
        Ok(page) => {
            let allow = response.headers().get(ALLOW).cloned();
            let allow = allow.map(|methods| [(ALLOW, methods)]);
            (response.status(), allow, page).into_response()
        }
        Err(error) => error.into_response(),
    }
}
