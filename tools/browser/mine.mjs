// Tests the pages of a reader's own step: `node mine.mjs mine-17`, as `cargo x
// test 17` does. Ends with 0 when they are green, with 1 when one is red, and
// with 3 when they can't be tested; then it says what to install.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { chromium } from "./chromium.js";
import { CLIENT_FILE } from "./steps.js";

const UNTESTED = 3;
const require = createRequire(import.meta.url);

const [name = ""] = process.argv.slice(2);
if (!/^(mine|step)-\d+$/.test(name)) {
  console.error("say whose pages: node mine.mjs mine-17");
  process.exit(UNTESTED);
}
const needed = missing();
if (needed.length > 0) {
  console.log(`The page's half was not tested: ${needed.join("; ")}.`);
  process.exit(UNTESTED);
}
// What is red waits long: a few of them say enough.
const options = ["--reporter=list", "--max-failures=5"];
const playwright = [require.resolve("@playwright/test/cli"), "test", ...options];
const { status } = spawnSync(process.execPath, playwright, {
  cwd: fileURLToPath(new URL(".", import.meta.url)),
  env: { ...process.env, CHAT: name },
  stdio: "inherit",
});
process.exitCode = status ?? 1;

// What is not there, each with what to do about it.
function missing() {
  const words = [];
  const { node } = process.versions;
  if (Number.parseInt(node) < 20) words.push(`install Node 20 or newer, this is ${node}`);
  if (!existsSync(CLIENT_FILE)) words.push("run `npm ci` in the course's folder");
  if (!finds("@playwright/test")) words.push("run `npm --prefix tools/browser ci`");
  try {
    chromium();
  } catch (error) {
    words.push(error.message);
  }
  return words;
}

function finds(name) {
  try {
    return Boolean(require.resolve(name));
  } catch {
    return false;
  }
}
