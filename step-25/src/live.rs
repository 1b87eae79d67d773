//! Socket.IO: who connects, which rooms, and which events are handled.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socketioxide::extract::{AckSender, Extension, SocketRef, State, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::layer::SocketIoLayer;
use socketioxide::socket::DisconnectReason;
use socketioxide::{ParserConfig, SendError, SocketError, SocketIo};

use crate::error::Error;
use crate::extract::Object;
use crate::limits::Limits;
use crate::output;
use crate::session::{self, Cookie};
use crate::store::accounts::Session;
use crate::store::news::{MOST, News, Position};
use crate::store::{Message, Store};
use crate::text::{Content, SessionId, UserId};

/// The largest packet that is read, in bytes. A larger one closes its socket.
const PACKET_LIMIT: usize = 64 * 1024;

/// How many packets may wait to be sent to one socket. What comes on top is
/// lost for it: when many speak at once, each speaks to everybody.
const QUEUE_LENGTH: usize = 1024;

/// How long a new connection may take to say whose it is.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest text of a client that is printed, in characters.
const PRINT_LIMIT: usize = 1000;

/// The layer that answers `/socket.io/`, and the handle to emit by.
pub(crate) fn layer(
    store: Store,
    cookie: Cookie,
    limits: Limits,
) -> (SocketIoLayer, SocketIo) {
    let (layer, io) = SocketIo::builder()
        .with_state(store)
        .with_state(cookie)
        .with_state(limits)
        .connect_timeout(CONNECT)
        // Three limits, since packets come in three ways: as the body of a
        // POST, as a WebSocket frame, as a message of several frames.
        .max_payload(PACKET_LIMIT as u64)
        .ws_max_frame_size(PACKET_LIMIT)
        .ws_max_message_size(PACKET_LIMIT)
        // Each socket has this buffer, and pages say little: a larger packet is
        // read in several pieces.
        .ws_read_buffer_size(512)
        // Bytes come beside their packet, and may be many: none are read.
        .with_parser(ParserConfig::common().max_incoming_binaries(0))
        .max_buffer_size(QUEUE_LENGTH)
        .build_layer();
    // What must be in place before the client's first event is a middleware:
    // it runs before the client is told that it is connected.
    io.ns("/", on_connect.with(register_events).with(join_rooms));
    (layer, io)
}

/// What a page sends with its handshake: whose it is. The lobby's page is
/// nobody's.
#[derive(Deserialize)]
struct Auth {
    user_id: Option<UserId>,
}

/// Why a socket is not let in. When the text begins with "refused", the page
/// asks who is signed in; otherwise it tries again.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("refused: auth must be an object with a whole number user_id")]
    BadAuth,
    #[error("refused: {0}")]
    Final(Error),
    #[error("not now: {0}")]
    Passing(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotSignedIn | Error::NotYours(_) => Self::Final(error),
            _ => {
                error.log();
                Self::Passing(error)
            }
        }
    }
}

/// Joins a socket to the rooms of its session and of the user that its page
/// belongs to. The cookie says who that is; what the page says must agree with
/// it, since somebody else may have signed in beside it.
async fn join_rooms(
    socket: SocketRef,
    TryData(auth): TryData<Object<Auth>>,
    State(store): State<Store>,
    State(cookie): State<Cookie>,
    limits: State<Limits>,
) -> Result<(), Refusal> {
    let Object(Auth { user_id }) = auth.map_err(|_| Refusal::BadAuth)?;
    let headers = &socket.req_parts().headers;
    let session = session::current(&store, cookie, headers).await?;
    if let Some(user_id) = user_id {
        session.must_be(user_id)?;
        socket.join(room(user_id));
    }
    socket.join(room_of(&session.id));
    // A client may leave and come back without another request.
    limits.handshake(session.user.id)?;
    socket.extensions.insert(session);
    Ok(())
}

/// The room that all sockets of a user are in: one for each open page.
fn room(user: UserId) -> String {
    format!("user:{}", user.0)
}

/// The room that all sockets of a session are in.
fn room_of(SessionId(session): &SessionId) -> String {
    format!("session:{session}")
}

