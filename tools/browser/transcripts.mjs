// Records every output that the book shows: answers, packets, console lines.
//
//   npm run transcripts         writes book/src/output/*.txt
//   npm run transcripts:check   records, and fails when the book shows
//                               something else
//
// All of it is real: the programs run, curl asks them, a Chromium opens their
// pages. transcripts/text.mjs replaces what differs from run to run.

import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import playwright from "@playwright/test";
import { io } from "socket.io-client";

import { build } from "./build.js";
import { Chat } from "./people.js";
import { chromium } from "./chromium.js";
import { CLIENT_FILE, ROOT, program } from "./steps.js";
import { foreignWebsite } from "./website.js";
import { gate, openConsole, openPage, withoutUpkeep } from "./transcripts/page.mjs";
import { whatBrowsersSay } from "./transcripts/says.mjs";
import { fold, hexadecimal, packets, seconds, steady, transport } from "./transcripts/text.mjs";
import { WebSocketByHand, exchange, until } from "./transcripts/wire.mjs";

const OUTPUT = path.join(ROOT, "book/src/output");
const JSON_TYPE = { "Content-Type": "application/json" };
const ADA = { name: "Ada Lovelace", email: "ada@example.org", nickname: "ada" };
const BOB = { name: "Bob Kahn", email: "bob@example.org", nickname: "bob" };

const running = [];
let browser;

async function start(name) {
  const chat = await Chat.start(name);
  running.push(chat);
  return chat;
}

// Starts a step with as many of these users, whose ids are 1, 2, 3.
async function startWithUsers(step, count) {
  const chat = await start(step);
  const users = [["ada", "Ada Lovelace"], ["bob", "Bob Kahn"], ["eve", "Eve Baker"]];
  for (const user of users.slice(0, count)) await chat.addUser(...user);
  return chat;
}

// Runs shell commands as they are shown, and shows what they print.
async function shell(chat, ...commands) {
  const texts = [];
  for (const command of commands) {
    const { port } = new URL(chat.url);
    const real = command.replaceAll(":5001", `:${port}`);
    const { stdout } = await promisify(execFile)("sh", ["-c", real], { cwd: chat.folder });
    const answer = stdout.replaceAll("\r", "").trimEnd();
    texts.push(`$ ${command}\n${fold(answer)}`);
  }
  return texts.join("\n");
}

// A command that sends JSON.
function curlJson(path, body, options = "") {
  return (
    `curl ${options}http://127.0.0.1:5001${path} \\\n` +
    `    -H "Content-Type: application/json" \\\n` +
    `    -d '${body}'`
  );
}

// In the console of a lobby: listens as if it were a page of user 1. Returns
// what it prints, which goes on.
async function listenAsAda(chat, user) {
  const { page, lines } = await openConsole(browser, `${chat.url}/front/lobby`, user);
  await until(() => lines.includes("connected to the server"), "the lobby's line");
  lines.length = 0;
  await page.evaluate(`
    const ada = io({ auth: { user_id: 1 }, forceNew: true });
    ada.on("direct-message", ({ author, content }) => console.log(author.nickname, content));
    ada.on("connect_error", (error) => console.log(error.message));
    new Promise((resolve) => ada.on("connect", resolve).on("connect_error", resolve));
  `);
  return lines;
}

// In the console of a page that is not the chat's: listens as if it were a page
// of user 1. Returns what it prints, which goes on.
async function listenFromElsewhere(website, url, user) {
  const { page, lines } = await openConsole(browser, url, user);
  await page.goto(website);
  lines.length = 0;
  await page.evaluate(`
    var socket = new WebSocket("${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket");
    socket.onmessage = ({ data }) => {
      if (data.startsWith("0")) socket.send('40{"user_id":1}');
      else if (data === "2") socket.send("3");
      else console.log(data);
    };
    socket.onclose = ({ code }) => console.log("closed:", code);
  `);
  await until(() => lines.length > 0, "the first line of the console");
  return lines;
}

