//! Brings the database of an older version, a file of SQLite, into PostgreSQL.

use std::fmt;
use std::path::Path;

use sqlx::{AssertSqlSafe, PgConnection, query, query_scalar};
use tokio_rusqlite::rusqlite::{self, Connection, OpenFlags};

use super::Store;
use crate::database::{self, BEFORE};

/// Marks a file as this chat's: "chat" in ASCII.
const APPLICATION_ID: i32 = 0x6368_6174;

/// How many rows are brought at once.
const AT_ONCE: i32 = 1000;

/// Why a file can't be imported. Each is the end of a sentence that begins with
/// the file's name.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It can't be read.
    #[error("can't be read: {0}")]
    Unreadable(#[from] rusqlite::Error),

    /// It is not a database of this chat.
    #[error("is not a database of this chat")]
    NotAChat,

    /// Somebody is in the database already.
    #[error("was not imported: the database must be empty, and has users")]
    NotEmpty,

    /// PostgreSQL does not take it, or does not answer.
    #[error("was not imported, nothing of it: {}", database::in_words(.0))]
    Refused(#[from] sqlx::Error),

    /// The connection was lost at the end.
    #[error(
        "may be imported, all of it or nothing, PostgreSQL does not say: {}; \
         try again, since nothing is imported twice",
        database::in_words(.0)
    )]
    Unknown(#[source] sqlx::Error),
}

/// How much was imported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Imported {
    users: u64,
    messages: u64,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} users and {} messages", self.users, self.messages)
    }
}

impl Store {
    /// Brings all users and messages of a file, with their ids, into an empty
    /// database; their sessions end. All of it, or nothing.
    ///
    /// # Errors
    /// In words, when the file or the database can't be used for that.
    pub async fn import(&self, file: &Path) -> Result<Imported, ImportError> {
        let old = Old::open(file)?;
        let mut transaction = database::begin(&self.pool).await?;
        database::lock(&mut transaction).await?;
        query("lock table users in exclusive mode")
            .execute(&mut *transaction)
            .await?;
        let is_empty = "select not exists (select from users)";
        if !query_scalar(is_empty).fetch_one(&mut *transaction).await? {
            return Err(ImportError::NotEmpty);
        }
        let imported = old.import(&mut transaction).await?;
        transaction.commit().await.map_err(|error| match error {
            sqlx::Error::Database(_) => ImportError::Refused(error),
            _ => ImportError::Unknown(error),
        })?;
        Ok(imported)
    }
}

/// A file of an older version.
struct Old {
    connection: Connection,
    version: i32,
}

impl Old {
    /// Opens a file, and holds on to what is in it now.
    fn open(file: &Path) -> Result<Self, ImportError> {
        // Writable: a server that was killed may have left a log beside it.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.execute_batch("begin")?;
        let pragma =
            |name| connection.pragma_query_value(None, name, |row| row.get(0));
        let (mark, version) =
            (pragma("application_id")?, pragma("user_version")?);
        if mark != APPLICATION_ID || !(1..=BEFORE).contains(&version) {
            return Err(ImportError::NotAChat);
        }
        Ok(Self {
            connection,
            version,
        })
    }

    async fn import(
        &self,
        to: &mut PgConnection,
    ) -> Result<Imported, ImportError> {
        let mut columns = vec!["id", "name", "email", "nickname"];
        if self.version >= 3 {
            columns.extend(["folded", "password"]);
        }
        let users = self.import_table(to, "users", &columns).await?;
        let mut columns =
            vec!["id", "content", "date", "author_id", "recipient_id"];
        if self.version >= 2 {
            columns.push("key");
            // So that what waits in the browsers' outboxes is for this one.
            let id = "select id from database";
            let id: String =
                self.connection.query_one(id, [], |it| it.get(0))?;
            query("update chat_database set id = $1")
                .bind(id)
                .execute(&mut *to)
                .await?;
        }
        let messages = self.import_table(to, "messages", &columns).await?;
        Ok(Imported { users, messages })
    }

    /// Brings the rows of a table as JSON, which both databases speak, and lets
    /// ids go on where they were.
    async fn import_table(
        &self,
        to: &mut PgConnection,
        table: &str,
        columns: &[&str],
    ) -> Result<u64, ImportError> {
        let values: Vec<String> = columns
            .iter()
            .map(|column| format!("'{column}', {column}"))
            .collect();
        let values = values.join(", ");
        let mut rows = self.connection.prepare(&format!(
            "select max(id), json_group_array(json_object({values})) from (
                select * from {table} where id > ?1 order by id limit {AT_ONCE}
            )"
        ))?;
        let insert = format!(
            "insert into {table}
            select * from json_populate_recordset(null::{table}, $1::json)"
        );
        let (mut imported, mut last) = (0, 0);
        loop {
            let (newest, json): (Option<i64>, String) =
                rows.query_one([last], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let Some(newest) = newest else { break };
            let inserted = query(AssertSqlSafe(insert.clone()))
                .bind(json)
                .execute(&mut *to)
                .await?;
            imported += inserted.rows_affected();
            last = newest;
        }

        let given = "select coalesce(max(seq), 0) from sqlite_sequence
            where name = ?1";
        let given: i64 = self
            .connection
            .query_one(given, [table], |row| row.get(0))?;
        query(
            "select setval(
                pg_get_serial_sequence($1, 'id'), greatest($2, 1), $2 > 0
            )",
        )
        .bind(table)
        .bind(given)
        .execute(to)
        .await?;
        Ok(imported)
    }
}
