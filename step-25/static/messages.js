// The messages page: sends a message and shows it.

const scroller = document.querySelector(".scroller");
const messages = document.querySelector("#messages");
const sendForm = document.querySelector("#send-form");

// How many messages the page keeps. Below this id it has none any more.
const KEPT = 2000;
let oldest = 0;

// Adds messages to the page, and takes them out of the outbox. Returns the items
// of those it did not have.
function showMessages(batch) {
  settle(batch);
  // Whoever reads the end stays there. It is at 0, since the column is
  // reversed; rounding makes it 1 now and then.
  const atEnd = scroller.scrollTop >= 0;
  const items = batch.map(showMessage).filter(Boolean);
  if (atEnd) {
    dropOldest();
    scroller.scrollTop = 0;
  }
  return items;
}

// Adds a message to the page, once, in order of id, whether it was sent here,
// came live or was fetched; returns its item. Everything a person wrote goes
// in as text, never as HTML.
function showMessage(message) {
  // Its place is at the end or near it.
  let earlier = messages.lastElementChild;
  while (earlier && Number(earlier.dataset.id) > message.id) {
    earlier = earlier.previousElementSibling;
  }
  if (Number(earlier?.dataset.id) === message.id) return null;
  if (message.id < oldest) return null;

  const mine = message.author.id === userId;
  const other = mine ? message.recipient : message.author;
  const template = document.querySelector("#message-template");
  const item = template.content.firstElementChild.cloneNode(true);
  item.dataset.id = message.id;
  item.classList.toggle("mine", mine);
  item.querySelector(".other").textContent = other.nickname;
  item.querySelector(".content").textContent = message.content;
  item.querySelector("time").dateTime = message.date;
  showTime(item.querySelector("time"));

  if (earlier) earlier.after(item);
  else messages.prepend(item);
  return item;
}

// "Older messages" leads to what is dropped.
function dropOldest() {
  if (messages.children.length <= KEPT) return;
  while (messages.children.length > KEPT) messages.firstElementChild.remove();
  oldest = Number(messages.firstElementChild.dataset.id);
  const older = document.querySelector("#older");
  older.hidden = false;
  older.querySelector("a").href = `?before=${oldest}`;
}

// What came live and waits for the next frame. Many may come at once, and each
// frame shows some: the page answers the heartbeat in between.
const waiting = [];

function showSoon(message) {
  if (waiting.length === 0) requestAnimationFrame(showSome);
  waiting.push(message);
}

function showSome() {
  showMessages(waiting.splice(0, 50));
  if (waiting.length > 0) requestAnimationFrame(showSome);
}

// What live.js says of this page when it connects, and what it listens to.
const auth = { user_id: userId };

function listen(socket) {
  socket.on("direct-message", showSoon);
  keepUp(socket);
  socket.on("connect", hope);
}

// Shows a UTC date as the reader's own clock has it.
function showTime(time) {
  time.textContent = new Date(time.dateTime).toLocaleString([], {
    dateStyle: "medium",
    timeStyle: "short",
  });
}

messages.querySelectorAll("time").forEach(showTime);

if (sendForm) {
  const { content, recipient_id: recipient } = sendForm.elements;

  sendForm.addEventListener("submit", (event) => {
    event.preventDefault();
    send({
      recipient_id: Number(recipient.value),
      other: recipient.selectedOptions[0].text,
      content: content.value,
    });
    content.value = "";
    // The end is at 0, since the column is reversed.
    scroller.scrollTop = 0;
  });
  sendForm.querySelector("button").disabled = false;

  // Enter sends, Shift+Enter begins a line. An Enter that ends the input of
  // a Chinese or Japanese word does not send; Safari marks it by 229 alone.
  content.addEventListener("keydown", (event) => {
    const endsWord = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || endsWord) return;
    event.preventDefault();
    sendForm.requestSubmit();
  });
}
