//! Users and messages in SQLite; all SQL is here.
//!
//! One connection, on a thread of its own: [`Store`] sends it closures and
//! awaits their results. Nothing in such a closure may panic, since that
//! would end the thread.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_rusqlite::rusqlite;
use tokio_rusqlite::rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
use tokio_rusqlite::rusqlite::{
    Connection, OptionalExtension, Row, Transaction, TransactionBehavior,
};

use crate::error::Error;

/// Marks a file as this chat's: "chat" in ASCII.
/// <https://sqlite.org/pragma.html#pragma_application_id>
const APPLICATION_ID: i32 = 0x6368_6174;

/// Counts the changes of the schema.
/// <https://sqlite.org/pragma.html#pragma_user_version>
const SCHEMA_VERSION: i32 = 1;

const SCHEMA: &str = "
    create table users (
        id       integer primary key autoincrement,
        name     text not null check (length(name) between 1 and 100),
        email    text not null check (length(email) between 1 and 100),
        nickname text not null check (length(nickname) between 1 and 100)
                 unique
    ) strict;

    create table messages (
        id           integer primary key autoincrement,
        content      text not null check (length(content) between 1 and 2000),
        date         text not null
                     default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
        author_id    integer not null references users (id),
        recipient_id integer not null references users (id)
    ) strict;

    create index messages_by_author on messages (author_id);
    create index messages_by_recipient on messages (recipient_id);

    create view full_messages as
    select message.id, content, date,
           author.id    as author_id,    author.name        as author_name,
           author.email as author_email, author.nickname    as author_nickname,
           recipient.id as recipient_id, recipient.name     as recipient_name,
           recipient.email as recipient_email,
           recipient.nickname as recipient_nickname
    from messages as message
    join users as author on author.id = message.author_id
    join users as recipient on recipient.id = message.recipient_id;
";

/// The newest messages of everybody. ?1: the id they are below, ?2: how many.
const MESSAGES: &str = "
    select * from full_messages
    where id < ?1
    order by id desc
    limit ?2
";

/// The newest messages that one user sent or received. Each half stops at
/// its limit by its own index, so that an old inbox costs no more than a new
/// one.
const MESSAGES_OF_USER: &str = "
    select * from full_messages
    where id in (
        select id from (
            select id from messages
            where author_id = ?3 and id < ?1
            order by id desc
            limit ?2
        )
        union
        select id from (
            select id from messages
            where recipient_id = ?3 and id < ?1
            order by id desc
            limit ?2
        )
    )
    order by id desc
    limit ?2
";

/// Names a user. Not a bare integer, so that it is never taken for the id of
/// something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UserId(pub(crate) i64);

/// Names a message. A later message has a higher id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct MessageId(i64);

/// Someone who can send and receive messages.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) nickname: String,
}

/// A message as it was stored; `date` is RFC 3339 in UTC.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) content: String,
    pub(crate) date: String,
    pub(crate) author: User,
    pub(crate) recipient: User,
}

/// A text of 1 to `MAX` Unicode scalar values that is not blank and has no
/// control characters other than newline and tab. It is kept as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Text<const MAX: usize>(String);

/// What a message says.
pub(crate) type Content = Text<2000>;

/// A name, an email address or a nickname.
pub(crate) type Label = Text<100>;

impl<const MAX: usize> Text<MAX> {
    /// Checks `text`; the error calls it `field`.
    pub(crate) fn new(field: &str, text: String) -> Result<Self, Error> {
        let wrong = |rule: &str| Error::Invalid(format!("{field} {rule}"));

        if text.trim().is_empty() {
            return Err(wrong("must not be blank"));
        }
        // Counted here, not by SQLite, whose `length` stops at a NUL.
        if text.chars().count() > MAX {
            return Err(wrong(&format!("is longer than {MAX} characters")));
        }
        let allowed = |c: char| !c.is_control() || c == '\n' || c == '\t';
        if !text.chars().all(allowed) {
            return Err(wrong(
                "has control characters other than newline and tab",
            ));
        }
        Ok(Self(text))
    }
}

/// A user to be added.
#[derive(Debug)]
pub(crate) struct NewUser {
    pub(crate) name: Label,
    pub(crate) email: Label,
    pub(crate) nickname: Label,
}

/// Which messages of a long list: the newest `limit` of those older than
/// `before`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) before: Option<MessageId>,
    pub(crate) limit: u32,
}

impl Page {
    /// The id that all messages of the page are below.
    fn end(self) -> i64 {
        self.before.map_or(i64::MAX, |MessageId(id)| id)
    }
}

