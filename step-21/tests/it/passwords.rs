//! What a password may be, and how it is kept.

use serde_json::json;
use testkit::{Client, Program};
use tokio::task::JoinSet;
use tokio_rusqlite::rusqlite::Connection;

use crate::people::{Person, password, user};
use crate::{PROGRAM, chat};

#[tokio::test]
async fn a_password_of_15_to_256_characters_is_taken_as_it_is() {
    let chat = chat().await;

    for (number, good) in [
        "x y z x y z x y".to_owned(),
        " spaces stay all around ".to_owned(),
        "😀".repeat(15),
        "ğ".repeat(256),
        "a\nb\tc\u{0}d, and more".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let nickname = format!("number {number}");
        let mut body = user(&nickname);
        body["password"] = json!(good);
        let answer = chat.post("/api/users", &body).await;
        assert_eq!(answer.status, 201, "{good} {answer:?}");
        let mut body = json!({ "nickname": nickname, "password": good });
        let answer = chat.post("/api/sessions", &body).await;
        assert_eq!(answer.status, 201, "{good} {answer:?}");
        // It is compared to its last character.
        let mut shorter = good.clone();
        shorter.pop();
        body["password"] = json!(shorter);
        let answer = chat.post("/api/sessions", &body).await;
        assert_eq!(answer.status, 401, "{shorter} {answer:?}");
    }
}

#[tokio::test]
async fn a_password_that_is_easy_to_guess_is_refused() {
    let chat = chat().await;
    let mut ada = user("the first programmer");
    ada["name"] = json!("Augusta Ada King");
    ada["email"] = json!("ada.lovelace@example.org");

    for (wrong, words) in [
        ("", "shorter than 15"),
        ("fourteen chars", "shorter than 15"),
        // 30 bytes, and 14 characters after NFC.
        (&"e\u{301}".repeat(14), "shorter than 15"),
        (&"x".repeat(257), "longer than 256"),
        ("The First  Programmer", "your name, nickname or email"),
        ("augusta ada king", "your name, nickname or email"),
        ("Ada.Lovelace@Example.org", "your name, nickname or email"),
        ("correct horse battery staple", "everybody knows"),
        ("PasswordPassword", "everybody knows"),
        ("123456789012345", "everybody knows"),
        (&" ".repeat(15), "everybody knows"),
    ] {
        ada["password"] = json!(wrong);
        let answer = chat.post("/api/users", &ada).await;
        assert_eq!(answer.status, 422, "{wrong:?} {answer:?}");
        assert!(answer.error().contains(words), "{wrong:?} {answer:?}");
        if !wrong.trim().is_empty() {
            assert!(!answer.text.contains(wrong), "{answer:?}");
        }
    }
    for wrong in [json!(null), json!(123456789012345_i64), json!(["x"])] {
        ada["password"] = wrong;
        assert_eq!(chat.post("/api/users", &ada).await.status, 422);
    }
    let bob = Person::new(&chat, "bob").await;
    let users = bob.get("/api/users").await.json();
    assert_eq!(users.as_array().unwrap().len(), 1, "{users}");
}

/// Keyboards write an é in one character or in two. What people can tell apart
/// is not the same.
#[tokio::test]
async fn a_password_fits_whatever_keyboard_it_is_typed_on() {
    let chat = chat().await;
    let mut body = user("ada");
    body["password"] = json!("d\u{e9}j\u{e0} vu, encore une fois");
    assert_eq!(chat.post("/api/users", &body).await.status, 201);

    for (typed, status) in [
        ("de\u{301}ja\u{300} vu, encore une fois", 201),
        ("D\u{e9}j\u{e0} vu, encore une fois", 401),
        ("\u{ff44}\u{e9}j\u{e0} vu, encore une fois", 401),
    ] {
        let body = json!({ "nickname": "ada", "password": typed });
        let answer = chat.post("/api/sessions", &body).await;
        assert_eq!(answer.status, status, "{typed} {answer:?}");
    }
}

#[tokio::test]
async fn the_database_has_neither_passwords_nor_cookies() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut body = user("eve");
    body["password"] = json!(password("ada"));
    chat.post("/api/users", &body).await;

    let database = Connection::open(chat.database()).unwrap();
    let texts = |question: &str| -> Vec<String> {
        let mut statement = database.prepare(question).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let hashes = texts("select password from users");
    assert_eq!(hashes.len(), 3);
    for hash in &hashes {
        // The least that OWASP's sheet on storing passwords asks for.
        let parameters = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert!(hash.starts_with(parameters), "{hash}");
    }
    // Ada and Eve have the same password, and their salts differ.
    assert_ne!(hashes[0], hashes[2]);
    let ids = texts("select id from sessions").concat();
    for person in [ada, bob] {
        let cookie = person.headers()["cookie"].to_str().unwrap().to_owned();
        let (_, token) = cookie.split_once('=').unwrap();
        assert!(!ids.contains(token), "{ids}");
    }
}

/// These are of another program: with the parameters of today, and with others.
#[tokio::test]
async fn a_hash_that_was_made_elsewhere_fits() {
    let chat = chat().await;
    Person::new(&chat, "ada").await;
    let database = Connection::open(chat.database()).unwrap();

    for hash in [
        "$argon2id$v=19$m=19456,t=2,p=1$UntS037PzSndQKgAcwrjxA\
         $XjUjN/rhji+cIaWReCNh9ultWmmXHZ5VyKzEpsdrYTI",
        "$argon2id$v=19$m=12288,t=3,p=1$cIupLzEnyY9bjvEjN5xJGg\
         $n/4p+kEP6RPO41i9zpSfN0rZRSddS4sQ2qfUhG4x/I0",
        "$argon2id$v=19$m=8192,t=2,p=2$4W+OyH+QP6+icV9s0Xb+zQ\
         $OwdKmOe/0RIQlh7KB447errdwgdV4Q1YjhFK1cljCPw",
    ] {
        let count = database.execute("update users set password = ?", [hash]);
        assert_eq!(count.unwrap(), 1);
        Person::signs_in(&chat, "ada").await;
        let wrong = json!({ "nickname": "ada", "password": password("eve") });
        let answer = chat.post("/api/sessions", &wrong).await;
        assert_eq!(answer.status, 401, "{hash} {answer:?}");
    }
}

/// 19 MiB for each of the two that are hashed at once, however many they are and
/// whichever thread it is.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn passwords_take_no_more_memory_than_two_of_them_need() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let program = Program::start(PROGRAM, &path).await;
    Person::new(&program, "ada").await;

    let mut all = JoinSet::new();
    for _ in 0..50 {
        let chat = Client::clone(&program);
        all.spawn(async move { Person::signs_in(&chat, "ada").await });
    }
    all.join_all().await;

    let most = program.peak_memory();
    assert!(most > 19, "{most} MiB");
    assert!(most < 120, "{most} MiB");
}
