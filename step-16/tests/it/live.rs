//! Socket.IO: the connection, and what it carries.

use serde_json::{Value, json};
use testkit::{Client, Program, Socket};

use crate::{PROGRAM, chat};

/// Connects as the page of a user does.
async fn page(chat: &Client, _user: i64) -> Socket {
    Socket::connect(chat, None).await.unwrap()
}

#[tokio::test]
async fn the_server_answers_a_handshake() {
    let chat = chat().await;

    let answer = chat.get("/socket.io/?EIO=4&transport=polling").await;

    assert_eq!(answer.status, 200);
    assert!(answer.text.starts_with(r#"0{"sid":""#), "{answer:?}");
}

#[tokio::test]
async fn the_acknowledgement_is_printed_whatever_it_carries() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut program = Program::start(PROGRAM, &database).await;
    let ada = program.add_user("ada").await;
    let mut socket = page(&program, ada).await;

    for payload in [
        json!({ "messages": "I'm connected!" }),
        json!("text\nin two lines"),
        json!([1, [2]]),
        Value::Null,
    ] {
        socket.emit("connect-ack", &payload).await;
        let line = program.line().await.unwrap();
        assert_eq!(line, format!("received ACK message: {payload}"));
    }
    socket.send(r#"42["connect-ack"]"#).await;
    let line = program.line().await.unwrap();
    assert_eq!(line, "received ACK message: null");
}

#[tokio::test]
async fn the_page_loads_its_scripts_in_order() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;

    let path = format!("/front/messages/{ada}");
    let page = chat.get(&path).await.text;

    assert!(page.contains(r#" data-live="connecting""#), "{page}");
    let position = |text| {
        page.find(text)
            .unwrap_or_else(|| panic!("no {text} in {page}"))
    };
    let form = position(r#"<script src="/static/messages.js" defer>"#);
    let client = position(r#"<script src="/vendor/socket.io.min.js""#);
    let live = position(r#"<script src="/static/live.js" defer>"#);
    assert!(form < client && client < live);
    assert!(live < position("</head>"));
    let tag = &page[client..][..page[client..].find('>').unwrap()];
    for part in [r#"integrity="sha384-"#, r#"crossorigin="anonymous""#] {
        assert!(tag.contains(part), "{tag}");
    }
    assert!(tag.ends_with(" defer"), "{tag}");
}

/// From `node_modules` once `npm ci` has run, from a CDN until then.
#[tokio::test]
async fn the_browser_is_given_a_client_or_led_to_one() {
    let chat = chat().await;

    let answer = chat.get("/vendor/socket.io.min.js").await;

    if answer.status == 200 {
        assert_eq!(answer.header("content-type"), "text/javascript");
        assert!(answer.text.contains("Socket.IO v4.8.4"), "{answer:?}");
    } else {
        assert_eq!(answer.status, 307, "{answer:?}");
        let location = answer.header("location");
        assert!(location.contains("/socket.io-client@4.8.4/"), "{location}");
        assert!(location.ends_with("/socket.io.min.js"), "{location}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let path = "/vendor/socket.io.min.js";
    let wrong = chat.request("POST", path, "", None).await.unwrap();
    assert_eq!(wrong.status, 405);
    assert!(!wrong.error().is_empty());
    let unknown = chat.get("/vendor/nothing.js").await;
    assert_eq!(unknown.status, 404);
    assert!(!unknown.error().is_empty());
}

#[tokio::test]
async fn a_message_does_not_come_live() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let mut socket = page(&chat, ada).await;

    chat.send(ada, ada, "hi").await;

    socket.expect_silence().await;
}

#[tokio::test]
async fn a_bad_frame_ends_no_other_connection() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let mut other = page(&chat, ada).await;

    for frame in [
        "garbage",
        "",
        "42",
        "42[",
        "42{}",
        r#"42["#,
        "9",
        "4",
        "49",
        "4299999999999999999999[\"x\"]",
        "45",
        "451-[\"x\",{\"_placeholder\":true,\"num\":0}]",
    ] {
        let mut socket = page(&chat, ada).await;
        socket.send(frame).await;
        socket.leave().await;
    }

    other.expect_silence().await;
    let mut another = page(&chat, ada).await;
    another.expect_silence().await;
}

#[tokio::test]
async fn a_frame_over_64_kib_ends_its_connection_and_no_other() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let mut other = page(&chat, ada).await;
    let mut big = page(&chat, ada).await;

    let payload = json!("x".repeat(64 * 1024));
    big.emit("connect-ack", &payload).await;

    big.closed().await;
    other.expect_silence().await;
}

#[tokio::test]
async fn a_packet_with_bytes_ends_its_connection() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let mut socket = page(&chat, ada).await;

    let payload = r#"{"_placeholder":true,"num":0}"#;
    let packet = format!(r#"451-["connect-ack",{payload}]"#);
    socket.send(&packet).await;

    socket.closed().await;
}

#[tokio::test]
async fn the_log_says_why_a_connection_ended() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut program = Program::start_logged(PROGRAM, &database, "info").await;
    let ada = program.add_user("ada").await;

    page(&program, ada).await.leave().await;
    program.logged("ClientNSDisconnect").await;

    let mut big = page(&program, ada).await;
    big.emit("connect-ack", &json!("x".repeat(64 * 1024))).await;
    program.logged("TransportError").await;

    page(&program, ada).await.send("garbage").await;
    program.logged("PacketParsingError").await;
}

#[tokio::test]
async fn an_event_that_nobody_handles_is_ignored() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let mut socket = page(&chat, ada).await;

    socket.emit("no-such-event", &json!({ "a": 1 })).await;

    socket.expect_silence().await;
}

#[tokio::test]
async fn the_end_of_the_server_ends_each_connection() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let socket = page(&chat, ada).await;

    chat.stop().await;

    socket.closed().await;
}
