// Runs each command that the README, the book and mine/README.md tell a reader
// to type, in order, in a folder as a reader has it: `npm run commands`. Of some
// pages alone: `npm run commands -- step-25`.
//
// A command that serves is started, waited for, asked for its page, and ended
// before the next one, unless that is a server at another ADDRESS. PostgreSQL
// runs until the end of the lesson's last page, and is empty when it begins.
// What can't be run here, or has to fail, is in commands-list.js with the
// reason; an entry there that no command needs is an error.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";

import { FAIL, SKIP } from "./commands-list.js";
import { ROOT } from "./steps.js";

const CHAT = "127.0.0.1:5001";
// What the commands make. A reader who begins has none of it.
const DATABASES = ["chat.db", "second.db"].flatMap((name) => [name, `${name}-wal`, `${name}-shm`]);
const MADE = [...DATABASES, "ada.jar", "bob.jar", "mine/16"].map((file) => path.join(ROOT, file));
// Where `cargo x postgres` keeps its data, and where when it can't.
const POSTGRES = [path.join(ROOT, "target/postgres"), "/var/tmp/course-postgres"];
const LOCK = path.join(ROOT, "Cargo.lock");
const PATIENCE = 300_000;
const WORTH_SAYING = 5;
const POSTGRES_PORT = "54325";

// The commands that serve: at which port, and what they print when they do.
const SERVERS = [
  {
    like: /(^| )cargo run( --offline)? -p (step|mine)-\d+$/,
    port: (command) => /(?:^| )ADDRESS=\S+:(\d+)/.exec(command)?.[1] ?? "5001",
    says: /the chat is at (http:\S+)/,
  },
  { like: /^mdbook serve book$/, port: () => "3000", says: /Serving on: (http:\S+)/ },
  { like: /^cargo x postgres$/, port: () => POSTGRES_PORT, says: /ready to accept connections/ },
];

// The pages in the order in which a reader meets them.
function pages() {
  const summary = readFileSync(path.join(ROOT, "book/src/SUMMARY.md"), "utf8");
  const chapters = [...summary.matchAll(/\]\((.*?)\)/g)].map(([, page]) => `book/src/${page}`);
  return ["README.md", ...chapters, "mine/README.md"];
}

// The `sh` blocks of a page, each with its line and its commands.
function blocks(page) {
  const text = readFileSync(path.join(ROOT, page), "utf8");
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(({ 1: code, index }) => ({
    place: `${page}:${text.slice(0, index).split("\n").length}`,
    commands: commands(code),
  }));
}

