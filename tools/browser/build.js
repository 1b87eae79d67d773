// Before the first test: builds all steps, once, and starts a chat that does
// not find the Socket.IO client.

import { spawnSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import path from "node:path";

import { Chat } from "./chat.js";
import { CLIENT_FILE, NEWEST, ROOT, STEPS } from "./steps.js";

const FOLDER = path.dirname(CLIENT_FILE);
const AWAY = `${FOLDER}.away`;

export default async function prepare() {
  if (existsSync(AWAY)) renameSync(AWAY, FOLDER);
  if (!existsSync(CLIENT_FILE)) {
    throw new Error(`the Socket.IO client is missing: run npm ci in ${ROOT}`);
  }
  build();

  const chat = await startWithoutClient();
  process.env.CHAT_WITHOUT_CLIENT = chat.url;
  return () => chat.remove();
}

export function build() {
  const packages = STEPS.flatMap((step) => ["--package", step]);
  const { error, status } = spawnSync("cargo", ["build", "--locked", ...packages], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (error) throw error;
  if (status !== 0) throw new Error("cargo build failed");
}

// A chat looks for the client once, before its first answer: until then the
// client is away.
async function startWithoutClient() {
  renameSync(FOLDER, AWAY);
  try {
    const chat = await Chat.start(NEWEST);
    await fetch(chat.url);
    return chat;
  } finally {
    renameSync(AWAY, FOLDER);
  }
}