// What a step's program says that must refuse to start in this folder.
function refusal(step, cwd, settings) {
  const { status, stderr } = spawnSync(program(step), {
    cwd,
    env: { ...process.env, ADDRESS: "127.0.0.1:0", RUST_LOG: "warn", ...settings },
    encoding: "utf8",
    timeout: 20_000,
  });
  if (status !== 1) throw new Error(`it ended with ${status}`);
  return stderr;
}

// Each of these records some files: it returns { name: text }.
const RECORDINGS = [
  async function step15() {
    const chat = await start("step-15");
    return {
      "step-15-start": `$ cargo run -p step-15\n${chat.printed[0]}`,
      "step-15-curl": await shell(
        chat,
        curlJson("/api/users", JSON.stringify(ADA)),
        curlJson("/api/users", JSON.stringify(BOB)),
        curlJson("/api/messages", '{"author_id":1,"recipient_id":2,"content":"Hi Bob!"}'),
        "curl http://127.0.0.1:5001/api/users/2/messages",
      ),
      "step-15-error": await shell(
        chat,
        curlJson("/api/messages", '{"author_id":1,"recipient_id":2,"content":"  "}', "-i "),
      ),
    };
  },

  async function step16() {
    const chat = await startWithUsers("step-16", 2);
    const url = "http://127.0.0.1:5001/socket.io/?EIO=4&transport=polling";
    const handshake = await shell(chat, `curl "${url}"`);
    const page = await openPage(browser, `${chat.url}/front/messages/1`);
    await until(() => chat.printed.length === 2, "Ada's acknowledgement");
    await openPage(browser, `${chat.url}/front/messages/2`);
    await until(() => chat.printed.length === 3, "Bob's acknowledgement");
    return {
      "step-16-handshake": handshake,
      "step-16-server": `$ cargo run -p step-16\n${chat.printed.join("\n")}`,
      "step-16-browser": page.lines.join("\n"),
    };
  },

  // Ada writes to Bob, while Eve's page is open as well.
  async function step17() {
    const chat = await startWithUsers("step-17", 3);
    const pages = [];
    for (const id of [1, 2, 3]) {
      const way = await gate(chat);
      const opened = await openPage(browser, `${way.url}/front/messages/${id}`);
      await until(() => chat.printed.length === 1 + id, "connect-ack");
      way.open();
      await opened.sent("5");
      pages.push({ ...opened, way });
    }
    const [ada, bob, eve] = pages;

    await ada.page.fill("#send-form [name=content]", "Hi Bob!");
    await ada.page.selectOption("#send-form [name=recipient_id]", "2");
    await ada.page.press("#send-form [name=content]", "Enter");
    await bob.received('42["direct-message"');

    // When a message for Eve has come, everything before it has.
    await chat.send({ id: 1 }, { id: 3 }, "for Eve");
    await eve.received('42["direct-message"');
    const untilThen = eve.log.filter(({ text }) => !text.includes("for Eve"));

    const files = {
      "step-17-frames": packets(withoutUpkeep(bob.log), transport),
      "step-17-third": packets(withoutUpkeep(untilThen), transport),
    };
    pages.forEach(({ way }) => way.remove());
    return files;
  },

  // Ada speaks in the lobby.
  async function step18() {
    const chat = await start("step-18");
    const way = await gate(chat);
    const { page, log, sent, received } = await openPage(browser, `${way.url}/front/lobby`);
    await until(() => chat.printed.length === 2, "connect-ack");
    way.open();
    await sent("5");
    await page.fill("[name=handle]", "ada");
    await page.fill("[name=message]", "Hello, all!");
    await page.press("[name=message]", "Enter");
    await received("43");
    way.remove();
    return { "step-18-frames": packets(withoutUpkeep(log), transport) };
  },

  // What a page asks that has the first of two messages, and a mistake.
  async function step19() {
    const chat = await startWithUsers("step-19", 2);
    await chat.send({ id: 1 }, { id: 2 }, "Hi Bob!");
    await chat.send({ id: 1 }, { id: 2 }, "Are you there?");
    const path = "http://127.0.0.1:5001/api/users/2/messages";
    return {
      "step-19-catch-up": await shell(
        chat,
        `curl "${path}?after=1&limit=500"`,
        `curl "${path}?after=2&limit=500"`,
        `curl "${path}?after=1&before=2"`,
      ),
    };
  },

  // A message that is sent twice, and its key used for another one; and what
  // the step before says to this database.
  async function step20() {
    const chat = await startWithUsers("step-20", 2);
    const curl = (content) =>
      `curl -i http://127.0.0.1:5001/api/messages \\\n` +
      `    -H "Content-Type: application/json" \\\n` +
      `    -d '{"author_id":1,"recipient_id":2,"content":"${content}","key":"4f1d"}'`;
    const key = await shell(chat, curl("hello"), curl("hello"), curl("goodbye"));
    await chat.stop();
    const older = refusal("step-19", chat.folder, { DATABASE: "chat.db" });
    return {
      "step-20-key": key,
      "step-20-older": `$ cargo run -p step-19\n${fold(older.trimEnd())}`,
    };
  },

  // What anybody could do at the step before, and what comes of it now.
  async function step21() {
    const before = await startWithUsers("step-20", 2);
    await before.send({ id: 2 }, { id: 1 }, "Meet me at noon.");
    const forged = '{"author_id":1,"recipient_id":2,"content":"I will not come."}';
    const nobody = await shell(
      before,
      "curl http://127.0.0.1:5001/api/messages",
      curlJson("/api/messages", forged),
    );
    const listened = await listenAsAda(before);
    await before.send({ id: 2 }, { id: 1 }, "Why not?");
    await until(() => listened.length > 0, "Ada's message");

    const chat = await start("step-21");
    const signUp = (user, password, jar) =>
      curlJson("/api/users", JSON.stringify({ ...user, password }), `-i -c ${jar} `)
        .replace(',"password"', ',\n         "password"');
    const signedUp = await shell(
      chat,
      "curl -i http://127.0.0.1:5001/api/messages",
      signUp(ADA, "ada counts seven green boats", "ada.jar"),
      "curl -b ada.jar http://127.0.0.1:5001/api/me",
    );
    await shell(chat, signUp(BOB, "bob waters nine old cacti", "bob.jar"));
    const own = '{"recipient_id":1,"content":"See you at noon."}';
    const yours = await shell(
      chat,
      "curl -b bob.jar http://127.0.0.1:5001/api/users/1/messages",
      curlJson("/api/messages", forged, "-b bob.jar "),
      curlJson("/api/messages", own, "-b bob.jar "),
    );
    const eve = await chat.addUser("eve", "Eve Baker");
    const lines = await listenAsAda(chat, eve);
    // Sometimes the client has begun a WebSocket by then, and the browser says so.
    const refused = () => lines.filter((line) => !line.startsWith("WebSocket connection to "));
    await until(() => refused().length > 0, "the refusal");
    return {
      "step-21-nobody": nobody,
      "step-21-sign-up": signedUp,
      "step-21-yours": yours,
      "step-21-listen-before": listened.join("\n"),
      "step-21-listen-after": refused().join("\n"),
    };
  },

  // What a page of another program at the same host can do, and can't.
  async function step22() {
    const website = await foreignWebsite("localhost");
    const spy = async (step) => {
      const chat = await start(step);
      const ada = await chat.addUser("ada", "Ada Lovelace");
      const bob = await chat.addUser("bob", "Bob Kahn");
      const url = chat.url.replace("127.0.0.1", "localhost");
      const lines = await listenFromElsewhere(website.url, url, ada);
      await chat.send(bob, ada, "Meet me at noon.");
      await until(() => lines.length > 1, "what the console prints");
      return { chat, text: lines.join("\n").replaceAll(new URL(url).port, "5001") };
    };
    const before = await spy("step-21");
    const after = await spy("step-22");
    website.close();
    const setting = { PUBLIC_URL: "chat.example.org" };
    const refused = refusal("step-22", after.chat.folder, setting);
    return {
      "step-22-spy-before": fold(before.text),
      "step-22-spy-after": after.text.replace(" failed: ", " failed:\n  "),
      "step-22-says": await whatBrowsersSay(browser),
      "step-22-curl": await shell(
        after.chat,
        'curl -i -H "Origin: http://localhost:3000" http://127.0.0.1:5001/api/me',
        'curl -H "Sec-Fetch-Site: cross-site" http://127.0.0.1:5001/api/me',
      ),
      "step-22-start": `$ PUBLIC_URL=chat.example.org cargo run -p step-22\n${fold(refused.trimEnd())}`,
    };
  },

  // Who asks too often, waits too long, or has no session.
  async function step23() {
    const guesses =
      "for i in $(seq 200); do\n" +
      "    curl -s -o /dev/null -w '%{http_code}\\n' -H 'Content-Type: application/json' \\\n" +
      `      -d '{"nickname":"ada","password":"guess"}' http://127.0.0.1:5001/api/sessions\n` +
      "  done | sort | uniq -c";
    const before = await startWithUsers("step-22", 1);
    const chat = await startWithUsers("step-23", 1);
    // From before the connection: the server counts from a little later.
    const half =
      `bash -c 'TIMEFORMAT="%0R seconds"; time {\n` +
      `    exec 3<>/dev/tcp/127.0.0.1/5001; printf "GET / HTTP/1.1\\r\\n" >&3; cat <&3\n` +
      `  }' 2>&1`;
    const real = half.replace("/5001", `/${new URL(chat.url).port}`);
    const ended = await promisify(execFile)("sh", ["-c", real]);
    const start = (...settings) => {
      const refused = refusal("step-23", chat.folder, Object.fromEntries(settings));
      const text = settings.map(([name, value]) => `${name}=${value} `).join("");
      return `$ ${text}cargo run -p step-23\n${fold(refused.trimEnd())}`;
    };
    return {
      "step-23-guesses-before": await shell(before, guesses),
      "step-23-guesses-after": await shell(chat, guesses),
      "step-23-half": `$ ${half}\n${ended.stdout.trimEnd()}`,
      "step-23-socket": await shell(
        chat,
        'curl -w " %{http_code}" "http://127.0.0.1:5001/socket.io/?EIO=4&transport=websocket"',
      ),
      "step-23-start": [
        start(["LIMITS", "off"], ["ADDRESS", "0.0.0.0:5001"]),
        start(["LIMITS", "on"]),
      ].join("\n"),
    };
  },

  async function refusals() {
    const chat = await startWithUsers("step-17", 1);
    const unknown = await WebSocketByHand.connect(chat, '{"user_id":99}');
    const text = await WebSocketByHand.connect(chat, '{"user_id":"ada"}');
    const nothing = await WebSocketByHand.connect(chat);
    for (const socket of [unknown, text, nothing]) socket.hangUp();
    return {
      "step-17-refused": packets(withoutUpkeep(unknown.log)),
      "wire-refused": [text, nothing].map(({ log }) => packets(log.slice(3))).join("\n\n"),
    };
  },

  // How many copies of one private message are sent.
  async function copies() {
    const rows = ["open pages   to everybody   to two rooms"];
    for (const count of [10, 100]) {
      const examples = await start("book-examples");
      const chat = await start("step-17");
      for (let id = 1; id <= count; id += 1) await chat.addUser(`user${id}`);
      const private_ = { nickname: "user2", content: "Hi!" };
      const everybody = await tally(examples, count, async ([first, second]) => {
        first.emit("like_the_original", private_);
        await until(() => second.copies === 1, "the message");
      });
      const rooms = await tally(chat, count, () => chat.send({ id: 1 }, { id: 2 }, "Hi!"));
      rows.push(
        `${count}`.padStart(10) + `${everybody}`.padStart(15) + `${rooms}`.padStart(15),
      );
    }
    return { "step-17-broadcast": rows.join("\n") };
  },

  async function webSocket() {
    const chat = await startWithUsers("step-17", 1);
    const socket = await WebSocketByHand.connect(chat, '{"user_id":1}');
    const frames = socket.log.map(
      (frame) => `${hexadecimal(frame)}\n${fold(`  ${frame.text}`)}`,
    );
    socket.log.length = 0;
    socket.sendClose();
    await until(() => socket.ended, "the end of the connection");
    const close = socket.log.map(hexadecimal);
    return {
      "websocket-upgrade": `${socket.request}${socket.response}`,
      "websocket-frames": frames.join("\n\n"),
      "websocket-close": close.join("\n"),
    };
  },

  // A connection by HTTP alone, then its change to WebSocket.
  async function polling() {
    const chat = await startWithUsers("step-17", 1);
    const host = `Host: ${new URL(chat.url).host}`;
    const ask = async (request) => `${request}${fold(await exchange(chat, request))}`;

    const at = "/socket.io/?EIO=4&transport=polling";
    const open = await ask(`GET ${at} HTTP/1.1\n${host}\n\n`);
    const sid = `&sid=${/"sid":"([^"]+)"/.exec(open)[1]}`;
    const get = `GET ${at}${sid} HTTP/1.1\n${host}\n\n`;
    const ping = await ask(get);
    // Lines end in two bytes on the wire, and a port has four digits here.
    const size = (text) => Buffer.byteLength(text.replaceAll("\n", "\r\n"));
    const [request] = steady(ping).split("HTTP/1.1 200", 1);
    const answer = steady(ping).slice(request.length);
    const body = '3\x1e40{"user_id":1}';
    const post = `POST ${at}${sid} HTTP/1.1\n${host}\nContent-Length: ${body.length}\n\n${body}`;
    const send = `${post}\n\n${await exchange(chat, post)}`;
    const poll = await ask(get);

    // This poll waits until the WebSocket takes over.
    const last = exchange(chat, get);
    const socket = await WebSocketByHand.open(chat, sid);
    const [, noop] = (await last).split("\n\n");
    socket.send("2probe");
    await socket.received("3probe");
    socket.send("5");
    await chat.send({ id: 1 }, { id: 1 }, "Buy milk");
    await socket.received("42");
    socket.hangUp();
    const overWebSocket = socket.log.map((frame) => ({ ...frame, transport: "websocket" }));
    // One text, so that the id of the connection is the same in all parts.
    const change = packets([{ transport: "polling", text: noop }, ...overWebSocket], transport);
    const parts = [open, ping, send, poll, change];
    const bytes = [
      ["", "request", "answer"],
      ["by polling", size(request), size(answer)],
      ["as a WebSocket frame", 0, 3],
    ];
    const sizes = bytes
      .map(([what, out, back]) => what.padEnd(22) + `${out}`.padStart(7) + `${back}`.padStart(8))
      .join("\n");
    const names = [
      "wire-poll-open",
      "wire-poll-ping",
      "wire-poll-send",
      "wire-poll-get",
      "wire-upgrade",
    ];
    const texts = steady(parts.join("\f")).split("\f");
    const files = names.map((name, index) => [name, texts[index]]);
    return { ...Object.fromEntries(files), "websocket-size": sizes };
  },

  async function packetsByHand() {
    const chat = await startWithUsers("step-17", 1);
    const socket = await WebSocketByHand.connect(chat, '{"user_id":1}');
    socket.log.length = 0;
    socket.send("40/nowhere,");
    await socket.received("44/nowhere,");
    socket.hangUp();

    const examples = await start("book-examples");
    const asking = await WebSocketByHand.connect(examples);
    asking.log.length = 0;
    asking.send('427["question","Is it?"]');
    await asking.received("437");
    asking.hangUp();
    return { "wire-namespace": packets(socket.log), "wire-ack": packets(asking.log) };
  },

  // The server asks at once and then every 25 seconds whether the client is
  // still there, and gives up when no answer comes within 20.
  async function heartbeat() {
    const chat = await startWithUsers("step-17", 1);
    const answering = await WebSocketByHand.connect(chat, '{"user_id":1}');
    const silent = await WebSocketByHand.open(chat);
    await until(() => silent.ended, "the end of a silent client", 30);
    const pings = () => answering.log.filter(({ text }) => text === "2");
    await until(() => pings().length === 2, "the second ping", 30);
    answering.send("3");
    answering.hangUp();
    const texts = silent.log.filter(({ opcode }) => opcode === 1);
    return {
      "wire-ping": packets(answering.log.filter(({ text }) => /^[23]$/.test(text)), seconds),
      "wire-silent": packets(texts, seconds),
    };
  },

  async function endpoints() {
    const chat = await start("step-17");
    const ask = async (method, path, body, headers = JSON_TYPE) => {
      const sent = typeof body === "object" ? JSON.stringify(body) : body;
      const options = { method, body: sent, redirect: "manual" };
      if (sent) options.headers = headers;
      const response = await fetch(chat.url + path, options);
      return { request: `${method} ${path}`, sent, response, text: await response.text() };
    };
    const show = async (...question) => {
      const { request, sent, response, text } = await ask(...question);
      const location = response.headers.get("location");
      return [
        request,
        sent && `\n${sent}`,
        `\n${response.status} ${response.statusText}`,
        location && `location: ${location}`,
        text && JSON.stringify(JSON.parse(text), null, 2),
      ].filter(Boolean).join("\n");
    };
    const message = { author_id: 1, recipient_id: 2, content: "Hi Bob!" };

    const files = {
      "api-root": await show("GET", "/"),
      "api-alive": await show("GET", "/db/alive"),
      "api-version": await show("GET", "/api/version"),
      "api-add-user": await show("POST", "/api/users", ADA),
    };
    await chat.addUser("bob", "Bob Kahn");
    files["api-users"] = await show("GET", "/api/users");
    files["api-user"] = await show("GET", "/api/users/1");
    files["api-send"] = await show("POST", "/api/messages", message);
    await chat.send({ id: 2 }, { id: 1 }, "Hi Ada!");
    files["api-messages"] = await show("GET", "/api/messages?limit=1");
    files["api-user-messages"] = await show("GET", "/api/users/1/messages?before=2");

    const mistakes = [
      ["a body that is not JSON", "POST", "/api/messages", "hello"],
      ["an unknown user", "GET", "/api/users/99"],
      ["an id that is not a number", "GET", "/api/users/ada"],
      ["an unknown path", "GET", "/api/nothing"],
      ["a method that the path does not take", "DELETE", "/api/users"],
      ["a nickname that is taken", "POST", "/api/users", ADA],
      ["a body over 64 KiB", "POST", "/api/messages", "x".repeat(65_537)],
      ["a body that does not say that it is JSON", "POST", "/api/messages",
        JSON.stringify(message), { "Content-Type": "text/plain" }],
      ["a field that is missing", "POST", "/api/messages", { author_id: 1, recipient_id: 2 }],
      ["a blank content", "POST", "/api/messages", { ...message, content: " " }],
      ["a content that is too long", "POST", "/api/messages",
        { ...message, content: "x".repeat(2001) }],
      ["a limit that is too high", "GET", "/api/messages?limit=501"],
    ];
    const errors = [];
    for (const [what, ...question] of mistakes) {
      const { response, text } = await ask(...question);
      errors.push(`${what}\n${response.status} ${fold(text)}`);
    }
    files["api-errors"] = errors.join("\n\n");
    return files;
  },

  // The browser's side of "Functions side by side", run in a page.
  async function functions() {
    const examples = await start("book-examples");
    const { page, lines } = await openPage(browser, examples.url);
    await page.addScriptTag({ path: CLIENT_FILE });
    await page.addScriptTag({ path: path.join(ROOT, "tools/book-examples/page.js"), type: "module" });
    await until(() => lines.at(-1)?.startsWith("answer:"), "the script's last line");
    return { "functions-console": lines.join("\n") };
  },

  async function trouble() {
    const chat = await start("step-17");
    const { port } = new URL(chat.url);
    const folder = mkdtempSync(path.join(os.tmpdir(), "trouble-"));
    const letter = "letter.txt";
    writeFileSync(path.join(folder, letter), "Dear Bob, I am no database. ".repeat(40));
    const says = (settings) => refusal("step-17", folder, settings).replace("; ", ";\n  ");
    const files = {
      "trouble-port": says({ ADDRESS: `127.0.0.1:${port}` }),
      "trouble-file": says({ DATABASE: letter }),
      "trouble-session": await shell(
        chat,
        'curl "http://127.0.0.1:5001/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA"',
        'curl "http://127.0.0.1:5001/socket.io/?EIO=3&transport=polling"',
      ),
    };
    rmSync(folder, { recursive: true });
    return files;
  },
];

