//! Signing up, in and out; and what is open to whoever is not signed in.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Client};

use crate::people::{Person, credentials, user};
use crate::{chat, unlimited};

/// Deletes a session; the answer.
async fn sign_out(client: &Client) -> Answer {
    let delete = client.request("DELETE", "/api/session", "", None);
    delete.await.unwrap()
}

#[tokio::test]
async fn who_signs_up_is_signed_in() {
    let chat = chat().await;

    let answer = chat.post("/api/users", &user("ada")).await;

    assert_eq!(answer.status, 201, "{answer:?}");
    let ada = Person::let_in(&chat, &answer);
    assert_eq!(ada.get("/api/me").await.json(), answer.json());
    assert_eq!(answer.json()["password"], json!(null));
}

#[tokio::test]
async fn who_signs_in_is_who_signed_up() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let answer = chat.post("/api/sessions", &credentials("ada")).await;

    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json(), ada.get("/api/me").await.json());
    assert_eq!(answer.json()["email"], "ada@example.org");
    let ada_elsewhere = Person::let_in(&chat, &answer);
    ada_elsewhere.says(&ada, "from elsewhere").await;
    assert_eq!(ada.reads().await, ["from elsewhere"]);
}

/// The field is one that people type, and phones begin with a capital.
#[tokio::test]
async fn the_nickname_need_not_be_typed_as_it_was_chosen() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for nickname in ["Ada", "ADA ", "\u{ff41}da"] {
        let mut body = credentials("ada");
        body["nickname"] = json!(nickname);
        let answer = chat.post("/api/sessions", &body).await;
        assert_eq!(answer.status, 201, "{nickname} {answer:?}");
        assert_eq!(answer.json()["id"], ada.id);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_nickname_have_the_same_answer() {
    let chat = chat().await;
    Person::new(&chat, "ada").await;

    let mut wrong = credentials("ada");
    wrong["password"] = json!("the password of somebody");
    let wrong = chat.post("/api/sessions", &wrong).await;
    let unknown = chat.post("/api/sessions", &credentials("eve")).await;
    let empty = json!({ "nickname": "", "password": "" });
    let empty = chat.post("/api/sessions", &empty).await;

    assert_eq!(wrong.status, 401, "{wrong:?}");
    for answer in [&unknown, &empty] {
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.text, wrong.text);
    }
    for answer in [wrong, unknown, empty] {
        assert_eq!(answer.header("set-cookie"), "", "{answer:?}");
    }
}

/// Prints the medians, for the book:
/// `cargo test -p step-25 medians -- --ignored --nocapture`
#[tokio::test]
#[ignore = "prints numbers, and checks none"]
async fn the_medians_of_a_wrong_password_and_an_unknown_nickname() {
    let chat = chat().await;
    Person::new(&chat, "ada").await;
    let median = async |nickname: &str| {
        let body = json!({ "nickname": nickname, "password": "x".repeat(20) });
        let mut times = Vec::new();
        for _ in 0..51 {
            let start = Instant::now();
            let answer = chat.post("/api/sessions", &body).await;
            assert_eq!(answer.status, 401);
            times.push(start.elapsed());
        }
        times.sort_unstable();
        times[25]
    };

    for nickname in ["ada", "unknown", "ada", "unknown"] {
        let time: Duration = median(nickname).await;
        println!("{nickname:>8} {:>7.2} ms", time.as_secs_f64() * 1000.0);
    }
}

#[tokio::test]
async fn a_body_without_a_text_in_each_field_is_refused() {
    let chat = chat().await;

    for body in [
        json!({}),
        json!({ "nickname": "ada" }),
        json!({ "nickname": 7, "password": "x" }),
        json!({ "nickname": "ada", "password": null }),
        json!(["ada", "x"]),
    ] {
        let answer = chat.post("/api/sessions", &body).await;
        assert_eq!(answer.status, 422, "{body} {answer:?}");
    }
}

#[tokio::test]
async fn who_signs_out_is_signed_out() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let ada_elsewhere = ada.elsewhere(&chat).await;

    let answer = sign_out(&ada).await;

    assert_eq!(answer.status, 204, "{answer:?}");
    let deleted = answer.header("set-cookie");
    let name = env!("CARGO_PKG_NAME").replace('-', "_");
    // The same name and path: those are what a browser tells cookies by.
    assert!(deleted.starts_with(&format!("{name}=; ")), "{deleted}");
    for attribute in ["Path=/;", "Max-Age=0"] {
        assert!(deleted.contains(attribute), "{deleted}");
    }
    assert_eq!(ada.get("/api/me").await.status, 401);
    assert_eq!(sign_out(&ada).await.status, 401);
    assert_eq!(ada_elsewhere.get("/api/me").await.status, 200);
}

