//! A small Socket.IO client over WebSocket: enough to test with, and short
//! enough to learn the wire format from.
//!
//! Two protocols lie on top of each other, and each adds a digit in front of
//! the text of a WebSocket message.
//!
//! | digit | Engine.IO packet | who sends it |
//! | --- | --- | --- |
//! | `0` | open: `0{"sid":…,"pingInterval":…}` | server, once |
//! | `2` | ping | server, every `pingInterval` ms (socketioxide: at once as well) |
//! | `3` | pong | client, as the answer to a ping |
//! | `4` | message: a Socket.IO packet follows | both |
//!
//! | digits | Socket.IO packet in an Engine.IO message |
//! | --- | --- |
//! | `40` | connect: `40` or `40{"user_id":1}`; the answer is `40{"sid":…}` |
//! | `41` | disconnect |
//! | `42` | event: `42["name",payload]`; with an id, `427["name",payload]`, it asks for an acknowledgement |
//! | `43` | acknowledgement of that id: `437[payload]` |
//! | `44` | the connection is refused: `44{"message":"why"}` |
//!
//! Sources: <https://socket.io/docs/v4/engine-io-protocol/> and
//! <https://socket.io/docs/v4/socket-io-protocol/>.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::{Client, soon};

/// A connection to the chat's default namespace. Dropping it cuts the
/// connection without a word.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Events that came while something else was waited for.
    events: VecDeque<(String, Value)>,
    last_ack: u64,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a connected socket")
    }
}

async fn connection(chat: &Client) -> TcpStream {
    let stream = soon("a connection", TcpStream::connect(chat.address())).await;
    stream.expect("the chat listens")
}

impl Socket {
    /// Opens a WebSocket and reads the Engine.IO open packet; does not yet
    /// connect to a namespace.
    ///
    /// # Panics
    /// When the server refuses, or does not speak Engine.IO.
    pub async fn open(chat: &Client) -> Self {
        match Self::open_over(connection(chat).await, chat).await {
            Ok(socket) => socket,
            Err(refusal) => panic!("no WebSocket: {refusal}"),
        }
    }

    async fn open_over(
        stream: TcpStream,
        chat: &Client,
    ) -> Result<Self, String> {
        let url = format!(
            "ws://{}/socket.io/?EIO=4&transport=websocket",
            chat.address()
        );
        let mut request = url
            .into_client_request()
            .expect("an address of a WebSocket");
        request.headers_mut().extend(chat.headers().clone());
        let stream = match soon("101", client_async(request, stream)).await {
            Ok((stream, _)) => stream,
            Err(Error::Http(answer)) => {
                let status = answer.status().as_u16();
                let body = answer.into_body().unwrap_or_default();
                return Err(format!(
                    "{status} {}",
                    String::from_utf8_lossy(&body)
                ));
            }
            Err(error) => panic!("no WebSocket: {error}"),
        };
        let mut socket = Self {
            stream,
            events: VecDeque::new(),
            last_ack: 0,
        };
        let open = socket.packet().await.expect("an open packet");
        assert!(open.starts_with("0{"), "not an open packet: {open}");
        Ok(socket)
    }

    /// Connects to the default namespace, with or without the payload that
    /// the browser's client calls `auth`.
    ///
    /// # Errors
    /// When the server refuses: its words. If it does so by HTTP, the status
    /// comes first.
    ///
    /// # Panics
    /// When the server does not answer with what the protocol says.
    pub async fn connect(
        chat: &Client,
        auth: Option<Value>,
    ) -> Result<Self, String> {
        let stream = connection(chat).await;
        Self::open_over(stream, chat).await?.join(auth).await
    }

    /// [`Socket::connect`] by a connection that takes a few packets only until
    /// they are read.
    ///
    /// # Errors
    /// As [`Socket::connect`].
    ///
    /// # Panics
    /// As [`Socket::connect`].
    pub async fn connect_narrow(
        chat: &Client,
        auth: Option<Value>,
    ) -> Result<Self, String> {
        let tcp = TcpSocket::new_v4().expect("a socket");
        tcp.set_recv_buffer_size(4096).expect("a small buffer");
        let address = chat.address().parse().expect("an IPv4 address");
        let stream = soon("a connection", tcp.connect(address)).await;
        let stream = stream.expect("the chat listens");
        Self::open_over(stream, chat).await?.join(auth).await
    }

    /// Connects an open socket to the default namespace.
    ///
    /// # Errors
    /// When the server refuses: its words.
    ///
    /// # Panics
    /// When the server does not answer with what the protocol says.
    pub async fn join(mut self, auth: Option<Value>) -> Result<Self, String> {
        let auth = auth.map(|value| value.to_string()).unwrap_or_default();
        self.send(&format!("40{auth}")).await;

        let answer = self.packet().await.expect("an answer");
        if answer.starts_with("40{") {
            return Ok(self);
        }
        let refusal = answer
            .strip_prefix("44")
            .unwrap_or_else(|| panic!("neither yes nor no: {answer}"));
        match parse(refusal)["message"].as_str() {
            Some(message) => Err(message.to_owned()),
            None => panic!("a refusal without words: {answer}"),
        }
    }