/// Ends the sockets of sessions that have ended. One that is in a middleware is
/// not reached: `on_connect` looks again.
pub(crate) async fn end(io: &SocketIo, sessions: Vec<SessionId>) {
    if sessions.is_empty() {
        return;
    }
    let Some(sockets) = io.of("/") else { return };
    let rooms: Vec<String> = sessions.iter().map(room_of).collect();
    if let Err(error) = sockets.to(rooms).disconnect().await {
        tracing::warn!(%error, "a socket outlives its session");
    }
}

/// How often it is looked for sessions that have ended, by their time or by
/// another program.
const SWEEP: Duration = Duration::from_secs(1);

/// Ends the sockets of sessions that have ended without a request, for ever.
pub(crate) async fn sweep(io: SocketIo, store: Store) {
    let mut times = tokio::time::interval(SWEEP);
    loop {
        times.tick().await;
        let sockets = io.of("/").map(|it| it.sockets()).unwrap_or_default();
        for socket in &sockets {
            if socket.extensions.get::<Behind>().is_some() {
                socket.clone().disconnect().ok();
            }
        }
        if let Err(error) = end_of_ended(&io, &store).await {
            error.log();
        }
    }
}

/// Ends the sockets whose session is no more.
async fn end_of_ended(io: &SocketIo, store: &Store) -> Result<(), Error> {
    let sockets = io.of("/").map(|it| it.sockets()).unwrap_or_default();
    let open: HashSet<SessionId> = sockets
        .iter()
        .filter_map(|it| Some(it.extensions.get::<Session>()?.id))
        .collect();
    let ended = store.sweep_sessions(open.into_iter().collect()).await?;
    end(io, ended).await;
    Ok(())
}

/// Delivers what is stored, by whichever server: it is told that there is
/// something, and reads from where it is.
pub(crate) struct Follower {
    io: SocketIo,
    store: Store,
    news: News,
    position: Position,
}

/// How long it waits after it has lost its connection.
const AGAIN: Duration = Duration::from_millis(500);

impl Follower {
    /// Listens first, and then looks where it is: what comes in between is told,
    /// and read from there.
    pub(crate) async fn new(io: SocketIo, store: Store) -> Result<Self, Error> {
        let news = store.listen().await?;
        let position = store.position().await?;
        Ok(Self {
            io,
            store,
            news,
            position,
        })
    }

    /// Delivers for ever.
    pub(crate) async fn run(mut self) {
        loop {
            let Err(error) = self.follow().await;
            error.log();
            tokio::time::sleep(AGAIN).await;
            match self.store.listen().await {
                Ok(news) => self.news = news,
                Err(error) => error.log(),
            }
        }
    }

    /// Delivers until the connection is lost.
    async fn follow(&mut self) -> Result<Infallible, Error> {
        // Whoever has signed out meanwhile must get nothing of what follows.
        end_of_ended(&self.io, &self.store).await?;
        loop {
            let is_new = self.read_on().await?;
            if is_new && !self.news.has_told {
                // The connection may be dead, and not know it.
                self.news = self.store.listen().await?;
                continue;
            }
            let ended = self.news.next().await?;
            end(&self.io, ended).await;
        }
    }

    /// Delivers what is there behind the position, one after the other, so that
    /// a page gets messages in order of id. Returns whether there was something.
    async fn read_on(&mut self) -> Result<bool, Error> {
        let mut is_new = false;
        loop {
            // Each is delivered before anything else can fail: the position is
            // behind it already.
            let messages = self.store.next_messages(&mut self.position).await?;
            for message in &messages {
                deliver(&self.io, message);
            }
            let words = self.store.next_words(&mut self.position).await?;
            for word in &words {
                // As in `deliver`: there are no sockets after the end.
                let Some(everybody) = self.io.of("/") else {
                    continue;
                };
                emit(everybody.sockets(), "message", word);
            }
            is_new |= !messages.is_empty() || !words.is_empty();
            let longest = messages.len().max(words.len());
            if longest < usize::from(MOST) {
                // What is stored from here on is told.
                return Ok(is_new);
            }
        }
    }
}

