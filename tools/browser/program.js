// The real program of a step, running on a free port with a database of its
// own. What its chat understands is not known here: people.js knows.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

import { dropDatabase, needsPostgres, newDatabase } from "./postgres.js";
import { program as executable } from "./steps.js";

export class Program {
  // What the program printed on stdout since it was started last.
  printed = [];

  // The URLs of the databases that it has had, by their names, for a step that
  // keeps them in PostgreSQL.
  #urls = new Map();

  // The programs that were started beside this one.
  #beside = [];

  // Starts a step's program, on a free port unless the address says another;
  // `settings` are variables of its environment. What it logs is shown, or goes
  // into a pipe.
  static async start(step, address = "127.0.0.1:0", settings = {}, log = "inherit") {
    const program = new this();
    program.step = step;
    program.settings = settings;
    program.log = log;
    program.folder = await mkdtemp(path.join(tmpdir(), `${step}-`));
    await program.#run(address, await program.#place("chat.db"));
    return program;
  }

  // Starts one more program of the step on the same database. It ends with this
  // one at the latest.
  async startBeside(address = "127.0.0.1:0") {
    const { step, settings, log, folder } = this;
    const other = Object.assign(new this.constructor(), { step, settings, log, folder });
    await other.#run(address, this.database);
    this.#beside.push(other);
    return other;
  }

  // A program that is running already.
  static at(url) {
    return Object.assign(new this(), { url });
  }

  // Starts the program again at the address that it had: with the same
  // database, or with a new one; the same step's, or another one's, which
  // imports the database if it must.
  async startAgain({ database = "chat.db", step = this.step } = {}) {
    const moves = needsPostgres(step) && !needsPostgres(this.step);
    this.step = step;
    if (moves) {
      this.database = await this.#place(database);
      this.command(["import", database]);
    }
    await this.#run(new URL(this.url).host, await this.#place(database));
  }

  // Runs a command of the program on the same database, whether it is running
  // or not. The command reads `input`.
  command(parameters, input) {
    const { status, stderr } = spawnSync(executable(this.step), parameters, {
      cwd: this.folder,
      encoding: "utf8",
      env: { ...process.env, DATABASE: this.database, RUST_LOG: "warn" },
      input,
    });
    if (status !== 0) throw new Error(stderr);
  }

  // Ends the program as Ctrl-C does.
  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await ended;
  }

  // Ends it in the middle of whatever it does.
  async kill() {
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }

  async remove() {
    for (const program of [...this.#beside, this]) await program.stop();
    for (const url of this.#urls.values()) dropDatabase(url);
    await rm(this.folder, { recursive: true });
  }

  // What DATABASE says of a database.
  async #place(name) {
    if (!needsPostgres(this.step)) return name;
    if (!this.#urls.has(name)) this.#urls.set(name, await newDatabase());
    return this.#urls.get(name);
  }

  async #run(address, database) {
    this.database = database;
    this.child = spawn(executable(this.step), {
      cwd: this.folder,
      env: {
        ...process.env,
        ADDRESS: address,
        DATABASE: database,
        RUST_LOG: "warn",
        ...this.settings,
      },
      stdio: ["ignore", "pipe", this.log],
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
}
