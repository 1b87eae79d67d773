//! Where a request comes from: what a page of another site can't do.

use testkit::{Answer, Chat, Client, Program, Socket};

use crate::people::{Person, cookie, credentials, user};
use crate::{PROGRAM, Settings, chat, chat_with};

/// How a browser begins a WebSocket.
const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=websocket";

/// The client of a page that is elsewhere: its browser has the person's cookie,
/// and says where the page is.
fn from(person: &Client, fields: &[(&'static str, &str)]) -> Client {
    let client = person.clone();
    fields.iter().fold(client, |client, (name, value)| {
        client.with_header(name, value)
    })
}

async fn asks(client: &Client, method: &str, path: &str) -> Answer {
    let body = (method == "POST").then(|| b"{}".to_vec());
    let answer = client.request(method, path, "application/json", body);
    answer.await.unwrap()
}

/// The status of the answer to a handshake that can't become a WebSocket: 403,
/// or 400 when it got through to Engine.IO.
async fn handshake(client: &Client) -> u16 {
    let version = client.clone().with_header("sec-websocket-version", "0");
    asks(&version, "GET", HANDSHAKE).await.status
}

fn assert_refused(answer: &Answer, because: &str) {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = answer.error();
    assert!(text.starts_with("A page of another site"), "{text}");
    assert!(text.contains(because), "{text}");
}

async fn public(url: &str) -> Chat {
    let public_url = Some(url.parse().unwrap());
    chat_with(Settings {
        public_url,
        ..Settings::default()
    })
    .await
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for site in ["cross-site", "same-site", "", "something new", "None"] {
        let page = from(&ada, &[("sec-fetch-site", site)]);
        for (method, path) in [
            ("GET", &*ada.page()),
            ("GET", "/api/me"),
            ("GET", "/api/version"),
            ("GET", "/db/alive"),
            ("GET", "/static/favicon.svg"),
            ("GET", "/vendor/socket.io.min.js"),
            ("GET", "/front/sign-in"),
            ("GET", "/nothing"),
            ("GET", "/socket.io/?EIO=4&transport=polling"),
            ("POST", "/socket.io/?EIO=4&transport=polling&sid=x"),
            ("POST", "/api/messages"),
            ("POST", "/api/users"),
            ("POST", "/api/sessions"),
            ("DELETE", "/api/session"),
            ("OPTIONS", "/api/messages"),
        ] {
            let answer = asks(&page, method, path).await;
            assert_refused(&answer, "gets nothing");
        }
        assert_eq!(handshake(&page).await, 403, "{site}");
    }
    assert_eq!(ada.get("/api/me").await.status, 200);
}

/// What was refused has done nothing, either.
#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let page = from(&ada, &[("sec-fetch-site", "cross-site")]);

    let message = ada.message(&ada, "from elsewhere");
    assert_refused(&page.post("/api/messages", &message).await, "");
    assert_refused(&page.post("/api/users", &user("bob")).await, "");
    let session = page.post("/api/sessions", &credentials("ada")).await;
    assert_refused(&session, "");
    assert_eq!(session.header("set-cookie"), "");
    assert_refused(&asks(&page, "DELETE", "/api/session").await, "");

    assert_eq!(ada.reads().await, [""; 0]);
    let users = ada.get("/api/users").await.json();
    assert_eq!(users.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_from_another_site_leads_to_a_page_and_is_all_that_does() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let path = ada.page();
    let click = |site, mode, to| {
        from(
            &ada,
            &[
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", to),
            ],
        )
    };

    for site in ["cross-site", "same-site"] {
        let link = click(site, "navigate", "document");
        assert_eq!(asks(&link, "GET", &path).await.status, 200);
        assert_eq!(asks(&link, "HEAD", &path).await.status, 200);
        assert_eq!(asks(&link, "GET", "/").await.status, 303);
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            assert_eq!(asks(&link, method, &path).await.status, 403);
        }
        for to in ["iframe", "frame", "object", "embed", "empty"] {
            let part = click(site, "navigate", to);
            assert_eq!(asks(&part, "GET", &path).await.status, 403, "{to}");
        }
        for mode in ["cors", "no-cors", "websocket", "same-origin"] {
            let script = click(site, mode, "document");
            assert_eq!(asks(&script, "GET", &path).await.status, 403, "{mode}");
        }
    }
}

#[tokio::test]
async fn a_page_of_the_chat_and_a_typed_address_are_let_in() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for site in ["same-origin", "none"] {
        // The browser has compared: what a proxy makes of Host is the same.
        let fields = [("sec-fetch-site", site), ("origin", "null")];
        let page = ada.by(from(&ada, &fields));
        page.says(&page, site).await;
        let mut live = page.connects().await;
        page.says(&page, "live").await;
        assert_eq!(live.event().await.0, "direct-message");
    }
    assert_eq!(ada.reads().await.len(), 4);
}

