// Nothing is missed, on the newest step: whatever comes while a page is not
// live, it fetches.

import { CATCH_UP, pathOfMessages } from "./people.js";
import { expect, since, test, UNLIMITED } from "./test.js";
import { hold } from "./user-page.js";

// What the browser itself says of requests to a server that is away, and of
// answers that are not 2xx. Some tests send thousands of messages at once.
test.use({ allowedErrors: /net::ERR_|status of [45]\d\d/, settings: UNLIMITED });

since(19);

const texts = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `message ${from + i}`);

// Sends messages, one after the other.
async function sendAll(chat, author, recipient, contents) {
  for (const content of contents) await chat.send(author, recipient, content);
}

// Answers each catch-up of a page by the next of these statuses, then by the
// chat's own answer. Returns what was asked so far.
async function answerBy(page, ...statuses) {
  const asked = [];
  await page.route(CATCH_UP, (route) => {
    asked.push(route.request().url());
    const status = statuses.shift();
    if (status === undefined) return route.continue();
    if (status === "none") return route.abort();
    return route.fulfill({ status, json: { error: "not now" } });
  });
  return asked;
}

// Makes the pauses between two tries short, and keeps how long they were to be.
function shortenPauses(page) {
  return page.addInitScript(() => {
    window.pauses = [];
    const wait = window.setTimeout;
    window.setTimeout = (act, ms, ...rest) => {
      if (!new Error().stack.includes("catch-up.js")) return wait(act, ms, ...rest);
      window.pauses.push(ms);
      return wait(act, ms / 100, ...rest);
    };
  });
}

test.describe("the cursor", () => {
  test("a live message does not hide what is still being fetched", async ({
    chat,
    cable,
    open,
    ada,
    bob,
  }) => {
    await sendAll(chat, ada, bob, texts(1, 10));
    const bobsPage = await open(bob, { url: cable.url });
    cable.pull();
    await bobsPage.live("disconnected");
    await sendAll(chat, ada, bob, texts(11, 15));
    await hold(bobsPage.page, CATCH_UP);
    cable.putBack();
    await bobsPage.live("catching-up");
    await chat.send(ada, bob, "message 16");
    await expect(bobsPage.texts).toHaveText([...texts(1, 10), "message 16"]);

    cable.pull();
    await bobsPage.live("disconnected");
    await bobsPage.page.unroute(CATCH_UP);
    cable.putBack();

    await bobsPage.live("connected");
    await expect(bobsPage.texts).toHaveText(texts(1, 16));
  });

  test("a live message does not hide the one before it, whose event got lost", async ({
    chat,
    cable,
    open,
    ada,
    bob,
  }) => {
    const bobsPage = await open(bob, { url: cable.url });
    const come = await bobsPage.loseEvents();
    await chat.send(ada, bob, "message 1");
    await bobsPage.settled();
    await come();
    await chat.send(ada, bob, "message 2");
    await expect(bobsPage.texts).toHaveText(["message 2"]);

    cable.pull();
    await bobsPage.live("disconnected");
    cable.putBack();

    await expect(bobsPage.texts).toHaveText(texts(1, 2));
  });

  test("the answer to one's own message does not hide the one before it", async ({
    chat,
    cable,
    open,
    ada,
    bob,
  }) => {
    const bobsPage = await open(bob, { url: cable.url });
    const come = await bobsPage.loseEvents();
    await chat.send(ada, bob, "message 1");
    await bobsPage.send(ada, "message 2");
    await expect(bobsPage.texts).toHaveText(["message 2"]);
    await bobsPage.settled();
    await come();

    cable.pull();
    await bobsPage.live("disconnected");
    cable.putBack();

    await expect(bobsPage.texts).toHaveText(texts(1, 2));
  });

  test("an answer that comes after the cut neither says Live nor counts", async ({
    chat,
    cable,
    open,
    ada,
    bob,
  }) => {
    const bobsPage = await open(bob, { url: cable.url });
    cable.pull();
    await bobsPage.live("disconnected");
    await sendAll(chat, ada, bob, texts(1, 3));
    // It comes for certain: the page is made deaf to its being given up.
    await bobsPage.page.evaluate(() => {
      const original = window.fetch;
      window.fetch = async (path, options) => {
        const answer = await original(path, { ...options, signal: undefined });
        window.fetch = original;
        await new Promise((resolve) => (window.letCome = resolve));
        return answer;
      };
    });
    cable.putBack();
    await bobsPage.page.waitForFunction(() => window.letCome);
    cable.pull();
    await bobsPage.live("disconnected");

    await bobsPage.page.evaluate(async () => {
      window.letCome();
      for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
    });
    await expect(bobsPage.body).toHaveAttribute("data-live", "disconnected");
    await expect(bobsPage.texts).toHaveCount(0);

    cable.putBack();
    await bobsPage.live("connected");
    await expect(bobsPage.texts).toHaveText(texts(1, 3));
  });
});

