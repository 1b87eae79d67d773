//! Who may read and write what, over HTTP and over sockets.

use serde_json::{Value, json};
use testkit::{Chat, Client, Socket};
use tokio_rusqlite::rusqlite::Connection;

use crate::chat;
use crate::people::{Person, credentials, user};

async fn sign_out(client: &Client) {
    let delete = client.request("DELETE", "/api/session", "", None);
    assert_eq!(delete.await.unwrap().status, 204);
}

/// Waits until the server has ended a socket.
async fn ended(mut socket: Socket) {
    assert_eq!(socket.packet().await.as_deref(), Some("41"));
}

/// Waits until a socket that is on its way in is refused, or let in and ended.
async fn stays_out(mut socket: Socket) {
    let mut answer = socket.packet().await.unwrap();
    if answer == "41" {
        // Ended before it is told that it is in: then it is once more.
        answer = socket.packet().await.unwrap();
    }
    if answer.starts_with("40{") {
        ended(socket).await;
    } else {
        assert!(answer.contains("refused: Nobody"), "{answer}");
    }
}

/// Writes, and so keeps the sweep from its work, until it is dropped: what ends a
/// socket meanwhile is something else.
fn without_sweep(chat: &Chat) -> Connection {
    let other = Connection::open(chat.database()).unwrap();
    other.execute_batch("begin immediate").unwrap();
    other
}

async fn refusal(client: &Client, auth: Option<Value>) -> String {
    Socket::connect(client, auth).await.unwrap_err()
}

#[tokio::test]
async fn messages_of_others_are_refused_by_each_way_to_ask_for_them() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let eve = Person::new(&chat, "eve").await;
    ada.says(&bob, "for bob").await;

    for path in [
        ada.inbox(),
        bob.inbox(),
        format!("{}?after=0&limit=500", bob.inbox()),
        ada.page(),
        format!("{}?before=9", bob.page()),
    ] {
        let answer = eve.get(&path).await;
        assert_eq!(answer.status, 403, "{path} {answer:?}");
        assert!(answer.text.contains("another user"), "{answer:?}");
        assert!(!answer.text.contains("for bob"), "{answer:?}");
    }
    assert_eq!(eve.get("/api/messages").await.json(), json!([]));
    let own = bob.get("/api/messages").await.json();
    assert_eq!(own, bob.get(&bob.inbox()).await.json());
    assert_eq!(own[0]["content"], "for bob");
}

#[tokio::test]
async fn nobody_writes_in_the_name_of_another() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let eve = Person::new(&chat, "eve").await;

    let body = ada.message(&eve, "from ada");
    let answer = eve.post("/api/messages", &body).await;

    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.error().contains("eve"), "{answer:?}");
    assert_eq!(eve.reads().await, [""; 0]);
}

