//! What goes wrong outside the program: ports, files, signals, power cuts.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use testkit::{Program, Unread, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rusqlite::rusqlite::Connection;

use crate::people::{Person, user};
use crate::{PROGRAM, chat};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Begins to post a message; returns the connection and the body that is
/// still to be sent. The server has begun to read: it asked to go on.
pub(crate) async fn begin_post(
    from: &Person,
    to: &Person,
) -> (TcpStream, String) {
    let body = from.message(to, "bye").to_string();
    let fields = format!(
        "Connection: close\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    let head = from.head("POST", "/api/messages", &fields);
    let mut stream = TcpStream::connect(from.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    let read = stream.read_exact(&mut answer);
    soon("100 Continue", read).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    (stream, body)
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

/// Not where a log goes: it must be seen whatever the log's level is.
#[tokio::test]
async fn an_address_that_others_can_reach_is_warned_about() {
    let folder = folder();
    let path = folder.path().join("chat.db");

    let mut program = Program::start_with(PROGRAM, &path, |command| {
        command
            .env("ADDRESS", "0.0.0.0:0")
            .env("RUST_LOG", "off")
            .stderr(Stdio::piped());
    })
    .await;

    program.logged("warning: passwords and messages go").await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_costs_no_answer() {
    let folder = folder();
    let path = folder.path().join("chat.db");
    let program = Program::start_logged(PROGRAM, &path, "info").await;
    let ada = Person::new(&program, "ada").await;

    let _unread = program.stop_reading();
    for _ in 0..10 {
        ada.says(&ada, "hello").await;
    }

    assert_eq!(ada.reads().await.len(), 10);
}

/// Each write to this file fails as on a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_log_on_a_full_disk_costs_no_answer() {
    let folder = folder();
    let path = folder.path().join("chat.db");
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let program = Program::start_with(PROGRAM, &path, |command| {
        command.env("RUST_LOG", "info").stderr(full);
    })
    .await;
    let ada = Person::new(&program, "ada").await;

    ada.says(&ada, "hello").await;

    assert_eq!(ada.reads().await, ["hello"]);
}

#[tokio::test]
async fn the_program_starts_though_nobody_reads_where_it_listens() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);

    let path = folder.path().join("chat.db");
    let program = Unread::start(PROGRAM, &path, &address).await;

    assert_eq!(program.get("/db/alive").await.status, 200);
}

#[tokio::test]
async fn a_program_that_is_refused_and_not_listened_to_ends_with_1() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);

    let program = Command::new(PROGRAM)
        .env("ADDRESS", "nowhere")
        .stderr(writer)
        .status();
    let status = soon("the program to end", program).await.unwrap();

    assert_eq!(status.code(), Some(1));
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
    let ada = Person::new(&program, "ada").await;
    ada.says(&ada, "remember").await;
    program.kill().await;

    let program = Program::start(PROGRAM, &path).await;

    assert_eq!(ada.at(&program).reads().await, ["remember"]);
}

/// Names of invisible characters were taken once.
#[tokio::test]
async fn a_user_whose_name_would_be_refused_still_shows_and_sends() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    Connection::open(chat.database())
        .unwrap()
        .execute(
            "update users set nickname = ?1, name = ?1 where id = ?2",
            ("\u{200b}", bob.id),
        )
        .unwrap();

    ada.says(&bob, "hi").await;
    let answer = bob.says(&ada, "hi yourself").await;

    assert_eq!(answer["author"]["nickname"], "\u{200b}");
    assert_eq!(bob.reads().await, ["hi", "hi yourself"]);
    let users = ada.get("/api/users").await.json();
    assert_eq!(users[1]["nickname"], "\u{200b}");
    assert_eq!(bob.get(&bob.page()).await.status, 200);
}

/// What an answered message must survive: the end of the process, and by
/// these settings a power cut as well.
#[tokio::test]
async fn an_answered_message_is_on_the_disk() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    ada.says(&ada, "remember").await;

    let reader = Connection::open(chat.database()).unwrap();
    let mode = reader
        .pragma_query_value(None, "journal_mode", |r| r.get::<_, String>(0));
    assert_eq!(mode.unwrap(), "wal");
    let count =
        reader.query_row("select count(*) from messages", [], |r| r.get(0));
    assert_eq!(count, Ok(1));
}

