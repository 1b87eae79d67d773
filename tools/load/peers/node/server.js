// A chat server with the contract of step-18: the JSON API, and Socket.IO with
// a room for each user. With SIGN_IN=on, users sign in, and the contract is that
// of step-23. Other settings: ADDRESS (127.0.0.1:5001; port 0 takes a free one)
// and DATABASE (chat.db).

import { once } from "node:events";
import { createServer } from "node:http";

import { api } from "./api.js";
import { openLive } from "./live.js";
import { canHash } from "./password.js";
import { openStore } from "./store.js";

const { ADDRESS = "127.0.0.1:5001", DATABASE = "chat.db", SIGN_IN } = process.env;

// How long a shutdown may take, in ms.
const GRACE = 5000;

function end() {
  store.close();
  process.exit(0);
}

function stop() {
  // A client that never ends its request must not keep the server alive.
  setTimeout(end, GRACE);
  live.close(end);
}

function fail(words) {
  console.error(words);
  process.exit(1);
}

const signIn = SIGN_IN === "on";
if (SIGN_IN !== undefined && !signIn) fail(`SIGN_IN is "${SIGN_IN}", but all it can be is on`);
if (signIn && !canHash) fail("SIGN_IN=on needs Argon2: Node has it from version 24.7 on");

let store;
try {
  store = openStore(DATABASE, signIn);
} catch (error) {
  const advice = "another file may do, for example DATABASE=chat.db";
  fail(`the database "${DATABASE}" can't be used: ${error.message}; ${advice}`);
}

const live = openLive(store, signIn);
// Between two requests a client may be quiet for longer than the usual 5 s.
const server = createServer({ keepAliveTimeout: 65_000 }, api(store, live, signIn));
// Last, since it takes its own requests from what is there before it.
live.attach(server);
process.once("SIGINT", stop);
process.once("SIGTERM", stop);

try {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(ADDRESS) ?? [];
  if (port === undefined) throw new Error("there is no port in it");
  await once(server.listen({ host, port, backlog: 1024 }), "listening");
} catch (error) {
  const advice = "choose another HOST:PORT, for example ADDRESS=127.0.0.1:5002";
  fail(`can't listen on ${ADDRESS}: ${error.message}; ${advice}`);
}
const { address, family, port } = server.address();
console.log(`the chat is at http://${family === "IPv6" ? `[${address}]` : address}:${port}`);