/// Why a file can't be used as the chat's database.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It can't be opened, created, read or written.
    #[error(
        "can't open the database {}: {source}; choose another file, for \
         example DATABASE=chat.db",
        path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },

    /// It can be read but not written.
    #[error(
        "the database {} is read-only: make it writable, or choose another \
         file, for example DATABASE=chat.db",
        .0.display()
    )]
    ReadOnly(PathBuf),

    /// It is an SQLite database of another program.
    #[error(
        "the database {} is not this chat's: choose another file, for \
         example DATABASE=chat.db",
        .0.display()
    )]
    NotAChat(PathBuf),

    /// It is in memory, or where SQLite can't keep its log.
    #[error(
        "the database \"{}\" would not be kept: choose a file on a disk, for \
         example DATABASE=chat.db",
        .0.display()
    )]
    NotKept(PathBuf),

    /// It was written by a later version of this chat.
    #[error(
        "the database {} was written by a newer version of this chat: run \
         that one, or choose another file, for example DATABASE=chat.db",
        .0.display()
    )]
    Newer(PathBuf),
}

/// The users and messages. Cheap to clone: all clones share one connection.
#[derive(Clone)]
pub struct Store {
    connection: tokio_rusqlite::Connection,
}

impl Store {
    /// Opens the database in the file `path`, and creates it when there is
    /// none.
    ///
    /// # Errors
    /// Fails when the file can't be used; its content is not changed then.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let unusable = |source| OpenError::Unusable {
            path: path.clone(),
            source,
        };

        let connection = tokio_rusqlite::Connection::open(&path)
            .await
            .map_err(unusable)?;
        let state = connection.call(prepare).await.map_err(|error| {
            unusable(match error {
                tokio_rusqlite::Error::Error(source) => source,
                _ => rusqlite::Error::InvalidQuery,
            })
        })?;
        match state {
            State::Ready => Ok(Self { connection }),
            State::ReadOnly => Err(OpenError::ReadOnly(path)),
            State::NotAChat => Err(OpenError::NotAChat(path)),
            State::NotKept => Err(OpenError::NotKept(path)),
            State::Newer => Err(OpenError::Newer(path)),
        }
    }

    /// Closes the database; what is asked of any clone later is refused.
    pub(crate) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::error!(%error, "the database did not close");
        }
    }

    /// Reads the schema's version, which shows that the database answers.
    pub(crate) async fn schema_version(&self) -> Result<i32, Error> {
        self.call(|connection| Ok(pragma(connection, "user_version")?))
            .await
    }

    /// All users, in the order in which they were added.
    pub(crate) async fn users(&self) -> Result<Vec<User>, Error> {
        self.call(|connection| {
            let users = connection
                .prepare_cached(
                    "select id, name, email, nickname from users order by id",
                )?
                .query_map([], |row| User::from_row(row, 0))?
                .collect::<Result<_, _>>()?;
            Ok(users)
        })
        .await
    }

    /// One user; an unknown one is an error.
    pub(crate) async fn user(&self, id: UserId) -> Result<User, Error> {
        self.call(move |connection| find_user(connection, id)).await
    }

    /// Adds a user, unless the nickname is taken.
    pub(crate) async fn add_user(&self, new: NewUser) -> Result<User, Error> {
        let NewUser {
            name: Text(name),
            email: Text(email),
            nickname: Text(nickname),
        } = new;
        self.call(move |connection| {
            let inserted = connection
                .prepare_cached(
                    "insert into users (name, email, nickname)
                    values (?1, ?2, ?3)
                    returning id, name, email, nickname",
                )?
                .query_one((name, email, &nickname), |row| {
                    User::from_row(row, 0)
                });
            match inserted {
                Err(rusqlite::Error::SqliteFailure(failure, _))
                    if failure.extended_code == SQLITE_CONSTRAINT_UNIQUE =>
                {
                    Err(Error::NicknameTaken(nickname))
                }
                result => Ok(result?),
            }
        })
        .await
    }

    /// A page of everybody's messages, oldest first.
    pub(crate) async fn messages(
        &self,
        page: Page,
    ) -> Result<Vec<Message>, Error> {
        self.call(move |connection| {
            let mut messages: Vec<Message> = connection
                .prepare_cached(MESSAGES)?
                .query_map((page.end(), page.limit), Message::from_row)?
                .collect::<Result<_, _>>()?;
            messages.reverse();
            Ok(messages)
        })
        .await
    }

    /// A page of the messages that a user sent or received, oldest first; an
    /// unknown user is an error.
    pub(crate) async fn messages_of(
        &self,
        user: UserId,
        page: Page,
    ) -> Result<Vec<Message>, Error> {
        self.call(move |connection| {
            let UserId(user) = find_user(connection, user)?.id;
            let mut messages: Vec<Message> = connection
                .prepare_cached(MESSAGES_OF_USER)?
                .query_map((page.end(), page.limit, user), Message::from_row)?
                .collect::<Result<_, _>>()?;
            messages.reverse();
            Ok(messages)
        })
        .await
    }

    /// Adds a message; when this returns, it is on the disk. An unknown
    /// author or recipient is an error.
    pub(crate) async fn add_message(
        &self,
        author: UserId,
        recipient: UserId,
        content: Content,
    ) -> Result<Message, Error> {
        self.call(move |connection| {
            let author = find_user(connection, author)?;
            let recipient = find_user(connection, recipient)?;
            let Text(content) = content;
            // Not `query_row`: it does not look at how the statement ends, and
            // that is where SQLite commits.
            let message = connection
                .prepare_cached(
                    "insert into messages (content, author_id, recipient_id)
                    values (?1, ?2, ?3)
                    returning id, date",
                )?
                .query_one((&content, author.id.0, recipient.id.0), |row| {
                    Ok((MessageId(row.get(0)?), row.get(1)?))
                });
            let (id, date) = message?;
            Ok(Message {
                id,
                content,
                date,
                author,
                recipient,
            })
        })
        .await
    }

    /// Runs `query` on the connection's thread.
    async fn call<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.connection
            .call(query)
            .await
            .map_err(|error| match error {
                tokio_rusqlite::Error::Error(error) => error,
                _ => Error::DatabaseClosed,
            })
    }
}