test.describe("three messages are there, once and in order, after", () => {
  test("the network was off", async ({ chat, open, ada, bob }) => {
    const bobsPage = await open(bob);
    await bobsPage.page.context().setOffline(true);
    await sendAll(chat, ada, bob, texts(1, 3));
    await bobsPage.page.context().setOffline(false);
    await expect(bobsPage.texts).toHaveText(texts(1, 3));
    await bobsPage.settled();
    await expect(bobsPage.texts).toHaveText(texts(1, 3));
  });

  test("the server was killed", async ({ chat, cable, open, ada, bob }) => {
    const bobsPage = await open(bob, { url: cable.url });
    await chat.kill();
    await bobsPage.live("disconnected");
    cable.pull();
    await chat.startAgain();
    await sendAll(chat, ada, bob, texts(1, 3));
    cable.putBack();
    await bobsPage.live("connected");
    await expect(bobsPage.texts).toHaveText(texts(1, 3));
  });

  test("the computer was asleep, though the connection still seems to be there", async ({
    chat,
    cable,
    open,
    ada,
    bob,
  }) => {
    const bobsPage = await open(bob, { url: cable.url });
    await bobsPage.hasWebSocket();
    cable.fallAsleep();
    await sendAll(chat, ada, bob, texts(1, 3));
    await expect(bobsPage.body).toHaveAttribute("data-live", "connected");

    await bobsPage.lookAgain();

    await expect(bobsPage.texts).toHaveText(texts(1, 3), { timeout: 5000 });
    expect(await bobsPage.page.evaluate(() => window.keptSockets[0].connected)).toBe(true);
  });
});

test.describe("a page whose event got lost has the message when", () => {
  const causes = {
    "it is looked at again": (bobsPage) => bobsPage.lookAgain(),
    "the network is back": ({ page }) => page.evaluate(() => dispatchEvent(new Event("online"))),
    "it comes out of the browser's store of pages": ({ page }) =>
      page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))),
    "a minute has passed": (bobsPage) => bobsPage.putClockForward(61),
  };
  for (const [name, cause] of Object.entries(causes)) {
    test(name, async ({ chat, open, ada, bob }) => {
      const bobsPage = await open(bob);
      const come = await bobsPage.loseEvents();
      await sendAll(chat, ada, bob, texts(1, 3));
      await bobsPage.settled();
      await come();
      await expect(bobsPage.texts).toHaveCount(0);
      await cause(bobsPage);
      await expect(bobsPage.texts).toHaveText(texts(1, 3));
    });
  }
});

test("a page that nobody looks at does not ask once a minute", async ({ open, bob }) => {
  const bobsPage = await open(bob);
  const asked = await answerBy(bobsPage.page);
  await bobsPage.page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
    window.ticks = 0;
    setInterval(() => window.ticks++, 2000);
  });
  await bobsPage.putClockForward(61);
  await bobsPage.page.waitForFunction(() => window.ticks === 2);
  expect(asked).toEqual([]);
});

test("the page says that it catches up, and is live only when it has", async ({
  chat,
  newPage,
  ada,
  bob,
}) => {
  const bobsPage = await newPage(bob);
  const go = await hold(bobsPage.page, CATCH_UP);
  await bobsPage.load(chat.url);
  await bobsPage.live("catching-up");
  await expect(bobsPage.sign).toHaveText("Catching up …");
  await chat.send(ada, bob, "hello");
  await expect(bobsPage.message("hello")).toBeVisible();
  await expect(bobsPage.body).toHaveAttribute("data-live", "catching-up");
  go();
  await bobsPage.live("connected");
  expect(await bobsPage.count("hello")).toBe(1);
});

test("an empty page begins at 0, any other one at its last message", async ({
  chat,
  newPage,
  ada,
  bob,
}) => {
  for (const expected of [0, 3]) {
    const bobsPage = await newPage(bob);
    const asked = await answerBy(bobsPage.page);
    await bobsPage.open(chat.url);
    expect(asked.map((url) => new URL(url).search)).toEqual([`?after=${expected}&limit=500`]);
    if (expected === 0) await sendAll(chat, ada, bob, texts(1, 3));
  }
});

test("a page of older messages neither connects nor asks", async ({ chat, newPage, ada, bob }) => {
  await sendAll(chat, ada, bob, texts(1, 3));
  const bobsPage = await newPage(bob);
  const asked = await answerBy(bobsPage.page);
  await bobsPage.page.goto(`${chat.url}${pathOfMessages(bob)}?before=3`);
  await bobsPage.lookAgain();
  await bobsPage.page.evaluate(() => dispatchEvent(new Event("online")));
  expect(await bobsPage.hasLiveSign()).toBe(false);
  await expect(bobsPage.texts).toHaveText(texts(1, 2));
  expect(asked).toEqual([]);
});

