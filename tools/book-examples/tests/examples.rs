//! What the book says of its examples.

#![allow(clippy::panic, clippy::unwrap_used)] // How a test fails.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::{Chat, Socket};

async fn chat() -> Chat {
    Chat::start(async |listener, _, _| {
        axum::serve(listener, book_examples::app()).await.unwrap();
    })
    .await
}

async fn news(socket: &mut Socket, name: &str) {
    let event = socket.event().await;
    assert_eq!(event, ("news".to_owned(), json!(name)));
}

#[tokio::test]
async fn a_message_to_the_lobby_reaches_its_sender_too() {
    let chat = chat().await;
    let mut ada = Socket::connect(&chat, None).await.unwrap();
    let mut bob = Socket::connect(&chat, None).await.unwrap();

    let payload = json!({ "handle": "ada", "message": "hi" });
    ada.emit("send_message", &payload).await;

    for socket in [&mut ada, &mut bob] {
        let event = socket.event().await;
        assert_eq!(event, ("message".to_owned(), json!("ada: hi")));
    }
}

#[tokio::test]
async fn each_way_to_emit_reaches_whom_it_names() {
    let chat = chat().await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(Socket::connect(&chat, None).await.unwrap());
    }
    let room = json!("blue");
    for member in &mut sockets[..2] {
        let answer = member.emit_with_ack("join", &room).await;
        assert_eq!(answer, "joined");
    }

    for (event, payload, receivers) in [
        ("to_me", &Value::Null, [true, false, false]),
        ("to_others", &Value::Null, [false, true, true]),
        ("to_everybody", &Value::Null, [true, true, true]),
        ("to_room", &room, [false, true, false]),
        ("to_room_with_me", &room, [true, true, false]),
    ] {
        sockets[0].emit(event, payload).await;
        for (socket, receives) in sockets.iter_mut().zip(receivers) {
            if receives {
                news(socket, event).await;
            }
        }
        for socket in &mut sockets {
            socket.expect_silence().await;
        }
    }
}

#[tokio::test]
async fn an_event_named_after_its_recipient_reaches_everybody() {
    let chat = chat().await;
    let mut ada = Socket::connect(&chat, None).await.unwrap();
    let mut eve = Socket::connect(&chat, None).await.unwrap();

    let private = json!({ "nickname": "bob", "content": "for bob alone" });
    ada.emit("like_the_original", &private).await;

    let event = eve.event().await;
    assert_eq!(event, ("bob".to_owned(), json!("for bob alone")));
}

#[tokio::test]
async fn a_question_is_answered_by_its_acknowledgement() {
    let chat = chat().await;
    let mut socket = Socket::connect(&chat, None).await.unwrap();

    let answer = socket.emit_with_ack("question", &json!("Is it?")).await;

    assert_eq!(answer, "Is it? Yes.");
}

/// mdBook shows an anchor that it does not find as an empty block, and builds.
#[test]
fn the_book_names_files_and_anchors_that_exist() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let book = here.join("../../book/src");
    let mut found = 0;
    for entry in fs::read_dir(&book).unwrap() {
        let page = entry.unwrap().path();
        if page.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&page).unwrap();
        for include in text.split("{{#include ").skip(1) {
            let (target, _) = include.split_once("}}").unwrap();
            let (file, anchor) = match target.split_once(':') {
                Some((file, anchor)) => (file, Some(anchor)),
                None => (target, None),
            };
            let included = fs::read_to_string(book.join(file))
                .unwrap_or_else(|error| panic!("{page:?}: {file}: {error}"));
            assert!(!included.trim().is_empty(), "{page:?}: {file} is empty");
            for mark in anchor.iter().flat_map(|anchor| {
                ["ANCHOR: ", "ANCHOR_END: "].map(|mark| [mark, anchor].concat())
            }) {
                let marked = included.lines().any(|line| line.ends_with(&mark));
                assert!(marked, "{page:?}: {file} has no {mark}");
            }
            found += 1;
        }
    }
    assert!(found > 0, "no page includes anything");
}
