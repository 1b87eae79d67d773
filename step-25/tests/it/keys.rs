//! A message that is sent again is stored once.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};
use testkit::{Answer, Program, soon};
use tokio::sync::watch;

use crate::people::Person;
use crate::postgres::{Home, Other};
use crate::{PROGRAM, chat};

#[tokio::test]
async fn a_message_that_is_sent_again_is_stored_once() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;

    let first = ada.sends(&bob, "hello", "k").await;
    let second = ada.sends(&bob, "hello", "k").await;

    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.json()["key"], "k");
    assert_eq!(second.status, 200, "{second:?}");
    assert_eq!(second.json(), first.json());
    let inbox = bob.get(&bob.inbox()).await;
    assert_eq!(inbox.json(), json!([first.json()]));
}

#[tokio::test]
async fn without_a_key_each_request_stores_a_message() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut body = ada.message(&ada, "hello");
    body["key"] = json!(null);

    assert_eq!(ada.says(&ada, "hello").await["key"], json!(null));
    let answer = ada.post("/api/messages", &body).await;

    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(ada.reads().await, ["hello", "hello"]);
}

#[tokio::test]
async fn a_key_with_another_content_or_recipient_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    ada.sends(&bob, "hello", "k").await;

    for answer in [
        ada.sends(&bob, "hello!", "k").await,
        ada.sends(&ada, "hello", "k").await,
        ada.sends(&ada.unknown(99), "hello", "k").await,
        ada.sends(&bob, "", "k").await,
    ] {
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(answer.error().contains("another message"), "{answer:?}");
    }
    assert_eq!(bob.reads().await, ["hello"]);
}

#[tokio::test]
async fn a_key_belongs_to_its_author() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;

    assert_eq!(ada.sends(&bob, "by ada", "k").await.status, 201);
    assert_eq!(bob.sends(&ada, "by bob", "k").await.status, 201);

    assert_eq!(bob.reads().await, ["by ada", "by bob"]);
}

#[tokio::test]
async fn a_key_is_1_to_64_printable_characters_of_ascii() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for key in ["k", " ", "~", "null", "'); --", &"x".repeat(64)] {
        let answer = ada.sends(&ada, "hello", key).await;
        assert_eq!(answer.status, 201, "{key:?} {answer:?}");
        assert_eq!(answer.json()["key"], key);
    }
    for key in ["", &"x".repeat(65), "é", "\n", "\u{0}", "\u{7f}", "😀"] {
        let answer = ada.sends(&ada, "hello", key).await;
        assert_eq!(answer.status, 422, "{key:?} {answer:?}");
        assert!(answer.error().contains("key"), "{answer:?}");
    }
    for key in [json!(7), json!(["k"]), json!({ "k": 1 })] {
        let mut body = ada.message(&ada, "hello");
        body["key"] = key;
        let answer = ada.post("/api/messages", &body).await;
        assert_eq!(answer.status, 422, "{body} {answer:?}");
        assert!(answer.error().contains("key"), "{answer:?}");
    }
    assert_eq!(ada.reads().await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_send_one_key_at_once_one_stores_the_message() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for round in 0..20 {
        let key = format!("{round}");
        let (one, other) = tokio::join!(
            ada.sends(&ada, "hello", &key),
            ada.sends(&ada, "hello", &key),
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "{one:?} {other:?}");
        assert_eq!(one.json(), other.json());
    }
    assert_eq!(ada.reads().await.len(), 20);
}

/// The rule may have come later than the message.
#[tokio::test]
async fn a_stored_message_that_breaks_a_rule_is_still_stored() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let content = "\u{7}".repeat(3);
    let mut other = Other::at(chat.database()).await;
    let insert = format!(
        "insert into messages (content, author_id, recipient_id, key)
        values ('{content}', {0}, {0}, 'k')",
        ada.id
    );
    other.run(&insert).await;

    assert_eq!(ada.sends(&ada, &content, "another").await.status, 422);
    let answer = ada.sends(&ada, &content, "k").await;

    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["content"], content);
}

