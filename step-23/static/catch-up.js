// Catching up: what came while this page was not live, it fetches.

const AT_ONCE = 500;
const PER_FRAME = 50;

// This page has everything up to this id. Only lists raise it: they have no gaps,
// and among events one may be missing.
let cursor = Number(messages.lastElementChild?.dataset.id ?? 0);

// The catch-up that is under way, and when the last one began.
let running = null;
let began = 0;

// How many messages were missed. The next one begins a new count if the page
// had everything before it.
let missed = 0;
let hadEverything = false;

// Fetches slice by slice until there is no more. One that was interrupted says
// nothing, and what it had not shown yet is fetched again.
async function catchUp(socket) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  began = Date.now();
  let slice;
  do {
    slice = await fetchAfter(cursor, signal);
    await showMissed(slice ?? [], signal);
    if (signal.aborted) return;
    cursor = slice?.at(-1)?.id ?? cursor;
  } while (slice?.length === AT_ONCE);

  running = null;
  hadEverything = slice !== null;
  scroller.ariaLive = "polite";
  if (missed > 0) {
    document.querySelector("#missed").textContent =
      `New since this page was last live: ${missed}`;
  }
  if (socket.connected) setLive(slice ? "connected" : "behind");
}

// Asks for what comes after `id` until there is an answer. Returns null when
// the server refuses, or nobody waits for the answer any more.
async function fetchAfter(id, signal) {
  const path = `/api/users/${userId}/messages?after=${id}&limit=${AT_ONCE}`;
  for (let pause = 1; !signal.aborted; pause = Math.min(2 * pause, 60)) {
    try {
      const timeout = AbortSignal.timeout(15_000);
      const response = await fetch(path, {
        signal: AbortSignal.any([signal, timeout]),
      });
      if (response.ok) return await response.json();
      const { status } = response;
      if ([401, 403].includes(status)) await isSignedIn();
      if (status < 500 && status !== 408 && status !== 429) return null;
    } catch {
      // No network, no answer in time, or none of the chat's.
    }
    // Not in step with all the other pages.
    await wait(pause * (0.5 + Math.random() / 2), signal);
  }
  return null;
}

function wait(seconds, signal) {
  return new Promise((resume) => {
    setTimeout(resume, seconds * 1000);
    signal.addEventListener("abort", resume);
  });
}

// Shows what was fetched, a few in each frame, and marks what the page did not
// have. A screen reader is told how much that is, and does not read it out.
async function showMissed(fetched, signal) {
  for (let i = 0; i < fetched.length; i += PER_FRAME) {
    await new Promise(requestAnimationFrame);
    if (signal.aborted) return;
    scroller.ariaLive = "off";
    const items = showMessages(fetched.slice(i, i + PER_FRAME));
    if (items.length > 0 && hadEverything) {
      hadEverything = false;
      missed = 0;
      for (const old of messages.querySelectorAll(".new")) {
        old.classList.remove("new");
      }
    }
    for (const item of items) item.classList.add("new");
    missed += items.length;
  }
}

// Catches up whenever something may have been missed: when the page connects;
// when a tab or a computer wakes up, whose connection may be dead without
// knowing it; and once a minute, for an event that did not come.
function keepUp(socket) {
  function wake() {
    if (socket.connected) setLive("catching-up");
    catchUp(socket);
  }
  socket.on("connect", wake);
  socket.on("disconnect", () => {
    running?.abort();
    running = null;
  });
  addEventListener("online", wake);
  addEventListener("pageshow", (event) => {
    if (event.persisted) wake();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wake();
  });
  setInterval(() => {
    const isDue = Date.now() - began >= 60_000;
    if (isDue && !running && !document.hidden) catchUp(socket);
  }, 2000);
}
