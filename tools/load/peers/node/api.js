// The JSON API.

import { isUtf8 } from "node:buffer";

import express from "express";

import { fits, hash } from "./password.js";
import { Refusal, explain } from "./refusal.js";
import { COOKIE, attributes, begin, mustBe, named } from "./session.js";
import {
  checkKey,
  idField,
  newPassword,
  optional,
  stringField,
  text,
  wholeNumber,
} from "./text.js";

// The largest body of a request, in bytes.
const BODY_LIMIT = 64 * 1024;

const readJson = express.json({
  type: () => true,
  limit: BODY_LIMIT,
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
  const isJson = /^application\/([^\s;]+\+)?json\s*(;|$)/i.test(type);
  if (isJson) return readJson(request, response, next);
  throw new Refusal(415, "The body must be JSON, with Content-Type: application/json.");
}

function wrongMethod(request, response) {
  const { get, post, delete: remove } = request.route.methods;
  const allowed = [get && "GET,HEAD", post && "POST", remove && "DELETE"];
  response.set("Allow", allowed.filter(Boolean).join(","));
  throw new Refusal(405, "This path does not take this method.");
}

function pathId({ params }) {
  const id = wholeNumber(params.id);
  if (id !== undefined) return id;
  throw new Refusal(404, "There is nothing at this path: an id is a whole number.");
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

// The fields of a body that are texts of 1 to 100 characters.
function labels(body, names) {
  const values = names.map((name) => stringField(body, name));
  return values.map((value, index) => text(names[index], value, 100));
}

// What needs no session.
function isOpen({ method, path }) {
  if (method === "POST" && path === "/api/users") return true;
  return ["/db/alive", "/api/version", "/api/sessions"].includes(path);
}

// The handlers of a chat that believes whoever asks.
function believing(store, live) {
  return {
    messages: (request) => store.messages(slice(request)),

    messagesOf: (request) => store.messagesOf(pathId(request), slice(request)),

    createUser({ body }, response) {
      const [name, email, nickname] = labels(body, ["name", "email", "nickname"]);
      response.status(201).json(store.addUser(name, email, nickname));
    },

    createMessage({ body }, response) {
      const authorId = idField(body, "author_id");
      const recipientId = idField(body, "recipient_id");
      const content = text("content", stringField(body, "content"), 2000);
      const message = store.addMessage(authorId, recipientId, content);
      live.deliver(message);
      response.status(201).json(message);
    },
  };
}

// The same of a chat whose users sign in, and those by which they do.
function signedIn(store, live) {
  // The answer to whoever gets in: the user, with the email, and the cookie.
  function welcome(response, session, me) {
    live.end(session.replaces);
    response.cookie(COOKIE, session.token, attributes).status(201).json(me);
  }

  return {
    // Lets nobody pass who is not signed in, but to what is open to everybody.
    required(request, response, next) {
      // What somebody saw is not kept for whoever has the browser next.
      response.set("Cache-Control", "no-store");
      if (!isOpen(request)) request.session = store.session(named(request));
      next();
    },

    me: ({ session }) => store.me(session.user.id),

    // One's own.
    messages: (request) => store.messagesOf(request.session.user.id, slice(request)),

    messagesOf(request) {
      const { id } = store.user(pathId(request));
      mustBe(request.session, id);
      return store.messagesOf(id, slice(request));
    },

    // Who signs up is signed in.
    async createUser(request, response) {
      const { body } = request;
      const password = stringField(body, "password");
      const [name, email, nickname] = labels(body, ["name", "email", "nickname"]);
      const hashed = await hash(newPassword(password, [name, email, nickname]));
      const session = begin(request);
      const me = store.signUp({ name, email, nickname, password: hashed }, session);
      welcome(response, session, me);
    },

    async createSession(request, response) {
      const { body } = request;
      const [nickname, typed] = ["nickname", "password"].map((name) => stringField(body, name));
      const { password, ...me } = store.account(nickname) ?? {};
      if (!(await fits(typed, password))) {
        // Which of the two is wrong, nobody is told.
        throw new Refusal(401, "The nickname or the password is wrong.");
      }
      const session = begin(request);
      store.beginSession(me.id, session);
      welcome(response, session, me);
    },

    deleteSession({ session }, response) {
      store.endSession(session.id);
      live.end([session.id]);
      response.clearCookie(COOKIE, attributes).status(204).end();
    },

    // The author is who is signed in; whoever names one must name that one.
    createMessage({ body, session }, response) {
      const recipientId = idField(body, "recipient_id");
      const content = stringField(body, "content");
      const authorId = optional(idField, body, "author_id");
      const key = optional(stringField, body, "key");
      const databaseId = optional(stringField, body, "database_id");
      if (authorId !== null) mustBe(session, authorId);
      if (key !== null) checkKey(key);
      const author = session.user;
      const { message, isNew } = store.addOnce({ author, recipientId, content, key, databaseId });
      // A repeat is delivered to nobody: it was, or is fetched.
      if (isNew) live.deliver(message);
      response.status(isNew ? 201 : 200).json(message);
    },
  };
}

export function api(store, live, signIn) {
  const app = express();
  app.disable("x-powered-by");
  // No answer is asked for twice, so that its hash would be made for nothing.
  app.disable("etag");
  app.enable("strict routing");
  app.enable("case sensitive routing");

  const chat = signIn ? signedIn(store, live) : believing(store, live);
  if (signIn) app.use(chat.required);

  const get = (path, answer) =>
    app.route(path).get((request, response) => response.json(answer(request)));
  get("/db/alive", () => ({ status: "healthy", schema_version: store.schemaVersion() }))
    .all(wrongMethod);
  get("/api/version", () => ({ version: "node" })).all(wrongMethod);
  get("/api/users", () => store.users()).post(jsonBody, chat.createUser).all(wrongMethod);
  get("/api/users/:id", (request) => store.user(pathId(request))).all(wrongMethod);
  get("/api/users/:id/messages", chat.messagesOf).all(wrongMethod);
  get("/api/messages", chat.messages).post(jsonBody, chat.createMessage).all(wrongMethod);
  if (signIn) {
    get("/api/me", chat.me).all(wrongMethod);
    app.route("/api/sessions").post(jsonBody, chat.createSession).all(wrongMethod);
    app.route("/api/session").delete(chat.deleteSession).all(wrongMethod);
  }

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