#[tokio::test]
async fn a_message_for_another_database_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let page = ada.get(&ada.page()).await.text;
    let id = page.split(r#"data-database-id=""#).nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    assert_eq!(id.len(), 32, "{id}");

    let mut body = ada.keyed(&ada, "hello", "k");
    for (database, status) in [("another", 409), ("", 409), (id, 201)] {
        body["database_id"] = json!(database);
        let answer = ada.post("/api/messages", &body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 409 {
            assert!(answer.error().contains("database"), "{answer:?}");
        }
    }
    assert_eq!(ada.reads().await, ["hello"]);
}

/// So that a page knows its own messages again after a reload. What others
/// call theirs is none of its business.
#[tokio::test]
async fn a_page_has_the_keys_of_its_users_own_messages() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    ada.sends(&bob, "hello", "\"key\" of ada").await;
    bob.says(&ada, "hello yourself").await;

    let key = r#"data-key="&quot;key&quot; of ada""#;
    let adas_page = ada.get(&ada.page()).await.text;
    assert!(adas_page.contains(key), "{adas_page}");
    assert_eq!(adas_page.matches("data-key").count(), 1, "{adas_page}");
    let bobs_page = bob.get(&bob.page()).await.text;
    assert!(!bobs_page.contains("data-key"), "{bobs_page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_live_with_its_key_and_a_repeat_does_not() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut sockets = [ada.connects().await, bob.connects().await];

    let sent = ada.sends(&bob, "hello", "k").await.json();
    for _ in 0..3 {
        assert_eq!(ada.sends(&bob, "hello", "k").await.status, 200);
    }
    let next = ada.sends(&bob, "bye", "l").await.json();

    for socket in &mut sockets {
        for message in [&sent, &next] {
            let expected = ("direct-message".to_owned(), message.clone());
            assert_eq!(socket.event().await, expected);
        }
        socket.expect_silence().await;
    }
}

/// The programs that follow one another: `None` while there is none.
type Chats = watch::Receiver<Option<Person>>;

/// Sends one message after the other, each again until it is answered, until
/// there are no more programs. Returns how many it sent, and how often the
/// answer said that the message was there already.
async fn send_until_the_end(mut ada: Chats, client: usize) -> (usize, usize) {
    let mut repeats = 0;
    for number in 0.. {
        let content = format!("{client}/{number}");
        loop {
            // The end of the channel is the end of this client.
            if ada.has_changed().is_err() {
                return (number, repeats);
            }
            let now = match &*ada.wait_for(Option::is_some).await.unwrap() {
                Some(ada) => ada.at(ada),
                None => unreachable!("it was waited for"),
            };
            let body = now.keyed(&now, &content, &content).to_string();
            let body = Some(body.into_bytes());
            let kind = "application/json";
            let sent = now.request("POST", "/api/messages", kind, body).await;
            match sent {
                Ok(Answer { status: 201, .. }) => break,
                Ok(Answer { status: 200, .. }) => {
                    repeats += 1;
                    break;
                }
                Ok(answer) => panic!("{answer:?}"),
                // It is gone: the next one may be there soon.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }
    unreachable!("there are more numbers")
}

async fn stored(database: &Path) -> Vec<String> {
    let mut other = Other::at(database).await;
    other.all("select content from messages order by id").await
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_who_send_again_until_answered_lose_and_double_nothing() {
    const CLIENTS: usize = 8;
    const KILLS: usize = 20;
    let home = Home::new();
    let path = home.path().to_owned();
    let mut program = Program::start(PROGRAM, &path).await;
    let ada = Person::new(&program, "ada").await;
    let (chats, _) = watch::channel(Some(ada.at(&program)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            tokio::spawn(send_until_the_end(chats.subscribe(), client))
        })
        .collect();

    let mut count = 0;
    for _ in 0..KILLS {
        let some = async {
            while stored(&path).await.len() < count + 20 {
                tokio::task::yield_now().await;
            }
        };
        soon("twenty messages", some).await;
        program.kill().await;
        chats.send_replace(None);
        count = stored(&path).await.len();
        program = Program::start(PROGRAM, &path).await;
        chats.send_replace(Some(ada.at(&program)));
    }
    drop(chats);

    let mut messages = 0;
    let mut repeats = 0;
    let mut expected = HashMap::new();
    for (name, client) in clients.into_iter().enumerate() {
        let (sent, again) = soon("a client's end", client).await.unwrap();
        messages += sent;
        repeats += again;
        expected.insert(name.to_string(), sent);
    }
    let mut next = HashMap::<String, usize>::new();
    for content in stored(&path).await {
        let (client, number) = content.split_once('/').unwrap();
        let next = next.entry(client.to_owned()).or_default();
        assert_eq!(number, next.to_string(), "{content} is not in its place");
        *next += 1;
    }
    // The last one of each may be stored though its client went without an
    // answer.
    for (client, sent) in expected {
        let stored = next.get(&client).copied().unwrap_or_default();
        assert!((sent..=sent + 1).contains(&stored), "{stored} of {sent}");
    }
    println!("{KILLS} kills: {messages} messages, {repeats} of them repeated");
}

/// It was committed, and the server was killed before it could emit it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_and_not_delivered_is_fetched() {
    let home = Home::new();
    let path = home.path().to_owned();
    let program = Program::start(PROGRAM, &path).await;
    let ada = Person::new(&program, "ada").await;
    let bob = Person::new(&program, "bob").await;
    let mut socket = bob.connects().await;
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let (ada, bob) = (ada.at(&program), bob.at(&program));
            tokio::spawn(async move {
                for number in 0.. {
                    let key = format!("{sender}/{number}");
                    let body = ada.keyed(&bob, "hello", &key).to_string();
                    let kind = "application/json";
                    let body = Some(body.into_bytes());
                    let path = "/api/messages";
                    if ada.request("POST", path, kind, body).await.is_err() {
                        break;
                    }
                }
            })
        })
        .collect();

    let some = async {
        while stored(&path).await.len() < 50 {
            tokio::task::yield_now().await;
        }
    };
    soon("fifty messages", some).await;
    program.kill().await;
    for sender in senders {
        soon("a sender's end", sender).await.unwrap();
    }
    let mut live = Vec::new();
    while let Some(packet) = socket.packet().await {
        let event = packet.strip_prefix("42").unwrap();
        let event: Value = serde_json::from_str(event).unwrap();
        live.push(event[1].clone());
    }

    let program = Program::start(PROGRAM, &path).await;
    let bob = bob.at(&program);
    let fetched = bob.get(&format!("{}?after=0&limit=500", bob.inbox())).await;
    let fetched = fetched.json();
    let fetched = fetched.as_array().unwrap();
    assert_eq!(fetched.len(), stored(&path).await.len());
    for message in &live {
        assert!(fetched.contains(message), "{message} is not stored");
    }
    let missed = fetched.len() - live.len();
    println!("{} came live, {missed} were fetched", live.len());
}
