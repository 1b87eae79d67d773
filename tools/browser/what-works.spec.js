// Runs each behaviour's check against each step.

import { BEHAVIOURS } from "./behaviours.js";
import { EXPECTED } from "./expectations.js";
import { MINE, STEPS, number } from "./steps.js";
import { expect, test } from "./test.js";

const SAYS = { true: "works", false: "not yet" };

for (const step of STEPS) {
  test.describe(step, () => {
    test.use({ step, allowedErrors: /./ });

    for (const [name, { title, settings = {}, check }] of Object.entries(BEHAVIOURS)) {
      const cell = EXPECTED[name]?.[number(step)];
      if (cell === null) continue;
      const expected = SAYS[cell];
      // A reader may be ahead of the lessons.
      if (MINE && expected !== SAYS.true) continue;

      test.describe(() => {
        test.use({ settings });

        test(`${title}: ${expected}`, async ({ chat, cable, website, open, newPage, ada, bob, eve }) => {
          expect(expected, `expectations.js says nothing of ${name} in ${step}`).toBeDefined();
          const works = await check({ chat, cable, website, open, newPage, ada, bob, eve });
          expect(SAYS[works], name).toBe(expected);
        });
      });
    }
  });
}
