//! The lobby: what anybody says, everybody reads.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};
use testkit::{Client, Socket};

use crate::chat;
use crate::pages::ask_for_files;
use crate::people::Person;

/// Connects as the lobby's page does.
async fn visitor(chat: &Client) -> Socket {
    let person = Person::anybody(chat).await;
    Socket::connect(&person, None).await.unwrap()
}

/// A visitor who is known by a nickname.
async fn named(chat: &Client, nickname: &str) -> Socket {
    let person = Person::new(chat, nickname).await;
    Socket::connect(&person, None).await.unwrap()
}

/// What somebody says, and how it is heard.
fn hello(nickname: &str) -> Value {
    json!({ "handle": nickname, "message": "hello" })
}

/// Waits for what somebody says; returns it without its date.
async fn heard(socket: &mut Socket) -> Value {
    let (event, mut message) = socket.event().await;
    assert_eq!(event, "message");
    let date = message.as_object_mut().unwrap().remove("date").unwrap();
    let date = date.as_str().unwrap();
    // Such as 2026-11-21T21:37:05.123Z, in the form of a direct message's.
    assert_eq!(date.len(), 24, "{date}");
    assert!(date.ends_with('Z') && date.as_bytes()[10] == b'T', "{date}");
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_a_form_and_says_that_nothing_is_kept() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let page = ada.get("/front/lobby").await;

    assert_eq!(page.status, 200);
    for part in [
        r#" data-live="connecting""#,
        r#"href="/front/lobby" aria-current="page""#,
        r#"id="messages""#,
        r#"name="message""#,
        "not saved",
    ] {
        assert!(page.text.contains(part), "no {part} in {}", page.text);
    }
    let users = ada.get("/front/users").await;
    assert!(
        users.text.contains(r#"href="/front/lobby""#),
        "{}",
        users.text
    );
}

/// What shows a message is there before what connects.
#[tokio::test(flavor = "multi_thread")]
async fn the_lobby_loads_its_scripts_in_order() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let page = ada.get("/front/lobby").await.text;

    let position = |text| {
        page.find(text)
            .unwrap_or_else(|| panic!("no {text} in {page}"))
    };
    let form = position(r#"<script src="/static/form.js" defer>"#);
    let lobby = position(r#"<script src="/static/lobby.js" defer>"#);
    let client = position(r#"<script src="/vendor/socket.io.min.js""#);
    let live = position(r#"<script src="/static/live.js" defer>"#);
    assert!(form < lobby && lobby < client && client < live, "{page}");
    let tag = &page[client..][..page[client..].find('>').unwrap()];
    assert!(tag.contains(r#"integrity="sha384-"#), "{tag}");
    assert!(tag.ends_with(" defer"), "{tag}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_that_the_lobby_names_is_served() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    assert!(ask_for_files(&ada, "/front/lobby").await >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_names_no_user() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for auth in [None, Some(json!({}))] {
        Socket::connect(&ada, auth).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_a_message_once_the_sender_included() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let page_of_ada = ada.connects().await;
    let grace = named(&chat, "grace").await;
    let mut all = [grace, visitor(&chat).await, page_of_ada];

    let answer = all[0].emit_with_ack("send_message", &hello("grace")).await;

    assert_eq!(answer, json!({ "ok": true }));
    for socket in &mut all {
        assert_eq!(heard(socket).await, hello("grace"));
        socket.expect_silence().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_no_acknowledgement_is_heard_too() {
    let chat = chat().await;
    let mut grace = named(&chat, "grace").await;

    grace.emit("send_message", &hello("grace")).await;

    assert_eq!(heard(&mut grace).await, hello("grace"));
    grace.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_reaches_the_sender_alone() {
    let chat = chat().await;
    let mut grace = visitor(&chat).await;
    let mut other = visitor(&chat).await;

    let says = |message: &str| json!({ "message": message });
    for (wrong, words) in [
        (json!({}), "message must not be blank"),
        (says("\n"), "message must not be blank"),
        (says("\u{3164}"), "message must not be blank"),
        (says(&"x".repeat(2001)), "message is longer than 2000"),
        (says("a\u{0}"), "message has control characters"),
        (json!({ "message": 7 }), "must be a text"),
        (json!(null), "must be a text"),
        (json!("hello"), "must be a text"),
        (json!(["grace", "hello"]), "must be a text"),
    ] {
        let answer = grace.emit_with_ack("send_message", &wrong).await;
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(words), "{wrong} {error}");
        assert_eq!(answer["field"], "message", "{wrong}");
        assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");
    }

    other.expect_silence().await;
    grace.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_payload_is_answered() {
    let chat = chat().await;
    let mut grace = visitor(&chat).await;

    grace.send(r#"427["send_message"]"#).await;

    let answer = grace.packet().await.unwrap();
    assert!(answer.starts_with(r#"437[{"error":"#), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_within_the_limits_comes_unchanged() {
    let chat = chat().await;
    let nickname = "ğ".repeat(80);
    let mut grace = named(&chat, &nickname).await;

    let said = json!({
        "handle": nickname,
        "message": format!("<b>שלום</b>\n{}", "😀".repeat(1987)),
    });
    let answer = grace.emit_with_ack("send_message", &said).await;

    assert_eq!(answer, json!({ "ok": true }));
    assert_eq!(heard(&mut grace).await, said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_does_not_come_to_the_lobby() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut page = ada.connects().await;
    let mut lobby = visitor(&chat).await;

    ada.says(&ada, "private").await;

    page.event().await;
    lobby.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_the_lobby_is_not_stored() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut lobby = visitor(&chat).await;

    lobby.emit_with_ack("send_message", &hello("ada")).await;
    heard(&mut lobby).await;

    assert_eq!(ada.get("/api/messages").await.json(), json!([]));
    assert_eq!(ada.reads().await, [""; 0]);
    visitor(&chat).await.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_before_connecting_harms_nobody() {
    let chat = chat().await;
    let mut other = visitor(&chat).await;

    let eve = Person::anybody(&chat).await;
    let mut early = Socket::open(&eve).await;
    early
        .send(r#"42["send_message",{"handle":"x","message":"early"}]"#)
        .await;
    early.closed().await;

    other.expect_silence().await;
}

/// More messages than a socket's queue has by default.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_who_speak_at_once_all_hear_each_other() {
    let chat = chat().await;
    let mut all = Vec::new();
    for _ in 0..30 {
        all.push(visitor(&chat).await);
    }

    for (number, socket) in all.iter_mut().enumerate() {
        for part in 0..10 {
            let said = json!({ "message": format!("{number} {part}") });
            socket.emit("send_message", &said).await;
        }
    }

    let expected: BTreeSet<String> =
        (0..300).map(|n| format!("{} {}", n / 10, n % 10)).collect();
    for socket in &mut all {
        let mut messages = BTreeSet::new();
        for _ in 0..300 {
            let message = heard(socket).await;
            messages.insert(message["message"].as_str().unwrap().to_owned());
        }
        assert_eq!(messages, expected);
    }
}

/// Prints what a broadcast costs, for the book:
/// `cargo test --release -p step-25 cost -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints numbers, and checks none"]
async fn the_cost_of_a_broadcast() {
    const WARM_UP: usize = 20;
    const MESSAGES: usize = 101;

    println!("clients  copies per message  µs per message  µs per copy");
    for clients in [1_u32, 10, 100, 1000] {
        let chat = chat().await;
        let ada = Person::new(&chat, "ada").await;
        let mut all = Vec::new();
        for _ in 0..clients {
            all.push(Socket::connect(&ada, None).await.unwrap());
        }
        let mut times = Vec::new();
        for _ in 0..WARM_UP + MESSAGES {
            let start = Instant::now();
            all[0].emit_with_ack("send_message", &hello("ada")).await;
            for socket in &mut all {
                heard(socket).await;
            }
            times.push(start.elapsed());
        }
        let mut measured = times.split_off(WARM_UP);
        measured.sort_unstable();
        let median = measured[MESSAGES / 2].as_micros();
        let copy = median / u128::from(clients);
        println!("{clients:>7} {clients:>19} {median:>15} {copy:>12}");
    }
}
