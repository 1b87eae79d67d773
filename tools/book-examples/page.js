// The browser's part of the book's page "Functions side by side". A recorder
// runs it in a page of the examples' server, and the book shows its output.

// ANCHOR: io
const socket = io();
// ANCHOR_END: io

// ANCHOR: url
const url =
  location.protocol + "//" + document.domain + ":" + location.port;
const second = io.connect(url);
// ANCHOR_END: url

// ANCHOR: connect
socket.on("connect", () => {
  console.log("connected to", socket.io.uri);
});
// ANCHOR_END: connect

// ANCHOR: message
socket.on("message", (data) => {
  console.log("message:", data);
});
// ANCHOR_END: message

const connected = new Promise((done) => socket.once("connect", done));
const answered = new Promise((done) => socket.once("message", done));
const userHandle = "ada";
const message = "Hello, everybody!";

// One thing after the other, so that the output has one order.
await connected;

// ANCHOR: emit
socket.emit("send_message", { handle: userHandle, message: message });
// ANCHOR_END: emit

await answered;

// ANCHOR: ack
socket.emit("question", "Is it?", (answer) => {
  console.log("answer:", answer);
});
// ANCHOR_END: ack