/// What a browser had before is of no use to whoever has put it there.
#[tokio::test]
async fn each_sign_in_begins_a_new_session_and_ends_the_browsers_old_one() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let bob_elsewhere = bob.elsewhere(&chat).await;

    let signed_in = bob.post("/api/sessions", &credentials("ada")).await;
    let signed_up = ada.post("/api/users", &user("eve")).await;

    for (old, answer, now) in
        [(&bob, signed_in, "ada"), (&ada, signed_up, "eve")]
    {
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(old.get("/api/me").await.status, 401);
        let new = Person::let_in(&chat, &answer);
        assert_eq!(new.get("/api/me").await.json()["nickname"], now);
    }
    assert_eq!(bob_elsewhere.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn no_script_reads_the_cookie_and_no_other_lesson_overwrites_it() {
    let chat = chat().await;

    let answer = chat.post("/api/users", &user("ada")).await;

    let cookie = answer.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    let (name, token) = pair.split_once('=').unwrap();
    assert_eq!(name, env!("CARGO_PKG_NAME").replace('-', "_"));
    assert_eq!(token.len(), 64, "{token}");
    let attributes: Vec<&str> = attributes.split("; ").collect();
    for attribute in ["Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(attributes.contains(&attribute), "{cookie}");
    }
    let days = attributes.iter().find(|a| a.starts_with("Max-Age="));
    assert_eq!(days, Some(&"Max-Age=7776000"));
}

#[tokio::test]
async fn without_a_session_the_api_says_401_whatever_is_asked_for() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for path in [
        "/api/me",
        "/api/users",
        &format!("/api/users/{}", ada.id),
        "/api/messages",
        &ada.inbox(),
        "/api/session",
        "/api/nowhere",
        "/api",
        "/nowhere",
    ] {
        let answer = chat.get(path).await;
        assert_eq!(answer.status, 401, "{path} {answer:?}");
        assert!(answer.error().contains("Sign in"), "{answer:?}");
    }
    let message = ada.message(&ada, "hi");
    assert_eq!(chat.post("/api/messages", &message).await.status, 401);
    assert_eq!(ada.reads().await, [""; 0]);
}

#[tokio::test]
async fn without_a_session_each_page_leads_to_the_sign_in_and_back() {
    let chat = chat().await;

    for (path, next) in [
        ("/", "%2F"),
        ("/front/users", "%2Ffront%2Fusers"),
        ("/front/lobby", "%2Ffront%2Flobby"),
        ("/front/messages/1", "%2Ffront%2Fmessages%2F1"),
        (
            "/front/messages/1?before=9&to=2",
            "%2Ffront%2Fmessages%2F1%3Fbefore%3D9%26to%3D2",
        ),
        ("/front/nowhere", "%2Ffront%2Fnowhere"),
    ] {
        let answer = chat.get(path).await;
        assert_eq!(answer.status, 303, "{path} {answer:?}");
        let expected = format!("/front/sign-in?next={next}");
        assert_eq!(answer.header("location"), expected);
    }
}

#[tokio::test]
async fn what_is_open_needs_no_session() {
    let chat = chat().await;

    for path in [
        "/db/alive",
        "/api/version",
        "/static/style.css",
        "/front/sign-in",
        "/front/sign-in?next=/front/lobby",
        "/front/sign-up",
    ] {
        let answer = chat.get(path).await;
        assert_eq!(answer.status, 200, "{path} {answer:?}");
    }
}

#[tokio::test]
async fn who_is_signed_in_sees_as_whom_on_each_page() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for path in [&*ada.page(), "/front/users", "/front/lobby"] {
        let page = ada.get(path).await.text;
        assert!(page.contains("Signed in as <bdi>ada</bdi>"), "{page}");
        let user = format!(r#"data-user-id="{}""#, ada.id);
        assert!(page.contains(&user), "{page}");
    }
    let page = ada.get("/front/sign-in").await.text;
    assert!(page.contains("signed in as <bdi>ada</bdi>"), "{page}");
}

#[tokio::test]
async fn nothing_private_is_kept_by_a_browser() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for path in [
        "/",
        "/api/me",
        "/api/users",
        "/api/messages",
        &ada.inbox(),
        &ada.page(),
        "/front/users",
        "/front/lobby",
        "/front/nowhere",
    ] {
        let answer = ada.get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    for answer in [
        chat.post("/api/sessions", &credentials("ada")).await,
        chat.get("/api/me").await,
        chat.get("/").await,
        sign_out(&ada).await,
    ] {
        assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    }
}

#[tokio::test]
async fn nicknames_that_look_the_same_are_the_same() {
    let chat = chat().await;
    Person::new(&chat, "Straße").await;

    for nickname in [
        "straße",
        "STRASSE",
        "\u{ff33}trasse",
        "Stra\u{200b}ße",
        " Strasse",
    ] {
        let answer = chat.post("/api/users", &user(nickname)).await;
        assert_eq!(answer.status, 409, "{nickname} {answer:?}");
        assert!(answer.error().contains(nickname), "{answer:?}");
    }
    Person::new(&chat, "Strase").await;
    // Small, it is one character; as a capital it is two.
    Person::new(&chat, "\u{390}").await;
    let answer = chat.post("/api/users", &user("\u{3aa}\u{301}")).await;
    assert_eq!(answer.status, 409, "{answer:?}");
}

/// Each hash takes memory and time: whoever comes on top has to come again, and
/// nobody else has to wait for them. A nickname that nobody has takes the same:
/// neither the time nor this tells which ones there are.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_who_sign_in_at_once_are_told_to_come_again() {
    let chat = unlimited().await;
    let ada = Person::new(&chat, "ada").await;

    for nickname in ["ada", "unknown"] {
        let mut sign_ins = Vec::new();
        for _ in 0..200 {
            let client = (*chat).clone();
            let body = json!({ "nickname": nickname, "password": "a guess" });
            sign_ins.push(tokio::spawn(async move {
                client.post("/api/sessions", &body).await
            }));
        }
        let (mut tried, mut sent_away) = (0, 0);
        for sign_in in sign_ins {
            let answer = sign_in.await.unwrap();
            match answer.status {
                401 => tried += 1,
                503 => {
                    sent_away += 1;
                    assert_eq!(answer.header("retry-after"), "1");
                    assert!(answer.error().contains("again"), "{answer:?}");
                }
                _ => panic!("{answer:?}"),
            }
        }
        assert!(tried >= 52, "{nickname}: {tried} {sent_away}");
        assert!(sent_away >= 1, "{nickname}: {tried} {sent_away}");
    }

    ada.elsewhere(&chat).await;
}
