// Going on with the next step: what was written before is there.

import { STEPS } from "./steps.js";
import { expect, test } from "./test.js";

for (const [index, step] of STEPS.slice(0, -1).entries()) {
  const next = STEPS[index + 1];

  test.describe(`the database of ${step}`, () => {
    test.use({ step });

    test(`opens in ${next} with nothing lost`, async ({ chat, open, ada, bob, eve }) => {
      await chat.send(ada, bob, "hello");
      await chat.send(bob, ada, "hello, ada");
      const before = await chat.messagesOf(ada);

      await chat.stop();
      await chat.startAgain({ step: next });

      const version = await (await fetch(`${chat.url}/api/version`)).json();
      expect(version).toEqual({ version: next });
      expect(await chat.messagesOf(ada)).toEqual(before);
      const adasPage = await open(ada);
      await expect(adasPage.texts).toHaveText(["hello", "hello, ada"]);
      await adasPage.send(eve, "and eve");
      expect(await chat.messagesOf(eve)).toHaveLength(1);
    });
  });
}
