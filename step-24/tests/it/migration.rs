//! A database of an older version is brought to the newest one, or left as it
//! is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;
use testkit::{Program, soon};
use tokio::process::Command;
use tokio_rusqlite::rusqlite::Connection;

use crate::PROGRAM;
use crate::people::{Person, password, user};
use crate::set_password::set_password;

/// A database that a step with version 1 of the schema has written: two users,
/// two messages.
fn version_1() -> (TempDir, PathBuf) {
    written(include_str!("version-1.sql"))
}

/// The same by a step with version 2, and a third user.
fn version_2() -> (TempDir, PathBuf) {
    written(include_str!("version-2.sql"))
}

/// The same by a step with version 3, where Ada has a password and a session.
fn version_3() -> (TempDir, PathBuf) {
    written(include_str!("version-3.sql"))
}

fn written(sql: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let database = Connection::open(&path).unwrap();
    database.execute_batch(sql).unwrap();
    (folder, path)
}

fn number(database: &Connection, question: &str) -> i64 {
    database.query_row(question, [], |row| row.get(0)).unwrap()
}

fn version(path: &Path) -> i64 {
    number(&Connection::open(path).unwrap(), "pragma user_version")
}

/// The people whom that database has. They have no password yet.
async fn ada_and_bob(program: &Program, path: &Path) -> (Person, Person) {
    let mut people = Vec::new();
    for nickname in ["ada", "bob"] {
        let set = set_password(path, nickname, &password(nickname)).await;
        assert!(set.status.success(), "{set:?}");
        people.push(Person::signs_in(program, nickname).await);
    }
    let bob = people.pop().unwrap();
    (people.pop().unwrap(), bob)
}

#[tokio::test]
async fn a_database_of_version_1_opens_with_nothing_lost() {
    let (_folder, path) = version_1();
    assert_eq!(version(&path), 1);

    let program = Program::start(PROGRAM, &path).await;

    let alive = program.get("/db/alive").await.json();
    assert_eq!(alive["schema_version"], 4);
    let (ada, bob) = ada_and_bob(&program, &path).await;
    let messages = ada.get(&ada.inbox()).await.json();
    assert_eq!(messages[0]["content"], "hello");
    assert_eq!(messages[0]["date"], "2026-01-02T03:04:05.678Z");
    assert_eq!(messages[0]["author"]["name"], "Ada Lovelace");
    assert_eq!(messages[1]["content"], "hello, ada");
    assert_eq!(messages[1]["key"], json!(null));
    let answer = ada.sends(&bob, "with a key", "k").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["id"], 3);
    assert_eq!(ada.sends(&bob, "with a key", "k").await.status, 200);
    assert_eq!(bob.reads().await.len(), 3);
}

/// Old nicknames stay as they are, and nobody can be taken for one of them.
#[tokio::test]
async fn a_database_of_version_2_opens_with_nothing_lost() {
    let (_folder, path) = version_2();

    let program = Program::start(PROGRAM, &path).await;

    let (ada, bob) = ada_and_bob(&program, &path).await;
    assert_eq!(ada.reads().await, ["hello", "hello, ada"]);
    assert_eq!(ada.sends(&bob, "hello", "k").await.status, 200);
    let set = set_password(&path, "ADA", &password("ADA")).await;
    assert!(set.status.success(), "{set:?}");
    let byron = Person::signs_in(&program, "ADA").await;
    assert_eq!(byron.id, 3);
    assert_eq!(byron.reads().await, [""; 0]);
    for nickname in ["ada", "Ada", "\u{ff22}ob"] {
        let answer = program.post("/api/users", &user(nickname)).await;
        assert_eq!(answer.status, 409, "{nickname} {answer:?}");
    }
}

/// Whoever was signed in still is.
#[tokio::test]
async fn a_database_of_version_3_opens_with_nothing_lost() {
    let (_folder, path) = version_3();

    let program = Program::start(PROGRAM, &path).await;

    let ada = (*program).clone().with_header("cookie", "step_24=a token");
    let me = ada.get("/api/me").await;
    assert_eq!(me.json()["email"], "ada@example.org", "{me:?}");
    let messages = ada.get("/api/messages").await.json();
    assert_eq!(messages[0]["content"], "hello");
    assert_eq!(messages[0]["key"], "k");
    assert_eq!(messages[1]["date"], "2026-01-02T03:04:06.789Z");
}

