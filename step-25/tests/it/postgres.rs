//! The tests' PostgreSQL: a database for each chat, and what others do in it.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use postgres_here::{Database, Throwaway};
use sqlx::postgres::Postgres;
use sqlx::{
    AssertSqlSafe, Connection as _, Decode, PgConnection, Type, query_scalar,
    raw_sql,
};

/// Keeps others from writing messages, until the transaction ends.
pub(crate) const LOCK: &str = "begin; select pg_advisory_xact_lock(1667785076)";

/// A database of its own, in the PostgreSQL of all tests.
pub(crate) struct Home {
    _database: Database,
    path: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::at(Throwaway::shared())
    }

    /// One in a PostgreSQL that may come to harm.
    pub(crate) fn at(postgres: &Throwaway) -> Self {
        let database = postgres.database();
        Self {
            path: database.url().into(),
            _database: database,
        }
    }

    /// What `DATABASE` says.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A chat, and its database.
pub(crate) struct Chat {
    chat: testkit::Chat,
    home: Home,
}

impl Chat {
    pub(crate) fn new(chat: testkit::Chat, home: Home) -> Self {
        Self { chat, home }
    }

    pub(crate) fn database(&self) -> &Path {
        self.home.path()
    }

    /// Stops it; its database is there until this is dropped.
    pub(crate) async fn stop(self) -> Home {
        self.chat.stop().await;
        self.home
    }
}

impl Deref for Chat {
    type Target = testkit::Chat;

    fn deref(&self) -> &testkit::Chat {
        &self.chat
    }
}

/// Another program's connection.
pub(crate) struct Other(PgConnection);

impl Other {
    pub(crate) async fn at(database: &Path) -> Self {
        let url = database.to_str().unwrap();
        Self(PgConnection::connect(url).await.unwrap())
    }

    /// Runs statements.
    pub(crate) async fn run(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        raw_sql(sql).execute(&mut self.0).await.unwrap();
    }

    /// The one column of what a question finds.
    pub(crate) async fn all<T>(&mut self, sql: &str) -> Vec<T>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin,
    {
        let sql = AssertSqlSafe(sql.to_owned());
        query_scalar(sql).fetch_all(&mut self.0).await.unwrap()
    }

    /// The number that a question finds.
    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        self.all(sql).await[0]
    }
}
