//! Clients that are slow, or dead: the server does not wait for ever.

use std::process::Stdio;
use std::time::Duration;

use testkit::{Client, Program, Socket, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::people::{Person, floods};
use crate::postgres::{Chat, Home};
use crate::{PROGRAM, Patience, Settings, chat, chat_with};

const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(100);

/// No part of a test is waited for as long as this.
const PATIENT: Patience = Patience {
    head: LONG,
    request: LONG,
    write: LONG,
};

async fn chat_that_waits(patience: Patience) -> Chat {
    chat_with(Settings {
        patience,
        ..Settings::default()
    })
    .await
}

/// Sends `first`, and then one byte after the other for as long as the server
/// takes them. Returns what it answers.
async fn trickle(chat: &Client, first: &str) -> String {
    let stream = TcpStream::connect(chat.address()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    writer.write_all(first.as_bytes()).await.unwrap();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let mut answer = Vec::new();
    let end = async {
        // No more bytes once there is an answer: an end that meets some may
        // take the answer along.
        answer.extend(reader.read_u8().await);
        trickle.abort();
        reader.read_to_end(&mut answer).await.ok();
    };
    soon("the end of the connection", end).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_its_connection() {
    let patience = Patience {
        head: SHORT,
        ..PATIENT
    };
    let chat = chat_that_waits(patience).await;

    for first in ["", "G", "GET / HTTP/1.1\r\nHost: "] {
        let answer = trickle(&chat, first).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }

    assert_eq!(chat.get("/db/alive").await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_end_is_answered_and_ends_its_connection() {
    let patience = Patience {
        // A sign-up takes its time, too.
        request: 3 * SHORT,
        ..PATIENT
    };
    let chat = chat_that_waits(patience).await;
    let ada = Person::new(&chat, "ada").await;
    let fields = "Content-Type: application/json\r\nContent-Length: 60000\r\n";

    for path in ["/api/sessions", "/api/users"] {
        let head = chat.head("POST", path, fields);
        let answer = trickle(&chat, &head).await;

        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.ends_with(r#"{"error":"The request took too long."}"#));
        // It is an answer like all others.
        assert!(answer.contains("x-content-type-options"), "{answer}");
    }

    // And of a request of Socket.IO.
    let path = "/socket.io/?EIO=4&transport=polling";
    let open = ada.get(path).await.text;
    let sid = open.split('"').nth(3).unwrap();
    let head = ada.head("POST", &format!("{path}&sid={sid}"), fields);
    let answer = trickle(&ada, &head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_socket_that_does_not_connect_is_ended() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    Socket::open(&ada).await.closed().await;
}

#[tokio::test]
async fn a_head_of_more_than_16_kib_is_refused() {
    let chat = chat().await;
    let get = async |size: usize| {
        let client = (*chat).clone().with_header("x", &"x".repeat(size));
        client.get("/db/alive").await.status
    };

    assert_eq!(get(15 * 1024).await, 200);
    assert_eq!(get(16 * 1024).await, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_reads_nothing_is_ended() {
    let patience = Patience {
        write: SHORT,
        ..PATIENT
    };
    let chat = chat_with(Settings {
        patience,
        unlimited: true,
        ..Settings::default()
    })
    .await;
    let ada = Person::new(&chat, "ada").await;
    let mut speaker = ada.connects().await;
    let unread = ada.connects_narrowly().await;

    floods(&mut speaker, 1000).await;

    unread.closed_unread().await;
    speaker.expect_silence().await;
}

/// Its queue was full, and it has missed a message: as soon as it reads again,
/// it is told to come back, and catches up.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_has_missed_something_is_told_to_come_back() {
    let home = Home::new();
    let database = home.path().to_owned();
    let mut chat = Program::start_with(PROGRAM, &database, |command| {
        command.env("LIMITS", "off").stderr(Stdio::piped());
    })
    .await;
    let ada = Person::new(&chat, "ada").await;
    let mut page = ada.connects_narrowly().await;
    let mut speaker = ada.connects().await;
    floods(&mut speaker, 1000).await;
    tokio::select! {
        _ = chat.logged("it reads too slowly") => (),
        () = floods(&mut speaker, 2000) => panic!("the log does not say it"),
    }

    while page.packet().await.expect("a packet") != "41" {}

    // Who has missed nothing stays.
    ada.says(&ada, "the last one").await;
    while speaker.event().await.0 != "direct-message" {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_no_answer_is_ended() {
    let patience = Patience {
        write: SHORT,
        ..PATIENT
    };
    let chat = chat_that_waits(patience).await;

    let mut unread = TcpStream::connect(chat.address()).await.unwrap();
    let head = chat.head("GET", "/static/style.css", "");
    let asks =
        async { while unread.write_all(head.as_bytes()).await.is_ok() {} };

    soon("the end of a client that reads nothing", asks).await;
    assert_eq!(chat.get("/db/alive").await.status, 200);
}