// A line is a command, unless it goes on: after a backslash, or up to `done`.
function commands(code) {
  const found = [];
  let command = "";
  for (const line of code.split("\n")) {
    const words = line.replace(/(^|\s)#.*/, "").trimEnd();
    if (!words) continue;
    command += command ? `\n${words}` : words;
    const open = /\\$/.test(words) || (/^for /.test(command) && words !== "done");
    if (open) continue;
    found.push(command);
    command = "";
  }
  if (command) throw new Error(`a command without an end: ${command}`);
  return found;
}

const serverOf = (command) => SERVERS.find(({ like }) => like.test(command));

const portOf = (command) => serverOf(command)?.port(command);

const lessonOf = (page) => /step-\d+/.exec(page)?.[0];

// Whether a command serves where nothing does by default.
const isOneMore = (command) => ![undefined, "5001", "3000"].includes(portOf(command));

// Whether what serves goes on: a question to the chat is for the program that
// the page ran last.
const goesOn = (command) => command.includes(CHAT) || isOneMore(command);

const made = () => MADE.filter((file) => existsSync(file));

class Reader {
  // What serves, by its port.
  #servers = new Map();

  constructor() {
    const running = POSTGRES.some((it) => existsSync(path.join(it, "postmaster.pid")));
    if (running) throw new Error("end `cargo x postgres` first");
    for (const folder of POSTGRES) rmSync(folder, { recursive: true, force: true });
    const there = made();
    if (there.length > 0) throw new Error(`move this away first: ${there.join(", ")}`);
    this.lock = readFileSync(LOCK);
  }

  // Runs a command to its end; returns its exit code and what it printed.
  async run(command) {
    const child = this.#spawn(command);
    const printed = listen(child);
    const [code] = await within(once(child, "close"), command);
    return { code, text: printed.text };
  }

  // Starts a command that serves; returns when its page can be asked for.
  async serve(command) {
    const child = this.#spawn(command);
    const printed = listen(child);
    const { port, says } = serverOf(command);
    this.#servers.set(port(command), { command, child });
    const ended = once(child, "close").then(() => {
      throw new Error(`it ended: ${printed.text}`);
    });
    ended.catch(() => {});
    const said = (async () => {
      for (;;) {
        const found = says.exec(printed.text);
        if (found) return found[1];
        await printed.more();
      }
    })();
    const url = await within(Promise.race([said, ended]), command);
    if (!url) return;
    const { ok, status } = await within(Promise.race([ask(url), ended]), url);
    if (!ok) throw new Error(`${url} answers ${status}`);
  }

  // Ends what serves at a port, as Ctrl-C does.
  async stop(port) {
    const { command, child } = this.#servers.get(port) ?? {};
    this.#servers.delete(port);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    process.kill(-child.pid, "SIGINT");
    await within(closed, `the end of ${command}`);
  }

  // Ends all that serves, but for the PostgreSQL.
  async stopAll() {
    const ports = [...this.#servers.keys()].filter((port) => port !== POSTGRES_PORT);
    for (const port of ports) await this.stop(port);
  }

  // Ends a page: the next one finds the folder as this one did.
  async turn() {
    await this.stopAll();
    for (const file of made()) rmSync(file, { recursive: true });
    writeFileSync(LOCK, this.lock);
  }

  // Ends a lesson.
  async end() {
    await this.turn();
    await this.stop(POSTGRES_PORT);
    for (const folder of POSTGRES) rmSync(folder, { recursive: true, force: true });
  }

  #spawn(command) {
    return spawn("bash", ["-ec", command], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  }
}

// Asks for a page, again and again until somebody answers: mdBook says where it
// serves before it does.
async function ask(url) {
  for (;;) {
    try {
      return await fetch(url);
    } catch {
      await setTimeout(100);
    }
  }
}

function listen(child) {
  const printed = { text: "" };
  let wake = () => {};
  printed.more = () => new Promise((resolve) => (wake = resolve));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (part) => {
      printed.text += part;
      wake();
    });
  }
  return printed;
}

async function within(promise, what) {
  const stop = new AbortController();
  const late = setTimeout(PATIENCE, null, { signal: stop.signal }).then(() => {
    throw new Error(`waited too long for ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}

const secondsSince = (time) => Math.round((performance.now() - time) / 1000);

// Which entry of a list is for this command, if any. It is marked as needed.
function entry(list, command) {
  const found = list.find((it) => it.command === command);
  if (found) found.needed = true;
  return found;
}

const only = process.argv[2];
const read = pages().filter((page) => !only || page.includes(only));
const reader = new Reader();
const problems = [];
let count = 0;
try {
  for (const [i, page] of read.entries()) {
    for (const { place, commands } of blocks(page)) {
      if (!commands.some(goesOn)) await reader.stopAll();
      for (const command of commands) {
        if (entry(SKIP, command)) continue;
        const fails = entry(FAIL, command);
        console.log(`${place}  ${command.split("\n")[0]}`);
        count += 1;
        const began = performance.now();
        try {
          if (serverOf(command)) {
            await reader.stop(portOf(command));
            await reader.serve(command);
          } else {
            const { code, text } = await reader.run(command);
            if ((code !== 0) !== Boolean(fails)) {
              throw new Error(`it ends with ${code}\n${text.split("\n").slice(-12).join("\n")}`);
            }
          }
        } catch (error) {
          problems.push(`${place}  ${command}\n${error.message}`);
        }
        const took = secondsSince(began);
        if (took > WORTH_SAYING) console.log(`    took ${took} seconds`);
      }
    }
    await reader.turn();
    if (lessonOf(page) !== lessonOf(read[i + 1] ?? "")) await reader.end();
  }
} finally {
  await reader.end();
}
for (const { command, needed } of only ? [] : [...SKIP, ...FAIL]) {
  if (!needed) problems.push(`commands-list.js: no page has the command: ${command}`);
}
if (problems.length > 0) {
  console.error(`\n${problems.join("\n\n")}`);
  process.exitCode = 1;
}
console.log(`\nran ${count} commands in ${secondsSince(0)} seconds, ${problems.length} problems`);
