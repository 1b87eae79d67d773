//! What many write at once: it is stored together, answered each for itself,
//! and delivered in order.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::postgres::PgListener;
use testkit::{Socket, soon};

use crate::faults::LATE;
use crate::people::Person;
use crate::postgres::{LOCK, Other};
use crate::unlimited;

/// They wait behind another program's lock, so that they come together.
#[tokio::test]
async fn what_waits_together_is_answered_each_for_itself() {
    let chat = unlimited().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let nobody = ada.unknown(99);
    let mut other = Other::at(chat.database()).await;
    other.run(LOCK).await;

    let answers = async {
        tokio::join!(
            ada.sends(&bob, "one", "k"),
            ada.sends(&bob, "one", "k"),
            ada.sends(&bob, "two", "l"),
            ada.sends(&nobody, "to nobody", "m"),
            ada.sends(&bob, "", "n"),
            bob.tries(&ada, "three"),
        )
    };
    let release = async {
        // Each goes through the whole server, behind those above.
        for _ in 0..10 {
            assert_eq!(bob.reads().await, [""; 0]);
        }
        other.run("rollback").await;
    };
    let (answers, ()) = tokio::join!(answers, release);

    let (one, again, two, unknown, empty, three) = answers;
    let mut once = [one.status, again.status];
    once.sort_unstable();
    assert_eq!(once, [200, 201], "{one:?} {again:?}");
    assert_eq!(one.json()["id"], again.json()["id"]);
    assert_eq!(two.status, 201, "{two:?}");
    assert_eq!(unknown.status, 404, "{unknown:?}");
    assert_eq!(empty.status, 422, "{empty:?}");
    assert_eq!(three.status, 201, "{three:?}");
    let mut stored = bob.reads().await;
    stored.sort_unstable();
    assert_eq!(stored, ["one", "three", "two"]);
}

/// What is written while others have the lock waits, and is written together once
/// it is free. `poison` is written among others; returns how many of these were
/// refused. Each is stored, or its sender is told that it is not.
async fn refused_beside(poison: &str, trigger: &str) -> usize {
    let chat = unlimited().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut other = Other::at(chat.database()).await;
    other.run(trigger).await;
    other.run(LOCK).await;

    let writers: Vec<_> = (0..24)
        .map(|number| {
            let (ada, bob) = (ada.at(&chat), bob.at(&chat));
            let content = match number {
                12 => poison.to_owned(),
                _ => format!("good {number}"),
            };
            tokio::spawn(async move {
                let answer = ada.tries(&bob, &content).await;
                (content, answer)
            })
        })
        .collect();
    for _ in 0..10 {
        assert_eq!(bob.reads().await, [""; 0]);
    }
    other.run("rollback").await;

    let (mut stored, mut refused) = (Vec::new(), 0);
    for writer in writers {
        let (content, answer) = soon("an answer", writer).await.unwrap();
        if answer.status == 201 {
            stored.push(content);
        } else {
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(!answer.text.contains("poison"), "{answer:?}");
            refused += usize::from(content != poison);
        }
    }
    assert!(!stored.contains(&poison.to_owned()));
    let mut read = bob.reads().await;
    read.sort_unstable();
    stored.sort_unstable();
    assert_eq!(read, stored);
    ada.says(&bob, "after that").await;
    refused
}

/// PostgreSQL finds out when it commits, and does not say because of which one:
/// each is tried alone then.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_committed_harms_none_that_waits_with_it() {
    let trigger = format!(
        "{LATE};
        create trigger late_message after insert on messages
        for each row when (new.content = 'poison') execute function late()"
    );
    assert_eq!(refused_beside("poison", &trigger).await, 0);
}

/// It finds out when it inserts.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_inserted_harms_none_that_waits_with_it() {
    let trigger = "
        create function stop() returns trigger language plpgsql as $$ begin
            raise exception 'poison';
        end $$;
        create trigger stop_message before insert on messages
        for each row when (new.content = 'poison') execute function stop()";
    assert_eq!(refused_beside("poison", trigger).await, 0);
}

/// The lock that PostgreSQL has for notifications is one for all databases.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_together_is_told_together() {
    const WORDS: usize = 200;

    let chat = unlimited().await;
    let ada = Person::new(&chat, "ada").await;
    let mut lobby = Socket::connect(&ada, None).await.unwrap();
    let url = chat.database().to_str().unwrap();
    let mut listener = PgListener::connect(url).await.unwrap();
    listener.listen("lobby").await.unwrap();
    let mut other = Other::at(chat.database()).await;
    other.run(LOCK).await;

    for word in 0..WORDS {
        let said = json!({ "message": word.to_string() });
        lobby.emit("send_message", &said).await;
    }
    lobby.expect_silence().await;
    other.run("rollback").await;

    let mut heard = BTreeSet::new();
    for _ in 0..WORDS {
        heard.insert(lobby.event().await.1["message"].to_string());
    }
    assert_eq!(heard.len(), WORDS);
    other.run("notify lobby, 'the end'").await;
    let mut told = 0;
    loop {
        let news = soon("a notification", listener.recv()).await.unwrap();
        if news.payload() == "the end" {
            break;
        }
        told += 1;
    }
    assert!(told < WORDS / 10, "{told}");
}

/// Without an order, one of some hundred messages comes too early.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_gets_messages_in_order_of_id_however_many_write() {
    const WRITERS: usize = 32;
    const EACH: usize = 100;

    let chat = unlimited().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut page = bob.connects().await;

    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (ada, bob) = (ada.at(&chat), bob.at(&chat));
            tokio::spawn(async move {
                for _ in 0..EACH {
                    ada.says(&bob, "hello").await;
                }
            })
        })
        .collect();
    let mut ids = Vec::new();
    while ids.len() < WRITERS * EACH {
        let (event, message) = page.event().await;
        assert_eq!(event, "direct-message");
        ids.push(message["id"].as_i64().unwrap());
    }
    for writer in writers {
        soon("the writers", writer).await.unwrap();
    }

    assert!(ids.windows(2).all(|it| it[0] < it[1]), "{ids:?}");
}

/// What is delivered is in order: what came before the next message came.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_and_what_is_refused_come_to_no_page() {
    let chat = unlimited().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut page = bob.connects().await;

    for round in 0..10 {
        let (key, next) = (format!("{round}"), format!("next {round}"));
        assert_eq!(ada.sends(&bob, "hello", &key).await.status, 201);
        assert_eq!(ada.sends(&bob, "hello", &key).await.status, 200);
        assert_eq!(ada.sends(&bob, "other", &key).await.status, 422);
        assert_eq!(ada.tries(&bob, "").await.status, 422);
        ada.says(&bob, &next).await;
        for content in ["hello", &next] {
            assert_eq!(page.event().await.1["content"], content);
        }
    }
}
