//! Exercises. Red until you have done them, and so ignored:
//! `cargo test -p step-25 --test it typing -- --ignored`

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Client, Program, Socket};
use tokio::time::timeout;

use crate::people::Person;
use crate::postgres::{Home, LOCK, Other};
use crate::{PROGRAM, Settings, chat, chat_with};

/// How long an exercise that is not done is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

async fn visitor(person: &Person) -> Socket {
    Socket::connect(person, None).await.unwrap()
}

/// Connects, and says that it wants to know who is here.
async fn enters(chat: &Client) -> Socket {
    let mut socket = visitor(&Person::anybody(chat).await).await;
    socket.send(r#"42["enter"]"#).await;
    socket
}

async fn event(socket: &mut Socket) -> (String, Value) {
    let event = timeout(PATIENCE, socket.event()).await;
    event.unwrap_or_else(|_| panic!("no event came within {PATIENCE:?}"))
}

fn typing(handle: &str) -> (String, Value) {
    ("typing".to_owned(), json!({ "handle": handle }))
}

fn here(count: u32) -> (String, Value) {
    ("here".to_owned(), json!({ "count": count }))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an exercise of the chapter"]
async fn typing_reaches_all_others_and_not_the_sender() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut others = [visitor(&bob).await, visitor(&bob).await];
    let mut ada = visitor(&ada).await;

    ada.emit("typing", &json!({ "handle": "ada" })).await;

    for other in &mut others {
        assert_eq!(event(other).await, typing("ada"));
        other.expect_silence().await;
    }
    ada.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an exercise of the chapter"]
async fn here_is_the_number_of_those_who_entered() {
    let chat = chat().await;

    let mut ada = enters(&chat).await;
    assert_eq!(event(&mut ada).await, here(1));
    let mut bob = enters(&chat).await;
    assert_eq!(event(&mut bob).await, here(2));
    assert_eq!(event(&mut ada).await, here(2));

    bob.leave().await;
    assert_eq!(event(&mut ada).await, here(1));
    ada.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an exercise of the chapter"]
async fn here_is_told_when_a_connection_breaks() {
    let chat = chat().await;
    let mut ada = enters(&chat).await;
    assert_eq!(event(&mut ada).await, here(1));
    let eve = enters(&chat).await;
    assert_eq!(event(&mut ada).await, here(2));

    drop(eve);

    assert_eq!(event(&mut ada).await, here(1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an exercise of the chapter"]
async fn here_concerns_nobody_who_did_not_enter() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut page_of_ada = ada.connects().await;
    let mut bob = enters(&chat).await;
    assert_eq!(event(&mut bob).await, here(1));

    page_of_ada.expect_silence().await;
    page_of_ada.leave().await;
    bob.expect_silence().await;
}

#[tokio::test]
#[ignore = "an exercise of the chapter"]
async fn what_comes_after_a_message_is_counted() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let first = ada.says(&bob, "one").await;
    bob.says(&ada, "two").await;
    bob.says(&bob, "not for ada").await;
    let count = async |person: &Person, query: &str| {
        let path = format!("{}/count{query}", person.inbox());
        person.get(&path).await
    };

    let after = format!("?after={}", first["id"]);
    assert_eq!(count(&ada, &after).await.json(), json!({ "count": 1 }));
    assert_eq!(count(&bob, &after).await.json(), json!({ "count": 2 }));
    assert_eq!(count(&bob, "").await.json(), json!({ "count": 3 }));
    assert_eq!(count(&ada, "?after=x").await.status, 422);
    assert_eq!(count(&ada.unknown(99), "").await.status, 404);
}

#[tokio::test]
#[ignore = "an exercise of the chapter"]
async fn a_key_may_come_as_a_header() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let post = async |header: &str, field: Value| {
        let client = (*ada).clone().with_header("idempotency-key", header);
        let mut body = ada.message(&ada, "hello");
        body["key"] = field;
        client.post("/api/messages", &body).await
    };

    let first = post("k", json!(null)).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.json()["key"], "k");
    for field in [json!(null), json!("k")] {
        let again = post("k", field).await;
        assert_eq!(again.status, 200, "{again:?}");
        assert_eq!(again.json(), first.json());
    }
    for (header, field) in [("k", json!("l")), ("", json!(null))] {
        let answer = post(header, field).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(answer.error().contains("key"), "{answer:?}");
    }
    assert_eq!(ada.reads().await, ["hello"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an exercise of the chapter"]
async fn who_signs_out_everywhere_is_signed_out_everywhere() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let ada_elsewhere = ada.elsewhere(&chat).await;
    let bob = Person::new(&chat, "bob").await;
    let mut page_elsewhere = ada_elsewhere.connects().await;

    let delete = ada.request("DELETE", "/api/sessions", "", None);
    let answer = delete.await.unwrap();

    assert_eq!(answer.status, 204, "{answer:?}");
    let packet = timeout(PATIENCE, page_elsewhere.packet()).await;
    let packet = packet.expect("the socket is still connected");
    assert_eq!(packet.as_deref(), Some("41"));
    for client in [ada, ada_elsewhere] {
        assert_eq!(client.get("/api/me").await.status, 401);
    }
    assert_eq!(bob.get("/api/me").await.status, 200);
}

#[tokio::test]
#[ignore = "an exercise of the chapter"]
async fn by_https_browsers_are_told_to_stay_with_it() {
    for (url, stays) in [
        (Some("https://chat.example.org"), true),
        (Some("http://chat.example.org"), false),
        (None, false),
    ] {
        let public_url = url.map(|it| it.parse().unwrap());
        let chat = chat_with(Settings {
            public_url,
            ..Settings::default()
        })
        .await;

        let answer = chat.get("/front/sign-in").await;

        let policy = answer.header("strict-transport-security");
        assert_eq!(policy.starts_with("max-age="), stays, "{url:?} {policy}");
        let refused = chat.clone().with_header("origin", "null");
        let refused = refused.get("/front/sign-in").await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.header("strict-transport-security"), policy);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an exercise of the chapter"]
async fn the_server_prints_ten_acknowledgements_of_a_user_and_few_more() {
    let home = Home::new();
    let database = home.path().to_owned();
    let mut chat = Program::start(PROGRAM, &database).await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut page_of_ada = ada.connects().await;
    let mut page_of_bob = bob.connects().await;
    let begin = Instant::now();

    for _ in 0..100 {
        page_of_ada.emit("connect-ack", &json!("ada")).await;
    }
    page_of_ada.expect_silence().await;
    page_of_bob.emit("connect-ack", &json!("bob")).await;

    let mut printed = 0;
    while !chat.line().await.unwrap().contains("bob") {
        printed += 1;
    }
    let more = begin.elapsed().as_secs();
    assert!((10..=11 + more).contains(&printed), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an exercise of the chapter"]
async fn the_server_says_how_many_changes_were_written_together() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let alive = async || chat.get("/db/alive").await.json();
    assert_eq!(alive().await["largest_group"], 1);
    let mut other = Other::at(chat.database()).await;
    other.run(LOCK).await;

    let writers: Vec<_> = (0..24)
        .map(|_| {
            let ada = ada.at(&chat);
            tokio::spawn(async move { ada.says(&ada, "hello").await })
        })
        .collect();
    for _ in 0..10 {
        assert_eq!(ada.reads().await, [""; 0]);
    }
    other.run("rollback").await;
    for writer in writers {
        writer.await.unwrap();
    }

    let largest = alive().await["largest_group"].as_u64().unwrap();
    assert!((2..=24).contains(&largest), "{largest}");
}