/// Sends a message to all open pages of its author and its recipient. It is
/// stored already: a failure here is logged, and the pages show the message
/// once they catch up.
fn deliver(io: &SocketIo, message: &Message) {
    // So that the log says of which message it speaks.
    let span = tracing::warn_span!("deliver", id = message.id.0);
    let _entered = span.enter();
    // Not `io.to`, which panics once the server has closed its sockets.
    let Some(sockets) = io.of("/") else { return };
    let rooms = [room(message.author.id), room(message.recipient.id)];
    emit(sockets.to(rooms).sockets(), "direct-message", message);
}

/// Marks a socket that has missed an event.
#[derive(Clone)]
struct Behind;

/// Sends an event to each of these sockets. One whose queue is full misses it:
/// it is ended as soon as that can be said to it, so that its page comes back
/// and catches up.
fn emit(sockets: Vec<SocketRef>, event: &str, payload: &impl Serialize) {
    for socket in sockets {
        if socket.extensions.get::<Behind>().is_some() {
            // There are more on the way to it than it can take.
            continue;
        }
        match socket.emit(event, payload) {
            Err(SendError::Socket(SocketError::InternalChannelFull)) => {
                if socket.extensions.insert(Behind).is_none() {
                    tracing::warn!(socket = %socket.id, "it reads too slowly");
                }
            }
            Err(error) => tracing::debug!(socket = %socket.id, %error),
            Ok(()) => (),
        }
    }
}

async fn register_events(socket: SocketRef) -> Result<(), Infallible> {
    socket.on("connect-ack", on_connect_ack);
    socket.on("send_message", on_send_message);
    socket.on_disconnect(on_disconnect);
    Ok(())
}

/// Looks once more whether the session lasts: if it ended while the middleware
/// ran, the socket was not ended with the others.
async fn on_connect(
    socket: SocketRef,
    State(store): State<Store>,
    State(cookie): State<Cookie>,
) {
    tracing::info!(socket = %socket.id, "connected");
    let headers = &socket.req_parts().headers;
    if let Err(Error::NotSignedIn) =
        session::current(&store, cookie, headers).await
    {
        socket.disconnect().ok();
    }
}

/// The reason tells a page that was left from a packet that was refused.
async fn on_disconnect(socket: SocketRef, reason: DisconnectReason) {
    tracing::info!(socket = %socket.id, ?reason, "disconnected");
}

/// `TryData`, since a handler with `Data` is not called at all when the
/// client sends no payload.
async fn on_connect_ack(TryData(payload): TryData<Value>) {
    let payload = printable(&payload.unwrap_or(Value::Null).to_string());
    output::print(&format!("received ACK message: {payload}"));
}

/// What a visitor of the lobby says. A missing field is a blank one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SendMessage {
    message: String,
}

/// Answers by the acknowledgement, which only the sender gets.
async fn on_send_message(
    State(store): State<Store>,
    Extension(session): Extension<Session>,
    State(limits): State<Limits>,
    TryData(said): TryData<Object<SendMessage>>,
    ack: AckSender,
) {
    let user = session.user;
    let counted = limits.lobby(user.id);
    let said = counted.and_then(|()| check(said.ok()));
    let said = match said {
        Ok(message) => store.say(user.nickname, message).await,
        Err(error) => Err(error),
    };
    let answer = match said {
        Ok(()) => json!({ "ok": true }),
        Err(error) => {
            error.log();
            json!({ "error": error.to_string(), "field": "message" })
        }
    };
    // A client that asked for no acknowledgement gets none.
    if let Err(error) = ack.send(&answer) {
        tracing::debug!(%error, "the sender gets no acknowledgement");
    }
}

/// Checks what was sent.
fn check(said: Option<Object<SendMessage>>) -> Result<Content, Error> {
    let Some(Object(SendMessage { message })) = said else {
        let text = "The message must be a text.".to_owned();
        return Err(Error::Invalid(text));
    };
    Content::new("message", message)
}

/// The beginning of a JSON text, fit for a terminal, which would obey control
/// characters: JSON escapes not all of them.
fn printable(json: &str) -> String {
    let escape = |c: char| match c.is_control() {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    };
    let mut text: String = json.chars().take(PRINT_LIMIT).map(escape).collect();
    if json.chars().nth(PRINT_LIMIT).is_some() {
        text.push_str(" …");
    }
    text
}