#[tokio::test]
async fn a_user_of_an_older_database_can_not_sign_in_without_a_password() {
    let (_folder, path) = version_2();
    let program = Program::start(PROGRAM, &path).await;

    for password in ["", "the password of bob"] {
        let body = json!({ "nickname": "bob", "password": password });
        let answer = program.post("/api/sessions", &body).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
}

#[tokio::test]
async fn two_programs_that_start_at_once_migrate_once() {
    for _ in 0..5 {
        let (_folder, path) = version_1();

        let (one, other) = tokio::join!(
            Program::start(PROGRAM, &path),
            Program::start(PROGRAM, &path),
        );

        for program in [one, other] {
            let alive = program.get("/db/alive").await.json();
            assert_eq!(alive["schema_version"], 4);
        }
        let database = Connection::open(&path).unwrap();
        assert_eq!(number(&database, "select count(*) from database"), 1);
    }
}

/// Somebody has added a table that is in the way.
#[tokio::test]
async fn a_migration_that_fails_changes_nothing() {
    let (_folder, path) = version_1();
    Connection::open(&path)
        .unwrap()
        .execute_batch("create table database (x)")
        .unwrap();
    let before = fs::read(&path).unwrap();

    let text = Program::refused(PROGRAM, &path, |_| {}).await;

    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(text.contains("table database already exists"), "{text}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(version(&path), 1);
}

/// Runs the program until its journal has `size` bytes, then kills it. False
/// when it was done before that.
async fn killed_at(path: &Path, size: u64) -> bool {
    let mut program = Command::new(PROGRAM)
        .env("ADDRESS", "127.0.0.1:0")
        .env("DATABASE", path)
        .env("RUST_LOG", "off")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let journal = path.with_extension("db-wal");
    let has_begun = || fs::metadata(&journal).is_ok_and(|it| it.len() >= size);
    let begun = async {
        while !has_begun()
            && number(&Connection::open(path).unwrap(), "pragma user_version")
                == 1
        {
            tokio::task::yield_now().await;
        }
    };
    soon("the migration", begun).await;
    program.kill().await.unwrap();
    has_begun()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_killed_leaves_one_version_or_the_other() {
    const MESSAGES: i64 = 200_000;
    let (_folder, path) = version_1();
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch(&format!(
            "with recursive numbers (n) as (
                select 3 union all select n + 1 from numbers
                where n < {MESSAGES}
            )
            insert into messages (content, author_id, recipient_id)
            select 'message ' || n, 1, 2 from numbers;
            pragma wal_checkpoint(truncate)"
        ))
        .unwrap();
    drop(database);
    let original = fs::read(&path).unwrap();

    let mut unfinished = 0;
    for kilobytes in [0, 1, 100, 200, 400, 800, 1600, 2400] {
        killed_at(&path, kilobytes * 1024).await;
        let database = Connection::open(&path).unwrap();
        let version = number(&database, "pragma user_version");
        let columns = "select count(*) from pragma_table_info('messages')
            where name = 'key'";
        let is_new = i64::from(version == 4);
        assert_eq!(number(&database, columns), is_new);
        let tables = "select count(*) from sqlite_schema
            where name in ('database', 'message_keys', 'sessions',
                'messages_by_author')";
        assert_eq!(number(&database, tables), 4 * is_new);
        let messages = "select count(*) from full_messages";
        assert_eq!(number(&database, messages), MESSAGES);
        if version == 1 {
            unfinished += 1;
        } else {
            drop(database);
            fs::write(&path, &original).unwrap();
            fs::remove_file(path.with_extension("db-wal")).ok();
            fs::remove_file(path.with_extension("db-shm")).ok();
        }
    }

    assert!(unfinished > 0, "each migration was done before the kill");
    println!("{unfinished} of 8 were killed before the end");
    let program = Program::start(PROGRAM, &path).await;
    let (ada, _) = ada_and_bob(&program, &path).await;
    let last = ada.get(&format!("{}?limit=1", ada.inbox())).await.json();
    assert_eq!(last[0]["content"], format!("message {MESSAGES}"));
}
