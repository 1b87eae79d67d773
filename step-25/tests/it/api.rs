//! The JSON API: each row of its table, each error.

use serde_json::json;
use testkit::{Answer, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::chat;
use crate::people::{Person, user};
use crate::postgres::Other;

/// Sends a message that must be refused, and shows that nothing was stored.
async fn refused(sender: &Person, body: &str) -> Answer {
    let answer = sender.post_text("/api/messages", body).await;
    let stored = sender.get("/api/messages").await.json();
    assert_eq!(stored, json!([]), "{answer:?}");
    answer
}

#[tokio::test]
async fn the_root_leads_to_ones_own_messages() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let answer = ada.get("/").await;

    assert!((300..400).contains(&answer.status), "{answer:?}");
    assert_eq!(answer.header("location"), ada.page());
}

#[tokio::test]
async fn the_database_says_that_it_is_healthy() {
    let chat = chat().await;

    let answer = chat.get("/db/alive").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["status"], "healthy");
}

/// It is read from the database each time: that is how it shows its health.
#[tokio::test]
async fn the_version_of_the_schema_is_the_one_in_the_database() {
    let chat = chat().await;
    chat.get("/db/alive").await;
    let mut other = Other::at(chat.database()).await;
    other.run("update chat_database set version = 41").await;

    let answer = chat.get("/db/alive").await;

    assert_eq!(answer.json()["schema_version"], 41);
}

#[tokio::test]
async fn the_version_is_the_name_of_the_step() {
    let chat = chat().await;

    let answer = chat.get("/api/version").await;

    assert_eq!(answer.json(), json!({ "version": env!("CARGO_PKG_NAME") }));
}

#[tokio::test]
async fn a_user_is_added_and_found_again() {
    let chat = chat().await;
    let ada = user("ada");

    let added = chat.post("/api/users", &ada).await;

    assert_eq!(added.status, 201);
    let mut found = added.json();
    for field in ["name", "email", "nickname"] {
        assert_eq!(found[field], ada[field]);
    }
    let ada = Person::let_in(&chat, &added);
    assert_eq!(ada.get("/api/me").await.json(), found);
    // What is private is not for the others.
    found.as_object_mut().unwrap().remove("email");
    let path = format!("/api/users/{}", found["id"]);
    assert_eq!(ada.get(&path).await.json(), found);
    assert_eq!(ada.get("/api/users").await.json(), json!([found]));
}

#[tokio::test]
async fn one_of_two_who_want_a_nickname_at_once_gets_it() {
    let chat = chat().await;
    let ada = user("ada");

    let (one, two) = tokio::join!(
        chat.post("/api/users", &ada),
        chat.post("/api/users", &ada),
    );

    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [201, 409]);
    let (added, refused) = match one.status {
        201 => (one, two),
        _ => (two, one),
    };
    assert!(refused.error().contains("ada"), "{refused:?}");
    let ada = Person::let_in(&chat, &added);
    let users = ada.get("/api/users").await.json();
    assert_eq!(users.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_user_without_a_usable_field_is_refused() {
    let chat = chat().await;
    let ada = user("ada");

    for field in ["name", "email", "nickname"] {
        for wrong in [
            json!(""),
            json!(" \n\t"),
            json!("x".repeat(101)),
            json!("a\u{0}b"),
            json!("\u{1b}[2J"),
            json!("\u{200b}"),
            json!("\u{2800} \u{3164}"),
            json!(7),
            json!(null),
        ] {
            let mut body = ada.clone();
            body[field] = wrong;
            let answer = chat.post("/api/users", &body).await;
            assert_eq!(answer.status, 422, "{body} {answer:?}");
            assert!(answer.error().contains(field), "{answer:?}");
        }
        let mut body = ada.clone();
        body.as_object_mut().unwrap().remove(field);
        let answer = chat.post("/api/users", &body).await;
        assert_eq!(answer.status, 422, "{body} {answer:?}");
    }
    let bob = Person::new(&chat, "bob").await;
    let users = bob.get("/api/users").await.json();
    assert_eq!(users.as_array().unwrap().len(), 1, "{users}");
}

#[tokio::test]
async fn a_message_is_answered_as_it_is_stored() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;

    let answer = ada.tries(&bob, "hi").await;

    assert_eq!(answer.status, 201);
    let sent = answer.json();
    assert_eq!(sent["content"], "hi");
    assert_eq!(sent["author"]["nickname"], "ada");
    assert_eq!(sent["author"]["name"], "Name of ada");
    assert_eq!(sent["author"]["email"], json!(null));
    assert_eq!(sent["recipient"]["id"], bob.id);
    let date = sent["date"].as_str().unwrap();
    assert!(date.starts_with("20") && date.ends_with('Z'), "{date}");
    assert_eq!(date.as_bytes()[10], b'T');
    assert_eq!(ada.get("/api/messages").await.json(), json!([sent]));
    for person in [ada, bob] {
        let inbox = person.get(&person.inbox()).await;
        assert_eq!(inbox.json(), json!([sent]));
    }
}

