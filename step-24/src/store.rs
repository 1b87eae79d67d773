//! Users and messages: the questions to the database, and their SQL.
//!
//! Each connection lives on a thread of its own: [`Store`] sends it closures
//! and awaits their results. Nothing in a closure that reads may panic, since
//! that would end the thread.

pub(crate) mod accounts;
mod group;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_rusqlite::rusqlite;
use tokio_rusqlite::rusqlite::{Connection, OptionalExtension, Row};

pub use crate::database::OpenError;
use crate::database::{self, PATIENCE, pragma};
use crate::error::Error;
use crate::store::group::{Change, Waiting};
use crate::text::{Content, Key, Label, MessageId, UserId};

/// How many stored messages may wait for [`Store::next_stored`]. Then those who
/// write wait, too.
const AHEAD: usize = 1024;

/// Someone who can send and receive messages.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) nickname: String,
}

/// A message as it was stored; `date` is RFC 3339 in UTC. It has a key if its
/// sender gave it one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) content: String,
    pub(crate) date: String,
    pub(crate) author: User,
    pub(crate) recipient: User,
    pub(crate) key: Option<Key>,
}

/// A message to be added. Its content is not checked yet.
#[derive(Debug)]
pub(crate) struct NewMessage {
    pub(crate) author: UserId,
    pub(crate) recipient: UserId,
    pub(crate) content: String,
    pub(crate) key: Option<Key>,
    /// The id of the database that the sender means, if it matters.
    pub(crate) database_id: Option<String>,
}

/// A message that is stored.
#[derive(Debug)]
pub(crate) enum Stored {
    /// This request stored it.
    Now(Message),
    /// An earlier request with its key did.
    Before(Message),
}

/// A user to be added; the password is a hash.
#[derive(Debug)]
pub(crate) struct NewUser {
    pub(crate) name: Label,
    pub(crate) email: Label,
    pub(crate) nickname: Label,
    pub(crate) password: String,
}

/// Which part of a long list: the `limit` messages that are next to its edge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(crate) edge: Edge,
    pub(crate) limit: i64,
}

/// Where a slice ends, or where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edge {
    /// It ends with the newest message.
    Newest,
    /// It ends before this one.
    Before(MessageId),
    /// It begins after this one.
    After(MessageId),
}

impl Slice {
    /// The SQL for the messages that one user sent or received, from the edge
    /// on, and the id at the edge. ?1: that id, ?2: how many, ?3: the user.
    /// For "author or recipient" SQLite would go through all messages until it
    /// has enough of them; for one of the two it has an index.
    fn query(self) -> (String, i64) {
        let (side, order, id) = match self.edge {
            Edge::Newest => ("<", "desc", i64::MAX),
            Edge::Before(MessageId(id)) => ("<", "desc", id),
            Edge::After(MessageId(id)) => (">", "asc", id),
        };
        let sql = format!(
            "select * from full_messages
            where id in (
                select id from (
                    select id from messages
                    where author_id = ?3 and id {side} ?1
                    order by id {order} limit ?2
                )
                union
                select id from (
                    select id from messages
                    where recipient_id = ?3 and id {side} ?1
                    order by id {order} limit ?2
                )
            )
            order by id {order}
            limit ?2"
        );
        (sql, id)
    }
}

/// The users and messages. Cheap to clone: all clones share two connections.
/// While another program holds the file, writes wait, and reads need not:
/// SQLite lets a reader see what is committed.
#[derive(Clone)]
pub struct Store {
    reader: tokio_rusqlite::Connection,
    writer: tokio_rusqlite::Connection,
    waiting: Waiting,
    stored: mpsc::Sender<Message>,
    next_stored: Arc<Mutex<mpsc::Receiver<Message>>>,
}

