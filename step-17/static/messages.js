// The messages page: sends a message and shows it.

const scroller = document.querySelector(".scroller");
const messages = document.querySelector("#messages");
const sendForm = document.querySelector("#send-form");
const userId = Number(document.body.dataset.userId);

// Adds a message to the page, once, in order of id, whether it was sent here
// or came live. Everything a person wrote goes in as text, never as HTML.
function showMessage(message) {
  if (messages.querySelector(`[data-id="${message.id}"]`)) return;

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

  const later = [...messages.children].find(
    (shown) => Number(shown.dataset.id) > message.id,
  );
  // Whoever reads the end stays there. It is at 0, since the column is
  // reversed; rounding makes it 1 now and then.
  const atEnd = scroller.scrollTop >= 0;
  messages.insertBefore(item, later ?? null);
  if (atEnd) scroller.scrollTop = 0;
}

// What live.js says of this page when it connects, and what it listens to.
const auth = { user_id: userId };

function listen(socket) {
  socket.on("direct-message", showMessage);
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

  onSubmit(sendForm, async () => {
    const text = content.value;
    const message = await postForm(sendForm, {
      author_id: userId,
      recipient_id: Number(recipient.value),
      content: text,
    });
    if (!message) return;
    showMessage(message);
    // The end is at 0, since the column is reversed.
    scroller.scrollTop = 0;
    // What was typed while the message was on its way stays.
    if (content.value.startsWith(text)) {
      content.value = content.value.slice(text.length);
    }
  });

  // Enter sends, Shift+Enter begins a line. An Enter that ends the input of
  // a Chinese or Japanese word does not send; Safari marks it by 229 alone.
  content.addEventListener("keydown", (event) => {
    const endsWord = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || endsWord) return;
    event.preventDefault();
    sendForm.requestSubmit();
  });
}
