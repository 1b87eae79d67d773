//! `import`: the database of an older version, a file, is brought along as a
//! whole, or not at all.

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
use crate::postgres::{Home, Other};
use crate::servers::Cable;
use crate::set_password::{run, set_password};

/// What each version of the schema has written: two users and two messages, and
/// from version 2 on keys, from version 3 on a session.
const VERSIONS: [&str; 4] = [
    include_str!("version-1.sql"),
    include_str!("version-2.sql"),
    include_str!("version-3.sql"),
    include_str!("version-4.sql"),
];

fn written(sql: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let file = Connection::open(&path).unwrap();
    file.execute_batch(sql).unwrap();
    (folder, path)
}

async fn import(home: &Home, file: &Path) -> Result<String, String> {
    import_to(home.path(), file).await
}

/// Imports a file, and returns what the program says of it.
async fn import_to(database: &Path, file: &Path) -> Result<String, String> {
    let file = file.to_str().unwrap();
    let output = run(database, &["import", file], b"").await;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert_eq!(words.lines().count(), 1, "{words}");
    Err(words)
}

/// How many users and messages there are.
async fn counts(home: &Home) -> (i64, i64) {
    let mut other = Other::at(home.path()).await;
    let users = other.number("select count(*) from users").await;
    (users, other.number("select count(*) from messages").await)
}

#[tokio::test]
async fn each_older_version_is_imported_with_nothing_lost() {
    for (version, sql) in (1..).zip(VERSIONS) {
        let (_folder, path) = written(sql);
        let home = Home::new();

        let said = import(&home, &path).await.unwrap();

        let users = if version == 2 { 3 } else { 2 };
        let counted = format!("{users} users and 2 messages were brought");
        assert!(said.starts_with(&counted), "{version}: {said}");
        let program = Program::start(PROGRAM, home.path()).await;
        for nickname in ["ada", "bob"] {
            let new = password(nickname);
            let set = set_password(home.path(), nickname, &new).await;
            assert!(set.status.success(), "{set:?}");
        }
        let ada = Person::signs_in(&program, "ada").await;
        let bob = Person::signs_in(&program, "bob").await;
        assert_eq!((ada.id, bob.id), (1, 2));
        let messages = ada.get(&ada.inbox()).await.json();
        assert_eq!(messages[0]["id"], 1);
        assert_eq!(messages[0]["content"], "hello");
        assert_eq!(messages[0]["date"], "2026-01-02T03:04:05.678Z");
        assert_eq!(messages[0]["author"]["name"], "Ada Lovelace");
        assert_eq!(messages[1]["content"], "hello, ada");
        assert_eq!(messages[1]["key"], json!(null));
        let answer = ada.sends(&bob, "hello", "k").await;
        let (status, id) = if version == 1 { (201, 3) } else { (200, 1) };
        assert_eq!(answer.status, status, "{version}: {answer:?}");
        assert_eq!(answer.json()["id"], id);
        ada.says(&bob, "after it").await;
        let answer = program.post("/api/users", &user("eve")).await;
        assert_eq!(answer.json()["id"], users + 1, "{answer:?}");
    }
}

/// The id of the database stays, so that outboxes know it; who was signed in,
/// signs in anew, with the same password.
#[tokio::test]
async fn passwords_and_outboxes_last_and_sessions_do_not() {
    let (_folder, path) = written(VERSIONS[3]);
    // As a server writes it.
    let old = Home::new();
    let program = Program::start(PROGRAM, old.path()).await;
    Person::new(&program, "ada").await;
    let mut other = Other::at(old.path()).await;
    let hashes: Vec<String> = other.all("select password from users").await;
    Connection::open(&path)
        .unwrap()
        .execute("update users set password = ?1 where id = 1", [&hashes[0]])
        .unwrap();
    let home = Home::new();

    import(&home, &path).await.unwrap();

    let mut other = Other::at(home.path()).await;
    let id: Vec<String> = other.all("select id from chat_database").await;
    assert_eq!(id, ["5f3a8c0d1e2b4796a8b7c6d5e4f30912"]);
    let program = Program::start(PROGRAM, home.path()).await;
    let ada = (*program).clone().with_header("cookie", "step_25=a token");
    assert_eq!(ada.get("/api/me").await.status, 401);
    assert_eq!(Person::signs_in(&program, "ada").await.id, 1);
}

/// An id that was given out once is nobody else's later.
#[tokio::test]
async fn ids_go_on_behind_those_of_what_was_deleted() {
    let (_folder, path) = written(VERSIONS[3]);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "insert into users (id, name, email, nickname, folded)
            values (70, 'Eve', 'eve@example.org', 'eve', 'eve');
            delete from users where id = 70;
            delete from messages",
        )
        .unwrap();
    let home = Home::new();

    let said = import(&home, &path).await.unwrap();

    assert!(said.starts_with("2 users and 0 messages"), "{said}");
    let program = Program::start(PROGRAM, home.path()).await;
    let eve = Person::new(&program, "eve").await;
    assert_eq!(eve.id, 71);
    assert_eq!(eve.says(&eve, "hello").await["id"], 3);
}

