// A chat server with the contract of step-18: the JSON API, and Socket.IO with
// a room for each user. Settings: ADDRESS (127.0.0.1:5001; port 0 takes a free
// one) and DATABASE (chat.db).

import { isUtf8 } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:http";

import Database from "better-sqlite3";
import express from "express";
import { Server } from "socket.io";

import { openStore } from "./store.js";
import { Refusal, idField, isObject, stringField, text, wholeNumber } from "./text.js";

const { ADDRESS = "127.0.0.1:5001", DATABASE = "chat.db" } = process.env;

// The largest body of a request and the largest packet, in bytes.
const SIZE_LIMIT = 64 * 1024;

// How long a shutdown may take, in ms.
const GRACE = 5000;

const room = (userId) => `user:${userId}`;

// The status and the words for an error. What is behind a 5xx is logged.
function explain(error) {
  if (error instanceof Refusal) return [error.status, error.message];
  // An id in a path that can't be decoded.
  if (error instanceof URIError) return [404, "There is nothing at this path: an id is a whole number."];
  // The others below 500 are of express.json.
  if (error.status === 413) return [413, "The body is larger than 64 KiB."];
  if (error.status === 415) return [415, "The body must be JSON in UTF-8, not compressed."];
  if (error.status < 500) return [400, `The body is not JSON: ${error.message}.`];
  console.error(error);
  if (error instanceof Database.SqliteError) return [503, "The database does not answer. Try again in a moment."];
  return [500, "The request can't be completed. The server's log says why."];
}

const readJson = express.json({
  type: () => true,
  limit: SIZE_LIMIT,
  inflate: false,
  // Strict would be to call a text or a number no JSON.
  strict: false,
  verify: (request, response, bytes) => {
    if (!isUtf8(bytes)) throw new Refusal(400, "The body is not JSON: it is not in UTF-8.");
    // express.json would make an empty object of it.
    if (bytes.length === 0) throw new Refusal(400, "The body is not JSON: there is none.");
  },
});

function jsonBody(request, response, next) {
  const type = request.get("Content-Type") ?? "";
  if (/^application\/([^\s;]+\+)?json\s*(;|$)/i.test(type)) return readJson(request, response, next);
  throw new Refusal(415, "The body must be JSON, with Content-Type: application/json.");
}

function wrongMethod(request, response) {
  const { get, post } = request.route.methods;
  response.set("Allow", [get && "GET,HEAD", post && "POST"].filter(Boolean).join(","));
  throw new Refusal(405, "This path does not take this method.");
}

function pathId({ params }) {
  const id = wholeNumber(params.id);
  if (id === undefined) throw new Refusal(404, "There is nothing at this path: an id is a whole number.");
  return id;
}

// Which part of a list of messages: `?before=<id>&limit=<1..500>`.
function slice({ query }) {
  const before = wholeNumber(query.before ?? Number.MAX_SAFE_INTEGER);
  const limit = wholeNumber(query.limit ?? 100);
  if (before === undefined || limit === undefined) {
    throw new Refusal(422, "The query can't be used: expected a whole number.");
  }
  if (limit < 1 || limit > 500) throw new Refusal(422, "The limit must be a number from 1 to 500.");
  return { before, limit };
}

function createUser({ body }, response) {
  const [name, email, nickname] = ["name", "email", "nickname"].map((field) => stringField(body, field));
  text("name", name, 100);
  text("email", email, 100);
  text("nickname", nickname, 100);
  response.status(201).json(store.addUser(name, email, nickname));
}

function createMessage({ body }, response) {
  const authorId = idField(body, "author_id");
  const recipientId = idField(body, "recipient_id");
  const content = text("content", stringField(body, "content"), 2000);
  const message = store.addMessage(authorId, recipientId, content);
  io.to([room(authorId), room(recipientId)]).emit("direct-message", message);
  response.status(201).json(message);
}