#[tokio::test]
async fn a_third_user_does_not_list_the_message_of_two_others() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let eve = Person::new(&chat, "eve").await;

    ada.says(&bob, "for bob").await;

    assert_eq!(bob.reads().await, ["for bob"]);
    assert_eq!(eve.reads().await, [""; 0]);
}

#[tokio::test]
async fn a_message_to_oneself_is_listed_once() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    ada.says(&ada, "buy milk").await;

    assert_eq!(ada.reads().await, ["buy milk"]);
}

#[tokio::test]
async fn the_newest_hundred_are_listed_and_older_ones_by_slice() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut ids = Vec::new();
    for number in 0..103 {
        let (from, to) = if number % 3 == 0 {
            (&bob, &ada)
        } else {
            (&ada, &bob)
        };
        let sent = from.says(to, &number.to_string()).await;
        ids.push(sent["id"].as_i64().unwrap());
    }

    let all = "/api/messages".to_owned();
    for path in [all, ada.inbox()] {
        let list = async |query: &str| -> Vec<i64> {
            let answer = ada.get(&format!("{path}{query}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let messages = answer.json();
            let messages = messages.as_array().unwrap().iter();
            messages.map(|m| m["id"].as_i64().unwrap()).collect()
        };

        assert_eq!(list("").await, ids[3..]);
        let before = ids[3];
        assert_eq!(list(&format!("?before={before}")).await, ids[..3]);
        let query = format!("?before={before}&limit=2");
        assert_eq!(list(&query).await, ids[1..3]);
        assert_eq!(list("?limit=500").await, ids);
        assert_eq!(list("?before=0").await, [0; 0]);
    }
}

#[tokio::test]
async fn what_comes_after_a_message_is_listed_from_there_on() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut ids = Vec::new();
    for number in 0..103 {
        let sent = ada.says(&bob, &number.to_string()).await;
        ids.push(sent["id"].as_i64().unwrap());
    }

    let all = "/api/messages".to_owned();
    for path in [all, bob.inbox()] {
        let list = async |query: &str| -> Vec<i64> {
            let answer = bob.get(&format!("{path}{query}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let messages = answer.json();
            let messages = messages.as_array().unwrap().iter();
            messages.map(|m| m["id"].as_i64().unwrap()).collect()
        };

        assert_eq!(list("?after=0").await, ids[..100]);
        assert_eq!(list("?after=0&limit=500").await, ids);
        let after = ids[3];
        let query = format!("?after={after}&limit=2");
        assert_eq!(list(&query).await, ids[4..6]);
        let after = ids[102];
        assert_eq!(list(&format!("?after={after}")).await, [0; 0]);
        assert_eq!(list(&format!("?after={}", i64::MAX)).await, [0; 0]);
    }
}

#[tokio::test]
async fn a_list_after_a_message_has_one_users_messages_alone() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let eve = Person::new(&chat, "eve").await;
    let first = ada.says(&bob, "first").await;
    let to_eve = ada.says(&eve, "not for bob").await;
    let to_bob = eve.says(&bob, "for bob").await;
    let by_bob = bob.says(&eve, "by bob").await;

    let path = format!("{}?after={}", bob.inbox(), first["id"]);
    assert_eq!(bob.get(&path).await.json(), json!([to_bob, by_bob]));
    let path = format!("{}?after={}", ada.inbox(), first["id"]);
    assert_eq!(ada.get(&path).await.json(), json!([to_eve]));
    let nobody = ada.unknown(99);
    let path = format!("{}?after=0", nobody.inbox());
    assert_eq!(nobody.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_slice_after_what_is_no_id_or_on_both_sides_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for query in ["after=x", "after=", "after=-1", "after=1&before=5"] {
        let answer = ada.get(&format!("{}?{query}", ada.inbox())).await;
        assert_eq!(answer.status, 422, "{query} {answer:?}");
        assert!(answer.error().contains("after"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_slice_that_makes_no_sense_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for query in ["limit=0", "limit=501", "limit=-1", "limit=x", "before=x"] {
        let answer = ada.get(&format!("/api/messages?{query}")).await;
        assert_eq!(answer.status, 422, "{query} {answer:?}");
        let field = query.split('=').next().unwrap();
        assert!(answer.error().contains(field), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for body in ["", "{", "hello", "{\"author_id\":1,}"] {
        let answer = refused(&ada, body).await;
        assert_eq!(answer.status, 400, "{body:?} {answer:?}");
        assert!(answer.error().contains("not JSON"), "{answer:?}");
    }
    let half_an_emoji = ada.message(&ada, "hi").to_string();
    let half_an_emoji = half_an_emoji.replace("hi", r"\ud83d");
    assert_eq!(refused(&ada, &half_an_emoji).await.status, 400);

    let body = Some(ada.message(&ada, "hi").to_string().into_bytes());
    let answer = ada
        .request("POST", "/api/messages", "text/plain", body)
        .await
        .unwrap();
    assert_eq!(answer.status, 415);
    assert!(answer.error().contains("application/json"), "{answer:?}");
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let good = ada.message(&ada, "hi");
    for (field, wrong, expected) in [
        ("author_id", json!("one"), "a whole number"),
        ("author_id", json!("1 "), "a whole number"),
        ("author_id", json!("+1"), "a whole number"),
        ("author_id", json!(""), "a whole number"),
        ("author_id", json!(1.5), "a whole number"),
        ("author_id", json!(u64::MAX), "a whole number"),
        ("recipient_id", json!(null), "a whole number"),
        ("recipient_id", json!([ada.id]), "a whole number"),
        ("content", json!(5), "a string"),
        ("content", json!({ "text": "hi" }), "a string"),
    ] {
        let mut body = good.clone();
        body[field] = wrong;
        let answer = refused(&ada, &body.to_string()).await;
        assert_eq!(answer.status, 422, "{body} {answer:?}");
        let error = answer.error();
        assert!(error.contains(field), "{error}");
        assert!(error.contains(&format!("expected {expected}")), "{error}");
    }
}

/// A struct can be read from an array, field by field: not here.
#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let message = json!([ada.id, ada.id, "hi"]).to_string();
    for body in ["null", "[]", "7", "\"hi\"", &message] {
        let answer = refused(&ada, body).await;
        assert_eq!(answer.status, 422, "{body} {answer:?}");
        assert!(answer.error().contains("a JSON object"), "{answer:?}");
    }
    let user = json!(["Bob Kahn", "bob@example.org", "bob"]);
    let answer = chat.post("/api/users", &user).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    let answer = refused(&ada, "{}").await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.error().contains("missing field"), "{answer:?}");
}

/// HTML forms and command lines have nothing but texts.
#[tokio::test]
async fn an_id_may_be_sent_as_a_text_of_digits() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;

    // What `http :5001/api/messages author_id=1 recipient_id=2
    // content="trois petits chats"` sends.
    let body = json!({
        "author_id": ada.id.to_string(),
        "recipient_id": bob.id.to_string(),
        "content": "trois petits chats",
    });
    let answer = ada.post("/api/messages", &body).await;

    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["recipient"]["id"], bob.id);
    assert_eq!(bob.reads().await, ["trois petits chats"]);
}

#[tokio::test]
async fn a_message_with_an_unusable_content_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for content in [
        "",
        "  \n\t ",
        "\u{2003}",
        "\u{200b}\u{feff}",
        &"x".repeat(2001),
        &"😀".repeat(2001),
        "a\u{0}b",
        "a\rb",
        "\u{7}",
        "\u{85}",
    ] {
        let body = ada.message(&ada, content).to_string();
        let answer = refused(&ada, &body).await;
        assert_eq!(answer.status, 422, "{content:?} {answer:?}");
        assert!(answer.error().contains("content"), "{answer:?}");
    }
}

#[tokio::test]
async fn any_text_within_the_limits_comes_back_unchanged() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let contents = [
        " spaces stay ",
        "two\nlines\tand a tab",
        "<script>alert(1)</script>",
        "'quotes' \"and\" `more` \\ {{ x }}",
        "שלום, مرحبا, 你好",
        "👩‍👩‍👧‍👦",
        &"😀".repeat(2000),
    ];
    for content in contents {
        let sent = ada.says(&ada, content).await;
        assert_eq!(sent["content"], content);
    }
    assert_eq!(ada.reads().await, contents);
}

#[tokio::test]
async fn two_thousand_emoji_may_be_sent_as_escapes() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let body = ada.message(&ada, "hi").to_string();
    let body = body.replace("hi", &r"\ud83d\ude00".repeat(2000));
    let answer = ada.post_text("/api/messages", &body).await;

    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["content"], "😀".repeat(2000));
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let body = ada.message(&ada, "hi").to_string();
    let of_size = |size: usize| body.clone() + &" ".repeat(size - body.len());

    let answer = refused(&ada, &of_size(64 * 1024 + 1)).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.error().contains("64 KiB"), "{answer:?}");
    let answer = ada.post_text("/api/messages", &of_size(64 * 1024)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test]
