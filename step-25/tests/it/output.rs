//! What the program prints and logs, when nobody reads it.

use std::process::Stdio;

use serde_json::json;
use testkit::Program;

use crate::PROGRAM;
use crate::people::Person;
use crate::postgres::Home;

/// A pipe holds 64 KiB: what is logged of these requests is more than that,
/// and at the level "trace" more lines than the queue has.
const REQUESTS: usize = 700;

/// Each is printed with more than 1,000 characters.
const ACKS: usize = 200;

/// A program whose log nobody reads, unless the test does.
async fn unread(home: &Home, level: &str) -> Program {
    Program::start_with(PROGRAM, home.path(), |command| {
        command.env("RUST_LOG", level).env("LIMITS", "off");
        command.stderr(Stdio::piped());
    })
    .await
}

async fn fill_the_log(chat: &Program, requests: usize) {
    for _ in 0..requests {
        assert_eq!(chat.get("/db/alive").await.status, 200);
    }
}

async fn fill_the_output(ada: &Person) {
    let mut page = ada.connects().await;
    for _ in 0..ACKS {
        page.emit("connect-ack", &json!("x".repeat(2000))).await;
    }
    page.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_nothing() {
    let home = Home::new();
    let chat = unread(&home, "info").await;

    fill_the_log(&chat, REQUESTS).await;

    let ada = Person::new(&chat, "ada").await;
    ada.says(&ada, "still there?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_nobody_reads_stops_nothing() {
    let home = Home::new();
    let chat = unread(&home, "info").await;
    let ada = Person::new(&chat, "ada").await;

    fill_the_output(&ada).await;

    let mut page = ada.connects().await;
    ada.says(&ada, "still there?").await;
    assert_eq!(page.event().await.0, "direct-message");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_program_ends_though_nobody_reads_what_it_says() {
    let home = Home::new();
    let chat = unread(&home, "trace").await;
    let ada = Person::new(&chat, "ada").await;
    fill_the_output(&ada).await;
    fill_the_log(&chat, REQUESTS).await;

    chat.signal("TERM").await;

    assert!(chat.exit_unread().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_how_much_of_it_is_lost() {
    let home = Home::new();
    let mut chat = unread(&home, "trace,sqlx=off").await;
    // For longer than a second: what it says meanwhile is lost as well.
    fill_the_log(&chat, 3 * REQUESTS).await;

    let (mut read, mut lost) = (0, 0);
    while lost == 0 || read + lost + 20 < 3 * 3 * REQUESTS {
        let line = chat.logged("").await;
        read += line.matches("uri=/db/alive").count();
        if let Some((_, count)) = line.split_once("in time lines=") {
            lost += count.parse::<usize>().unwrap();
        }
    }

    // Three lines of each request; and a few of others were lost.
    let sum = read + lost;
    assert!(sum < 3 * 3 * REQUESTS + 20, "{read} + {lost}");
    // From here on, nothing is.
    chat.get("/there-is-nothing-at-all").await;
    chat.logged("there-is-nothing-at-all").await;
}

/// The log's last lines are written before the program ends.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_read_is_whole() {
    let home = Home::new();
    let chat = unread(&home, "info").await;
    fill_the_log(&chat, 100).await;

    chat.signal("TERM").await;

    let log = chat.rest_of_log().await;
    assert_eq!(log.matches("finished processing request").count(), 100);
}

/// Each connection is a file for the system, and it gives a process some alone.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn when_there_are_no_files_left_the_chat_goes_on_and_recovers() {
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    use testkit::Socket;
    use tokio::net::TcpStream;

    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("few-files");
    let text = format!("#!/bin/sh\nulimit -n 64\nexec '{PROGRAM}'\n");
    std::fs::write(&script, text).unwrap();
    let runs = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&script, runs).unwrap();
    let home = Home::new();
    let script = script.to_str().unwrap();
    let mut chat = Program::start_logged(script, home.path(), "error").await;
    let ada = Person::new(&chat, "ada").await;
    let mut lobby = Socket::connect(&ada, None).await.unwrap();

    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(TcpStream::connect(chat.address()).await.unwrap());
    }

    let text = "no new connections for a second";
    let first = chat.logged(text).await;
    assert!(first.contains("Too many open files"), "{first}");
    let begin = Instant::now();
    for _ in 0..3 {
        chat.logged(text).await;
        let said = json!({ "message": "still there?" });
        let answer = lobby.emit_with_ack("send_message", &said).await;
        assert_eq!(answer["ok"], true);
        assert_eq!(lobby.event().await.0, "message");
    }
    assert!(begin.elapsed() > Duration::from_millis(2500));
    drop(open);
    assert_eq!(chat.get("/db/alive").await.status, 200);
}
