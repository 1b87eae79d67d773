// The steps, as the folders have them, and the program of each.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

// A reader's own step, `mine-17`, if CHAT in the environment names one; `step-17`
// is tested in the same way. It is the only step then.
export const MINE = process.env.CHAT;

// "step-15", "step-16", … in order.
export const STEPS = MINE
  ? [MINE]
  : readdirSync(ROOT)
      .filter((folder) => /^step-\d+$/.test(folder))
      .sort((a, b) => number(a) - number(b));

export const NEWEST = STEPS.at(-1);

export const CLIENT_FILE = path.join(
  ROOT,
  "node_modules/socket.io-client/dist/socket.io.min.js",
);

// The number of a step, or of a reader's own one.
export function number(step) {
  return Number(step.replace(/^(step|mine)-/, ""));
}

let target;

// Where cargo puts a step's program.
export function program(step) {
  target ??= JSON.parse(
    execFileSync(
      "cargo",
      ["metadata", "--locked", "--no-deps", "--format-version", "1"],
      { cwd: ROOT, encoding: "utf8", maxBuffer: 2 ** 26 },
    ),
  ).target_directory;
  const file = process.platform === "win32" ? `${step}.exe` : step;
  return path.join(target, "debug", file);
}
