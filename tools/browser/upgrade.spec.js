// Going on with the next step: what was written before is there.

import { spawnSync } from "node:child_process";

import { NEWEST, number, program, STEPS } from "./steps.js";
import { expect, test } from "./test.js";

// Each step's database in the next one, and in the newest.
const PAIRS = STEPS.slice(0, -1).flatMap((step, index) =>
  [...new Set([STEPS[index + 1], NEWEST])].map((next) => [step, next]),
);

for (const [step, next] of PAIRS) {
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
      // Later steps know more of a message.
      expect(await chat.messagesOf(ada)).toMatchObject(before);
      const adasPage = await open(ada);
      await expect(adasPage.texts).toHaveText(["hello", "hello, ada"]);
      await adasPage.send(eve, "and eve");
      expect(await chat.messagesOf(eve)).toHaveLength(1);
    });
  });
}

// The last lesson that changed the schema.
const CHANGED = 20;

for (const step of STEPS.filter((it) => number(it) < CHANGED)) {
  test(`${step} does not open a newer database, and changes nothing in it`, async ({
    chat,
    ada,
    bob,
  }) => {
    await chat.send(ada, bob, "hello");
    const before = await chat.messagesOf(ada);
    await chat.stop();

    const { status, stderr } = spawnSync(program(step), {
      cwd: chat.folder,
      encoding: "utf8",
      env: { ...process.env, ADDRESS: "127.0.0.1:0", DATABASE: "chat.db", RUST_LOG: "off" },
      timeout: 20_000,
    });

    expect(stderr).toContain("was written by a newer version of this chat");
    expect(status).toBe(1);
    await chat.startAgain();
    expect(await chat.messagesOf(ada)).toEqual(before);
  });
}
