//! What goes wrong outside the program: ports, files, signals, power cuts.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::json;
use testkit::{Client, Program, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rusqlite::rusqlite::Connection;

use crate::{PROGRAM, chat};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Starts the program with a database that it must refuse.
async fn refusal(database: &Path) -> String {
    let text = Program::refused(PROGRAM, database, |_| {}).await;
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&database.display().to_string()), "{text}");
    assert!(text.contains("DATABASE="), "what to do: {text}");
    text
}

#[tokio::test]
async fn the_program_says_where_it_listens_whatever_the_log_says() {
    let folder = folder();

    // `Program` reads the line, and takes the address from it.
    let program = Program::start(PROGRAM, &folder.path().join("new.db")).await;

    assert_eq!(program.get("/db/alive").await.status, 200);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let database = folder().path().join("chat.db");

    let text = Program::refused(PROGRAM, &database, |command| {
        command.env("ADDRESS", &taken);
    })
    .await;

    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&taken), "{text}");
    assert!(text.contains("ADDRESS="), "{text}");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let database = folder().path().join("chat.db");

    for address in ["here", "127.0.0.1", "127.0.0.1:99999", ""] {
        let text = Program::refused(PROGRAM, &database, |command| {
            command.env("ADDRESS", address);
        })
        .await;
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("HOST:PORT"), "{text}");
    }
}

/// SQLite would keep these nowhere: an empty name is a temporary database.
#[tokio::test]
async fn a_database_that_would_not_be_kept_is_refused() {
    for name in ["", ":memory:"] {
        let text = refusal(Path::new(name)).await;
        assert!(text.contains("would not be kept"), "{text}");
    }
}

#[tokio::test]
async fn a_folder_is_no_database() {
    let folder = folder();

    refusal(folder.path()).await;
}

#[tokio::test]
async fn a_database_in_a_folder_that_is_not_there_is_refused() {
    let folder = folder();

    refusal(&folder.path().join("nowhere").join("chat.db")).await;
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("letter.txt");
    let text = "Dear diary, ".repeat(1000);
    fs::write(&path, &text).unwrap();

    refusal(&path).await;

    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("create table users (x)").unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();

    let text = refusal(&path).await;

    assert!(text.contains("not this chat's"), "{text}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_database_that_another_program_has_only_marked_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "application_id", 7).unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();

    let text = refusal(&path).await;

    assert!(text.contains("not this chat's"), "{text}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("chat.db");
    Program::start(PROGRAM, &path).await.kill().await;
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 1000).unwrap();
    drop(newer);

    let text = refusal(&path).await;

    assert!(text.contains("newer"), "{text}");
    let newer = Connection::open(&path).unwrap();
    let version = newer
        .pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0));
    assert_eq!(version.unwrap(), 1000);
}

/// The superuser may write to any file, so the program runs as somebody else
/// when the test runs as the superuser.
#[cfg(unix)]
#[tokio::test]
async fn a_read_only_database_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    const NOBODY: u32 = 65534;

    let folder = folder();
    let path = folder.path().join("chat.db");
    Program::start(PROGRAM, &path).await.kill().await;
    for (file, mode) in [(path.as_path(), 0o444), (folder.path(), 0o555)] {
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }
    let is_superuser = fs::OpenOptions::new().append(true).open(&path).is_ok();
    // Somebody else may not be allowed to enter the folder of the build.
    let elsewhere = self::folder();
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(elsewhere.path(), mode).unwrap();
    let program = elsewhere.path().join("chat");
    fs::copy(PROGRAM, &program).unwrap();

    let program = program.display().to_string();
    let text = Program::refused(&program, &path, |command| {
        if is_superuser {
            command.uid(NOBODY);
        }
    })
    .await;

    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("read-only"), "{text}");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), mode).unwrap();
}

#[tokio::test]
async fn messages_are_there_after_a_restart() {
    let folder = folder();
    let path = folder.path().join("chat.db");
    let program = Program::start(PROGRAM, &path).await;
    let ada = program.add_user("ada").await;
    program.send(ada, ada, "remember").await;
    program.kill().await;

    let program = Program::start(PROGRAM, &path).await;

    assert_eq!(program.contents(ada).await, ["remember"]);
}

/// What an answered message must survive: the end of the process, and by
/// these settings a power cut as well.
#[tokio::test]
async fn an_answered_message_is_on_the_disk() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    chat.send(ada, ada, "remember").await;

    let reader = Connection::open(chat.database()).unwrap();
    let mode = reader
        .pragma_query_value(None, "journal_mode", |r| r.get::<_, String>(0));
    assert_eq!(mode.unwrap(), "wal");
    let count =
        reader.query_row("select count(*) from messages", [], |r| r.get(0));
    assert_eq!(count, Ok(1));
}

/// Posts messages until the server is gone; returns those it answered.
async fn post_until_gone(client: Client, ada: i64, name: i32) -> Vec<String> {
    let mut answered = Vec::new();
    for number in 0.. {
        let content = format!("{name}/{number}");
        let body = json!({
            "author_id": ada,
            "recipient_id": ada,
            "content": content,
        });
        let body = Some(body.to_string().into_bytes());
        let kind = "application/json";
        match client.request("POST", "/api/messages", kind, body).await {
            Ok(answer) if answer.status == 201 => answered.push(content),
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => break,
        }
    }
    answered
}

