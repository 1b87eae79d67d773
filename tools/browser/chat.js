// A running chat: the real program of a step, on a free port, with a database
// of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

import { program } from "./steps.js";

export class Chat {
  // What the program printed on stdout since it was started last.
  printed = [];

  static async start(step) {
    const chat = new Chat();
    chat.step = step;
    chat.folder = await mkdtemp(path.join(tmpdir(), `${step}-`));
    await chat.#run("127.0.0.1:0", "chat.db");
    return chat;
  }

  // A chat that is running already.
  static at(url) {
    return Object.assign(new Chat(), { url });
  }

  // Starts the program again at the address that it had: with the same
  // database, or with a new one.
  async startAgain({ database = "chat.db" } = {}) {
    await this.#run(new URL(this.url).host, database);
  }

  // Ends the program as Ctrl-C does.
  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await ended;
  }

  async remove() {
    await this.stop();
    await rm(this.folder, { recursive: true });
  }

  async #run(address, database) {
    this.child = spawn(program(this.step), {
      cwd: this.folder,
      env: { ...process.env, ADDRESS: address, DATABASE: database, RUST_LOG: "warn" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.printed = [];
    const lines = createInterface({ input: this.child.stdout });
    lines.on("line", (line) => this.printed.push(line));
    const [line] = await Promise.race([
      once(lines, "line"),
      once(this.child, "exit").then(() => {
        throw new Error(`${this.step} did not start`);
      }),
    ]);
    this.url = line.match(/http:\/\/\S+/)[0];
  }

  // Adds a user by the API.
  addUser(nickname, name = nickname) {
    return this.#post("/api/users", { nickname, name, email: `${nickname.slice(0, 80)}@example.org` });
  }

  // Sends a message by the API, as a program would.
  send(author, recipient, content) {
    return this.#post("/api/messages", {
      author_id: author.id,
      recipient_id: recipient.id,
      content,
    });
  }

  // The messages that the server has of a user.
  async messagesOf(user) {
    const answer = await fetch(`${this.url}/api/users/${user.id}/messages`);
    return answer.json();
  }

  async #post(path, body) {
    const answer = await fetch(this.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.json();
  }
}
