//! What is too much, and whom it stops: nobody else.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Answer, Client, Program, Socket, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::people::{Person, credentials, user};
use crate::postgres::{Chat, Home};
use crate::{PROGRAM, Settings, chat, chat_with, unlimited};

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One after the other: a process has few files, and each connection is one.
#[cfg(target_os = "linux")]
static MANY_FILES: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How Socket.IO begins.
const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=polling";

/// A chat behind a proxy: the tests are that proxy, and say where a request
/// comes from.
async fn behind_a_proxy() -> Chat {
    chat_with(Settings {
        proxy: Some(PROXY),
        ..Settings::default()
    })
    .await
}

fn from(chat: &Client, address: &str) -> Client {
    chat.clone().with_header("x-forwarded-for", address)
}

async fn guesses(client: &Client, nickname: &str) -> Answer {
    let body = json!({ "nickname": nickname, "password": "a wrong password" });
    client.post("/api/sessions", &body).await
}

/// How many of `count` wrong passwords were looked at. The others are too much.
async fn looked_at(client: &Client, nickname: &str, count: usize) -> usize {
    let mut looked_at = 0;
    for _ in 0..count {
        let answer = guesses(client, nickname).await;
        match answer.status {
            401 => looked_at += 1,
            _ => assert_too_much(&answer, "sign-ins"),
        }
    }
    looked_at
}

fn assert_too_much(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 429, "{answer:?}");
    let wait = answer.header("retry-after");
    assert!(wait.parse::<u64>().unwrap() > 0, "{wait}");
    let text = answer.error();
    assert!(text.starts_with(&format!("Too many {what}")), "{text}");
    assert!(text.ends_with(&format!("again in {wait} s.")), "{text}");
}

#[tokio::test]
async fn of_200_wrong_passwords_ten_are_looked_at() {
    let chat = behind_a_proxy().await;
    let here = from(&chat, "192.0.2.1");
    let ada = Person::new(&from(&chat, "192.0.2.2"), "ada").await;

    let mut guesses_at_once = Vec::new();
    for _ in 0..200 {
        let here = here.clone();
        guesses_at_once
            .push(tokio::spawn(async move { guesses(&here, "ada").await }));
    }
    let mut statuses = Vec::new();
    for guess in guesses_at_once {
        statuses.push(guess.await.unwrap().status);
    }

    statuses.sort_unstable();
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10..], [429; 190]);
    // It does not stop her.
    assert_eq!(ada.get("/api/me").await.status, 200);
    Person::signs_in(&from(&chat, "192.0.2.3"), "ada").await;
}

#[tokio::test]
async fn who_gets_in_at_last_begins_anew() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for _ in 0..3 {
        assert_eq!(looked_at(&chat, "ada", 9).await, 9);
        ada.elsewhere(&chat).await;
    }

    assert_eq!(looked_at(&chat, "ada", 12).await, 10);
    // However the nickname is written, it is hers. And it is hers alone.
    assert_too_much(&guesses(&chat, "ＡDA").await, "sign-ins as this user");
    assert_eq!(guesses(&chat, "bob").await.status, 401);
    let answer = chat.post("/api/sessions", &credentials("ada")).await;
    assert_too_much(&answer, "sign-ins as this user");
}

/// A hundred at once, and one more each 2 seconds.
#[tokio::test]
async fn one_address_tries_a_hundred_nicknames_and_no_more() {
    let chat = behind_a_proxy().await;
    let begin = Instant::now();

    let mut tried = 0;
    for number in 0..130 {
        let answer = guesses(&chat, &format!("user {number}")).await;
        match answer.status {
            401 => tried += 1,
            _ => assert_too_much(&answer, "sign-ins from here"),
        }
    }

    let more = begin.elapsed().as_secs() / 2;
    assert!((100..=101 + more).contains(&tried), "{tried}, {more}");
    let elsewhere = from(&chat, "192.0.2.1");
    assert_eq!(guesses(&elsewhere, "user 129").await.status, 401);
}

