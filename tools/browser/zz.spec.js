import { STEPS, number } from "./steps.js";
import { test, UNLIMITED } from "./test.js";
const AT = Number(process.env.AT ?? 100), ROUNDS = 10;
for (const step of STEPS.filter((s) => number(s) >= 17)) {
  test.describe(step, () => {
    test.use({ step, allowedErrors: /./, settings: UNLIMITED });
    test(`order ${step}`, async ({ chat, open, ada, bob, eve }) => {
      const page = await open(bob);
      await page.page.evaluate(() => {
        window.heard = [];
        for (const s of window.keptSockets) s.onAny((_e, m) => window.heard.push(m.id));
      });
      const ds = [];
      let t = 0;
      for (let r = 0; r < ROUNDS; r++) {
        const t0 = Date.now();
        await Promise.all(Array.from({ length: AT }, (_, i) => chat.send(i % 2 ? ada : eve, bob, "hello")));
        await page.settled();
        t += Date.now() - t0;
        const heard = await page.page.evaluate(() => window.heard.splice(0));
        let d = heard.length === AT ? 0 : `${heard.length}!`;
        for (let i = 1; i < heard.length; i++) if (heard[i] < heard[i - 1]) d++;
        ds.push(d);
      }
      console.log(`RESULT ${step} ${ds.join(" ")} ms per round ${t / ROUNDS}`);
    });
  });
}
