// What is written and sent, in the words of the tests.

import { expect } from "@playwright/test";

import { isPost, MESSAGES } from "./people.js";

export const THREE = ["one", "two", "three"];

export async function writeAll(userPage, recipient, texts) {
  for (const text of texts) await userPage.write(recipient, text);
}

// What the server has of a user, and that each is there once is seen by it.
export async function stored(chat, user) {
  return (await chat.messagesOf(user)).map(({ content }) => content);
}

// Waits until the page has nothing more to send and shows these messages, each
// once and in this order, and the server has the same.
export async function expectSent(chat, userPage, texts) {
  await expect(userPage.unsent).toHaveCount(0, { timeout: 20_000 });
  await userPage.settled();
  await expect(userPage.texts).toHaveText(texts);
  expect(await stored(chat, userPage.user)).toEqual(texts);
}

// Answers each message of a page by the next of these answers, then by the
// chat's own. Returns what was sent so far, and when.
export async function answerBy(page, ...answers) {
  const sent = [];
  await page.route(MESSAGES, (route) => {
    if (!isPost(route.request())) return route.continue();
    sent.push({ at: Date.now(), ...route.request().postDataJSON() });
    const answer = answers.shift();
    if (answer === undefined) return route.continue();
    if (answer === "none") return route.abort();
    return route.fulfill(answer);
  });
  return sent;
}
