// A website that is not the chat's, and what its pages try.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import { CLIENT_FILE } from "./steps.js";

// Serves an empty page, and the browser's Socket.IO client. Another port makes
// it another origin; another name of this computer, another site.
export async function foreignWebsite(hostname = "127.0.0.1") {
  const server = createServer(async (request, response) => {
    if (request.url === "/client.js") {
      response.setHeader("Content-Type", "text/javascript");
      return response.end(await readFile(CLIENT_FILE));
    }
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>A foreign website</title><p>Hello");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://${hostname}:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

// Each of these runs in a page of the website.

// Whether it can open a WebSocket to the chat.
export function opensWebSocket(url) {
  const address = `${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
  const socket = new WebSocket(address);
  return new Promise((answer) => {
    socket.onopen = () => answer(true);
    socket.onerror = () => answer(false);
  });
}

// What comes of it to connect as the chat's pages do, by one transport: "in", or
// why not.
export async function connects({ url, transport, auth }) {
  if (!window.io) {
    const script = document.createElement("script");
    script.src = "/client.js";
    document.head.append(script);
    await new Promise((loaded) => (script.onload = loaded));
  }
  const options = { auth, forceNew: true, reconnection: false, withCredentials: true };
  const socket = io(url, { ...options, transports: [transport] });
  return new Promise((done) => {
    socket.on("connect", () => done("in"));
    socket.on("connect_error", ({ message }) => done(message));
  });
}

// Whether an element that loads `url` is told that it was there.
export function loads({ element, url }) {
  const part = document.createElement(element);
  const isLink = element === "link";
  if (isLink) part.rel = "stylesheet";
  const loaded = new Promise((answer) => {
    part.onload = () => answer(true);
    part.onerror = () => answer(false);
  });
  part[isLink ? "href" : "src"] = url;
  document.head.append(part);
  return loaded;
}

// What a script gets of an address: the answer's text, "opaque" when it is told
// only that there was one, or "nothing".
export async function fetches({ url, options }) {
  try {
    const answer = await fetch(url, { credentials: "include", ...options });
    return answer.type === "opaque" ? "opaque" : await answer.text();
  } catch {
    return "nothing";
  }
}

// Clicks on a link.
export function follows(url) {
  const link = document.createElement("a");
  link.href = url;
  document.body.append(link);
  link.click();
}

// Sends a form; `fields` are its names and values.
export function sendsForm({ url, enctype, fields }) {
  const form = document.createElement("form");
  Object.assign(form, { action: url, method: "post", enctype });
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("input");
    Object.assign(field, { name, value, type: "hidden" });
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}

// Shows an address in a frame.
export async function frames(url) {
  const frame = document.createElement("iframe");
  frame.src = url;
  document.body.append(frame);
  await new Promise((shown) => (frame.onload = shown));
}
