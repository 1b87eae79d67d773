//! What browsers are told with every answer.

use testkit::{Answer, Client, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::chat;
use crate::people::Person;

const SAME_ORIGIN: [&str; 3] = [
    "referrer-policy",
    "cross-origin-resource-policy",
    "cross-origin-opener-policy",
];

fn assert_told(answer: &Answer, what: &str) {
    let header = |name| {
        let values: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{what}: {name} is {values:?}");
        answer.header(name)
    };
    for name in SAME_ORIGIN {
        assert_eq!(header(name), "same-origin", "{what}: {name}");
    }
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    let policy = header("content-security-policy");
    let parts: Vec<_> = policy.split("; ").collect();
    for part in [
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(parts.contains(&part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{what}: {policy}");
}

#[tokio::test]
async fn each_answer_tells_browsers_what_they_may_do_with_it() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let elsewhere = ada.clone().with_header("origin", "null");
    let polling = "/socket.io/?EIO=4&transport=polling";

    for (client, status, path) in [
        (&*ada, 200, &*ada.page()),
        (&*ada, 200, "/front/users"),
        (&*ada, 200, "/front/lobby"),
        (&*ada, 200, "/front/sign-in"),
        (&*ada, 200, "/front/sign-up"),
        (&*ada, 404, "/front/nothing"),
        (&*ada, 303, "/"),
        (&*ada, 200, "/api/me"),
        (&*ada, 404, "/api/nothing"),
        (&*ada, 405, "/api/sessions"),
        (&*ada, 422, "/api/messages?limit=0"),
        (&*ada, 200, "/static/style.css"),
        (&*ada, 404, "/static/nothing"),
        (&*ada, 200, polling),
        (&*ada, 400, "/socket.io/"),
        (&elsewhere, 403, "/"),
        (&elsewhere, 403, polling),
        (&chat, 401, "/api/me"),
        (&chat, 303, "/front/users"),
        (&chat, 200, "/db/alive"),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, status, "{path} {answer:?}");
        assert_told(&answer, path);
    }
    let vendor = chat.get("/vendor/socket.io.min.js").await;
    assert_told(&vendor, "the browser's client");
    let large = ada.post_text("/api/messages", &" ".repeat(70_000)).await;
    assert_eq!(large.status, 413);
    assert_told(&large, "413");
}

/// The head of the answer to a handshake of a WebSocket.
async fn handshake(client: &Client) -> String {
    let mut stream = TcpStream::connect(client.address()).await.unwrap();
    let head = client.head(
        "GET",
        "/socket.io/?EIO=4&transport=websocket",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let head = async {
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
    };
    soon("the head of an answer", head).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_handshake_has_them_too() {
    let chat = chat().await;

    let ada = Person::anybody(&chat).await;
    let head = handshake(&ada).await;

    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    for name in SAME_ORIGIN {
        assert!(head.contains(&format!("{name}: same-origin")), "{head}");
    }
    assert!(head.contains("frame-ancestors 'none'"), "{head}");
}

/// Where the browser's client comes from as long as `npm ci` has not run.
#[tokio::test]
async fn one_script_of_another_site_may_run_and_none_else() {
    let chat = chat().await;

    let answer = chat.get("/db/alive").await;

    let policy = answer.header("content-security-policy").to_owned();
    let scripts = policy
        .split("; ")
        .find_map(|part| part.strip_prefix("script-src "))
        .unwrap_or_else(|| panic!("no script-src in {policy}"));
    let source = include_str!("../../src/vendor.rs");
    let file = source
        .split('"')
        .find(|text| text.starts_with("https://"))
        .unwrap();
    assert_eq!(scripts, format!("'self' {file}"));
}

/// The policy would not let them run.
#[tokio::test]
async fn no_page_has_a_script_or_a_style_in_itself() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    ada.says(&ada, "hi").await;

    for path in [
        &*ada.page(),
        "/front/users",
        "/front/lobby",
        "/front/sign-in",
        "/front/sign-up",
        "/front/nothing",
    ] {
        let page = ada.get(path).await.text;
        let mut tags = page.split('<').skip(1).map(|it| {
            let tag = it.split('>').next().unwrap();
            tag.to_lowercase()
        });
        assert!(page.contains("<link "), "{page}");
        let inline = tags.find(|tag| {
            let is_script = tag.starts_with("script");
            tag.starts_with("style")
                || (is_script && !tag.contains(" src=\""))
                || tag.contains("javascript:")
                || tag.split_whitespace().any(|it| {
                    it.starts_with("on") && it.contains('=')
                        || it.starts_with("style=")
                })
        });
        assert_eq!(inline, None, "{path}");
    }
}
