//! The functions of the book's page "Functions side by side" that no lesson
//! uses, as a small server. The page includes the parts between the anchors.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde::Deserialize;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};

/// The routes, with a Socket.IO server around them.
// ANCHOR: create
pub fn app() -> Router {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", on_connect);

    Router::new().route("/", get(page)).layer(layer)
}
// ANCHOR_END: create

/// An empty page for the scripts that the book shows.
async fn page() -> Html<&'static str> {
    Html(
        "<!doctype html><html lang=en><title>Examples</title>\
         <link rel=icon href=data:,>",
    )
}

// ANCHOR: on
async fn on_connect(socket: SocketRef) {
    socket.on("send_message", handle_send_message);
    // ANCHOR_END: on
    socket.on("join", join);
    socket.on("to_me", to_me);
    socket.on("to_others", to_others);
    socket.on("to_everybody", to_everybody);
    socket.on("to_room", to_room);
    socket.on("to_room_with_me", to_room_with_me);
    socket.on("like_the_original", like_the_original);
    socket.on("question", question);
    // ANCHOR: on_end
}

#[derive(Deserialize)]
struct SendMessage {
    handle: String,
    message: String,
}

async fn handle_send_message(io: SocketIo, Data(data): Data<SendMessage>) {
    let full_message = format!("{}: {}", data.handle, data.message);
    io.emit("message", &full_message).await.ok();
}
// ANCHOR_END: on_end

// ANCHOR: join
async fn join(socket: SocketRef, Data(room): Data<String>, ack: AckSender) {
    socket.join(room);
    ack.send("joined").ok();
}
// ANCHOR_END: join

// ANCHOR: to_me
async fn to_me(socket: SocketRef) {
    socket.emit("news", "to_me").ok();
}
// ANCHOR_END: to_me

// ANCHOR: to_others
async fn to_others(socket: SocketRef) {
    socket.broadcast().emit("news", "to_others").await.ok();
}
// ANCHOR_END: to_others

// ANCHOR: to_everybody
async fn to_everybody(io: SocketIo) {
    io.emit("news", "to_everybody").await.ok();
}
// ANCHOR_END: to_everybody

// ANCHOR: to_room
async fn to_room(socket: SocketRef, Data(room): Data<String>) {
    socket.to(room).emit("news", "to_room").await.ok();
}
// ANCHOR_END: to_room

// ANCHOR: to_room_with_me
async fn to_room_with_me(io: SocketIo, Data(room): Data<String>) {
    io.to(room).emit("news", "to_room_with_me").await.ok();
}
// ANCHOR_END: to_room_with_me

/// A private message as the Flask course sends it: an event named after its
/// recipient, which every client gets.
#[derive(Deserialize)]
struct Private {
    nickname: String,
    content: String,
}

// ANCHOR: like_the_original
async fn like_the_original(io: SocketIo, Data(message): Data<Private>) {
    io.emit(message.nickname, &message.content).await.ok();
}
// ANCHOR_END: like_the_original

// ANCHOR: question
async fn question(Data(text): Data<String>, ack: AckSender) {
    ack.send(&format!("{text} Yes.")).ok();
}
// ANCHOR_END: question
