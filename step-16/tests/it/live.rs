//! Socket.IO: the connection, and what it carries.

use serde_json::{Value, json};
use testkit::Program;

use crate::people::Person;
use crate::{PROGRAM, chat};

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_a_handshake() {
    let chat = chat().await;

    let answer = chat.get("/socket.io/?EIO=4&transport=polling").await;

    assert_eq!(answer.status, 200);
    assert!(answer.text.starts_with(r#"0{"sid":""#), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_acknowledgement_is_printed_whatever_it_carries() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut program = Program::start(PROGRAM, &database).await;
    let ada = Person::new(&program, "ada").await;
    let mut socket = ada.connects().await;

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

/// U+009B begins a terminal's orders, as ESC and [ do.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_gives_a_terminal_no_orders_and_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut program = Program::start(PROGRAM, &database).await;
    let ada = Person::new(&program, "ada").await;
    let mut socket = ada.connects().await;

    let payload = json!("\u{9b}2J\u{1b}[2J\u{7f}");
    socket.emit("connect-ack", &payload).await;
    let line = program.line().await.unwrap();
    let escaped = r#""\u009b2J\u001b[2J\u007f""#;
    assert_eq!(line, format!("received ACK message: {escaped}"));

    socket.emit("connect-ack", &json!("x".repeat(60_000))).await;
    let line = program.line().await.unwrap();
    assert!(line.ends_with("xxx …"), "{line}");
    assert!(line.chars().count() < 1100, "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_nobody_reads_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut program = Program::start_logged(PROGRAM, &database, "info").await;
    let ada = Person::new(&program, "ada").await;
    let mut socket = ada.connects().await;

    program.stop_reading_stdout();
    for _ in 0..10 {
        socket.emit("connect-ack", &json!("hello")).await;
        socket.expect_silence().await;
    }
    socket.leave().await;
    program.logged("ClientNSDisconnect").await;

    let log = program.kill_and_read_log().await;
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_its_scripts_in_order() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let page = ada.get(&ada.page()).await.text;

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
#[tokio::test(flavor = "multi_thread")]
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

#[tokio::test(flavor = "multi_thread")]
async fn a_message_does_not_come_live() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut socket = ada.connects().await;

    ada.says(&ada, "hi").await;

    socket.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_frame_ends_no_other_connection() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut other = ada.connects().await;

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
        let mut socket = ada.connects().await;
        socket.send(frame).await;
        socket.leave().await;
    }

    other.expect_silence().await;
    let mut another = ada.connects().await;
    another.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_over_64_kib_ends_its_connection_and_no_other() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut other = ada.connects().await;
    let mut big = ada.connects().await;

    let payload = json!("x".repeat(64 * 1024));
    big.emit("connect-ack", &payload).await;

    big.closed().await;
    other.expect_silence().await;
}

/// A frame says its size first: nobody waits for the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_announces_too_much_ends_its_connection() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut big = ada.connects().await;

    big.announce(64 * 1024 + 1).await;

    big.closed().await;
}

/// Neither frame is too big.
#[tokio::test(flavor = "multi_thread")]
async fn a_packet_of_two_frames_over_64_kib_ends_its_connection() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut big = ada.connects().await;

    let text = "x".repeat(80 * 1024);
    let packet = format!(r#"42["connect-ack","{text}"]"#);
    big.send_in_two(&packet, 40 * 1024).await;

    big.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_of_two_frames_within_64_kib_is_read() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut socket = ada.connects().await;

    let text = "x".repeat(60 * 1024);
    let packet = format!(r#"42["connect-ack","{text}"]"#);
    socket.send_in_two(&packet, 40 * 1024).await;

    socket.expect_silence().await;
}

/// By HTTP, where there is no frame.
#[tokio::test(flavor = "multi_thread")]
async fn a_polling_request_over_64_kib_is_refused() {
    let chat = chat().await;
    let path = "/socket.io/?EIO=4&transport=polling";
    let open = chat.get(path).await.text;
    let sid = open.split('"').nth(3).unwrap();
    let path = format!("{path}&sid={sid}");
    let post = async |size: usize| {
        let body = Some(format!("4{}", "x".repeat(size - 1)).into_bytes());
        chat.request("POST", &path, "text/plain", body)
            .await
            .unwrap()
    };

    assert_eq!(post(64 * 1024 + 1).await.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_with_bytes_ends_its_connection() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut socket = ada.connects().await;

    let payload = r#"{"_placeholder":true,"num":0}"#;
    let packet = format!(r#"451-["connect-ack",{payload}]"#);
    socket.send(&packet).await;

    socket.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_when_a_connection_begins_and_why_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut program = Program::start_logged(PROGRAM, &database, "info").await;
    let ada = Person::new(&program, "ada").await;

    let socket = ada.connects().await;
    program.logged(": connected").await;
    socket.leave().await;
    program.logged("ClientNSDisconnect").await;

    let mut big = ada.connects().await;
    big.emit("connect-ack", &json!("x".repeat(64 * 1024))).await;
    program.logged("TransportError").await;

    ada.connects().await.send("garbage").await;
    program.logged("PacketParsingError").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_handles_is_ignored() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut socket = ada.connects().await;

    socket.emit("no-such-event", &json!({ "a": 1 })).await;

    socket.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_server_ends_each_connection() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let socket = ada.connects().await;

    chat.stop().await;

    socket.closed().await;
}
