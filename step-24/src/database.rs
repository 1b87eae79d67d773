//! Opens the SQLite file, or refuses it.

use std::path::Path;
use std::time::Duration;

use tokio_rusqlite::rusqlite;
use tokio_rusqlite::rusqlite::{Connection, Transaction, TransactionBehavior};

/// Marks a file as this chat's: "chat" in ASCII.
/// <https://sqlite.org/pragma.html#pragma_application_id>
const APPLICATION_ID: i32 = 0x6368_6174;

/// The longest wait for another program that has locked the file.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Each brings a database to the next version of the schema; a new one passes
/// them all. What is released is never changed: it has run already. How many
/// have run is what SQLite keeps as `user_version`.
/// <https://sqlite.org/pragma.html#pragma_user_version>
const MIGRATIONS: [&str; 4] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4];

const VERSION_1: &str = "
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

/// Keys for messages; SQLite takes no two nulls for the same. And an id for the
/// database: user 1 of another one is somebody else.
const VERSION_2: &str = "
    alter table messages
    add column key text check (length(key) between 1 and 64);

    create unique index message_keys on messages (author_id, key);

    drop view full_messages;

    create view full_messages as
    select message.id, content, date,
           author.id    as author_id,    author.name        as author_name,
           author.email as author_email, author.nickname    as author_nickname,
           recipient.id as recipient_id, recipient.name     as recipient_name,
           recipient.email as recipient_email,
           recipient.nickname as recipient_nickname,
           key
    from messages as message
    join users as author on author.id = message.author_id
    join users as recipient on recipient.id = message.recipient_id;

    create table database (id text not null) strict;

    insert into database values (lower(hex(randomblob(16))));
";

/// Passwords and sessions. Users of an older database have no password, and no
/// folded nickname: some of theirs may be the same when they are folded. The
/// times are seconds since 1970.
const VERSION_3: &str = "
    alter table users add column folded text;
    alter table users add column password text;

    create unique index folded_nicknames on users (folded);

    create table sessions (
        id         text primary key check (length(id) = 64),
        user_id    integer not null references users (id),
        created_at integer not null default (unixepoch()),
        expires_at integer not null
    ) strict;

    create index sessions_of_user on sessions (user_id);
    create index sessions_by_end on sessions (expires_at);

    drop view full_messages;

    create view full_messages as
    select message.id, content, date,
           author.id       as author_id,
           author.name     as author_name,
           author.nickname as author_nickname,
           recipient.id       as recipient_id,
           recipient.name     as recipient_name,
           recipient.nickname as recipient_nickname,
           key
    from messages as message
    join users as author on author.id = message.author_id
    join users as recipient on recipient.id = message.recipient_id;
";

/// Each ends with the id, as all indexes of SQLite do: the messages of one user
/// stand in it in their order.
const VERSION_4: &str = "
    create index messages_by_author on messages (author_id);
    create index messages_by_recipient on messages (recipient_id);
";

/// Why a file can't be used as the chat's database. Each is the end of a
/// sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It can't be opened, created, read or written.
    #[error("can't be used: {0}")]
    Unusable(#[from] rusqlite::Error),

    /// It can be read but not written.
    #[error("is read-only: make it writable")]
    ReadOnly,

    /// It is an SQLite database of another program.
    #[error("is not this chat's")]
    NotAChat,

    /// It is in memory, or where SQLite can't keep its log.
    #[error("would not be kept: it must be a file on a disk")]
    NotKept,

    /// Its schema can't be changed; nothing of the change is kept.
    #[error("can't be brought to its newest version: {0}")]
    NotMigrated(String),

    /// It was written by a later version of this chat.
    #[error("was written by a newer version of this chat: run that one")]
    Newer,
}

/// Opens the database in the file `path`, and creates it when there is none.
/// When the file can't be used, its content is not changed.
pub(crate) fn open(path: &Path) -> Result<Connection, OpenError> {
    let mut connection = Connection::open(path)?;
    prepare(&mut connection)?;
    Ok(connection)
}

/// Sets up the connection, and brings the schema to its newest version.
fn prepare(connection: &mut Connection) -> Result<(), OpenError> {
    connection.busy_timeout(PATIENCE)?;
    if connection.is_readonly("main")? {
        return Err(OpenError::ReadOnly);
    }
    // Immediate: two servers that start at once must not both change it.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_empty(&transaction)? {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    if pragma(&transaction, "application_id")? != APPLICATION_ID {
        return Err(OpenError::NotAChat);
    }
    let version = pragma(&transaction, "user_version")?;
    let missing = usize::try_from(version)
        .ok()
        .and_then(|version| MIGRATIONS.get(version..))
        .ok_or(OpenError::Newer)?;
    for (migration, version) in missing.iter().zip(version + 1..) {
        transaction.execute_batch(migration).map_err(in_words)?;
        transaction.pragma_update(None, "user_version", version)?;
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
        return Err(OpenError::NotKept);
    }
    Ok(())
}

/// Without the SQL, which rusqlite shows with some errors.
fn in_words(error: rusqlite::Error) -> OpenError {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => {
            OpenError::NotMigrated(msg)
        }
        _ => OpenError::Unusable(error),
    }
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

/// Reads a setting that is a number.
pub(crate) fn pragma(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

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

        prepare(&mut connection).unwrap();

        let full = 2; // <https://sqlite.org/pragma.html#pragma_synchronous>
        assert_eq!(pragma(&connection, "synchronous"), Ok(full));
        assert_eq!(pragma(&connection, "fullfsync"), Ok(1));
        assert_eq!(pragma(&connection, "foreign_keys"), Ok(1));
    }
}
