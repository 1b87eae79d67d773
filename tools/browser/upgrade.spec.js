// Going on with the next step: what was written before is there.

import { spawnSync } from "node:child_process";

import { NEWEST, number, program, STEPS } from "./steps.js";
import { SignInPage } from "./sign-in-page.js";
import { expect, since, test } from "./test.js";

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
      const [newAda, newEve] = [await chat.letIn(ada), await chat.letIn(eve)];
      // Later steps know more of a message, and say less of its people.
      const after = await chat.messagesOf(newAda);
      expect(after).toMatchObject(before.map(withoutEmails));
      const adasPage = await open(newAda);
      await expect(adasPage.texts).toHaveText(["hello", "hello, ada"]);
      await adasPage.send(newEve, "and eve");
      expect(await chat.messagesOf(newEve)).toHaveLength(1);
    });
  });
}

// Signing in begins with step-21: until then users have no passwords.
test.describe("a browser has unsent messages, and the chat goes on as step-21", () => {
  since(21);
  test.use({ step: "step-20", allowedErrors: /net::ERR_|status of 40\d/ });

  test("they are sent, once, when their author has a password and signs in", async ({
    chat,
    open,
    ada,
    bob,
  }) => {
    const adasPage = await open(ada);
    const { page } = adasPage;
    await chat.stop();
    await adasPage.live("disconnected");
    for (const text of ["one", "two"]) await adasPage.write(bob, text);
    await expect(adasPage.unsentTexts).toHaveText(["one", "two"]);

    // The page is still the old one: it is refused, and keeps them.
    await chat.startAgain({ step: "step-21" });
    await adasPage.live("refused");
    await expect(adasPage.states).toHaveText(["Waiting to be sent …", "Waiting to be sent …"]);
    await page.reload();
    const signIn = new SignInPage(page);
    await expect(signIn.heading).toHaveText("Sign in");
    await signIn.signIn(ada.nickname);
    await expect(signIn.error).toHaveText("The nickname or the password is wrong.");

    chat.setPassword(ada.nickname);
    await signIn.signIn(ada.nickname);

    await expect(adasPage.texts).toHaveText(["one", "two"]);
    await expect(adasPage.unsent).toHaveCount(0);
    await adasPage.settled();
    await expect(adasPage.texts).toHaveText(["one", "two"]);
    const stored = await chat.messagesOf(await chat.letIn(bob));
    expect(stored.map(({ content }) => content)).toEqual(["one", "two"]);
  });
});

// From step-21 on nobody is told of another one's address.
function withoutEmails({ author, recipient, ...message }) {
  const { email: _authors, ...withoutAuthors } = author;
  const { email: _recipients, ...withoutRecipients } = recipient;
  return { ...message, author: withoutAuthors, recipient: withoutRecipients };
}

// The last lesson that changed the schema of a file.
const CHANGED = 24;

test.describe("a database of the last lesson that changed the schema of a file", () => {
  test.use({ step: `step-${CHANGED}` });

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
});
