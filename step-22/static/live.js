// The live connection of a page: its state, and what it says.

const LIVE = {
  connecting: "Connecting …",
  "catching-up": "Catching up …",
  connected: "Live",
  behind: "Live, but messages may be missing: reload.",
  refused: "Not live: asking who is signed in …",
  disconnected: "Connection lost, trying again …",
  unavailable:
    "Live updates are off: the Socket.IO client is missing. " +
    "Run npm ci in the course's folder, or go online, and reload this page.",
};

function setLive(state) {
  // Said once, however often the client tries.
  if (document.body.dataset.live === state) return;
  document.body.dataset.live = state;
  document.querySelector("#live").textContent = LIVE[state];
}

// The page's own script has `auth`, what the page says of itself, and
// `listen`, which says what to do with the events that come, and when the page
// has all that it needs to be live.
function connect() {
  const socket = io({ auth });

  socket.on("connect", () => {
    console.log("connected to the server");
    socket.emit("connect-ack", { messages: "I'm connected!" });
  });

  // The client tries again by itself as long as its socket is active.
  function retry() {
    setLive("disconnected");
    if (!socket.active) setTimeout(() => socket.connect(), 2000);
  }
  socket.on("disconnect", retry);
  socket.on("connect_error", async (error) => {
    if (error.message.startsWith("refused")) {
      setLive("refused");
      if ((await isSignedIn()) === false) return;
    }
    retry();
  });

  listen(socket);
}

if (typeof io === "undefined") setLive("unavailable");
else connect();