async fn an_unknown_user_is_not_found() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let nobody = ada.unknown(99);

    let body = ada.message(&nobody, "hi");
    let answer = refused(&ada, &body.to_string()).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert!(answer.error().contains("99"), "{answer:?}");
    for path in ["/api/users/99", &nobody.inbox()] {
        let answer = ada.get(path).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert!(answer.error().contains("99"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_not_found() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for path in [
        "/nowhere",
        "/api",
        "/api/users/ada",
        "/api/users/1x/messages",
        "/api/users/99999999999999999999",
        "/api/users/%ff",
        "/static",
        "/static/",
        "/static/nothing.css",
        "/static/..%2fCargo.toml",
        "/static/%2fetc%2fpasswd",
    ] {
        let answer = ada.get(path).await;
        assert_eq!(answer.status, 404, "{path} {answer:?}");
        assert!(!answer.error().is_empty(), "{path}");
    }
}

/// By hand, since clients take the dots out of a path.
#[tokio::test]
async fn a_path_of_dots_is_not_found() {
    let chat = chat().await;

    for path in ["/static/.", "/static/..", "/static/../Cargo.toml"] {
        let mut stream = TcpStream::connect(chat.address()).await.unwrap();
        let head = chat.head("GET", path, "Connection: close\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        soon("an answer", read).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path} {answer}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_refused() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for (method, path) in [
        ("DELETE", "/api/users"),
        ("PUT", "/api/messages"),
        ("POST", "/api/version"),
        ("POST", "/db/alive"),
        ("POST", "/static/style.css"),
        ("PUT", "/static/nothing.css"),
    ] {
        let answer = ada.request(method, path, "", None).await.unwrap();
        assert_eq!(answer.status, 405, "{method} {path} {answer:?}");
        assert!(!answer.error().is_empty());
        assert!(answer.header("allow").contains("GET"), "{answer:?}");
    }
}
