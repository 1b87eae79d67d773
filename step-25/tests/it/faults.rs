//! What goes wrong outside the program: ports, files, signals, power cuts.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use postgres_here::Throwaway;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use testkit::{Program, Unread, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::people::{Person, user};
use crate::postgres::{Home, LOCK, Other};
use crate::{PROGRAM, chat};

/// What breaks a rule, but not until it is committed.
pub(crate) const LATE: &str = "
    create table late (
        user_id bigint references users deferrable initially deferred
    );
    create function late() returns trigger language plpgsql as $$ begin
        insert into late values (-1);
        return null;
    end $$";

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
    text
}

#[tokio::test]
async fn the_program_says_where_it_listens_whatever_the_log_says() {
    let home = Home::new();

    // `Program` reads the line, and takes the address from it.
    let program = Program::start(PROGRAM, home.path()).await;

    assert_eq!(program.get("/db/alive").await.status, 200);
}

/// Not where a log goes: it must be seen whatever the log's level is.
#[tokio::test]
async fn an_address_that_others_can_reach_is_warned_about() {
    let home = Home::new();
    let path = home.path().to_owned();

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
    let home = Home::new();
    let path = home.path().to_owned();
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
    let home = Home::new();
    let path = home.path().to_owned();
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
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);

    let program = Unread::start(PROGRAM, home.path(), &address).await;

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

#[tokio::test]
async fn without_a_database_the_program_says_what_to_do() {
    let text = Program::refused(PROGRAM, Path::new(""), |command| {
        command.env_remove("DATABASE");
    })
    .await;
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("DATABASE is not set"), "{text}");
    assert!(text.contains("DATABASE=postgres://"), "{text}");
}

#[tokio::test]
async fn a_file_is_no_database_and_can_be_imported() {
    let folder = folder();
    let path = folder.path().join("chat.db");
    fs::write(&path, "whatever it is").unwrap();

    let text = refusal(&path).await;

    let path = path.display();
    assert!(text.contains(&format!("import {path}")), "{text}");
    assert_eq!(
        fs::read_to_string(path.to_string()).unwrap(),
        "whatever it is"
    );
}

#[tokio::test]
async fn what_is_no_url_of_postgresql_is_refused_and_not_shown() {
    for url in [
        "",
        "chat",
        "mysql://chat:secret@127.0.0.1/chat",
        "postgres//:secret",
    ] {
        let text = refusal(Path::new(url)).await;
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn tls_is_not_built_in() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let home = Home::new();
        let url = format!("{}?sslmode={mode}", home.path().display());
        let text = refusal(Path::new(&url)).await;
        assert!(text.contains("sslmode=disable"), "{text}");
    }
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_database() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    let url = format!("postgres://chat:secret@{address}/chat");
    let text = refusal(Path::new(&url)).await;

    assert!(text.contains(&format!("chat at {address}")), "{text}");
    assert!(text.contains("refused"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

/// It listens, and says nothing.
#[tokio::test]
async fn where_nobody_answers_there_is_no_database() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();

    let url = format!("postgres://chat@{address}/chat");
    let text = refusal(Path::new(&url)).await;

    assert!(text.contains("does not answer"), "{text}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_named() {
    let home = Home::new();
    let url = format!("{}_not", home.path().display());

    let text = refusal(Path::new(&url)).await;

    assert!(text.contains("does not exist"), "{text}");
}

/// Neither the wrong password nor the right one is shown.
#[tokio::test]
async fn a_wrong_password_is_refused_and_not_shown() {
    let postgres = Throwaway::start();
    let home = Home::at(&postgres);
    let mut other = Other::at(home.path()).await;
    let role = "create role guest login superuser password 'right'";
    other.run(role).await;
    let rules = postgres.cluster().folder().join("pg_hba.conf");
    let old = fs::read_to_string(&rules).unwrap();
    let guest = "host all guest 127.0.0.1/32 scram-sha-256";
    fs::write(&rules, format!("{guest}\n{old}")).unwrap();
    other.run("select pg_reload_conf()").await;
    let url = home.path().to_str().unwrap();
    let right = url.replace("chat@", "guest:right@");
    let wrong = url.replace("chat@", "guest:wrong@");
    // A reload takes its time.
    let refused =
        async { while PgConnection::connect(&wrong).await.is_ok() {} };
    soon("the new rules", refused).await;

    let text = refusal(Path::new(&wrong)).await;

    assert!(text.contains("password authentication failed"), "{text}");
    assert!(!text.contains("wrong"), "{text}");
    let program = Program::start(PROGRAM, Path::new(&right)).await;
    assert_eq!(program.get("/db/alive").await.status, 200);
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let home = Home::new();
    let mut other = Other::at(home.path()).await;
    other.run("create table users (x int)").await;

    let text = refusal(home.path()).await;

    assert!(text.contains("not this chat's"), "{text}");
    let tables = "select count(*) from pg_tables where schemaname = 'public'";
    assert_eq!(other.number(tables).await, 1);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let home = Home::new();
    Program::start(PROGRAM, home.path()).await.kill().await;
    let mut other = Other::at(home.path()).await;
    other.run("update chat_database set version = 1000").await;

    let text = refusal(home.path()).await;

    assert!(text.contains("newer"), "{text}");
    let version = "select version::bigint from chat_database";
    assert_eq!(other.number(version).await, 1000);
}

/// Whoever may only read gets no chat, and no half of a schema.
#[tokio::test]
async fn a_database_in_which_nothing_may_be_made_is_refused() {
    let home = Home::new();
    let mut other = Other::at(home.path()).await;
    let role = format!("reader_{}", std::process::id());
    other
        .run(&format!(
            "create role {role} login;
            revoke create on schema public from public"
        ))
        .await;
    let url = home.path().to_str().unwrap();
    let url = url.replace("chat@", &format!("{role}@"));

    let text = refusal(Path::new(&url)).await;

    assert!(text.contains("permission denied"), "{text}");
    other.run(&format!("drop role {role}")).await;
}

#[tokio::test]
async fn two_programs_that_start_at_once_make_one_schema() {
    for _ in 0..5 {
        let home = Home::new();

        let (one, other) = tokio::join!(
            Program::start(PROGRAM, home.path()),
            Program::start(PROGRAM, home.path()),
        );

        for program in [one, other] {
            let alive = program.get("/db/alive").await.json();
            assert_eq!(alive["schema_version"], 5);
        }
        let mut other = Other::at(home.path()).await;
        let count = "select count(*) from chat_database";
        assert_eq!(other.number(count).await, 1);
    }
}

#[tokio::test]
async fn messages_are_there_after_a_restart() {
    let home = Home::new();
    let path = home.path().to_owned();
    let program = Program::start(PROGRAM, &path).await;
    let ada = Person::new(&program, "ada").await;
    ada.says(&ada, "remember").await;
    program.kill().await;

    let program = Program::start(PROGRAM, &path).await;

    assert_eq!(ada.at(&program).reads().await, ["remember"]);
}

/// PostgreSQL takes a text with a NUL for none.
#[tokio::test]
async fn a_nickname_with_a_nul_is_nobodys() {
    let chat = chat().await;

    let body = json!({ "nickname": "a\0da", "password": "whatever it is" });
    let answer = chat.post("/api/sessions", &body).await;

    assert_eq!(answer.status, 401, "{answer:?}");
}

#[tokio::test]
async fn the_id_of_a_database_with_a_nul_is_another_ones() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let mut body = ada.message(&ada, "hello");
    body["database_id"] = json!("a\0b");
    let answer = ada.post("/api/messages", &body).await;

    assert_eq!(answer.status, 409, "{answer:?}");
    assert_eq!(ada.reads().await, [""; 0]);
}

/// Names of invisible characters were taken once.
#[tokio::test]
async fn a_user_whose_name_would_be_refused_still_shows_and_sends() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut other = Other::at(chat.database()).await;
    let invisible = "update users set nickname = '\u{200b}', name = '\u{200b}'";
    other
        .run(&format!("{invisible} where id = {}", bob.id))
        .await;

    ada.says(&bob, "hi").await;
    let answer = bob.says(&ada, "hi yourself").await;

    assert_eq!(answer["author"]["nickname"], "\u{200b}");
    assert_eq!(bob.reads().await, ["hi", "hi yourself"]);
    let users = ada.get("/api/users").await.json();
    assert_eq!(users[1]["nickname"], "\u{200b}");
    assert_eq!(bob.get(&bob.page()).await.status, 200);
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
    let home = Home::new();
    let path = home.path().to_owned();
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
    let mut other = Other::at(&path).await;
    let stored: Vec<String> = other.all("select content from messages").await;
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
    let mut other = Other::at(chat.database()).await;
    other.run(LOCK).await;

    let answer = ada.tries(&ada, "hello?").await;

    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.error().contains("Try again"), "{answer:?}");
    assert!(!answer.text.to_lowercase().contains("sql"), "{answer:?}");
    other.run("rollback").await;
    assert_eq!(ada.reads().await, [""; 0]);
    ada.says(&ada, "hello!").await;
    assert_eq!(ada.reads().await, ["hello!"]);
}

