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

function setLive(state, words = LIVE[state]) {
  document.body.dataset.live = state;
  const place = document.querySelector("#live");
  // Said once, however often the client tries.
  if (place.textContent !== words) place.textContent = words;
}

// What a refusal by HTTP says, such as that too many pages are open.
function wordsOf(error) {
  try {
    return JSON.parse(error.context.responseText).error;
  } catch {
    return undefined;
  }
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
  function retry(words) {
    setLive("disconnected", words);
    if (!socket.active) setTimeout(() => socket.connect(), 2000);
  }
  socket.on("disconnect", () => retry());
  socket.on("connect_error", async (error) => {
    // In words, or by HTTP before there is a socket.
    if (error.message.startsWith("refused") || error.description === 401) {
      setLive("refused");
      if ((await isSignedIn()) === false) return;
    }
    retry(wordsOf(error));
  });

  listen(socket);
}

if (typeof io === "undefined") setLive("unavailable");
else connect();