// Connects `count` users' clients, has one message sent, and counts the copies
// that arrive.
async function tally(chat, count, send) {
  const sockets = [];
  for (let id = 1; id <= count; id += 1) {
    const auth = { user_id: id };
    const socket = io(chat.url, { auth, transports: ["websocket"], forceNew: true, reconnection: false });
    socket.copies = 0;
    socket.onAny(() => (socket.copies += 1));
    sockets.push(socket);
  }
  await until(() => sockets.every((socket) => socket.connected), "the clients");
  await send(sockets);
  await Promise.all(sockets.map(thereAndBack));
  sockets.forEach((socket) => socket.io.engine.close());
  return sockets.reduce((sum, socket) => sum + socket.copies, 0);
}

// When this is done, everything that the server sent before has arrived. Each
// server refuses a namespace that it does not have.
function thereAndBack(socket) {
  const nowhere = socket.io.socket("/nowhere");
  return new Promise((resolve) => nowhere.once("connect_error", resolve));
}

async function record() {
  build("book-examples");
  browser = await playwright.chromium.launch({ executablePath: chromium() });

  const recorded = await Promise.all(RECORDINGS.map((recording) => recording()));
  const files = Object.entries(Object.assign({}, ...recorded));
  return files.map(([name, text]) => [`${name}.txt`, `${steady(text).trimEnd()}\n`]);
}

function write(files, folder) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) writeFileSync(path.join(folder, name), text);
}

// Shows how what was recorded differs from what the book shows.
function check(files) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "transcripts-"));
  write(files, folder);
  const { status } = spawnSync("diff", ["-ruN", OUTPUT, folder], { stdio: "inherit" });
  rmSync(folder, { recursive: true });
  if (status !== 0) {
    console.error("\nThe book shows other output than the programs give: run npm run transcripts");
    process.exitCode = 1;
  }
}

try {
  const files = await record();
  if (process.argv.includes("--check")) {
    check(files);
  } else {
    for (const old of readdirSync(OUTPUT, { recursive: true })) rmSync(path.join(OUTPUT, old));
    write(files, OUTPUT);
  }
  console.log(`recorded ${files.length} files`);
} finally {
  await browser?.close();
  await Promise.all(running.map((chat) => chat.remove()));
}