/// Browsers say nothing but Origin with some WebSockets, and to addresses that
/// are neither https nor this computer.
#[tokio::test]
async fn where_the_browser_does_not_compare_the_origin_must_be_the_host() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let host = chat.address();
    let (name, port) = host.split_once(':').unwrap();

    for origin in [format!("http://{host}"), format!("https://{host}")] {
        let page = ada.by(from(&ada, &[("origin", &origin)]));
        let mut socket = page.connects().await;
        page.says(&page, "from here").await;
        assert_eq!(socket.event().await.1["content"], "from here");
    }
    for origin in [
        "null".to_owned(),
        String::new(),
        host.to_owned(),
        format!("http://{name}"),
        format!("http://{name}:1{port}"),
        format!("http://localhost:{port}"),
        format!("http://{host}.example.org"),
        format!("http://example.org:{port}"),
        format!("http://example.org/http://{host}"),
        format!("http://user@{host}"),
        format!("ftp://{host}"),
        "http://é".to_owned(),
    ] {
        let page = from(&ada, &[("origin", &origin)]);
        let answer = page.get("/api/me").await;
        assert_refused(&answer, "a proxy has changed the Host");
        assert!(answer.text.contains("PUBLIC_URL"), "{answer:?}");
        let message = ada.message(&ada, &origin);
        assert_refused(&page.post("/api/messages", &message).await, "");
        assert_eq!(handshake(&page).await, 403, "{origin}");
    }
    assert_eq!(ada.reads().await, ["from here"; 2]);
}

#[tokio::test]
async fn a_program_that_says_nothing_is_let_in() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    ada.says(&ada, "by curl").await;

    assert_eq!(ada.reads().await, ["by curl"]);
    assert_eq!(chat.get("/db/alive").await.status, 200);
    assert_eq!(handshake(&ada).await, 400);
    let by_name = from(&chat, &[("host", "example.org")]);
    assert_eq!(by_name.get("/db/alive").await.status, 200);
}

#[tokio::test]
async fn behind_a_proxy_one_address_is_the_chats() {
    let chat = public("https://chat.example.org").await;
    // The proxy sends a Host of its own.
    let ours = [("origin", "https://chat.example.org")];
    let page = from(&chat, &ours);
    let ada = Person::new(&page, "ada").await;

    let mut socket = ada.connects().await;
    ada.says(&ada, "by https").await;
    assert_eq!(socket.event().await.1["content"], "by https");
    for origin in [
        "null",
        "http://chat.example.org",
        "https://chat.example.org:444",
        "https://example.org",
        "https://chat.example.org.example.com",
        chat.base(),
    ] {
        let page = from(&ada, &[("origin", origin)]);
        let answer = page.get("/api/me").await;
        assert_refused(&answer, "at https://chat.example.org alone");
        assert_eq!(handshake(&page).await, 403, "{origin}");
    }
    // What the browser has compared is not compared once more.
    let site = |site| [("sec-fetch-site", site), ("origin", "null")];
    let other = from(&chat, &site("cross-site"));
    assert_refused(&other.get("/api/version").await, "gets nothing");
    let same = from(&chat, &site("same-origin"));
    assert_eq!(same.get("/api/version").await.status, 200);
}

