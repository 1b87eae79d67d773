// The book's table of what works when.

import path from "node:path";

import { BEHAVIOURS } from "./behaviours.js";
import { EXPECTED } from "./expectations.js";
import { ROOT, STEPS, number } from "./steps.js";

export const TABLE_FILE = path.join(ROOT, "book/src/what-works.md");

export function table() {
  const numbers = STEPS.map(number);
  const rows = Object.entries(BEHAVIOURS).map(([name, { title, why, topic }]) => {
    const cells = numbers.map((n) => (EXPECTED[name][n] ? "works" : "not yet"));
    const first = numbers.find((n) => EXPECTED[name][n]);
    const last = first ? "" : ` It comes with a lesson on ${topic}.`;
    return row([`**${title}.** ${why}${last}`, ...cells]);
  });
  return [
    "# What works when",
    "",
    "Each lesson adds something that you can see. This table says what: a line for each",
    "thing that a chat should do, a column for each lesson. All of it was tried: a real",
    "browser runs each line against each lesson, and the build fails when a single cell",
    "is wrong. You find the checks in `tools/browser/behaviours.js`.",
    "",
    row(["What people see", ...numbers]),
    row(["---", ...numbers.map(() => ":-:")]),
    ...rows,
    "",
  ].join("\n");
}

function row(cells) {
  return `| ${cells.join(" | ")} |`;
}
