// The lobby: what anybody says, everybody here reads.

const scroller = document.querySelector(".scroller");
const messages = document.querySelector("#messages");
const sendForm = document.querySelector("#send-form");
const { message } = sendForm.elements;

// Everything a person wrote goes in as text, never as HTML.
function showLobbyMessage(said) {
  const template = document.querySelector("#message-template");
  const item = template.content.firstElementChild.cloneNode(true);
  item.querySelector(".author").textContent = said.handle;
  item.querySelector(".content").textContent = said.message;
  const time = item.querySelector("time");
  time.dateTime = said.date;
  time.textContent = new Date(said.date).toLocaleTimeString([], {
    timeStyle: "short",
  });

  // Whoever reads the end stays there, as in a list of direct messages.
  const atEnd = scroller.scrollTop >= 0;
  messages.append(item);
  if (atEnd) scroller.scrollTop = 0;
}

// What live.js says of this page when it connects: it is nobody's. And what it
// listens to. Nothing is kept here, so there is nothing to fetch before it is
// live.
const auth = {};
let lobby = null;

function listen(socket) {
  lobby = socket;
  lobby.on("message", showLobbyMessage);
  // It may come back as somebody else, who has signed in beside this page.
  lobby.on("connect", async function ask() {
    const isIn = await isSignedIn();
    if (!lobby.connected) return;
    if (isIn) setLive("connected");
    if (isIn === null) setTimeout(ask, 2000);
  });
}

function showError({ error = "" }) {
  document.querySelector("#message-error").textContent = error;
}

// Asks for an acknowledgement, and does not wait for it for ever. Without a
// connection the client would keep the message and send it later.
async function say(text) {
  if (document.body.dataset.live !== "connected") {
    return { error: "Not connected: nothing was sent." };
  }
  try {
    return await lobby.timeout(5000).emitWithAck("send_message", text);
  } catch {
    return { error: "No answer: perhaps it was not sent." };
  }
}

onSubmit(sendForm, async () => {
  const text = message.value;
  showError({});
  const answer = await say({ message: text });
  showError(answer);
  if (!answer.ok) return;
  scroller.scrollTop = 0;
  if (message.value.startsWith(text)) {
    message.value = message.value.slice(text.length);
  }
});
