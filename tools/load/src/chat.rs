//! A chat from outside: its users, their requests, and their open pages.

use std::io;

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, COOKIE, HOST, HeaderValue, SET_COOKIE,
};
use hyper::{Method, Request, StatusCode, Version};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Bytes that are read at once from a page's connection. The usual 128 KiB would
/// be 640 MB for 5,000 pages.
const READ_BUFFER: usize = 4 * 1024;

/// Where a chat is, and which one it is: one of its servers, if it has several.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    /// Host and port.
    pub(crate) authority: String,
    /// What it says of itself, like `step-18`.
    pub(crate) version: String,
}

/// Somebody who may send and receive messages.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    /// Where this user's page and requests go.
    pub(crate) server: Chat,
    /// Where the chat asks who somebody is.
    cookie: Option<HeaderValue>,
}

/// An open page's connection.
pub(crate) type Page = WebSocketStream<TcpStream>;

/// A user's connection for requests, one after the other.
pub(crate) struct Requests {
    chat: Chat,
    cookie: Option<HeaderValue>,
    /// `None` once the server has closed it after an answer.
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// An answer with a JSON body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    cookie: Option<HeaderValue>,
}

impl User {
    /// The same user at this server.
    pub(crate) fn at(self, server: Chat) -> Self {
        Self { server, ..self }
    }
}

impl Chat {
    /// Asks what is at this address.
    pub(crate) async fn find(url: &str) -> Result<Self> {
        let authority = url.strip_prefix("http://").with_context(|| {
            format!("{url} is no address like http://127.0.0.1:5001")
        })?;
        let authority = authority.trim_end_matches('/').to_owned();
        let mut chat = Self {
            authority,
            version: String::new(),
        };
        let mut requests = chat.requests(None).await?;
        let answer = requests.send(Method::GET, "/api/version", None).await?;
        let version: Value = answer.json().with_context(|| {
            format!("there is no chat of this course at {url}")
        })?;
        chat.version = version["version"].as_str().unwrap_or("?").to_owned();
        Ok(chat)
    }

    /// Asks what is at all these addresses.
    pub(crate) async fn find_all(urls: &[String]) -> Result<Vec<Self>> {
        let mut servers: Vec<Self> = Vec::new();
        for url in urls {
            let server = Self::find(url).await?;
            let first = servers.first().unwrap_or(&server);
            ensure!(
                server.version == first.version,
                "{} is at {}, and {} at {url}: several servers are one chat, \
                 and of one version",
                first.version,
                urls[0],
                server.version
            );
            servers.push(server);
        }
        Ok(servers)
    }

    /// Adds a user, who is signed in where the chat asks for that.
    pub(crate) async fn add_user(&self, nickname: &str) -> Result<User> {
        let mut requests = self.requests(None).await?;
        let body = json!({
            "name": nickname,
            "email": format!("{nickname}@example.org"),
            "nickname": nickname,
            "password": "a horse that loads batteries",
        });
        let answer = requests
            .send(Method::POST, "/api/users", Some(&body))
            .await?;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            bail!("the chat limits its users: start it with LIMITS=off");
        }
        #[derive(Deserialize)]
        struct Added {
            id: i64,
        }
        let Added { id } = answer.json().context("a user can't be added")?;
        let cookie = answer.cookie;
        Ok(User {
            id,
            server: self.clone(),
            cookie,
        })
    }

    /// A new connection for requests of this user, or of nobody.
    pub(crate) async fn requests(
        &self,
        user: Option<&User>,
    ) -> Result<Requests> {
        Ok(Requests {
            chat: self.clone(),
            cookie: user.and_then(|user| user.cookie.clone()),
            sender: Some(self.handshake().await?),
        })
    }

    async fn handshake(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TokioIo::new(self.connect().await?);
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Opens a page of this user.
    pub(crate) async fn open(&self, user: &User) -> Result<Page> {
        let authority = &self.authority;
        let url =
            format!("ws://{authority}/socket.io/?EIO=4&transport=websocket");
        let mut request = url.into_client_request()?;
        if let Some(cookie) = &user.cookie {
            request.headers_mut().insert(COOKIE, cookie.clone());
        }
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let stream = self.connect().await?;
        let page = client_async_with_config(request, stream, Some(config));
        let (mut page, _) = page
            .await
            .with_context(|| format!("{authority} opens no page"))?;
        let auth = json!({ "user_id": user.id });
        page.send(Message::text(format!("40{auth}"))).await?;
        loop {
            let packet = page.next().await.context("a page is refused")??;
            match packet.to_text()? {
                text if text.starts_with("40") => return Ok(page),
                text if text.starts_with("44") => bail!("no page: {text}"),
                "2" => page.send(Message::text("3")).await?,
                _ => (),
            }
        }
    }

    async fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(&self.authority).await;
        let stream = stream.map_err(|error| match is_of_files(&error) {
            true => anyhow!(
                "too many open files: allow this program and the server more, \
                 for example by ulimit -n 20000 in both shells"
            ),
            false => anyhow!(error)
                .context(format!("no connection to {}", self.authority)),
        })?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Whether this program may open no more files (EMFILE; on Windows another
/// number, and no such limit).
fn is_of_files(error: &io::Error) -> bool {
    cfg!(unix) && error.raw_os_error() == Some(24)
}

impl Requests {
    /// Sends a request, and reads the answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.chat.authority)
            .header(CONTENT_TYPE, "application/json");
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let request = request.body(Full::from(body))?;
        let mut sender = match self.sender.take() {
            Some(sender) => sender,
            None => self.chat.handshake().await?,
        };
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let (head, body) = answer.into_parts();
        let last = head.headers.get(CONNECTION);
        let is_last = last.is_some_and(|it| it.as_bytes() == b"close");
        if !is_last && head.version == Version::HTTP_11 {
            self.sender = Some(sender);
        }
        let cookie = head.headers.get(SET_COOKIE).and_then(|cookie| {
            let pair = cookie.to_str().ok()?.split(';').next()?;
            HeaderValue::from_str(pair).ok()
        });
        Ok(Answer {
            status: head.status,
            body: body.collect().await?.to_bytes(),
            cookie,
        })
    }
}

impl Answer {
    /// The body of an answer that says yes.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        let (status, body) = (self.status, String::from_utf8_lossy(&self.body));
        ensure!(status.is_success(), "{status}: {body}");
        Ok(serde_json::from_slice(&self.body)?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that has a version and adds users, and how often it is asked.
    pub(crate) async fn fake(version: &str) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let body = json!({ "version": version, "id": 1 }).to_string();
        let answer = format!(
            "HTTP/1.1 201 Created\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
                count.fetch_add(1, Ordering::Relaxed);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (url, asked)
    }

    #[tokio::test]
    async fn servers_of_one_chat_have_one_version() {
        let ((one, _), (other, _)) =
            (fake("step-24").await, fake("step-25").await);
        let error = Chat::find_all(&[one, other]).await.unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("step-24 is at http://"), "{error}");
    }
}