/// Posts messages until the server is gone; returns those it answered.
async fn post_until_gone(ada: Person, name: i32) -> Vec<String> {
    let mut answered = Vec::new();
    for number in 0.. {
        let content = format!("{name}/{number}");
        let body = Some(ada.message(&ada, &content).to_string().into_bytes());
        let kind = "application/json";
        match ada.request("POST", "/api/messages", kind, body).await {
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
    let ada = Person::new(&program, "ada").await;

    let clients: Vec<_> = (0..8)
        .map(|name| tokio::spawn(post_until_gone(ada.at(&program), name)))
        .collect();
    let fifty = async { while ada.reads().await.len() < 50 {} };
    soon("fifty messages", fifty).await;
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
    let ada = Person::new(&chat, "ada").await;
    let other = Connection::open(chat.database()).unwrap();
    other.execute_batch("begin exclusive").unwrap();

    let answer = ada.tries(&ada, "hello?").await;

    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.error().contains("Try again"), "{answer:?}");
    assert!(!answer.text.to_lowercase().contains("sql"), "{answer:?}");
    other.execute_batch("rollback").unwrap();
    assert_eq!(ada.reads().await, [""; 0]);
    ada.says(&ada, "hello!").await;
    assert_eq!(ada.reads().await, ["hello!"]);
}

/// Each waits two seconds, and not until the ones before it have waited.
#[tokio::test]
async fn many_who_find_the_database_locked_are_answered_and_not_stored() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let other = Connection::open(chat.database()).unwrap();
    other.execute_batch("begin immediate").unwrap();

    let writers: Vec<_> = (0..32)
        .map(|_| {
            let ada = ada.at(&chat);
            tokio::spawn(async move { ada.tries(&ada, "locked out").await })
        })
        .collect();
    // Who only reads does not wait.
    for _ in 0..10 {
        assert_eq!(ada.reads().await, [""; 0]);
    }
    assert!(!writers.iter().any(tokio::task::JoinHandle::is_finished));
    let answers = async {
        for writer in writers {
            assert_eq!(writer.await.unwrap().status, 503);
        }
    };
    soon("all answers", answers).await;
    other.execute_batch("rollback").unwrap();

    ada.says(&ada, "let in").await;
    assert_eq!(ada.reads().await, ["let in"]);
}

#[tokio::test]
async fn a_locked_database_does_not_hold_up_the_end() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let other = Connection::open(chat.database()).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let (mut sender, body) = begin_post(&ada, &ada).await;
    sender.write_all(body.as_bytes()).await.unwrap();

    let folder = chat.stop().await;

    let mut answer = String::new();
    let read = sender.read_to_string(&mut answer);
    soon("an answer", read).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    other.execute_batch("rollback").unwrap();
    let count = Connection::open(folder.path().join("chat.db"))
        .unwrap()
        .query_row("select count(*) from messages", [], |row| row.get(0));
    assert_eq!(count, Ok(0));
}

/// The server has given up on this request, and closed the database.
#[tokio::test]
async fn a_message_that_comes_after_the_end_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let (mut sender, body) = begin_post(&ada, &ada).await;

    chat.stop().await;
    sender.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = sender.read_to_string(&mut answer);
    soon("an answer", read).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("The database is closed"), "{answer}");
}

/// A full disk may show itself only when SQLite commits, after the row was
/// inserted and its id returned. Here a broken rule does, at that moment.
#[tokio::test]
async fn what_is_rolled_back_at_its_end_is_not_called_stored() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
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

    let message = ada.tries(&ada, "hello?").await;
    let user = chat.post("/api/users", &user("bob")).await;
    for answer in [message, user] {
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    assert_eq!(ada.reads().await, [""; 0]);
    let users = ada.get("/api/users").await.json();
    assert_eq!(users.as_array().map(Vec::len), Some(1), "{users}");
}

#[tokio::test]
async fn a_broken_database_is_a_503_on_each_kind_of_page() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let other = Connection::open(chat.database()).unwrap();
    other
        .execute_batch("pragma foreign_keys = off; drop table users")
        .unwrap();

    let json = ada.get("/api/users").await;
    let page = ada.get("/front/users").await;

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
        Person::new(&program, "ada").await;

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
    let ada = Person::new(&chat, "ada").await;

    let body = ada.message(&ada, "bye").to_string();
    let fields = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    let head = ada.head("POST", "/api/messages", &fields);
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

    assert_eq!(ada.reads().await, [""; 0]);
    ada.says(&ada, "still here").await;
    assert_eq!(ada.reads().await, ["still here"]);
}