#[tokio::test]
async fn each_answered_message_is_there_once_after_a_kill() {
    let folder = folder();
    let path = folder.path().join("chat.db");
    let program = Program::start(PROGRAM, &path).await;
    let ada = program.add_user("ada").await;

    let clients: Vec<_> = (0..8)
        .map(|name| {
            let client = Client::new(program.base());
            tokio::spawn(post_until_gone(client, ada, name))
        })
        .collect();
    while program.contents(ada).await.len() < 50 {}
    program.kill().await;
    let mut answered = Vec::new();
    for client in clients {
        answered.extend(soon("a client", client).await.unwrap());
    }

    assert!(answered.len() >= 42, "{} answered", answered.len());
    let stored: Vec<String> = Connection::open(&path)
        .unwrap()
        .prepare("select content from messages")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let distinct: HashSet<_> = stored.iter().collect();
    assert_eq!(distinct.len(), stored.len(), "a message is there twice");
    for content in &answered {
        assert!(distinct.contains(content), "{content} was lost");
    }
    // And the next start finds the database in order.
    let program = Program::start(PROGRAM, &path).await;
    assert_eq!(program.get("/db/alive").await.status, 200);
}

#[tokio::test]
async fn a_busy_database_is_a_503_and_nothing_is_half_written() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let other = Connection::open(chat.database()).unwrap();
    other.execute_batch("begin exclusive").unwrap();

    let body = json!({
        "author_id": ada,
        "recipient_id": ada,
        "content": "hello?",
    });
    let answer = chat.post("/api/messages", &body).await;

    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.error().contains("try again"), "{answer:?}");
    assert!(!answer.text.to_lowercase().contains("sql"), "{answer:?}");
    other.execute_batch("rollback").unwrap();
    assert_eq!(chat.contents(ada).await, [""; 0]);
    chat.send(ada, ada, "hello!").await;
    assert_eq!(chat.contents(ada).await, ["hello!"]);
}

/// A full disk may show itself only when SQLite commits, after the row was
/// inserted and its id returned. Here a broken rule does, at that moment.
#[tokio::test]
async fn what_is_rolled_back_at_its_end_is_not_called_stored() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let other = Connection::open(chat.database()).unwrap();
    other
        .execute_batch(
            "create table late (
                user_id integer references users deferrable initially deferred
            );
            create trigger late_message after insert on messages begin
                insert into late values (-1);
            end;
            create trigger late_user after insert on users begin
                insert into late values (-1);
            end",
        )
        .unwrap();

    let message = json!({
        "author_id": ada,
        "recipient_id": ada,
        "content": "hello?",
    });
    let user = json!({
        "name": "Bob Kahn",
        "email": "bob@example.org",
        "nickname": "bob",
    });
    for (path, body) in [("/api/messages", message), ("/api/users", user)] {
        let answer = chat.post(path, &body).await;
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
    }
    assert_eq!(chat.contents(ada).await, [""; 0]);
    let users = chat.get("/api/users").await.json();
    assert_eq!(users.as_array().map(Vec::len), Some(1), "{users}");
}

#[tokio::test]
async fn a_broken_database_is_a_503_on_each_kind_of_page() {
    let chat = chat().await;
    chat.get("/db/alive").await;
    let other = Connection::open(chat.database()).unwrap();
    other
        .execute_batch("pragma foreign_keys = off; drop table users")
        .unwrap();

    let json = chat.get("/api/users").await;
    let page = chat.get("/front/users").await;

    assert_eq!(json.status, 503, "{json:?}");
    assert!(!json.error().contains("users"), "{json:?}");
    assert_eq!(page.status, 503, "{page:?}");
    assert!(page.text.starts_with("<!doctype html>"), "{page:?}");
    assert!(!page.text.contains("no such table"), "{page:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_program_in_good_order() {
    for name in ["INT", "TERM"] {
        let folder = folder();
        let path = folder.path().join("chat.db");
        let program = Program::start(PROGRAM, &path).await;
        program.add_user("ada").await;

        program.signal(name).await;

        let status = program.exit().await;
        assert!(status.success(), "SIG{name}: {status}");
        // A closed database leaves no journal behind.
        let left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["chat.db"], "SIG{name}");
    }
}

/// A connection without a request, and one that never ends its request, must
/// not keep the server alive for ever.
#[tokio::test]
async fn a_client_that_hangs_does_not_hold_up_the_end() {
    let chat = chat().await;
    let _silent = TcpStream::connect(chat.address()).await.unwrap();
    let mut slow = TcpStream::connect(chat.address()).await.unwrap();
    slow.write_all(b"POST /api/users HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    assert_eq!(chat.get("/db/alive").await.status, 200);

    chat.stop().await;
}

/// The message is stored or not, but the server goes on.
#[tokio::test]
async fn a_client_that_hangs_up_early_does_no_harm() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;

    let body = json!({
        "author_id": ada,
        "recipient_id": ada,
        "content": "bye",
    })
    .to_string();
    let head = format!(
        "POST /api/messages HTTP/1.1\r\nHost: x\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    for sent in [&head[..10], &head, &format!("{head}{}", &body[..9])] {
        let mut stream = TcpStream::connect(chat.address()).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        drop(stream);
    }
    let mut garbage = TcpStream::connect(chat.address()).await.unwrap();
    garbage
        .write_all(b"\x16\x03\x01\x00hello\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    soon("an answer", garbage.read_to_end(&mut answer))
        .await
        .ok();

    assert_eq!(chat.contents(ada).await, [""; 0]);
    chat.send(ada, ada, "still here").await;
    assert_eq!(chat.contents(ada).await, ["still here"]);
}
