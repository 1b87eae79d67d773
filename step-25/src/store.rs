//! Users and messages: the questions to the database, and their SQL.

pub(crate) mod accounts;
mod group;
mod import;
pub(crate) mod news;

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, PgPool, Row as _, query_as, query_scalar};

use crate::database;
pub use crate::database::{DatabaseUrl, NotDatabaseUrl, OpenError};
use crate::error::Error;
use crate::store::group::Queue;
pub use crate::store::import::{ImportError, Imported};
use crate::store::news::Word;
use crate::text::{Key, Label, MessageId, UserId};

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
    /// on, and the id at the edge. $1: that id, $2: how many, $3: the user.
    /// For "author or recipient" PostgreSQL may go through all messages until it
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
                    where author_id = $3 and id {side} $1
                    order by id {order} limit $2
                ) as sent
                union
                select id from (
                    select id from messages
                    where recipient_id = $3 and id {side} $1
                    order by id {order} limit $2
                ) as received
            )
            order by id {order}
            limit $2"
        );
        (sql, id)
    }
}

/// The users and messages. Cheap to clone: all clones share their connections.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    messages: Queue<NewMessage>,
    lobby: Queue<Word>,
}

impl Store {
    /// Opens the database.
    ///
    /// # Errors
    /// Fails when it can't be used; its content is not changed then.
    pub async fn open(url: DatabaseUrl) -> Result<Self, OpenError> {
        let pool = database::open(url).await?;
        Ok(Self {
            messages: group::queue(&pool),
            lobby: group::queue(&pool),
            pool,
        })
    }

    /// Closes the database; what is asked of any clone later is refused.
    pub(crate) async fn close(self) {
        self.pool.close().await;
    }

    /// Reads the schema's version, which shows that the database answers.
    pub(crate) async fn schema_version(&self) -> Result<i32, Error> {
        let version = "select version from chat_database";
        Ok(query_scalar(version).fetch_one(&self.pool).await?)
    }

    /// The random id of this database.
    pub(crate) async fn database_id(&self) -> Result<String, Error> {
        let id = "select id from chat_database";
        Ok(query_scalar(id).fetch_one(&self.pool).await?)
    }

    /// All users, in the order in which they were added.
    pub(crate) async fn users(&self) -> Result<Vec<User>, Error> {
        let users = "select id, name, nickname from users order by id";
        Ok(query_as(users).fetch_all(&self.pool).await?)
    }

    /// One user; an unknown one is an error.
    pub(crate) async fn user(&self, id: UserId) -> Result<User, Error> {
        query_as("select id, name, nickname from users where id = $1")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Error::UnknownUser(id.0))
    }

    /// A slice of the messages that a user sent or received, oldest first; an
    /// unknown user is an error.
    pub(crate) async fn messages_of(
        &self,
        user: UserId,
        slice: Slice,
    ) -> Result<Vec<Message>, Error> {
        let UserId(user) = self.user(user).await?.id;
        let (sql, edge) = slice.query();
        let mut messages: Vec<Message> = query_as(AssertSqlSafe(sql))
            .bind(edge)
            .bind(slice.limit)
            .bind(user)
            .fetch_all(&self.pool)
            .await?;
        messages.sort_unstable_by_key(|message| message.id.0);
        Ok(messages)
    }

    /// Adds a message, unless it is there already; when this returns, it is on
    /// the disk. An unknown author or recipient is an error, and so is a key
    /// that belongs to another message of this author.
    pub(crate) async fn add_message(
        &self,
        new: NewMessage,
    ) -> Result<Stored, Error> {
        group::add(&self.messages, new).await
    }
}

impl FromRow<'_, PgRow> for User {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: UserId(row.try_get("id")?),
            name: row.try_get("name")?,
            nickname: row.try_get("nickname")?,
        })
    }
}

/// Reads a row of `full_messages`.
impl FromRow<'_, PgRow> for Message {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: MessageId(row.try_get("id")?),
            content: row.try_get("content")?,
            date: row.try_get("date")?,
            author: User {
                id: UserId(row.try_get("author_id")?),
                name: row.try_get("author_name")?,
                nickname: row.try_get("author_nickname")?,
            },
            recipient: User {
                id: UserId(row.try_get("recipient_id")?),
                name: row.try_get("recipient_name")?,
                nickname: row.try_get("recipient_nickname")?,
            },
            key: row.try_get::<Option<_>, _>("key")?.map(Key),
        })
    }
}

#[cfg(test)]
mod tests {
    use postgres_here::Throwaway;
    use sqlx::raw_sql;

    use super::*;

    /// Of many messages, one user's are few.
    #[tokio::test]
    async fn a_slice_goes_through_the_messages_of_its_user_alone() {
        let database = Throwaway::shared().database();
        let url = database.url().parse().unwrap();
        let pool = database::open(url).await.unwrap();
        raw_sql(
            "insert into users (name, email, nickname)
            select 'name', 'email', 'user ' || number
            from generate_series(1, 1000) as number;
            insert into messages (content, author_id, recipient_id)
            select 'hello', 1 + number % 1000, 1 + number % 999
            from generate_series(1, 50000) as number;
            analyze",
        )
        .execute(&pool)
        .await
        .unwrap();
        let id = MessageId(25_000);
        for edge in [Edge::Newest, Edge::Before(id), Edge::After(id)] {
            let (sql, edge) = Slice { edge, limit: 100 }.query();
            let plan: Vec<String> =
                query_scalar(AssertSqlSafe(format!("explain {sql}")))
                    .bind(edge)
                    .bind(100_i64)
                    .bind(1_i64)
                    .fetch_all(&pool)
                    .await
                    .unwrap();
            let plan = plan.join("\n");
            assert!(!plan.contains("Seq Scan on messages"), "{plan}");
            // Not one message after the other, with a look whose it is.
            let looks =
                |line: &str| line.contains("Filter:") && line.contains("_id");
            assert!(!plan.lines().any(looks), "{plan}");
        }
    }
}