/// Each waits two seconds, and not until the ones before it have waited.
#[tokio::test]
async fn many_who_find_the_database_locked_are_answered_and_not_stored() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut other = Other::at(chat.database()).await;
    other.run(LOCK).await;

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
    other.run("rollback").await;

    ada.says(&ada, "let in").await;
    assert_eq!(ada.reads().await, ["let in"]);
}

#[tokio::test]
async fn a_locked_database_does_not_hold_up_the_end() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut other = Other::at(chat.database()).await;
    other.run(LOCK).await;
    let (mut sender, body) = begin_post(&ada, &ada).await;
    sender.write_all(body.as_bytes()).await.unwrap();

    let home = chat.stop().await;

    let mut answer = String::new();
    let read = sender.read_to_string(&mut answer);
    soon("an answer", read).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    other.run("rollback").await;
    let mut other = Other::at(home.path()).await;
    assert_eq!(other.number("select count(*) from messages").await, 0);
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

/// A rule may be broken only when it is committed, after the row was inserted
/// and its id returned.
#[tokio::test]
async fn what_is_rolled_back_at_its_end_is_not_called_stored() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut other = Other::at(chat.database()).await;
    other.run(LATE).await;
    other
        .run(
            "create trigger late_message after insert on messages
            for each row execute function late();
            create trigger late_user after insert on users
            for each row execute function late()",
        )
        .await;

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
    let mut other = Other::at(chat.database()).await;
    other.run("drop table users cascade").await;

    let json = ada.get("/api/users").await;
    let page = ada.get("/front/users").await;

    assert_eq!(json.status, 503, "{json:?}");
    assert!(!json.error().contains("users"), "{json:?}");
    assert_eq!(page.status, 503, "{page:?}");
    assert!(page.text.starts_with("<!doctype html>"), "{page:?}");
    assert!(!page.text.contains("relation"), "{page:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_program_in_good_order() {
    for name in ["INT", "TERM"] {
        let home = Home::new();
        let path = home.path().to_owned();
        let program = Program::start(PROGRAM, &path).await;
        Person::new(&program, "ada").await;

        program.signal(name).await;

        let status = program.exit().await;
        assert!(status.success(), "SIG{name}: {status}");
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