/// More than are brought at once.
#[tokio::test]
async fn many_are_imported_each_once() {
    let (_folder, path) = written(VERSIONS[3]);
    let many = "with recursive numbers (n) as (
            select 3 union all select n + 1 from numbers where n < 2500
        )
        insert into messages (content, author_id, recipient_id)
        select 'message ' || n, 1, 2 from numbers";
    Connection::open(&path)
        .unwrap()
        .execute_batch(many)
        .unwrap();
    let home = Home::new();

    let said = import(&home, &path).await.unwrap();

    assert!(said.starts_with("2 users and 2500 messages"), "{said}");
    let mut other = Other::at(home.path()).await;
    let right = "select count(*) from messages
        where id < 3 or content = 'message ' || id";
    assert_eq!(other.number(right).await, 2500);
}

#[tokio::test]
async fn what_is_no_chat_is_not_imported() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name| folder.path().join(name);
    fs::write(file("letter.txt"), "Dear diary, ".repeat(1000)).unwrap();
    let other = Connection::open(file("other.db")).unwrap();
    other.execute_batch("create table users (x)").unwrap();
    let newer = Connection::open(file("newer.db")).unwrap();
    newer.execute_batch(VERSIONS[3]).unwrap();
    newer.execute_batch("pragma user_version = 1000").unwrap();
    let home = Home::new();

    for (name, words) in [
        ("letter.txt", "not a database"),
        ("other.db", "not a database of this chat"),
        ("newer.db", "not a database of this chat"),
        ("missing.db", "can't be read"),
        ("", "can't be read"),
    ] {
        let text = import(&home, &file(name)).await.unwrap_err();
        assert!(text.contains(words), "{name}: {text}");
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(!file("missing.db").exists());
    assert_eq!(counts(&home).await, (0, 0));
}

#[tokio::test]
async fn nothing_is_imported_to_where_somebody_is() {
    let (_folder, path) = written(VERSIONS[3]);
    let home = Home::new();
    let program = Program::start(PROGRAM, home.path()).await;
    let ada = Person::new(&program, "ada").await;

    let text = import(&home, &path).await.unwrap_err();

    assert!(text.contains("must be empty"), "{text}");
    assert_eq!(counts(&home).await, (1, 0));
    assert_eq!(ada.get("/api/me").await.status, 200);
}

/// SQLite takes what PostgreSQL does not: a text with a NUL, a date that is none.
#[tokio::test]
async fn one_row_that_is_not_taken_keeps_all_the_others_out() {
    for change in [
        "update messages set content = 'a' || char(0) where id = 2",
        "update messages set date = 'yesterday, at noon' where id = 2",
        "pragma foreign_keys = off; update messages set author_id = 9",
        "update messages set content = cast(x'61ff' as text) where id = 2",
    ] {
        let (_folder, path) = written(VERSIONS[3]);
        Connection::open(&path)
            .unwrap()
            .execute_batch(change)
            .unwrap();
        let home = Home::new();

        import(&home, &path).await.unwrap_err();

        assert_eq!(counts(&home).await, (0, 0), "{change}");
    }
}

/// A server that runs already need not be started again.
#[tokio::test]
async fn a_server_with_an_empty_database_goes_on_with_what_is_imported() {
    let (_folder, path) = written(VERSIONS[3]);
    let home = Home::new();
    let program = Program::start(PROGRAM, home.path()).await;

    import(&home, &path).await.unwrap();

    let eve = Person::new(&program, "eve").await;
    let mut page = eve.connects().await;
    eve.says(&eve, "hello").await;
    assert_eq!(page.event().await.1["id"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_not_told_whether_it_is_there_says_so() {
    let (_folder, path) = written(VERSIONS[3]);
    let home = Home::new();
    // So that the schema is there.
    Program::start(PROGRAM, home.path()).await.kill().await;
    let cable = Cable::to(&home).await;
    cable.cut_after_commit(true);

    let text = import_to(Path::new(&cable.url), &path).await.unwrap_err();

    assert!(text.contains("may be imported"), "{text}");
    assert_eq!(counts(&home).await, (2, 2));
    let text = import(&home, &path).await.unwrap_err();
    assert!(text.contains("must be empty"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_leaves_nothing() {
    let (_folder, path) = written(VERSIONS[3]);
    let many = "with recursive numbers (n) as (
            select 3 union all select n + 1 from numbers where n < 100000
        )
        insert into messages (content, author_id, recipient_id)
        select 'message ' || n, 1, 2 from numbers";
    Connection::open(&path)
        .unwrap()
        .execute_batch(many)
        .unwrap();
    let home = Home::new();
    // So that the schema is there.
    Program::start(PROGRAM, home.path()).await.kill().await;
    let mut other = Other::at(home.path()).await;

    let mut program = Command::new(PROGRAM)
        .args(["import", path.to_str().unwrap()])
        .env("DATABASE", home.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // What is not committed takes room on the disk all the same.
    let size = "select pg_relation_size('messages')";
    let begun = async { while other.number(size).await < 100_000 {} };
    soon("some rows", begun).await;
    program.kill().await.unwrap();

    assert_eq!(counts(&home).await, (0, 0));
    let said = import(&home, &path).await.unwrap();
    assert!(said.starts_with("2 users and 100000 messages"), "{said}");
}
