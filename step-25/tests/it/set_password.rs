//! `set-password`: how a user of an older database gets in.

use std::path::Path;
use std::process::{Output, Stdio};

use testkit::{Program, soon};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::people::{Person, credentials, password};
use crate::postgres::{Home, Other};
use crate::{PROGRAM, chat};

/// Runs the program with these arguments, and types `input`. One that takes no
/// arguments serves instead: on a free port, and not for longer than the test.
pub(crate) async fn run(
    path: &Path,
    arguments: &[&str],
    input: &[u8],
) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .env("ADDRESS", "127.0.0.1:0")
        .env("DATABASE", path)
        .env("RUST_LOG", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ends early does not read it.
    stdin.write_all(input).await.ok();
    drop(stdin);
    soon("the program to end", child.wait_with_output())
        .await
        .unwrap()
}

pub(crate) async fn set_password(
    path: &Path,
    nickname: &str,
    password: &str,
) -> Output {
    let line = format!("{password}\n");
    run(path, &["set-password", nickname], line.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_sessions_and_the_sockets() {
    let home = Home::new();
    let path = home.path().to_owned();
    let program = Program::start(PROGRAM, &path).await;
    let ada = Person::new(&program, "ada").await;
    let bob = Person::new(&program, "bob").await;
    let mut page_of_ada = ada.connects().await;
    let mut page_of_bob = bob.connects().await;

    let output = set_password(&path, "Ada", &password("ada anew")).await;

    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "the password of Ada is set\n");
    assert_eq!(ada.get("/api/me").await.status, 401);
    assert_eq!(page_of_ada.packet().await.as_deref(), Some("41"));
    page_of_bob.expect_silence().await;
    let old = credentials("ada");
    assert_eq!(program.post("/api/sessions", &old).await.status, 401);
    let mut new = old;
    new["password"] = password("ada anew").into();
    assert_eq!(program.post("/api/sessions", &new).await.status, 201);
}

/// The old password fits, and is changed before a session begins.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_begins_by_a_password_that_is_changed_meanwhile() {
    let chat = chat().await;
    Person::new(&chat, "ada").await;
    let mut other = Other::at(chat.database()).await;
    other.run("begin; update users set password = 'new'").await;

    let client = (*chat).clone();
    let sign_in = tokio::spawn(async move {
        client.post("/api/sessions", &credentials("ada")).await
    });
    // It has seen that the password fits, and waits for the row.
    let mut watcher = Other::at(chat.database()).await;
    let waiting = "select count(*) from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()";
    let waits = async { while watcher.number(waiting).await == 0 {} };
    soon("the sign-in to wait", waits).await;
    other.run("commit").await;

    let answer = sign_in.await.unwrap();
    assert_ne!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn what_can_not_be_a_password_is_refused_in_one_line() {
    let home = Home::new();
    let path = home.path().to_owned();
    let program = Program::start(PROGRAM, &path).await;
    let ada = Person::new(&program, "ada").await;

    for (arguments, input, words) in [
        (
            &["set-password", "ada"][..],
            &b"short\n"[..],
            "15 characters",
        ),
        (&["set-password", "ada"], b"", "15 characters"),
        (
            &["set-password", "ada"],
            b"Ada@example.org\n",
            "nickname or email",
        ),
        (
            &["set-password", "ada"],
            b"\xff\xfe not UTF-8 at all",
            "UTF-8",
        ),
        (
            &["set-password", "eve"],
            b"a good new password\n",
            "nickname eve",
        ),
        (&["set-password"], b"", "set-password NICKNAME"),
        (&["set-password", "ada", "x"], b"", "set-password NICKNAME"),
        (&["--help"], b"", "set-password NICKNAME"),
        (&["import"], b"", "import FILE"),
    ] {
        let output = run(&path, arguments, input).await;
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?} {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(words), "{arguments:?} {text}");
    }
    assert_eq!(ada.get("/api/me").await.status, 200);
    ada.elsewhere(&program).await;
}
