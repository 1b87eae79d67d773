//! Socket.IO: the connection, and what it carries.

use serde_json::{Value, json};
use testkit::{Program, Socket, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rusqlite::rusqlite::Connection;

use crate::faults::begin_post;
use crate::people::{Person, floods};
use crate::{PROGRAM, chat};

/// Waits for a message that comes live, and returns it.
async fn direct_message(socket: &mut Socket) -> Value {
    let (event, message) = socket.event().await;
    assert_eq!(event, "direct-message");
    message
}

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

/// What catches up is there before what connects.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_page_catches_up_and_one_of_older_messages_does_not() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let newest = ada.get(&ada.page()).await.text;
    let older = ada.get(&format!("{}?before=9", ada.page())).await.text;

    let script = |name| format!(r#"<script src="/static/{name}.js" defer>"#);
    let position = |name| {
        newest
            .find(&script(name))
            .unwrap_or_else(|| panic!("no {name} in {newest}"))
    };
    assert!(position("messages") < position("catch-up"));
    assert!(position("catch-up") < position("live"));
    assert!(!older.contains("catch-up"), "{older}");
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
async fn recipient_and_author_see_the_message_without_reload() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut page_of_ada = ada.connects().await;
    let mut page_of_bob = bob.connects().await;

    let sent = ada.says(&bob, "hi").await;

    assert_eq!(direct_message(&mut page_of_bob).await, sent);
    assert_eq!(direct_message(&mut page_of_ada).await, sent);
    page_of_bob.expect_silence().await;
    page_of_ada.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_tabs_of_a_user_see_the_message() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut tabs = [bob.connects().await, bob.connects().await];

    let sent = ada.says(&bob, "hi").await;

    for tab in &mut tabs {
        assert_eq!(direct_message(tab).await, sent);
        tab.expect_silence().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_oneself_comes_once() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut page_of_ada = ada.connects().await;

    let sent = ada.says(&ada, "buy milk").await;

    assert_eq!(direct_message(&mut page_of_ada).await, sent);
    page_of_ada.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_user_gets_nothing_at_all() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let eve = Person::new(&chat, "eve").await;
    let mut page_of_eve = eve.connects().await;

    ada.says(&bob, "not for eve").await;
    page_of_eve.expect_silence().await;

    let sent = ada.says(&eve, "for eve").await;
    assert_eq!(direct_message(&mut page_of_eve).await, sent);
    page_of_eve.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_comes_to_nobody() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut page_of_ada = ada.connects().await;

    let nobody = ada.unknown(99);
    for (recipient, content) in [(&nobody, "to nobody"), (&ada, "")] {
        let answer = ada.tries(recipient, content).await;
        assert!(answer.status >= 400, "{answer:?}");
    }

    page_of_ada.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_the_order_in_which_they_were_sent() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut page_of_bob = bob.connects().await;

    for number in 0..100 {
        ada.says(&bob, &number.to_string()).await;
    }

    for number in 0..100 {
        let message = direct_message(&mut page_of_bob).await;
        assert_eq!(message["content"], number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_is_in_its_room_again() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    drop(ada.connects().await);
    ada.connects().await.leave().await;

    let mut page_of_ada = ada.connects().await;
    let sent = ada.says(&ada, "welcome back").await;

    assert_eq!(direct_message(&mut page_of_ada).await, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_names_no_user_is_refused_for_good() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for auth in [
        json!("ada"),
        json!(null),
        json!([]),
        json!([ada.id]),
        json!({ "user_id": "ada" }),
        json!({ "user_id": "" }),
        json!({ "user_id": 1.5 }),
        json!({ "user_id": [ada.id] }),
    ] {
        let refused = Socket::connect(&ada, Some(auth.clone())).await;
        let refusal = refused.unwrap_err();
        assert!(refusal.starts_with("refused: auth"), "{auth} {refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_in_a_handshake_may_be_a_text_of_digits() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let auth = json!({ "user_id": ada.id.to_string() });
    let mut socket = Socket::connect(&ada, Some(auth)).await.unwrap();

    let sent = ada.says(&ada, "hi").await;

    assert_eq!(direct_message(&mut socket).await, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_meets_a_broken_database_may_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut chat = Program::start_logged(PROGRAM, &database, "error").await;
    let ada = Person::new(&chat, "ada").await;
    let other = Connection::open(&database).unwrap();
    other
        .execute_batch(
            "pragma foreign_keys = off; alter table users rename to away",
        )
        .unwrap();

    let refused = Socket::connect(&ada, Some(ada.auth())).await;
    let refusal = refused.unwrap_err();

    assert!(refusal.starts_with("not now: "), "{refusal}");
    assert!(!refusal.contains("users"), "{refusal}");
    chat.logged("no such table").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipient_gets_the_message_of_a_sender_who_hangs_up() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut page_of_bob = bob.connects().await;
    // The busy database keeps the request under way while its sender goes.
    let other = Connection::open(chat.database()).unwrap();
    other.execute_batch("begin exclusive").unwrap();

    let (mut sender, body) = begin_post(&ada, &bob).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_message_under_way_at_the_end_is_answered_and_kept() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let socket = ada.connects().await;
    let (mut sender, body) = begin_post(&ada, &ada).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn thirty_pages_of_a_user_see_the_message() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut pages = Vec::new();
    for _ in 0..30 {
        pages.push(ada.connects().await);
    }

    let sent = ada.says(&ada, "hi").await;

    for page in &mut pages {
        assert_eq!(direct_message(page).await, sent);
    }
}

/// What is for this page waits in the server until there is no more room. To
/// say goodbye to it is no use either.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_reads_nothing_holds_up_neither_the_sender_nor_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let level = "warn,tower_http::trace::make_span=info";
    let mut program = Program::start_logged(PROGRAM, &database, level).await;
    let ada = Person::new(&program, "ada").await;
    let _unread = ada.connects_narrowly().await;
    // As much as there is room for; then a request.
    let mut speaker = ada.connects().await;
    floods(&mut speaker, 1000).await;
    speaker.leave().await;

    let content = "😀".repeat(2000);
    let talk = async {
        loop {
            ada.says(&ada, &content).await;
        }
    };
    let line = tokio::select! {
        line = program.logged("did not reach all open pages") => line,
        () = talk => unreachable!("it goes on for ever"),
    };
    ada.says(&ada, "still there?").await;
    program.signal("TERM").await;
    let rest = program.rest_of_log().await;

    // The log says of which request it speaks.
    assert!(line.contains("POST"), "{line}");
    assert!(line.contains("/api/messages"), "{line}");
    assert!(!rest.contains("gave up"), "{rest}");
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
