// A page in Chromium: the Engine.IO packets that it exchanges, whichever way
// they travel, and the lines of its console.

import { once } from "node:events";
import net from "node:net";

import { signInBrowser } from "../people.js";
import { until } from "./wire.mjs";

// A page whose console alone matters, in a browser of `user`.
export async function openConsole(browser, url, user) {
  const context = await browser.newContext();
  await signInBrowser(context, user, new URL(url).origin);
  const page = await context.newPage();
  const lines = linesOf(page);
  await page.goto(url);
  return { page, lines };
}

function linesOf(page) {
  const lines = [];
  page.on("console", (message) => lines.push(message.text()));
  return lines;
}

export async function openPage(browser, url) {
  const page = await (await browser.newContext()).newPage();
  const log = [];
  const lines = linesOf(page);

  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  const keep = (transport, sent, payload) => {
    // Several packets in one body are kept apart by this character.
    for (const text of payload.split("\x1e")) log.push({ transport, sent, text });
  };
  const polls = new Map();
  network.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (!request.url.includes("transport=polling")) return;
    if (request.method === "POST") keep("polling", true, request.postData);
    else polls.set(requestId, null);
  });
  // A poll's packets have their place where its response begins; they are read
  // when it has ended.
  network.on("Network.responseReceived", ({ requestId }) => {
    if (!polls.has(requestId)) return;
    const packet = { transport: "polling", sent: false, text: "" };
    polls.set(requestId, packet);
    log.push(packet);
  });
  network.on("Network.loadingFinished", async ({ requestId }) => {
    const packet = polls.get(requestId);
    if (!packet) return;
    const { body } = await network.send("Network.getResponseBody", { requestId });
    const all = body.split("\x1e").map((text) => ({ ...packet, text }));
    log.splice(log.indexOf(packet), 1, ...all);
  });
  network.on("Network.webSocketFrameSent", ({ response }) => {
    keep("websocket", true, response.payloadData);
  });
  network.on("Network.webSocketFrameReceived", ({ response }) => {
    keep("websocket", false, response.payloadData);
  });

  await page.goto(url);
  const sent = (start) => seen(true, start);
  const received = (start) => seen(false, start);
  function seen(way, start) {
    const isIt = (packet) => packet.sent === way && packet.text.startsWith(start);
    return until(() => log.find(isIt), start);
  }
  return { page, log, lines, sent, received };
}

// The packets of a page without pings, pongs and noops (which end a poll while
// the page changes to WebSocket): when they come, and how many, depends on
// timing.
export const withoutUpkeep = (log) => log.filter(({ text }) => !/^[236]$/.test(text));

// A way to the chat on which a WebSocket has to wait until `open` is called,
// so that what comes before it and what after it is the same each time. It
// changes no byte.
export async function gate(chat) {
  const { port, hostname } = new URL(chat.url);
  let open;
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  const server = net.createServer((near) => {
    const far = net.connect(port, hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
    near.once("data", async (first) => {
      near.pause();
      if (first.includes("transport=websocket")) await opened;
      far.write(first);
      near.pipe(far);
    });
    far.pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, open, remove: () => server.close() };
}
