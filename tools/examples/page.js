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

// One thing after the other, so that the output has one order.
second.once("connect", () => {
  const userHandle = "ada";
  const message = "Hello, everybody!";
  // ANCHOR: emit
  socket.emit("send_message", { handle: userHandle, message: message });
  // ANCHOR_END: emit
});

socket.once("message", () => {
  // ANCHOR: ack
  socket.emit("question", "Is it?", (answer) => {
    console.log("answer:", answer);
  });
  // ANCHOR_END: ack
});
