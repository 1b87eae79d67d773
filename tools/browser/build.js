// Before the first test: builds all steps, once, and asks a server that does
// not find the Socket.IO client where it is.

import { spawnSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import path from "node:path";

import { needsPostgres } from "./postgres.js";
import { Program } from "./program.js";
import { CLIENT_FILE, NEWEST, ROOT, STEPS } from "./steps.js";

const FOLDER = path.dirname(CLIENT_FILE);
const AWAY = `${FOLDER}.away`;

export default async function prepare() {
  if (existsSync(AWAY)) renameSync(AWAY, FOLDER);
  if (!existsSync(CLIENT_FILE)) {
    throw new Error(`the Socket.IO client is missing: run npm ci in ${ROOT}`);
  }
  build();

  process.env.REDIRECT_TO_CDN = JSON.stringify(await redirectToCdn());
}

export function build(...others) {
  const names = [...STEPS, ...others];
  if (STEPS.some(needsPostgres)) names.push("postgres-here");
  const packages = names.flatMap((name) => ["--package", name]);
  const { error, status } = spawnSync("cargo", ["build", "--locked", ...packages], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (error) throw error;
  if (status !== 0) throw new Error("cargo build failed");
}

// What a server answers that does not find the client: it is away meanwhile.
async function redirectToCdn() {
  renameSync(FOLDER, AWAY);
  let program;
  try {
    program = await Program.start(NEWEST);
    const address = `${program.url}/vendor/socket.io.min.js`;
    const { status, headers } = await fetch(address, { redirect: "manual" });
    return { status, headers: [...headers] };
  } finally {
    renameSync(AWAY, FOLDER);
    await program?.remove();
  }
}