impl Store {
    /// Opens the database in the file `path`, and creates it when there is
    /// none.
    ///
    /// # Errors
    /// Fails when the file can't be used; its content is not changed then.
    ///
    /// # Panics
    /// When the runtime is shutting down.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let writer = database::open(&path)?.into();
            let reader = database::open(&path)?.into();
            let (stored, next_stored) = mpsc::channel(AHEAD);
            Ok(Self {
                reader,
                writer,
                waiting: Waiting::default(),
                stored,
                next_stored: Arc::new(Mutex::new(next_stored)),
            })
        });
        opened.await.expect("opening does not panic")
    }

    /// Closes the database; what is asked of any clone later is refused.
    pub(crate) async fn close(self) {
        // Nobody delivers any more, and nobody is to wait for that.
        self.next_stored.lock().await.close();
        for connection in [self.reader, self.writer] {
            if let Err(error) = connection.close().await {
                tracing::error!(%error, "the database did not close");
            }
        }
    }

    /// Reads the schema's version, which shows that the database answers.
    pub(crate) async fn schema_version(&self) -> Result<i32, Error> {
        call(&self.reader, |connection| {
            Ok(pragma(connection, "user_version")?)
        })
        .await
    }

    /// The random id of this database.
    pub(crate) async fn database_id(&self) -> Result<String, Error> {
        call(&self.reader, find_database_id).await
    }

    /// All users, in the order in which they were added.
    pub(crate) async fn users(&self) -> Result<Vec<User>, Error> {
        call(&self.reader, |connection| {
            let users = connection
                .prepare_cached(
                    "select id, name, nickname from users order by id",
                )?
                .query_map([], |row| User::from_row(row, 0))?
                .collect::<Result<_, _>>()?;
            Ok(users)
        })
        .await
    }

    /// One user; an unknown one is an error.
    pub(crate) async fn user(&self, id: UserId) -> Result<User, Error> {
        call(&self.reader, move |connection| find_user(connection, id)).await
    }

    /// A slice of the messages that a user sent or received, oldest first; an
    /// unknown user is an error.
    pub(crate) async fn messages_of(
        &self,
        user: UserId,
        slice: Slice,
    ) -> Result<Vec<Message>, Error> {
        call(&self.reader, move |connection| {
            let UserId(user) = find_user(connection, user)?.id;
            let (sql, edge) = slice.query();
            let parameters = (edge, slice.limit, user);
            let mut messages: Vec<Message> = connection
                .prepare_cached(&sql)?
                .query_map(parameters, Message::from_row)?
                .collect::<Result<_, _>>()?;
            messages.sort_unstable_by_key(|message| message.id.0);
            Ok(messages)
        })
        .await
    }

    /// The next message that was stored, in order of id.
    pub(crate) async fn next_stored(&self) -> Option<Message> {
        self.next_stored.lock().await.recv().await
    }

    /// Adds a message, unless it is there already; when this returns, it is on
    /// the disk. An unknown author or recipient is an error, and so is a key
    /// that belongs to another message of this author.
    pub(crate) async fn add_message(
        &self,
        new: NewMessage,
    ) -> Result<Stored, Error> {
        let next = self.stored.clone();
        let change = move |connection: &Connection| add_once(connection, new);
        self.write_then(change, move |stored| {
            if let Stored::Now(message) = stored {
                next.blocking_send(message.clone()).ok();
            }
        })
        .await
    }

    /// Runs `change` in a transaction, together with what else waits for the
    /// connection; returns when it is committed. If its turn does not come
    /// within [`PATIENCE`], it is not made.
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.write_then(change, |_| ()).await
    }

    /// As `write`; calls `then` in the order in which changes were made.
    async fn write_then<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, mut answered) = oneshot::channel();
        let place = self.waiting.push(Change {
            deadline: Instant::now() + PATIENCE,
            make: Some(change),
            made: None,
            then: move |made: Result<T, Error>| {
                made.as_ref().ok().map(then);
                answer.send(made).ok();
            },
        });
        // The first of several whose turn comes writes for all.
        let waiting = self.waiting.clone();
        let turn = self.writer.call_raw(move |connection| {
            group::commit(connection, waiting.take(place));
        });
        tokio::select! {
            biased;
            made = &mut answered => made.unwrap_or(Err(Error::Panic)),
            _ = turn => match answered.try_recv() {
                Ok(made) => made,
                Err(TryRecvError::Closed) => Err(Error::Panic),
                // It had no turn.
                Err(TryRecvError::Empty) => Err(Error::DatabaseClosed),
            },
        }
    }
}