#[tokio::test]
async fn the_author_need_not_be_named() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let body = json!({ "recipient_id": ada.id, "content": "hi" });
    let answer = ada.post("/api/messages", &body).await;

    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["author"]["id"], ada.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_see_no_email() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut page_of_bob = bob.connects().await;

    let sent = ada.says(&bob, "hi").await;
    let (_, event) = page_of_bob.event().await;

    for answer in [
        sent,
        event,
        bob.get("/api/messages").await.json(),
        bob.get("/api/users").await.json(),
        bob.get(&format!("/api/users/{}", ada.id)).await.json(),
    ] {
        assert!(answer.to_string().contains("ada"), "{answer}");
        assert!(!answer.to_string().contains("email"), "{answer}");
        assert!(!answer.to_string().contains("example.org"), "{answer}");
    }
    let page = bob.get(&bob.page()).await.text;
    assert!(!page.contains("example.org"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_without_a_session_is_refused_for_good() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let garbled = (*chat).clone().with_header("cookie", "x=y; step_24=z");

    for client in [&*chat, &garbled] {
        for auth in [None, Some(json!({})), Some(ada.auth())] {
            let refusal = refusal(client, auth).await;
            assert!(refusal.starts_with("401 "), "{refusal}");
            assert!(refusal.contains("Nobody is signed in"), "{refusal}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_claims_to_be_another_user_is_refused_for_good() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let eve = Person::new(&chat, "eve").await;

    for claimed in [ada.id, 0, -1, 99, i64::MAX] {
        let auth = json!({ "user_id": claimed });
        let refusal = refusal(&eve, Some(auth)).await;
        assert!(refusal.starts_with("refused: This is another"), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_of_the_lobby_gets_nobodys_messages() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut page = ada.connects().await;
    let mut lobby = Socket::connect(&ada, None).await.unwrap();

    ada.says(&ada, "private").await;

    page.event().await;
    lobby.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handle_in_the_lobby_is_the_nickname_whatever_is_sent() {
    let chat = chat().await;
    let eve = Person::new(&chat, "eve").await;
    let mut lobby = Socket::connect(&eve, None).await.unwrap();

    for handle in [json!("ada"), json!(7), json!(null)] {
        let said = json!({ "handle": handle, "message": "I am ada" });
        let answer = lobby.emit_with_ack("send_message", &said).await;
        assert_eq!(answer, json!({ "ok": true }));
        let (_, heard) = lobby.event().await;
        assert_eq!(heard["handle"], "eve");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_ends_all_sockets_of_its_session_and_no_others() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let page = ada.connects().await;
    let lobby = Socket::connect(&ada, None).await.unwrap();
    let ada_elsewhere = ada.elsewhere(&chat).await;
    let mut page_elsewhere = ada_elsewhere.connects().await;

    sign_out(&ada).await;

    let other = without_sweep(&chat);
    ended(page).await;
    ended(lobby).await;
    drop(other);
    let auth = Some(ada.auth());
    assert!(refusal(&ada, auth).await.starts_with("401 "));
    let sent = ada_elsewhere.says(&ada, "still here").await;
    let (_, event) = page_elsewhere.event().await;
    assert_eq!(event, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_ends_the_sockets_of_the_browsers_old_session() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let page_of_ada = ada.connects().await;
    let page_of_bob = bob.connects().await;

    let signed_in = ada.post("/api/sessions", &credentials("bob")).await;
    let signed_up = bob.post("/api/users", &user("eve")).await;

    let _other = without_sweep(&chat);
    for answer in [signed_in, signed_up] {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    ended(page_of_ada).await;
    ended(page_of_bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_ends_its_sockets() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let page_of_ada = ada.connects().await;
    let mut page_of_bob = bob.connects().await;

    let database = Connection::open(chat.database()).unwrap();
    database
        .execute(
            "update sessions set expires_at = unixepoch() where user_id = ?1",
            [ada.id],
        )
        .unwrap();

    ended(page_of_ada).await;
    page_of_bob.expect_silence().await;
    let left = "select count(*) from sessions";
    let left: i64 = database.query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

/// A sign-out does not reach a socket that is on its way in. It must not stay:
/// neither when it comes first, nor when the sign-out does.
#[tokio::test(flavor = "multi_thread")]
async fn no_socket_outlives_a_sign_out_that_it_meets_on_its_way_in() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for _ in 0..100 {
        let here = ada.elsewhere(&chat).await;
        let mut socket = Socket::open(&here).await;
        let connect = format!("40{}", here.auth());
        tokio::join!(socket.send(&connect), sign_out(&here));

        stays_out(socket).await;
    }
}

/// Another program ends the session after it was found, and keeps the sweep from
/// its work: only the second look can tell.
#[tokio::test(flavor = "multi_thread")]
async fn no_socket_stays_whose_session_ends_while_it_gets_in() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut socket = Socket::open(&ada).await;
    let other = Connection::open(chat.database()).unwrap();
    let two_days_later = "update sessions set expires_at = expires_at - 172800
        where user_id = ?1";
    other.execute(two_days_later, [ada.id]).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let delete = "delete from sessions where user_id = ?1";
    other.execute(delete, [ada.id]).unwrap();

    // It finds the session, and waits to make it last longer.
    socket.send(&format!("40{}", ada.auth())).await;
    socket.expect_silence().await;
    assert_eq!(bob.get("/api/users").await.status, 200);
    other.execute_batch("commit").unwrap();
    other.execute_batch("begin immediate").unwrap();

    stays_out(socket).await;
}
