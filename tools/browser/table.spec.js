// The table in the book, and what it is made from.

import { readFileSync } from "node:fs";

import { BEHAVIOURS } from "./behaviours.js";
import { EXPECTED } from "./expectations.js";
import { STEPS, number } from "./steps.js";
import { TABLE_FILE, table } from "./table.js";
import { expect, test } from "./test.js";

test("the book has the table that the checks agree with", () => {
  const inTheBook = readFileSync(TABLE_FILE, "utf8");
  expect(inTheBook, "npm run table writes it").toBe(table());
});

test("each behaviour has an expectation, and the other way round", () => {
  expect(Object.keys(EXPECTED)).toEqual(Object.keys(BEHAVIOURS));
});

test("what no step has is promised for a lesson to come, and nothing else is", () => {
  for (const [name, { topic }] of Object.entries(BEHAVIOURS)) {
    const comes = !STEPS.some((step) => EXPECTED[name][number(step)]);
    expect(topic !== undefined, name).toBe(comes);
  }
});
