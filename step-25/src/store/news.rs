//! What PostgreSQL tells all servers: that there is something new to read.

use std::io;
use std::time::Duration;

use serde::Serialize;
use sqlx::postgres::{PgListener, PgRow};
use sqlx::{FromRow, PgConnection, Row as _, query, query_as};
use tokio::time::timeout;

use super::group::{self, Entry, Job, Outcomes};
use super::{Message, Store};
use crate::database;
use crate::error::Error;
use crate::text::{Content, SessionId};

/// How long nothing may be told until it is looked all the same: a connection
/// may be dead and not know it.
const SILENCE: Duration = Duration::from_secs(1);

/// How much is read at once.
pub(crate) const MOST: u16 = 500;

/// What everybody in the lobby reads. `date` is RFC 3339 in UTC.
#[derive(Debug, Serialize)]
pub(crate) struct LobbyMessage {
    #[serde(skip)]
    id: i64,
    handle: String,
    message: String,
    date: String,
}

/// Up to where somebody has read. Ids are given out under a lock, so what is
/// committed later has a higher one.
pub(crate) struct Position {
    message: i64,
    lobby: i64,
}

/// A connection on which PostgreSQL tells what has happened.
pub(crate) struct News {
    listener: PgListener,
    /// Whether it has told something the last time.
    pub(crate) has_told: bool,
}

impl News {
    /// Waits until there may be something new. Returns the sessions that have
    /// ended; an error when the connection is known to be lost.
    pub(crate) async fn next(&mut self) -> Result<Vec<SessionId>, Error> {
        let mut ended = Vec::new();
        let mut patience = SILENCE;
        self.has_told = false;
        while let Ok(told) = timeout(patience, self.listener.try_recv()).await {
            let Some(told) = told? else {
                let lost = io::Error::from(io::ErrorKind::ConnectionAborted);
                return Err(Error::Database(lost.into()));
            };
            if told.channel() == "sessions" {
                ended.push(SessionId(told.payload().to_owned()));
            }
            self.has_told = true;
            // What has come already is taken along.
            patience = Duration::ZERO;
        }
        Ok(ended)
    }
}

impl Store {
    /// Is told what happens from now on.
    pub(crate) async fn listen(&self) -> Result<News, Error> {
        let listening = async {
            let mut listener = PgListener::connect_with(&self.pool).await?;
            listener.eager_reconnect(false);
            listener
                .listen_all(["messages", "lobby", "sessions"])
                .await?;
            Ok(listener)
        };
        Ok(News {
            listener: database::answer(listening).await?,
            has_told: true,
        })
    }

    /// The position after all that is there.
    pub(crate) async fn position(&self) -> Result<Position, Error> {
        let (message, lobby) = query_as(
            "select (select coalesce(max(id), 0) from messages),
                (select coalesce(max(id), 0) from lobby)",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Position { message, lobby })
    }

    /// The next messages after a position, in order of id. Moves it behind them.
    pub(crate) async fn next_messages(
        &self,
        position: &mut Position,
    ) -> Result<Vec<Message>, Error> {
        let messages = query_as(
            "select * from full_messages where id > $1 order by id limit $2",
        )
        .bind(position.message)
        .bind(i64::from(MOST))
        .fetch_all(&self.pool);
        let messages: Vec<Message> = database::answer(messages).await?;
        if let Some(last) = messages.last() {
            position.message = last.id.0;
        }
        Ok(messages)
    }

    /// The same of what is said in the lobby.
    pub(crate) async fn next_words(
        &self,
        position: &mut Position,
    ) -> Result<Vec<LobbyMessage>, Error> {
        let words = query_as(
            "select id, handle, message, rfc3339(date) as date from lobby
            where id > $1 order by id limit $2",
        )
        .bind(position.lobby)
        .bind(i64::from(MOST))
        .fetch_all(&self.pool);
        let words: Vec<LobbyMessage> = database::answer(words).await?;
        if let Some(last) = words.last() {
            position.lobby = last.id;
        }
        Ok(words)
    }

    /// Says something in the lobby.
    pub(crate) async fn say(
        &self,
        handle: String,
        message: Content,
    ) -> Result<(), Error> {
        let message = message.into_string();
        let word = Word { handle, message };
        let said = group::add(&self.lobby, word).await;
        said.map_err(|error| match error {
            // It has no key to try again with.
            Error::Unknown(error) => Error::Group(error),
            error => error,
        })
    }
}

/// What somebody says in the lobby.
pub(super) struct Word {
    handle: String,
    message: String,
}

impl Entry for Word {
    type Written = ();

    /// By rows, since a notification takes less than 8,000 bytes.
    async fn write(
        connection: &mut PgConnection,
        group: &[Job<Self>],
    ) -> sqlx::Result<Outcomes<Self>> {
        let column = |value: fn(&Self) -> &str| -> Vec<&str> {
            group.iter().map(|job| value(&job.new)).collect()
        };
        query(
            "insert into lobby (handle, message)
            select * from unnest($1::text[], $2::text[])",
        )
        .bind(column(|word| &word.handle))
        .bind(column(|word| &word.message))
        .execute(&mut *connection)
        .await?;
        query("select pg_notify('lobby', '')")
            .execute(connection)
            .await?;
        Ok(group.iter().map(|_| Ok(())).collect())
    }
}

impl FromRow<'_, PgRow> for LobbyMessage {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            handle: row.try_get("handle")?,
            message: row.try_get("message")?,
            date: row.try_get("date")?,
        })
    }
}
