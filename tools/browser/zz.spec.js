import { STEPS, number } from "./steps.js";
import { test } from "./test.js";
const TOTAL = Number(process.env.TOTAL ?? 300), WRITERS = Number(process.env.WRITERS ?? 16);
for (const step of STEPS.filter((s) => number(s) >= 17)) {
  test.describe(step, () => {
    test.use({ step, allowedErrors: /./ });
    test(`order ${step}`, async ({ chat, open, ada, bob, eve }) => {
      const page = await open(bob);
      await page.page.evaluate(() => {
        window.heard = [];
        for (const s of window.keptSockets) s.onAny((_e, m) => window.heard.push(m.id));
      });
      const t0 = Date.now();
      let n = 0;
      const writer = async (who) => { while (n < TOTAL) { n++; await chat.send(who, bob, "hello"); } };
      await Promise.all(Array.from({ length: WRITERS }, (_, i) => writer(i % 2 ? ada : eve)));
      const t = Date.now() - t0;
      await page.settled();
      const heard = await page.page.evaluate(() => window.heard);
      let first = -1, d = 0;
      for (let i = 1; i < heard.length; i++) if (heard[i] < heard[i - 1]) { d++; if (first < 0) first = i; }
      console.log(`RESULT ${step} heard ${heard.length}/${n} descents ${d} first ${first} ms ${t}`);
    });
  });
}