/// A hundred at once, and one more each 36 seconds.
#[tokio::test]
async fn a_hundred_addresses_do_not_keep_ada_out_of_where_she_was_before() {
    let chat = behind_a_proxy().await;
    let home = from(&chat, "192.0.2.1");
    let ada = Person::new(&home, "ada").await;
    let begin = Instant::now();

    let mut tried = 0;
    for number in 0..120 {
        let elsewhere = from(&chat, &format!("198.51.100.{number}"));
        let answer = guesses(&elsewhere, "ada").await;
        match answer.status {
            401 => tried += 1,
            _ => assert_too_much(&answer, "sign-ins as this user"),
        }
    }

    let more = begin.elapsed().as_secs() / 36;
    assert!((100..=101 + more).contains(&tried), "{tried}, {more}");
    Person::signs_in(&home, "ada").await;
    assert_eq!(ada.get("/api/me").await.status, 200);
    let elsewhere = from(&chat, "203.0.113.1");
    let answer = elsewhere.post("/api/sessions", &credentials("ada")).await;
    assert_too_much(&answer, "sign-ins as this user");
}

#[tokio::test]
async fn the_word_of_anybody_for_an_address_counts_nothing() {
    let chat = chat().await;

    for number in 0..10 {
        let liar = from(&chat, &format!("192.0.2.{number}"));
        assert_eq!(guesses(&liar, "ada").await.status, 401);
    }

    let liar = from(&chat, "192.0.2.99");
    assert_too_much(&guesses(&liar, "ada").await, "sign-ins");
}

#[tokio::test]
async fn the_last_word_of_the_proxy_is_the_address() {
    let chat = behind_a_proxy().await;
    let used_up = async |address: &str| {
        assert_eq!(looked_at(&from(&chat, address), "ada", 11).await, 10);
    };
    let is_new = async |address: &str| {
        guesses(&from(&chat, address), "ada").await.status == 401
    };

    used_up("192.0.2.1").await;
    assert!(!is_new("192.0.2.9, 192.0.2.1").await);
    assert!(!is_new("::ffff:192.0.2.1").await);
    assert!(is_new("192.0.2.1, 192.0.2.9").await);
    // What is no address is the proxy.
    used_up("nonsense").await;
    assert!(!is_new("").await);
    assert!(!is_new("192.0.2.7, unknown").await);
    // Of IPv6, one customer has the second half.
    used_up("2001:db8:1:2::1").await;
    assert!(!is_new("2001:db8:1:2:ffff:ffff:ffff:ffff").await);
    assert!(is_new("2001:db8:1:3::1").await);
}

#[tokio::test]
async fn a_class_of_40_signs_up_and_signs_in_within_a_minute() {
    let chat = chat().await;

    // Five at a time: to hash their passwords takes as long as it takes.
    let mut class = JoinSet::new();
    for number in 0..40 {
        let chat = (*chat).clone();
        class.spawn(async move {
            let nickname = format!("pupil {number}");
            // One in two makes a mistake.
            if number % 2 == 0 {
                let mut short = user(&nickname);
                short["password"] = json!("too short");
                let answer = chat.post("/api/users", &short).await;
                assert_eq!(answer.status, 422, "{answer:?}");
                assert_eq!(guesses(&chat, &nickname).await.status, 401);
            }
            Person::new(&chat, &nickname).await;
            Person::signs_in(&chat, &nickname).await;
        });
        if class.len() == 5 {
            class.join_next().await.unwrap().unwrap();
        }
    }

    while let Some(pupil) = class.join_next().await {
        pupil.unwrap();
    }
}

/// Sixty at once, and one more each minute.
#[tokio::test]
async fn an_address_has_sixty_new_users_and_no_more() {
    let chat = behind_a_proxy().await;
    let signs_up = async |address: &str, number: u32| {
        let body = user(&format!("user {number}"));
        from(&chat, address).post("/api/users", &body).await
    };

    let begin = Instant::now();
    let mut number = 0;
    let refused = loop {
        let answer = signs_up("192.0.2.1", number).await;
        if answer.status != 201 {
            break answer;
        }
        number += 1;
        assert!(number < 100, "that is too much");
    };

    let more = begin.elapsed().as_secs() as u32 / 60;
    assert!((60..=61 + more).contains(&number), "{number}, {more}");
    assert_too_much(&refused, "new users from here");
    assert_eq!(signs_up("192.0.2.2", number).await.status, 201);
}

#[tokio::test]
async fn who_writes_too_much_waits_and_loses_nothing() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;

    let mut sent = Vec::new();
    let refused = loop {
        let content = sent.len().to_string();
        let answer = ada.tries(&ada, &content).await;
        if answer.status != 201 {
            break answer;
        }
        sent.push(content);
        assert!(sent.len() < 1000, "that is too much");
    };

    assert_too_much(&refused, "messages");
    assert!(sent.len() >= 200, "{}", sent.len());
    bob.says(&ada, "I have not written yet").await;
    let wait = refused.header("retry-after").parse().unwrap();
    tokio::time::sleep(Duration::from_secs(wait)).await;
    ada.says(&ada, "the rest").await;
}