    /// Emits an event with one payload.
    pub async fn emit(&mut self, event: &str, payload: &Value) {
        self.send(&format!("42{}", json!([event, payload]))).await;
    }

    /// Emits an event and waits for its acknowledgement.
    ///
    /// # Panics
    /// When none comes.
    pub async fn emit_with_ack(
        &mut self,
        event: &str,
        payload: &Value,
    ) -> Value {
        self.last_ack += 1;
        let id = self.last_ack;
        self.send(&format!("42{id}{}", json!([event, payload])))
            .await;

        let prefix = format!("43{id}");
        loop {
            let packet = self.packet().await.expect("an acknowledgement");
            match packet.strip_prefix(&prefix) {
                Some(arguments) => return parse(arguments)[0].clone(),
                None => self.keep(&packet),
            }
        }
    }

    /// The next event, whatever its name: `(name, payload)`.
    ///
    /// # Panics
    /// When none comes, or the connection ends.
    pub async fn event(&mut self) -> (String, Value) {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let packet = self.packet().await.expect("an event");
            self.keep(&packet);
        }
    }

    /// Goes to the server and back. What the server sent before it answered
    /// has arrived then: this is how a test shows that nothing came.
    ///
    /// # Panics
    /// When events have come; they are named.
    pub async fn expect_silence(&mut self) {
        // Connecting to a namespace that does not exist is the one request
        // that any Socket.IO server answers.
        self.send("40/nowhere,").await;
        loop {
            let packet = self.packet().await.expect("an answer");
            if packet.starts_with("44/nowhere,") {
                break;
            }
            self.keep(&packet);
        }
        assert!(self.events.is_empty(), "not silent: {:?}", self.events);
    }

    /// Waits until the server has ended the connection.
    ///
    /// # Panics
    /// When it does not.
    pub async fn closed(mut self) {
        while self.packet().await.is_some() {}
    }

    /// [`Socket::closed`] for one who reads nothing: writes until that fails.
    ///
    /// # Panics
    /// When it does not.
    pub async fn closed_unread(mut self) {
        let writes = async {
            while self.stream.send(Message::text("3")).await.is_ok() {
                // Not faster than needed: who reads nothing writes little.
                sleep(Duration::from_millis(50)).await;
            }
        };
        soon("the end of a connection", writes).await;
    }

    /// Leaves the namespace and closes the connection, as a page does that
    /// is left. The server has read all that was sent when this returns.
    ///
    /// # Panics
    /// When the server does not end the connection.
    pub async fn leave(mut self) {
        self.send("41").await;
        self.stream.close(None).await.ok();
        self.closed().await;
    }

    /// Sends a packet as it is, valid or not. That the server may have hung
    /// up already is no error here: reading tells.
    pub async fn send(&mut self, packet: &str) {
        self.stream.send(Message::text(packet)).await.ok();
    }

    /// Sends a packet in two WebSocket frames, of which the first has `first`
    /// bytes.
    pub async fn send_in_two(&mut self, packet: &str, first: usize) {
        let (first, second) = packet.split_at(first);
        let text = OpCode::Data(Data::Text);
        let more = OpCode::Data(Data::Continue);
        for (payload, code, last) in
            [(first, text, false), (second, more, true)]
        {
            let payload = payload.to_owned().into_bytes();
            let frame = Frame::message(payload, code, last);
            self.stream.send(Message::Frame(frame)).await.ok();
        }
    }

    /// Sends the head of a WebSocket frame that announces `size` bytes, and
    /// not the bytes.
    ///
    /// # Panics
    /// When the connection has ended.
    pub async fn announce(&mut self, size: u64) {
        // A text in one frame, with a mask, and a length of eight bytes:
        // <https://www.rfc-editor.org/rfc/rfc6455#section-5.2>.
        let mut head = vec![0b1000_0001, 0b1000_0000 | 127];
        head.extend(size.to_be_bytes());
        head.extend([0; 4]);
        let stream = self.stream.get_mut();
        stream.write_all(&head).await.expect("an open connection");
    }

    /// The next packet, without pings, which are answered; `None` when the
    /// connection has ended.
    pub async fn packet(&mut self) -> Option<String> {
        loop {
            match soon("a Socket.IO packet", self.stream.next()).await? {
                Ok(Message::Text(text)) if text == "2" => self.send("3").await,
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Keeps an event for later.
    fn keep(&mut self, packet: &str) {
        let arguments = packet
            .strip_prefix("42")
            .unwrap_or_else(|| panic!("not an event: {packet}"));
        let mut arguments = parse(arguments);
        let name = arguments[0].as_str().expect("a name").to_owned();
        self.events.push_back((name, arguments[1].take()));
    }
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json)
        .unwrap_or_else(|error| panic!("{error} in {json}"))
}
