//! The HTML pages.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use tera::{Context, Tera, context};

use crate::error::{Error, ErrorText};
use crate::extract::{Path, Query};
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

/// GET /front/users
pub(crate) async fn users(
    State(store): State<Store>,
    State(templates): State<Templates>,
) -> Result<Html<String>, Error> {
    let users = store.users().await?;
    templates.render("users.html", &context! { users => &users })
}

/// The query of the messages page: `?before=<id>` for older ones.
#[derive(Deserialize)]
pub(crate) struct Older {
    before: Option<MessageId>,
}

/// GET /front/messages/{id}
pub(crate) async fn messages(
    State(store): State<Store>,
    State(templates): State<Templates>,
    Path(id): Path<UserId>,
    Query(Older { before }): Query<Older>,
) -> Result<Html<String>, Error> {
    let user = store.user(id).await?;
    let users = store.users().await?;
    let database_id = store.database_id().await?;
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
    templates.render(
        "messages.html",
        &context! {
            user => &user,
            database_id => &database_id,
            users => &users,
            messages => &messages,
            has_older => &has_older,
            is_newest => &before.is_none(),
        },
    )
}

/// GET /front/lobby
pub(crate) async fn lobby(
    State(templates): State<Templates>,
) -> Result<Html<String>, Error> {
    templates.render("lobby.html", &Context::new())
}

/// Shows an error under /front as a page with the same status.
pub(crate) async fn errors_as_pages(
    State(templates): State<Templates>,
    uri: Uri,
    response: Response,
) -> Response {
    if uri.path() != "/front" && !uri.path().starts_with("/front/") {
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
        Ok(page) => (response.status(), page).into_response(),
        Err(error) => error.into_response(),
    }
}