#[tokio::test]
async fn an_address_is_the_same_however_it_is_spelled() {
    for (url, origin) in [
        ("https://chat.example.org/", "https://chat.example.org"),
        ("https://chat.example.org:443", "https://chat.example.org"),
        ("HTTPS://Chat.Example.ORG", "https://chat.example.org"),
        ("http://chat.example.org:80", "http://chat.example.org"),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
        ("http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
        (
            "https://köln.example.org",
            "https://xn--kln-sna.example.org",
        ),
    ] {
        let chat = public(url).await;

        let page = from(&chat, &[("origin", origin)]);

        let answer = page.get("/api/version").await;
        assert_eq!(answer.status, 200, "{url} {answer:?}");
    }
}

#[tokio::test]
async fn a_public_url_that_is_none_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    for url in [
        "",
        "chat.example.org",
        "chat.example.org:443",
        "ftp://chat.example.org",
        "https://",
        "https://chat.example.org/chat",
        "https://chat.example.org/?a=1",
        "https://chat.example.org/#a",
        "https://ada@chat.example.org",
        "https://chat.example.org:99999",
        "https://a https://b",
        "https://*.example.org",
    ] {
        let text = Program::refused(PROGRAM, &database, |command| {
            command.env("PUBLIC_URL", url);
        })
        .await;
        assert!(text.contains(&format!("PUBLIC_URL is \"{url}\"")), "{text}");
        assert!(text.contains("https://chat.example.org"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    assert!(!database.exists());
}

#[tokio::test]
async fn the_program_takes_the_public_url_from_its_environment() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let program = Program::start_with(PROGRAM, &database, |command| {
        command.env("PUBLIC_URL", "https://chat.example.org");
    })
    .await;

    let page = from(&program, &[("origin", "https://chat.example.org")]);

    assert_eq!(page.get("/api/version").await.status, 200);
    let other = from(&program, &[("origin", program.base())]);
    assert_eq!(other.get("/api/version").await.status, 403);
}

#[tokio::test]
async fn the_log_says_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let mut program = Program::start_logged(PROGRAM, &database, "warn").await;
    let page = from(&program, &[("origin", "http://example.org")]);

    page.get("/api/version").await;

    let line = program.logged("another site").await;
    let host = program.address().to_owned();
    for part in ["WARN", "GET", "/api/version", "http://example.org", &host] {
        assert!(line.contains(part), "{line}");
    }
}

#[tokio::test]
async fn by_https_the_cookie_is_of_this_host_alone() {
    let chat = public("https://chat.example.org").await;

    let answer = chat.post("/api/users", &user("ada")).await;

    let whole = answer.header("set-cookie").to_owned();
    assert!(whole.starts_with("__Host-step_23="), "{whole}");
    let attributes = "; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=";
    assert!(whole.contains(attributes), "{whole}");
    let ada = Person::let_in(&chat, &answer);
    assert_eq!(ada.get("/api/me").await.status, 200);
    let page = ada.get("/front/sign-in").await.text;
    assert!(page.contains("Signed in as"), "{page}");
    let mut live = ada.connects().await;
    ada.says(&ada, "live").await;
    assert_eq!(live.event().await.0, "direct-message");

    // Whoever has another host beside this one can set such names.
    let token = cookie(&answer).split_once('=').unwrap().1.to_owned();
    for name in ["step_23", "Host-step_23", "x__Host-step_23"] {
        let cookie = format!("{name}={token}");
        let plain = ada.by(chat.clone().with_header("cookie", &cookie));
        assert_eq!(plain.get("/api/me").await.status, 401, "{name}");
        assert!(Socket::connect(&plain, Some(ada.auth())).await.is_err());
    }

    let gone = asks(&ada, "DELETE", "/api/session").await;
    assert_eq!(gone.status, 204);
    let gone = gone.header("set-cookie").to_owned();
    assert!(gone.starts_with("__Host-step_23=; Path=/"), "{gone}");
    assert!(gone.ends_with("; Secure; Max-Age=0"), "{gone}");
}

#[tokio::test]
async fn a_sign_in_by_https_ends_the_browsers_old_session() {
    let chat = public("https://chat.example.org").await;
    let ada = Person::new(&chat, "ada").await;

    let again = ada.post("/api/sessions", &credentials("ada")).await;

    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(ada.get("/api/me").await.status, 401);
}

#[tokio::test]
async fn by_http_the_cookie_is_one_that_all_browsers_take() {
    for chat in [chat().await, public("http://chat.example.org").await] {
        let answer = chat.post("/api/users", &user("ada")).await;

        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with("step_23="), "{cookie}");
        assert!(!cookie.contains("Secure"), "{cookie}");
    }
}
