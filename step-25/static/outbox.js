// The outbox: what was written, and is not known to be stored. It survives a
// reload and a closed window, and is sent again until the server has it.

// An entry is written once and removed once, each in one step: there is no list
// that one tab could read, and write back without what another one has added.
const outbox = document.querySelector("#outbox");

// The entries that the browser does not keep.
const unkept = new Map();

// Why a message was not sent, by its key. One that `stops` holds up the others.
const failures = new Map();

let sending = false;

// The next try is due at this time, unless there is hope before; the server may
// say how long there is none.
let pause = 1;
let due = 0;
let notBefore = 0;

// What is in the outbox, oldest first; read anew each time, since other tabs
// write to it as well.
function unsent() {
  const entries = [...unkept];
  try {
    entries.push(...Object.entries(localStorage));
  } catch {
    // The browser keeps nothing for this page.
  }
  return entries
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, text]) => ({ ...parse(text), key: name.slice(prefix.length) }))
    .filter(({ order }) => order > 0)
    .sort((a, b) => a.order - b.order || (a.key < b.key ? -1 : 1));
}

// What a text says in JSON; null when it is none.
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Writes a message into the outbox, and sends it.
function send(message) {
  // `crypto.randomUUID` is there with https and on localhost only.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // A number, not the time: clocks are set back.
  const order = 1 + Math.max(0, ...unsent().map((entry) => entry.order));
  const text = JSON.stringify({ ...message, order });
  try {
    localStorage.setItem(prefix + key, text);
  } catch {
    unkept.set(prefix + key, text);
    sendForm.querySelector(".error").textContent =
      "This browser keeps nothing for this page: what is not sent yet does not survive a reload.";
  }
  sendOutbox();
}

function remove(key) {
  unkept.delete(prefix + key);
  failures.delete(key);
  try {
    localStorage.removeItem(prefix + key);
  } catch {
    // The browser keeps nothing for this page.
  }
}

// What the server has is not unsent, whether it came as an answer, live or with
// what was missed. The keys of other authors are their own affair.
function settle(batch) {
  for (const { author, key } of batch) {
    if (author.id === userId && key) remove(key);
  }
  showOutbox();
}

// Sends what is in the outbox, one after the other. Another tab may be doing
// the same: the key makes it one message.
async function sendOutbox() {
  const isStopped = unsent().some(({ key }) => failures.get(key)?.stops);
  if (!sending && !isStopped && Date.now() >= notBefore) {
    sending = true;
    try {
      let next;
      do {
        showOutbox();
        next = unsent().find(({ key }) => !failures.has(key));
      } while (next && (await sendOne(next)));
    } finally {
      sending = false;
    }
  }
  showOutbox();
}

// Returns whether the next one may follow.
async function sendOne(entry) {
  const { status, retryAfter, text } = await post(entry);
  // Another user may have signed in beside this page: then this one's messages
  // wait, and the page is left.
  const isOthers = [401, 403].includes(status) && !(await isSignedIn());
  if (isOthers || status >= 500 || [0, 401, 408, 429].includes(status)) {
    // It passes. Not in step with all the other pages.
    due = Date.now() + pause * (500 + Math.random() * 500);
    pause = Math.min(2 * pause, 60);
    notBefore = Date.now() + (Number(retryAfter) || 0) * 1000;
    return false;
  }
  pause = 1;
  const answer = parse(text);
  if (status >= 400) {
    const reason = answer?.error ?? `the server says ${status}`;
    failures.set(entry.key, { reason, stops: false });
    return true;
  }
  if (answer?.key !== entry.key || answer.author?.id !== userId) {
    const reason = "something else than this chat answers. Does this network want you to sign in?";
    failures.set(entry.key, { reason, stops: true });
    return false;
  }
  showMessages([answer]);
  return true;
}

// Returns what the server says; the status is 0 when it says nothing.
async function post({ key, recipient_id, content }) {
  const body = { author_id: userId, recipient_id, content, key, database_id: databaseId };
  try {
    const response = await fetch(sendForm.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
    const retryAfter = response.headers.get("Retry-After");
    return { status: response.status, retryAfter, text: await response.text() };
  } catch {
    return { status: 0 };
  }
}

// The page has connected, or the network is back.
function hope() {
  pause = 1;
  sendOutbox();
}

// Shows the outbox below the messages.
function showOutbox() {
  const entries = unsent();
  const items = new Map([...outbox.children].map((item) => [item.dataset.key, item]));
  for (const [key, item] of items) {
    if (!entries.some((entry) => entry.key === key)) item.remove();
  }
  for (const [place, entry] of entries.entries()) {
    const item = items.get(entry.key) ?? newItem(entry);
    if (!item.isConnected) outbox.insertBefore(item, outbox.children[place] ?? null);
    showState(item, failures.get(entry.key));
  }
}

function newItem({ key, other, content }) {
  const template = document.querySelector("#outbox-template");
  const item = template.content.firstElementChild.cloneNode(true);
  item.dataset.key = key;
  item.querySelector(".other").textContent = other;
  item.querySelector(".content").textContent = content;
  item.querySelector(".retry").addEventListener("click", () => failures.delete(key));
  item.querySelector(".delete").addEventListener("click", () => remove(key));
  item.querySelector(".choice").addEventListener("click", () => {
    sendForm.elements.content.focus();
    sendOutbox();
  });
  return item;
}

function showState(item, failure) {
  const place = item.querySelector(".state");
  let text = sending ? "Sending …" : "Waiting to be sent …";
  if (failure) text = `Not sent: ${failure.reason}`;
  // A screen reader is told of a failure, once.
  place.role = failure ? "alert" : null;
  if (place.textContent !== text) place.textContent = text;
  item.querySelector(".choice").hidden = !failure;
}

// What this page was rendered with, the server has.
for (const { dataset } of messages.querySelectorAll("[data-key]")) remove(dataset.key);
sendOutbox();

addEventListener("online", hope);
setInterval(() => {
  if (Date.now() >= due && unsent().length > 0) sendOutbox();
}, 1000);

// Another tab has written a message, and sends it. If that tab is closed, this
// one sends it, a little later.
addEventListener("storage", () => {
  due = Math.max(due, Date.now() + 5000);
  showOutbox();
});
