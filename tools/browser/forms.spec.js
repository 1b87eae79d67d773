// Forms whose scripts are still on their way, as they are on a slow network: on
// the newest step, and on the last ones whose forms are others.

import { pathOfMessages } from "./people.js";
import { NEWEST, number } from "./steps.js";
import { expect, since, test, upTo } from "./test.js";
import { hold } from "./user-page.js";

const SCRIPTS = "**/static/*.js";

// What a person types into each kind of field.
const TYPED = { email: "grace@example.org", default: "do not lose this" };

// Fills in a page's form and presses Enter before the scripts are there, and
// again once they are. The page must still be there then, with what was typed.
async function typeEarly(userPage, url) {
  const { page } = userPage;
  const go = await hold(page, SCRIPTS);
  await page.goto(url, { waitUntil: "commit" });
  const form = page.locator("main form");
  const fields = form.locator("input, textarea");
  const button = form.getByRole("button").first();
  await expect(button).toBeVisible();
  for (const field of await fields.all()) {
    const kind = await field.getAttribute("type");
    await field.fill(TYPED[kind] ?? TYPED.default);
    await field.press("Enter");
  }
  await button.click({ force: true });

  go();
  await expect(button).toBeEnabled();
  await expect(page).toHaveURL(url);
  for (const field of await fields.all()) {
    await expect(field).toHaveValue(/^(do not lose this\n?|grace@example\.org)$/);
  }
}

function tests(paths) {
  for (const [name, path] of Object.entries(paths)) {
    test(`what is typed into the form of ${name} before its scripts are there stays`, async ({
      chat,
      newPage,
      ada,
    }) => {
      const isOpen = name.startsWith("sign");
      await typeEarly(await newPage(isOpen ? null : ada), chat.url + path(ada));
    });
  }
}

const messages = pathOfMessages;
const lobby = () => "/front/lobby";
const users = () => "/front/users";

test.describe("before the outbox", () => {
  upTo(19);
  tests({ messages, users });
});

test.describe("on the newest step", () => {
  tests({ messages });
  if (number(NEWEST) >= 18) tests({ lobby });
});

test.describe("with sign-in", () => {
  since(21);
  tests({ "sign-in": () => "/front/sign-in", "sign-up": () => "/front/sign-up" });
});