function api() {
  const app = express();
  app.disable("x-powered-by");
  // No answer is asked for twice, so that its hash would be made for nothing.
  app.disable("etag");
  app.enable("strict routing");
  app.enable("case sensitive routing");

  const get = (path, answer) => app.route(path).get((request, response) => response.json(answer(request)));
  get("/db/alive", () => ({ status: "healthy", schema_version: store.schemaVersion() })).all(wrongMethod);
  get("/api/version", () => ({ version: "node" })).all(wrongMethod);
  get("/api/users", () => store.users()).post(jsonBody, createUser).all(wrongMethod);
  get("/api/users/:id", (request) => store.user(pathId(request))).all(wrongMethod);
  get("/api/users/:id/messages", (request) => store.messagesOf(pathId(request), slice(request))).all(wrongMethod);
  get("/api/messages", (request) => store.messages(slice(request)))
    .post(jsonBody, createMessage)
    .all(wrongMethod);

  app.use(({ path }) => {
    throw new Refusal(404, `There is nothing at ${path}.`);
  });
  // Express knows it by its four parameters.
  app.use((error, request, response, next) => {
    const [status, words] = explain(error);
    response.status(status).json({ error: words });
  });
  return app;
}

// Lets a socket into the room of the user that its handshake names, and a
// visitor of the lobby into none. There is no sign-in: whoever asks is believed.
function joinRoom(socket, next) {
  const { user_id: userId } = socket.handshake.auth;
  if (userId === undefined || userId === null) return next();
  const id = wholeNumber(userId);
  if (id === undefined) return next(new Error("refused: auth must be an object with a whole number user_id"));
  try {
    store.user(id);
  } catch (error) {
    const [status, words] = explain(error);
    return next(new Error(`${status < 500 ? "refused" : "not now"}: ${words}`));
  }
  socket.join(room(id));
  next();
}

// Tells everybody what a visitor of the lobby says. It returns the
// acknowledgement, which only that visitor gets.
function say(said) {
  const { handle = "", message = "" } = isObject(said) ? said : { message: null };
  let field = "message";
  try {
    if (typeof handle !== "string" || typeof message !== "string") {
      throw new Refusal(422, "The handle and the message must be texts.");
    }
    field = "handle";
    text("handle", handle, 40);
    field = "message";
    text("message", message, 2000);
  } catch (error) {
    return { error: error.message, field };
  }
  io.emit("message", { handle, message, date: new Date().toISOString() });
  return { ok: true };
}

function live() {
  io.engine.on("connection", (rawSocket) => {
    // It holds the memory of a request for as long as a page is open. Nobody
    // reads it later: `auth` comes in a packet of its own.
    // <https://socket.io/docs/v4/memory-usage/>
    rawSocket.request = null;
  });
  io.use(joinRoom);
  io.on("connection", (socket) => {
    socket.on("send_message", (...said) => {
      const acknowledge = typeof said.at(-1) === "function" ? said.pop() : () => {};
      acknowledge(say(said[0]));
    });
  });
}

function end() {
  store.close();
  process.exit(0);
}

function stop() {
  // A client that never ends its request must not keep the server alive.
  setTimeout(end, GRACE);
  io.close(end);
}

function fail(words) {
  console.error(words);
  process.exit(1);
}

let store;
try {
  store = openStore(DATABASE);
} catch (error) {
  fail(`the database "${DATABASE}" can't be used: ${error.message}; another file may do, for example DATABASE=chat.db`);
}

// Between two requests a client may be quiet for longer than the usual 5 s.
const server = createServer({ keepAliveTimeout: 65_000 }, api());
// Last, since it takes its own requests from what is there before it.
const io = new Server(server, { serveClient: false, maxHttpBufferSize: SIZE_LIMIT });
live();
process.once("SIGINT", stop);
process.once("SIGTERM", stop);

try {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(ADDRESS) ?? [];
  if (port === undefined) throw new Error("there is no port in it");
  await once(server.listen({ host, port, backlog: 1024 }), "listening");
} catch (error) {
  fail(`can't listen on ${ADDRESS}: ${error.message}; choose another HOST:PORT, for example ADDRESS=127.0.0.1:5002`);
}
const { address, family, port } = server.address();
console.log(`the chat is at http://${family === "IPv6" ? `[${address}]` : address}:${port}`);
