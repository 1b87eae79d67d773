//! How long a session lasts, and which cookie counts. Days pass in the
//! database: a test moves a session into the past.

use crate::chat;
use crate::people::Person;
use crate::postgres::{Chat, Home, Other};

const DAY: i64 = 24 * 60 * 60;

/// Lets days pass for all sessions.
async fn pass(chat: &Chat, days: f64) {
    let mut other = Other::at(chat.database()).await;
    let passed = format!(
        "update sessions set created_at = created_at - interval '{days} days',
            expires_at = expires_at - interval '{days} days'"
    );
    other.run(&passed).await;
}

/// How many days are left of the one session.
async fn days_left(chat: &Chat) -> f64 {
    let mut other = Other::at(chat.database()).await;
    let seconds = "select extract(epoch from expires_at - now())::bigint
        from sessions";
    other.number(seconds).await as f64 / DAY as f64
}

async fn is_in(person: &Person) -> bool {
    match person.get("/api/me").await.status {
        200 => true,
        401 => false,
        status => panic!("neither in nor out: {status}"),
    }
}

/// The same person, with this in place of the cookies.
fn with_cookies(person: &Person, chat: &Chat, cookies: &str) -> Person {
    let client = (**chat).clone().with_header("cookie", cookies);
    person.by(client)
}

#[tokio::test]
async fn a_session_lasts_for_thirty_days_without_use() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    pass(&chat, 29.9).await;
    assert!(is_in(&ada).await);
    pass(&chat, 30.0).await;

    assert!(!is_in(&ada).await);
}

#[tokio::test]
async fn a_session_that_is_used_lasts_longer_and_is_written_once_a_day() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    pass(&chat, 0.9).await;
    assert!(is_in(&ada).await);
    assert!((29.0..29.2).contains(&days_left(&chat).await));
    pass(&chat, 0.2).await;
    assert!(is_in(&ada).await);

    assert!(days_left(&chat).await > 29.9);
}

#[tokio::test]
async fn a_session_lasts_for_ninety_days_however_much_it_is_used() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for _ in 0..4 {
        pass(&chat, 20.0).await;
        assert!(is_in(&ada).await);
    }
    pass(&chat, 9.9).await;
    assert!(is_in(&ada).await);
    assert!(days_left(&chat).await < 0.2);
    pass(&chat, 0.2).await;

    assert!(!is_in(&ada).await);
}

/// A session that can't last longer is not written at each request.
#[tokio::test]
async fn the_last_days_of_a_session_are_not_written_again_and_again() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    for _ in 0..3 {
        pass(&chat, 29.0).await;
        assert!(is_in(&ada).await);
    }
    let mut other = Other::at(chat.database()).await;
    // Which transaction has written the row.
    let version = "select xmin::text::bigint from sessions";

    let before = other.number(version).await;
    assert!(is_in(&ada).await);

    assert_eq!(other.number(version).await, before);
    assert!((2.9..3.1).contains(&days_left(&chat).await));
}

/// Its end can't be moved, since another program writes.
#[tokio::test]
async fn a_session_that_can_not_be_made_to_last_longer_still_lasts() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    pass(&chat, 2.0).await;
    let mut other = Other::at(chat.database()).await;
    other
        .run("begin; lock table sessions in exclusive mode")
        .await;

    assert!(is_in(&ada).await);

    other.run("rollback").await;
    assert!(days_left(&chat).await < 28.1);
}

#[tokio::test]
async fn the_first_cookie_that_counts_is_taken() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let good = ada.headers()["cookie"].to_str().unwrap().to_owned();
    let bobs = bob.headers()["cookie"].to_str().unwrap().to_owned();
    let (name, token) = good.split_once('=').unwrap();

    for (cookies, is_ada) in [
        (good.clone(), true),
        (format!("other=1; {good}; more=2"), true),
        (format!("{name}=garbled; {good}"), true),
        (format!("{good}; {bobs}"), true),
        (format!("\u{fc}ber=\u{e9}; {good}"), true),
        (format!("{name}=; {name}; ={token}"), false),
        (format!("{name}={}", &token[..63]), false),
        (format!("{name}={}", token.to_uppercase()), false),
        (format!("x{name}={token}"), false),
        (format!("{bobs}; {good}"), false),
        (";;; = ;".to_owned(), false),
        // No more than eight of this name are looked up.
        (format!("{}{good}", format!("{name}=x; ").repeat(7)), true),
        (format!("{}{good}", format!("{name}=x; ").repeat(8)), false),
    ] {
        let person = with_cookies(&ada, &chat, &cookies);
        let me = person.get("/api/me").await.json();
        assert_eq!(me["nickname"] == "ada", is_ada, "{cookies} {me}");
    }
}

/// The hash is in the database, and whoever reads that must not get in.
#[tokio::test]
async fn what_the_database_has_of_a_session_lets_nobody_in() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let mut other = Other::at(chat.database()).await;
    let ids: Vec<String> = other.all("select id from sessions").await;
    let id = &ids[0];
    let good = ada.headers()["cookie"].to_str().unwrap().to_owned();
    let (name, _) = good.split_once('=').unwrap();

    let thief = with_cookies(&ada, &chat, &format!("{name}={id}"));

    assert!(!is_in(&thief).await);
}

#[tokio::test]
async fn who_signs_in_again_is_who_they_were_after_a_restart() {
    let home = Home::new();
    let path = home.path().to_owned();
    let program = testkit::Program::start(crate::PROGRAM, &path).await;
    let ada = Person::new(&program, "ada").await;
    program.kill().await;

    let program = testkit::Program::start(crate::PROGRAM, &path).await;

    assert!(is_in(&ada.at(&program)).await);
}
