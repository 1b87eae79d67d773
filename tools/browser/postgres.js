// A PostgreSQL for the steps that need one: one for the whole run, which ends
// with the program that has started it, and a database for each chat.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { number, program } from "./steps.js";

// Where it is, as HOST:PORT: for the processes that this one starts, too.
const PLACE = "COURSE_POSTGRES";

const HERE = program("postgres-here");

// Whether a step keeps its data there.
export const needsPostgres = (step) => number(step) >= 25;

let starting;

// Adds an empty database; returns its URL.
export async function newDatabase() {
  starting ??= process.env[PLACE] ? Promise.resolve() : start();
  await starting;
  const url = new URL(`postgres://chat@${process.env[PLACE]}`);
  const name = `browser_${process.pid}_${databases++}`;
  run("createdb", ["--maintenance-db", `${url}/postgres`, name]);
  return `${url}/${name}`;
}

let databases = 0;

export function dropDatabase(url) {
  const { pathname } = new URL(url);
  const other = new URL("/postgres", url).href;
  run("dropdb", ["--force", "--maintenance-db", other, pathname.slice(1)]);
}

// Runs a statement; says how many rows it has changed.
export function changeRows(url, statement) {
  const tag = run("psql", ["--no-psqlrc", "--dbname", url, "--command", statement]);
  return Number(/\d+$/.exec(tag.trim())[0]);
}

function run(command, parameters) {
  const { error, status, stdout, stderr } = spawnSync(HERE, [command, ...parameters], {
    encoding: "utf8",
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

async function start() {
  // It ends when the pipe to it does.
  const child = spawn(HERE, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [place] = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(() => {
      throw new Error("there is no PostgreSQL");
    }),
  ]);
  process.env[PLACE] = place;
  lines.close();
  // This program does not wait for it.
  for (const it of [child, child.stdin, child.stdout]) it.unref();
}
