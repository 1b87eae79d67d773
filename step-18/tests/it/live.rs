//! Socket.IO: the connection, and what it carries.

use serde_json::{Value, json};
use testkit::{Client, Program, Socket, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rusqlite::rusqlite::Connection;

use crate::{PROGRAM, chat};

/// Connects as the page of a user does.
async fn page(chat: &Client, user: i64) -> Socket {
    let auth = json!({ "user_id": user });
    Socket::connect(chat, Some(auth)).await.unwrap()
}

/// Waits for a message that comes live, and returns it.
async fn direct_message(socket: &mut Socket) -> Value {
    let (event, message) = socket.event().await;
    assert_eq!(event, "direct-message");
    message
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
async fn recipient_and_author_see_the_message_without_reload() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let bob = chat.add_user("bob").await;
    let mut page_of_ada = page(&chat, ada).await;
    let mut page_of_bob = page(&chat, bob).await;

    let sent = chat.send(ada, bob, "hi").await;

    assert_eq!(direct_message(&mut page_of_bob).await, sent);
    assert_eq!(direct_message(&mut page_of_ada).await, sent);
    page_of_bob.expect_silence().await;
    page_of_ada.expect_silence().await;
}

#[tokio::test]
async fn both_tabs_of_a_user_see_the_message() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let bob = chat.add_user("bob").await;
    let mut tabs = [page(&chat, bob).await, page(&chat, bob).await];

    let sent = chat.send(ada, bob, "hi").await;

    for tab in &mut tabs {
        assert_eq!(direct_message(tab).await, sent);
        tab.expect_silence().await;
    }
}

#[tokio::test]
async fn a_message_to_oneself_comes_once() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let mut page_of_ada = page(&chat, ada).await;

    let sent = chat.send(ada, ada, "buy milk").await;

    assert_eq!(direct_message(&mut page_of_ada).await, sent);
    page_of_ada.expect_silence().await;
}

#[tokio::test]
async fn a_third_user_gets_nothing_at_all() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let bob = chat.add_user("bob").await;
    let eve = chat.add_user("eve").await;
    let mut page_of_eve = page(&chat, eve).await;

    chat.send(ada, bob, "not for eve").await;
    page_of_eve.expect_silence().await;

    let sent = chat.send(ada, eve, "for eve").await;
    assert_eq!(direct_message(&mut page_of_eve).await, sent);
    page_of_eve.expect_silence().await;
}

#[tokio::test]
async fn a_refused_message_comes_to_nobody() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let mut page_of_ada = page(&chat, ada).await;

    for (recipient, content) in [(99, "to nobody"), (ada, "")] {
        let body = json!({
            "author_id": ada,
            "recipient_id": recipient,
            "content": content,
        });
        let answer = chat.post("/api/messages", &body).await;
        assert!(answer.status >= 400, "{answer:?}");
    }

    page_of_ada.expect_silence().await;
}

#[tokio::test]
async fn messages_come_in_the_order_in_which_they_were_sent() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let bob = chat.add_user("bob").await;
    let mut page_of_bob = page(&chat, bob).await;

    for number in 0..100 {
        chat.send(ada, bob, &number.to_string()).await;
    }

    for number in 0..100 {
        let message = direct_message(&mut page_of_bob).await;
        assert_eq!(message["content"], number.to_string());
    }
}

#[tokio::test]
async fn a_page_that_comes_back_is_in_its_room_again() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    drop(page(&chat, ada).await);
    page(&chat, ada).await.leave().await;

    let mut page_of_ada = page(&chat, ada).await;
    let sent = chat.send(ada, ada, "welcome back").await;

    assert_eq!(direct_message(&mut page_of_ada).await, sent);
}