/// What a file turned out to be.
enum State {
    Ready,
    ReadOnly,
    NotAChat,
    NotKept,
    Newer,
}

/// Sets up the connection, and the schema when the database is new.
fn prepare(connection: &mut Connection) -> rusqlite::Result<State> {
    connection.busy_timeout(Duration::from_secs(2))?;
    if connection.is_readonly("main")? {
        return Ok(State::ReadOnly);
    }
    // Immediate: two servers that start at once must not both create it.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_empty(&transaction)? {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    if pragma(&transaction, "application_id")? != APPLICATION_ID {
        return Ok(State::NotAChat);
    }
    if pragma(&transaction, "user_version")? > SCHEMA_VERSION {
        return Ok(State::Newer);
    }
    transaction.commit()?;

    connection.pragma_update(None, "foreign_keys", true)?;
    // Full, and on macOS past the drive's own cache: an answered POST
    // survives a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "fullfsync", true)?;
    let journal: String = connection.pragma_update_and_check(
        None,
        "journal_mode",
        "wal",
        |row| row.get(0),
    )?;
    if journal != "wal" {
        return Ok(State::NotKept);
    }
    Ok(State::Ready)
}

/// Whether it has no tables, and no mark of another program.
fn is_empty(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let tables: i32 = transaction.query_row(
        "select count(*) from sqlite_schema",
        [],
        |row| row.get(0),
    )?;
    Ok(tables == 0
        && pragma(transaction, "application_id")? == 0
        && pragma(transaction, "user_version")? == 0)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn find_user(connection: &Connection, id: UserId) -> Result<User, Error> {
    connection
        .prepare_cached(
            "select id, name, email, nickname from users where id = ?1",
        )?
        .query_row([id.0], |row| User::from_row(row, 0))
        .optional()?
        .ok_or_else(|| Error::NotFound(format!("no user has the id {}", id.0)))
}

impl User {
    /// Reads the four columns of a user that begin at `first`.
    fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            id: UserId(row.get(first)?),
            name: row.get(first + 1)?,
            email: row.get(first + 2)?,
            nickname: row.get(first + 3)?,
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
            recipient: User::from_row(row, 7)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_rusqlite::rusqlite::params_from_iter;

    /// The settings behind the promise that an answered message is kept.
    #[test]
    fn a_commit_returns_when_the_disk_has_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut connection = Connection::open(file.path()).unwrap();
        // SQLite can be built with these on.
        connection
            .execute_batch(
                "pragma synchronous = off; pragma foreign_keys = off",
            )
            .unwrap();

        assert!(matches!(prepare(&mut connection), Ok(State::Ready)));

        let full = 2; // <https://sqlite.org/pragma.html#pragma_synchronous>
        assert_eq!(pragma(&connection, "synchronous"), Ok(full));
        assert_eq!(pragma(&connection, "fullfsync"), Ok(1));
        assert_eq!(pragma(&connection, "foreign_keys"), Ok(1));
    }

    /// A list must not become slower as the chat grows: no plan reads a
    /// whole table, and each half of an inbox has its index.
    #[test]
    fn lists_of_messages_are_searched_never_scanned() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let plan = |query: &str, parameters: usize| -> Vec<String> {
            connection
                .prepare(&format!("explain query plan {query}"))
                .unwrap()
                .query_map(params_from_iter(vec![1; parameters]), |row| {
                    row.get("detail")
                })
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap()
        };

        let all = plan(MESSAGES, 2);
        let inbox = plan(MESSAGES_OF_USER, 3);

        for step in all.iter().chain(&inbox) {
            let whole_table =
                step.starts_with("SCAN") && !step.starts_with("SCAN (subquery");
            assert!(!whole_table, "{step}");
        }
        for search in [
            "messages_by_author (author_id=? AND rowid<?)",
            "messages_by_recipient (recipient_id=? AND rowid<?)",
        ] {
            let used = inbox.iter().any(|step| step.contains(search));
            assert!(used, "{search} in {inbox:?}");
        }
    }
}