/// Looks for the key first. What is stored is stored, and no rule that came
/// later calls it refused.
fn add_once(connection: &Connection, new: NewMessage) -> Result<Stored, Error> {
    if let Some(id) = new.database_id
        && id != find_database_id(connection)?
    {
        return Err(Error::OtherDatabase);
    }
    if let Some(Key(key)) = &new.key
        && let Some(message) = find_by_key(connection, new.author, key)?
    {
        if (message.recipient.id, &message.content)
            != (new.recipient, &new.content)
        {
            return Err(Error::KeyTaken);
        }
        return Ok(Stored::Before(message));
    }

    let content = Content::new("content", new.content)?.into_string();
    let author = find_user(connection, new.author)?;
    let recipient = find_user(connection, new.recipient)?;
    let key = new.key.as_ref().map(|Key(key)| key);
    let (id, date) = connection
        .prepare_cached(
            "insert into messages (content, author_id, recipient_id, key)
            values (?1, ?2, ?3, ?4)
            returning id, date",
        )?
        .query_one((&content, author.id.0, recipient.id.0, key), |row| {
            Ok((MessageId(row.get(0)?), row.get(1)?))
        })?;
    Ok(Stored::Now(Message {
        id,
        content,
        date,
        author,
        recipient,
        key: new.key,
    }))
}

/// Runs `query` on the connection's thread, if its turn comes within
/// [`PATIENCE`] from now; what is left of that time is how long it may wait
/// for another program. So whoever is told that the database is busy knows
/// that nothing was stored, and that nothing will be.
async fn call<T: Send + 'static>(
    connection: &tokio_rusqlite::Connection,
    query: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let deadline = Instant::now() + PATIENCE;
    let answer = connection.call(move |connection| {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::DatabaseBusy);
        }
        connection.busy_timeout(left)?;
        query(connection)
    });
    answer.await.map_err(|error| match error {
        tokio_rusqlite::Error::Error(error) => error,
        _ => Error::DatabaseClosed,
    })
}

fn find_database_id(connection: &Connection) -> Result<String, Error> {
    let mut statement = connection.prepare_cached("select id from database")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

fn find_by_key(
    connection: &Connection,
    author: UserId,
    key: &str,
) -> Result<Option<Message>, Error> {
    let message = connection
        .prepare_cached(
            "select * from full_messages where author_id = ?1 and key = ?2",
        )?
        .query_row((author.0, key), Message::from_row)
        .optional()?;
    Ok(message)
}

fn find_user(connection: &Connection, id: UserId) -> Result<User, Error> {
    connection
        .prepare_cached("select id, name, nickname from users where id = ?1")?
        .query_row([id.0], |row| User::from_row(row, 0))
        .optional()?
        .ok_or(Error::UnknownUser(id.0))
}

impl User {
    /// Reads the three columns of a user that begin at `first`.
    fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            id: UserId(row.get(first)?),
            name: row.get(first + 1)?,
            nickname: row.get(first + 2)?,
        })
    }
}

impl Message {
    /// Reads a row of `full_messages`.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: MessageId(row.get(0)?),
            content: row.get(1)?,
            date: row.get(2)?,
            author: User::from_row(row, 3)?,
            recipient: User::from_row(row, 6)?,
            key: row.get::<_, Option<_>>(9)?.map(Key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of many messages, one user's are few.
    #[test]
    fn a_slice_goes_through_the_messages_of_its_user_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = database::open(file.path()).unwrap();
        let id = MessageId(7);
        for edge in [Edge::Newest, Edge::Before(id), Edge::After(id)] {
            let (sql, edge) = Slice { edge, limit: 100 }.query();
            let plan = connection
                .prepare(&format!("explain query plan {sql}"))
                .unwrap()
                .query_map((edge, 100, 1), |row| row.get(3))
                .unwrap()
                .collect::<Result<Vec<String>, _>>()
                .unwrap()
                .join("\n");
            for index in ["messages_by_author", "messages_by_recipient"] {
                assert!(plan.contains(&format!("INDEX {index}")), "{plan}");
            }
            // Not one message after the other, with a look whose it is.
            for walk in ["SCAN message", "(rowid<?)", "(rowid>?)"] {
                assert!(!plan.contains(walk), "{plan}");
            }
        }
    }
}