async fn speaks(socket: &mut Socket) -> Value {
    let said = json!({ "message": "hello" });
    socket.emit_with_ack("send_message", &said).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_floods_the_lobby_is_told_so_in_all_their_pages() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut pages = [
        Socket::connect(&ada, None).await.unwrap(),
        Socket::connect(&ada, None).await.unwrap(),
    ];
    let mut page_of_bob = Socket::connect(&bob, None).await.unwrap();
    let begin = Instant::now();

    let mut heard = 0;
    for number in 0..40 {
        let answer = speaks(&mut pages[number % 2]).await;
        match answer["error"].as_str() {
            None => heard += 1,
            Some(text) => {
                assert!(text.starts_with("Too many messages."), "{text}");
            }
        }
    }

    let more = begin.elapsed().as_secs() as usize;
    assert!((10..=11 + more).contains(&heard), "{heard}, {more}");
    assert_eq!(speaks(&mut page_of_bob).await["ok"], true);
}

#[tokio::test]
async fn without_a_session_there_is_no_socket_to_begin_with() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for transport in ["polling", "websocket", "other"] {
        for more in ["", "&SID=x", "&%73id=x", "&x=sid=y", "&"] {
            let path = format!("/socket.io/?EIO=4&transport={transport}{more}");
            let answer = chat.get(&path).await;
            assert_eq!(answer.status, 401, "{path}: {answer:?}");
            assert_eq!(answer.error(), "Nobody is signed in. Sign in first.");
            let begun = ada.get(&path).await.status;
            assert_ne!(begun, 401, "{path}");
        }
    }
    for path in ["/socket.io", "/socket.io/", "/socket.io/x?"] {
        assert_eq!(chat.get(path).await.status, 401, "{path}");
    }
    // Whoever makes a name up has no socket by it.
    let answer = chat.get(&format!("{HANDSHAKE}&sid=AAAAAAAAAAAAAAAA")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
}

/// The first request of each is counted, and the first packet.
#[tokio::test(flavor = "multi_thread")]
async fn who_begins_sockets_without_end_is_told_so() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;

    let mut begun = 0;
    let refusal = loop {
        match Socket::connect(&ada, Some(ada.auth())).await {
            Ok(socket) => socket.leave().await,
            Err(refusal) => break refusal,
        }
        begun += 1;
        assert!(begun < 1000, "that is too much");
    };

    assert!(refusal.contains("Too many connections"), "{refusal}");
    assert!(begun >= 100, "{begun}");
    bob.connects().await;
}

