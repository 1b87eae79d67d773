//! What many write at once: it is stored together, answered each for itself,
//! and delivered in order.

use testkit::soon;
use tokio_rusqlite::rusqlite::Connection;

use crate::people::Person;
use crate::unlimited;

/// They wait behind another program's lock, so that they come together.
#[tokio::test]
async fn what_waits_together_is_answered_each_for_itself() {
    let chat = unlimited().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let nobody = ada.unknown(99);
    let other = Connection::open(chat.database()).unwrap();
    other.execute_batch("begin immediate").unwrap();

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
        other.execute_batch("rollback").unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_page_gets_messages_in_order_of_id_however_many_write() {
    const WRITERS: usize = 16;
    const EACH: usize = 25;

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

    assert!(ids.is_sorted(), "{ids:?}");
    page.expect_silence().await;
}