test("no network, 503, 408 and 429: the page asks again, later each time", async ({
  chat,
  newPage,
  ada,
  bob,
}) => {
  const bobsPage = await newPage(bob);
  await shortenPauses(bobsPage.page);
  const statuses = ["none", 503, 408, 429, 500, 502, "none", 504];
  const asked = await answerBy(bobsPage.page, ...statuses);
  await bobsPage.load(chat.url);
  await bobsPage.live("connected");

  await chat.send(ada, bob, "hello");
  expect(await bobsPage.count("hello")).toBe(1);
  expect(asked).toHaveLength(statuses.length + 1);
  const pauses = await bobsPage.page.evaluate(() => window.pauses);
  expect(pauses).toHaveLength(statuses.length);
  for (const [i, longest] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
    expect(pauses[i]).toBeGreaterThanOrEqual(longest * 500);
    expect(pauses[i]).toBeLessThanOrEqual(longest * 1000);
  }
});

test("an answer that is not the chat's is not the end", async ({ chat, newPage, ada, bob }) => {
  const bobsPage = await newPage(bob);
  await chat.send(ada, bob, "hello");
  let portals = 0;
  await bobsPage.page.route(CATCH_UP, (route) => {
    if (portals++ > 0) return route.continue();
    return route.fulfill({ contentType: "text/html", body: "<h1>Accept our terms</h1>" });
  });
  await bobsPage.load(chat.url);
  await bobsPage.live("connected");
  expect(portals).toBe(2);
});

test("what the server refuses for good is said, and not asked again", async ({
  chat,
  newPage,
  ada,
  bob,
}) => {
  const bobsPage = await newPage(bob);
  await shortenPauses(bobsPage.page);
  const asked = await answerBy(bobsPage.page, 404);
  await bobsPage.load(chat.url);
  await bobsPage.live("behind");
  await expect(bobsPage.sign).toHaveText("Live, but messages may be missing: reload.");

  await chat.send(ada, bob, "hello");
  await expect(bobsPage.message("hello")).toBeVisible();
  expect(asked).toHaveLength(1);
});

test("what was missed is marked until more is, and counted in one sentence", async ({
  chat,
  cable,
  open,
  ada,
  bob,
}) => {
  const bobsPage = await open(bob, { url: cable.url });
  const missed = bobsPage.page.locator("#missed");
  const marked = bobsPage.page.locator(".message.new .content");
  async function miss(...contents) {
    cable.pull();
    await bobsPage.live("disconnected");
    await sendAll(chat, ada, bob, contents);
    cable.putBack();
    await bobsPage.live("connected");
  }

  await chat.send(ada, bob, "live");
  await bobsPage.settled();
  await expect(missed).toBeEmpty();
  await expect(marked).toHaveCount(0);

  await miss("one", "two");
  await expect(marked).toHaveText(["one", "two"]);
  await expect(missed).toHaveText("New since this page was last live: 2");

  // The marks stay: this time it missed nothing.
  await miss();
  await chat.send(ada, bob, "live again");
  await bobsPage.settled();
  await expect(marked).toHaveText(["one", "two"]);

  await miss("three");
  await expect(marked).toHaveText(["three"]);
  await expect(missed).toHaveText("New since this page was last live: 1");
});

test("1,200 missed messages are all there, a few in each frame, and not read out", async ({
  chat,
  cable,
  open,
  ada,
  bob,
}) => {
  test.slow();
  const bobsPage = await open(bob, { url: cable.url });
  const asked = await answerBy(bobsPage.page);
  await bobsPage.page.evaluate(watchFrames);
  cable.pull();
  await bobsPage.live("disconnected");
  await sendAll(chat, ada, bob, texts(1, 1200));
  cable.putBack();
  await bobsPage.live("connected");

  await expect(bobsPage.texts).toHaveText(texts(1, 1200));
  await expect(bobsPage.texts.last()).toBeInViewport();
  await expect(bobsPage.page.locator("#missed")).toHaveText("New since this page was last live: 1200");
  expect(asked).toHaveLength(3);
  const { mostInAFrame, announced, longest, caughtUpIn } = await bobsPage.page.evaluate(() => window.watched);
  expect(mostInAFrame).toBe(50);
  expect(announced).toBe(0);
  // For people, who run this test alone: a time is no promise.
  console.log(`1,200 missed messages: shown after ${caughtUpIn} ms, ${longestTask(longest)}`);
});

