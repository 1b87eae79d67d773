// Shows that tests can fail: makes each change of breaks.js in a step, one at a
// time, runs the test that needs the line, and takes the change back. Ends with
// 0 when each test was red. `node breaks.mjs 19`, or a part of a test's name
// behind the number.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { BREAKS } from "./breaks.js";
import { ROOT } from "./steps.js";

process.on("uncaughtException", ({ message }) => {
  console.error(message);
  process.exit(2);
});

const [lesson, part = ""] = process.argv.slice(2);
const step = `step-${lesson}`;
if (!BREAKS[lesson]) fail(`say which step: ${Object.keys(BREAKS).join(", ")}`);
// What a run that is interrupted leaves behind, git can take back.
if (run("git", ["status", "--porcelain", step], ROOT).stdout) fail(`commit what is in ${step}: it gets changed`);

let green = 0;
for (const { test, rust, file, take, put } of BREAKS[lesson]) {
  const name = test ?? rust;
  if (!name.includes(part)) continue;
  const address = path.join(ROOT, step, file);
  const original = readFileSync(address, "utf8");
  if (original.split(take).length !== 2) fail(`${file} must have this once: ${take}`);
  // A function, since a text may have `$&`.
  writeFileSync(address, original.replace(take, () => put));
  let isRed;
  try {
    isRed = rust ? rustIsRed(rust) : pageIsRed(test);
  } finally {
    writeFileSync(address, original);
  }
  console.log(`${isRed ? "red" : "STILL GREEN"}: ${name} (${file})`);
  if (!isRed) green++;
}
process.exitCode = green > 0 ? 1 : 0;

// Whether the test ran on this step, and failed.
function pageIsRed(name) {
  const cli = createRequire(import.meta.url).resolve("@playwright/test/cli");
  const pattern = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const options = ["test", "--grep", pattern, "--reporter", "json", "--retries", "0"];
  const { stdout } = run(process.execPath, [cli, ...options], fileURLToPath(new URL(".", import.meta.url)), step);
  const { expected, unexpected } = JSON.parse(stdout.slice(stdout.indexOf("{\n"))).stats;
  if (expected + unexpected !== 1) fail(`${expected + unexpected} tests are called ${name}`);
  return unexpected === 1;
}

function rustIsRed(name) {
  const { status, stdout } = run("cargo", ["test", "--quiet", "--package", step, "--lib", "--test", "it", name], ROOT);
  if (!/running 1 test\b/.test(stdout)) fail(`no test is called ${name}, or it does not build`);
  return status !== 0;
}

function run(command, parameters, cwd, chat) {
  const { error, ...ended } = spawnSync(command, parameters, {
    cwd,
    env: chat ? { ...process.env, CHAT: chat } : process.env,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (error) throw error;
  return ended;
}

// Thrown, so that what was changed is taken back.
function fail(text) {
  throw new Error(text);
}
