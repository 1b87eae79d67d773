// What all tests are given: a chat with three users, and a way to open pages.

import { test as base, expect } from "@playwright/test";

import { Cable } from "./cable.js";
import { Chat, signInBrowser } from "./people.js";
import { NEWEST, number, STEPS } from "./steps.js";
import { UserPage } from "./user-page.js";
import { foreignWebsite } from "./website.js";

export { expect };

// Says from which lesson on a test holds, or all tests of a file. An older
// lesson does without: a reader's own step may be one.
export function since(lesson) {
  base.skip(number(NEWEST) < lesson, `from step-${lesson} on`);
}

// Runs the tests of a group on the last step up to this lesson: what they say
// is another thing from the next one on.
export function upTo(lesson) {
  const step = STEPS.findLast((it) => number(it) <= lesson);
  base.skip(!step, `up to step-${lesson}`);
  test.use({ step: step ?? NEWEST });
}

// Lets the browser find names on this computer that are not known to be its
// own: to these, browsers say less of where a request comes from.
export function namesHere(names) {
  const rule = `--host-resolver-rules=MAP ${names} 127.0.0.1`;
  return async ({ launchOptions }, use) =>
    use({ ...launchOptions, args: [...(launchOptions.args ?? []), rule] });
}

// The settings of a chat to which a test sends more than a person may; steps
// without limits take no notice.
export const UNLIMITED = { LIMITS: "off" };

export const test = base.extend({
  // Which step runs.
  step: [NEWEST, { option: true }],

  // Variables of the chat's environment.
  settings: [{}, { option: true }],

  chat: async ({ step, settings }, use) => {
    const chat = await Chat.start(step, undefined, settings);
    await use(chat);
    await chat.remove();
  },

  ada: async ({ chat }, use) => use(await chat.addUser("ada", "Ada Lovelace")),
  bob: async ({ chat, ada }, use) => use(await chat.addUser("bob", "Bob Kahn")),
  eve: async ({ chat, bob }, use) => use(await chat.addUser("eve", "Eve Baker")),

  cable: async ({ chat }, use) => {
    const cable = await Cable.to(chat);
    await use(cable);
    cable.remove();
  },

  // By which name of this computer the browser knows the website.
  elsewhere: ["127.0.0.1", { option: true }],

  website: async ({ elsewhere }, use) => {
    const website = await foreignWebsite(elsewhere);
    await use(website);
    website.close();
  },

  // Which errors may stand in the browser's console; no others may.
  allowedErrors: [/^$/, { option: true }],

  // Makes a page in a window of its own, with cookies of its own: its user is
  // signed in there. `tabOf` makes it a tab beside another page; another user's
  // tab signs that one in.
  newPage: async ({ browser, chat, allowedErrors }, use) => {
    const contexts = [];
    const thrown = [];
    const errors = [];
    await use(async (user, { tabOf, ...look } = {}) => {
      if (tabOf) {
        const context = tabOf.page.context();
        if (user !== tabOf.user) await signInBrowser(context, user, chat.url);
        return new UserPage(await context.newPage(), user);
      }
      const context = await browser.newContext(look);
      contexts.push(context);
      await signInBrowser(context, user, chat.url);
      context.on("weberror", (error) => thrown.push(error.error().message));
      context.on("console", (line) => line.type() === "error" && errors.push(line.text()));
      return new UserPage(await context.newPage(), user);
    });
    await Promise.all(contexts.map((context) => context.close()));
    expect(thrown).toEqual([]);
    expect(errors.filter((error) => !allowedErrors.test(error))).toEqual([]);
  },

  // Opens a user's messages page.
  open: async ({ chat, newPage }, use) => {
    await use(async (user, { url = chat.url, ...options } = {}) => {
      const page = await newPage(user, options);
      await page.open(url);
      return page;
    });
  },
});