// The browser tells of tasks over 50 ms only.
function longestTask(ms) {
  return ms === 0 ? "no task over 50 ms" : `longest task ${ms} ms`;
}

// In a page: counts how many messages are added in one frame, how many of them
// a screen reader is told of, and how long the longest task and the last
// catch-up took.
function watchFrames() {
  const list = document.querySelector("#messages");
  const watched = { mostInAFrame: 0, announced: 0, longest: 0, caughtUpIn: 0 };
  window.watched = watched;
  let inThisFrame = 0;
  const nextFrame = () => {
    inThisFrame = 0;
    requestAnimationFrame(nextFrame);
  };
  nextFrame();
  new MutationObserver((changes) => {
    const added = changes.reduce((sum, change) => sum + change.addedNodes.length, 0);
    inThisFrame += added;
    watched.mostInAFrame = Math.max(watched.mostInAFrame, inThisFrame);
    if (list.closest("[role=log]").ariaLive !== "off") watched.announced += added;
  }).observe(list, { childList: true });
  let began = 0;
  new MutationObserver(() => {
    if (document.body.dataset.live === "catching-up") began = Date.now();
    if (document.body.dataset.live === "connected") watched.caughtUpIn = Date.now() - began;
  }).observe(document.body, { attributeFilter: ["data-live"] });
  new PerformanceObserver((tasks) => {
    for (const { duration } of tasks.getEntries()) {
      watched.longest = Math.max(watched.longest, Math.round(duration));
    }
  }).observe({ type: "longtask" });
}

test("5,000 live messages do not cost the connection; older ones are a click away", async ({
  chat,
  open,
  ada,
  bob,
}) => {
  test.setTimeout(240_000);
  const bobsPage = await open(bob);
  const { page } = bobsPage;
  await page.evaluate(watchFrames);
  const asked = await answerBy(page);
  await page.evaluate(() => {
    window.cuts = 0;
    window.keptSockets[0].on("disconnect", () => window.cuts++);
  });

  const begin = Date.now();
  const sender = async (first) => {
    for (let i = first; i <= 5000; i += 16) await chat.send(ada, bob, `message ${i}`);
  };
  await Promise.all(Array.from({ length: 16 }, (_, i) => sender(i + 1)));
  const sent = Date.now();
  const stored = await chat.messagesOf(bob);
  await expect(bobsPage.texts.last()).toHaveText(stored.at(-1).content, { timeout: 60_000 });
  const shown = Date.now();

  await bobsPage.settled();
  await expect(bobsPage.messages).toHaveCount(2000);
  await expect(bobsPage.texts.last()).toBeInViewport();
  const shownIds = () =>
    page.$$eval("#messages > li", (items) => items.map((item) => Number(item.dataset.id)));
  const ids = await shownIds();
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  expect(await page.evaluate(() => window.cuts)).toBe(0);
  const { mostInAFrame, longest } = await page.evaluate(() => window.watched);
  expect(mostInAFrame).toBeLessThanOrEqual(50);

  // To fetch them all again shows none of the dropped ones, and marks none.
  await bobsPage.lookAgain();
  await bobsPage.settled();
  expect(asked.length).toBeGreaterThanOrEqual(11);
  expect(await shownIds()).toEqual(ids);
  await expect(page.locator(".message.new")).toHaveCount(0);
  await expect(page.locator("#missed")).toBeEmpty();

  await page.getByRole("link", { name: "Older messages" }).click();
  await expect(bobsPage.messages.last()).toHaveAttribute("data-id", String(ids[0] - 1));
  console.log(
    `5,000 live messages: sent in ${sent - begin} ms, ` +
      `the last one shown ${shown - sent} ms later, ${longestTask(longest)}`,
  );
});

test("who reads old messages keeps them, however many come", async ({ chat, open, ada, bob }) => {
  await sendAll(chat, ada, bob, texts(1, 40));
  const bobsPage = await open(bob);
  const oldest = bobsPage.texts.first();
  await oldest.scrollIntoViewIfNeeded();
  const fetched = await chat.messagesOf(bob);

  // As if they came live: the page's own way to show what comes.
  await bobsPage.page.evaluate((message) => {
    for (let id = 1000; id < 3100; id++) showSoon({ ...message, id, content: `late ${id}` });
  }, fetched[0]);
  await expect(bobsPage.messages).toHaveCount(2140);
  await expect(oldest).toHaveText("message 1");
  await expect(oldest).toBeInViewport();

  await bobsPage.page.locator(".scroller").evaluate((list) => list.scrollTo(0, 0));
  await chat.send(ada, bob, "the next");
  await bobsPage.settled();
  await expect(bobsPage.messages).toHaveCount(2000);
});