#[tokio::test]
async fn a_handshake_without_a_known_user_is_refused_for_good() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;

    for auth in [
        Some(json!("ada")),
        Some(json!(null)),
        Some(json!({ "user_id": ada.to_string() })),
        Some(json!({ "user_id": 1.5 })),
        Some(json!({ "user_id": null })),
        Some(json!({ "user": ada })),
    ] {
        let refusal = Socket::connect(&chat, auth.clone()).await.unwrap_err();
        assert!(refusal.starts_with("refused: auth"), "{auth:?} {refusal}");
    }
    for unknown in [0, -1, 99, i64::MAX] {
        let auth = json!({ "user_id": unknown });
        let refusal = Socket::connect(&chat, Some(auth)).await.unwrap_err();
        assert!(refusal.starts_with("refused: no user"), "{refusal}");
        assert!(refusal.contains(&unknown.to_string()), "{refusal}");
    }
}

#[tokio::test]
async fn a_handshake_that_meets_a_broken_database_may_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut chat = Program::start_logged(PROGRAM, &database, "error").await;
    let ada = chat.add_user("ada").await;
    let other = Connection::open(&database).unwrap();
    other
        .execute_batch(
            "pragma foreign_keys = off; alter table users rename to away",
        )
        .unwrap();

    let auth = json!({ "user_id": ada });
    let refusal = Socket::connect(&chat, Some(auth)).await.unwrap_err();

    assert!(refusal.starts_with("not now: "), "{refusal}");
    assert!(!refusal.contains("users"), "{refusal}");
    chat.logged("no such table").await;
}

/// Begins to post a message; returns the connection and the body that is
/// still to be sent. The server has begun to read: it asked to go on.
async fn begin_post(chat: &Client, from: i64, to: i64) -> (TcpStream, String) {
    let body = json!({
        "author_id": from,
        "recipient_id": to,
        "content": "bye",
    })
    .to_string();
    let head = format!(
        "POST /api/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(chat.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    let read = stream.read_exact(&mut answer);
    soon("100 Continue", read).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    (stream, body)
}

#[tokio::test]
async fn the_recipient_gets_the_message_of_a_sender_who_hangs_up() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let bob = chat.add_user("bob").await;
    let mut page_of_bob = page(&chat, bob).await;
    // The busy database keeps the request under way while its sender goes.
    let other = Connection::open(chat.database()).unwrap();
    other.execute_batch("begin exclusive").unwrap();

    let (mut sender, body) = begin_post(&chat, ada, bob).await;
    sender.write_all(body.as_bytes()).await.unwrap();
    sender.flush().await.unwrap();
    // The server has read the body when it answers what was asked later.
    for _ in 0..10 {
        assert_eq!(chat.get("/api/version").await.status, 200);
    }
    drop(sender);
    for _ in 0..10 {
        assert_eq!(chat.get("/api/version").await.status, 200);
    }
    other.execute_batch("rollback").unwrap();

    assert_eq!(direct_message(&mut page_of_bob).await["content"], "bye");
}

#[tokio::test]
async fn a_message_under_way_at_the_end_is_answered_and_kept() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let socket = page(&chat, ada).await;
    let (mut sender, body) = begin_post(&chat, ada, ada).await;
    let end = tokio::spawn(chat.stop());
    // From here on there is no socket to emit to.
    socket.closed().await;
    sender.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = sender.read_to_string(&mut answer);
    soon("an answer", read).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let folder = end.await.unwrap();
    let count = Connection::open(folder.path().join("chat.db"))
        .unwrap()
        .query_row("select count(*) from messages", [], |row| row.get(0));
    assert_eq!(count, Ok(1));
}

#[tokio::test]
async fn thirty_pages_of_a_user_see_the_message() {
    let chat = chat().await;
    let ada = chat.add_user("ada").await;
    let mut pages = Vec::new();
    for _ in 0..30 {
        pages.push(page(&chat, ada).await);
    }

    let sent = chat.send(ada, ada, "hi").await;

    for page in &mut pages {
        assert_eq!(direct_message(page).await, sent);
    }
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
