// The book's table of what works when.

import path from "node:path";

import { BEHAVIOURS } from "./behaviours.js";
import { EXPECTED } from "./expectations.js";
import { ROOT, STEPS, number } from "./steps.js";

const SAYS = { true: "**works**", false: "*not yet*", null: "–" };

export const TABLE_FILE = path.join(ROOT, "book/src/what-works.md");

export function table() {
  const numbers = STEPS.map(number);
  const groups = new Map([...numbers.map((n) => [n, []]), [undefined, []]]);
  const rows = Object.entries(BEHAVIOURS).map(([name, behaviour]) => {
    const works = EXPECTED[name];
    groups.get(numbers.find((n) => works[n])).push(behaviour);
    return row([behaviour.title, ...numbers.map((n) => SAYS[works[n]])]);
  });
  return [
    "# What works when",
    "",
    "Each lesson adds something that you can see. In this table a line is something that a",
    "chat should do, and a column is a lesson. It was tried: a real browser runs each",
    "line against each lesson, and `npm --prefix tools/browser test` fails when a single cell",
    "is wrong. Only where a dash is, nothing was tried: to flood a chat takes long, and the earlier",
    "lessons have nothing against it. You find the checks in `tools/browser/behaviours.js`.",
    "",
    // Here the theme shows the words as symbols.
    '<div class="matrix">',
    "",
    row(["What people see", ...numbers]),
    row(["---", ...numbers.map(() => ":-:")]),
    ...rows,
    "",
    "</div>",
    "",
    ...[...groups].flatMap(([first, behaviours]) => section(first, behaviours)),
  ].join("\n");
}

// What works from a lesson on, or not yet, and why.
function section(first, behaviours) {
  if (behaviours.length === 0) return [];
  return [
    first ? `## From step-${first} on` : "## Not yet",
    "",
    ...behaviours.flatMap(({ title, why, topic }) => {
      const last = topic ? ` It comes with a lesson on ${topic}.` : "";
      return [`**${title}.** ${why}${last}`, ""];
    }),
  ];
}

function row(cells) {
  return `| ${cells.join(" | ")} |`;
}