/// Nor does it help to leave and to come back by the same connections.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_and_goes_without_end_is_told_so() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    let mut pages = JoinSet::new();
    for _ in 0..20 {
        let mut socket = Socket::open(&ada).await;
        pages.spawn(async move {
            for come in 0..50 {
                socket.send("40").await;
                let answer = socket.packet().await.expect("an answer");
                if !answer.starts_with("40") {
                    return (come, answer);
                }
                socket.send("41").await;
                // It has left when another question is answered.
                socket.expect_silence().await;
            }
            panic!("that is too much");
        });
    }

    let mut come = 0;
    for (times, refusal) in pages.join_all().await {
        come += times;
        let says = "not now: Too many connections";
        assert!(refusal.contains(says), "{refusal}");
    }
    assert!(come >= 180, "{come}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_thirty_pages_open_and_no_more() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let mut pages = Vec::new();
    for _ in 0..30 {
        pages.push(ada.connects().await);
    }
    // They leave the chat, and keep their connections.
    for page in &mut pages {
        page.send("41").await;
        page.expect_silence().await;
    }

    let refused = Socket::connect(&ada, Some(ada.auth())).await;

    let refusal = refused.unwrap_err();
    assert!(refusal.starts_with("429 "), "{refusal}");
    assert!(refusal.contains("You have the chat open"), "{refusal}");
    bob.connects().await;
    drop(pages.pop());
    let place = async {
        while Socket::connect(&ada, Some(ada.auth())).await.is_err() {
            // Its page tries again, too.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    soon("the place of a page that is closed", place).await;
}

/// Reads to the end of a connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // What comes before the end counts, however it ends.
    soon("the end", stream.read_to_end(&mut bytes)).await.ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn connection(chat: &Client) -> TcpStream {
    TcpStream::connect(chat.address()).await.unwrap()
}

/// Opens 400 connections to a program of its own: both have 1,024 at most.
#[cfg(target_os = "linux")] // Others give a process fewer.
#[tokio::test]
async fn an_address_has_400_connections_and_no_more() {
    let _turn = MANY_FILES.lock().await;
    let home = Home::new();
    let database = home.path().to_owned();
    let chat = Program::start(PROGRAM, &database).await;
    let mut open = Vec::new();
    for _ in 0..400 {
        open.push(connection(&chat).await);
    }

    let refused = rest(connection(&chat).await).await;

    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    assert!(refused.contains("\r\nretry-after: "), "{refused}");
    let text = r#"{"error":"Too many connections from here. Close some."}"#;
    assert!(refused.ends_with(text), "{refused}");
    drop(open.pop());
    let place = async {
        let head = chat.head("GET", "/db/alive", "Connection: close\r\n");
        loop {
            let mut stream = connection(&chat).await;
            stream.write_all(head.as_bytes()).await.ok();
            if rest(stream).await.starts_with("HTTP/1.1 200 ") {
                break;
            }
        }
    };
    soon("the place of a connection that is closed", place).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_connections_of_a_proxy_are_not_counted() {
    let _turn = MANY_FILES.lock().await;
    let home = Home::new();
    let database = home.path().to_owned();
    let chat = Program::start_with(PROGRAM, &database, |command| {
        command.env("TRUSTED_PROXY", "::ffff:127.0.0.1");
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..420 {
        open.push(connection(&chat).await);
    }

    assert_eq!(chat.get("/db/alive").await.status, 200);
}

#[tokio::test]
async fn without_limits_nothing_is_too_much() {
    let chat = unlimited().await;
    let ada = Person::new(&chat, "ada").await;

    assert_eq!(looked_at(&chat, "ada", 20).await, 20);
    for _ in 0..300 {
        ada.says(&ada, "more").await;
    }
}

#[tokio::test]
async fn the_program_has_limits_unless_it_is_told_not_to() {
    let home = Home::new();
    let database = home.path().to_owned();
    let limited = Program::start(PROGRAM, &database).await;
    assert_eq!(looked_at(&limited, "ada", 12).await, 10);
    limited.kill().await;

    let mut chat = Program::start_with(PROGRAM, &database, |command| {
        command.env("LIMITS", "off").stderr(Stdio::piped());
    })
    .await;

    chat.logged("warning: LIMITS=off").await;
    assert_eq!(looked_at(&chat, "ada", 12).await, 12);
}

#[tokio::test]
async fn the_program_takes_the_proxy_from_its_environment() {
    let home = Home::new();
    let database = home.path().to_owned();
    let chat = Program::start_with(PROGRAM, &database, |command| {
        command.env("TRUSTED_PROXY", "127.0.0.1");
    })
    .await;

    let here = from(&chat, "192.0.2.1");
    assert_eq!(looked_at(&here, "ada", 12).await, 10);
    let elsewhere = from(&chat, "192.0.2.2");
    assert_eq!(guesses(&elsewhere, "ada").await.status, 401);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_at_the_start() {
    let home = Home::new();
    let database = home.path().to_owned();
    for (name, value, says) in [
        ("LIMITS", "on", "LIMITS is \"on\", but all it can be is off"),
        ("LIMITS", "", "LIMITS is \"\", but all it can be is off"),
        ("TRUSTED_PROXY", "", "TRUSTED_PROXY is \"\", which is no IP"),
        (
            "TRUSTED_PROXY",
            "localhost",
            "TRUSTED_PROXY is \"localhost\"",
        ),
        (
            "TRUSTED_PROXY",
            "10.0.0.0/8",
            "TRUSTED_PROXY is \"10.0.0.0/8\"",
        ),
    ] {
        let text = Program::refused(PROGRAM, &database, |command| {
            command.env(name, value);
        })
        .await;
        assert!(text.starts_with(says), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    let text = Program::refused(PROGRAM, &database, |command| {
        command.env("LIMITS", "off").env("ADDRESS", "0.0.0.0:0");
    })
    .await;
    assert!(
        text.starts_with("LIMITS=off is for tests on this"),
        "{text}"
    );
}
