// Writing and reading messages, on the newest step.

import { isPost } from "./people.js";
import { expect, since, test, UNLIMITED, upTo } from "./test.js";
import { hold, tabTo } from "./user-page.js";

// What the browser itself says of an answer that is not 2xx.
test.use({ allowedErrors: /status of (422|409)/ });

const MARKUP = [
  "<img src=x onerror=\"document.title = 'taken over'\">",
  "<script>document.title = 'taken over'</script>",
  "</p></li></ol><h1>Welcome, winner</h1>",
  "&lt;b&gt; {{ 7 * 7 }} ${7 * 7} \"quoted\" 'quoted'",
];

async function expectText(userPage) {
  await expect(userPage.texts).toHaveText(MARKUP);
  await expect(userPage.page.locator("#messages :is(img, script, h1)")).toHaveCount(0);
  await expect(userPage.page).not.toHaveTitle(/taken over/);
}

test("markup in a message shows as text: sent, live, and after a reload", async ({
  chat,
  open,
  bob,
}) => {
  since(17);
  const mallory = await chat.addUser("<i onclick=alert(1)>mallory</i>", "</strong><h1>M</h1>");
  const bobsPage = await open(bob);
  const mallorysPage = await open(mallory);

  for (const text of MARKUP) await mallorysPage.send(bob, text);

  await expectText(mallorysPage);
  await expectText(bobsPage);
  await bobsPage.reload();
  await expectText(bobsPage);
  await expect(bobsPage.messages.first().locator(".other")).toHaveText(mallory.nickname);
  await bobsPage.page.goto(`${chat.url}/front/users`);
  await expect(bobsPage.page.getByText(mallory.name, { exact: true })).toBeVisible();
});

test("a message to oneself shows once", async ({ open, ada }) => {
  const page = await open(ada);
  await page.send(ada, "buy bread");
  expect(await page.count("buy bread")).toBe(1);
});

test("both tabs of the recipient show a message, each once", async ({ open, ada, bob }) => {
  since(17);
  const bobsPage = await open(bob);
  const bobsTab = await open(bob, { tabOf: bobsPage });
  await (await open(ada)).send(bob, "hello");
  expect(await bobsPage.count("hello")).toBe(1);
  expect(await bobsTab.count("hello")).toBe(1);
});

test("messages stand in order of id, in whatever order they arrive", async ({
  chat,
  newPage,
  ada,
  bob,
}) => {
  since(17);
  const adasPage = await newPage(ada);
  const { page } = adasPage;
  let held = Promise.resolve();
  await page.routeWebSocket(/socket\.io/, (toPage) => {
    const toServer = toPage.connectToServer();
    toServer.onMessage(async (packet) => {
      await held;
      toPage.send(packet);
    });
  });
  await adasPage.open(chat.url);
  await adasPage.hasWebSocket();

  let release;
  held = new Promise((resolve) => (release = resolve));
  await chat.send(bob, ada, "first");
  await adasPage.send(bob, "second");
  await expect(adasPage.texts).toHaveText(["second"]);
  release();

  await expect(adasPage.texts).toHaveText(["first", "second"]);
});

test("on a slow network, Enter twice sends once, and what is typed meanwhile stays", async ({
  chat,
  open,
  ada,
  bob,
}) => {
  const adasPage = await open(ada);
  const go = await hold(adasPage.page, "**/api/messages");
  const answer = adasPage.page.waitForResponse(isPost);

  await adasPage.recipient.selectOption("bob");
  await adasPage.content.fill("hello");
  await adasPage.content.press("Enter");
  await adasPage.content.press("Enter");
  await adasPage.content.pressSequentially("and what about tomorrow?");
  go();
  await answer;

  expect(await adasPage.count("hello")).toBe(1);
  expect(await chat.messagesOf(bob)).toHaveLength(1);
  await expect(adasPage.content).toHaveValue("and what about tomorrow?");
});

test("with the keyboard alone: choose, write, send, and write again", async ({
  open,
  ada,
  bob,
  eve,
}) => {
  const { page, recipient, content, texts, messages } = await open(ada);
  await tabTo(page, recipient);
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Tab");
  await page.keyboard.type("one line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("and another");
  await page.keyboard.press("Enter");

  await expect(texts).toHaveText(["one line\nand another"], { useInnerText: true });
  await expect(messages.locator(".about")).toHaveText("to eve");
  await expect(content).toBeFocused();
  await expect(content).toHaveValue("");
  await page.keyboard.type("next");
  await expect(content).toHaveValue("next");
});

test("an Enter that ends the input of a word does not send", async ({ chat, open, ada }) => {
  const adasPage = await open(ada);
  const { content } = adasPage;
  await content.fill("にほん");
  await content.dispatchEvent("keydown", { key: "Enter", isComposing: true });
  await content.dispatchEvent("keydown", { key: "Enter", keyCode: 229 });
  await content.dispatchEvent("keydown", { key: "Enter", shiftKey: true });
  await adasPage.settled();
  expect(await chat.messagesOf(ada)).toEqual([]);
});

test.describe("there is no outbox", () => {
  upTo(19);

  test("an answer that never comes is given up, and what was written stays", async ({
    chat,
    newPage,
    ada,
  }) => {
    const adasPage = await newPage(ada);
    await adasPage.page.addInitScript(() => {
      const timeout = AbortSignal.timeout;
      AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 100);
    });
    await adasPage.open(chat.url);
    await hold(adasPage.page, "**/api/messages");

    await adasPage.content.fill("hello");
    await adasPage.content.press("Enter");

    await expect(adasPage.error).toContainText("No answer");
    await expect(adasPage.content).toHaveValue("hello");
  });

  test("what the server refuses is said, and what was written stays", async ({ open, ada }) => {
    const { content, error, page } = await open(ada);
    await content.fill("x".repeat(2001));
    await content.press("Enter");
    await expect(error).toHaveText("The content is longer than 2000 characters.");
    await expect(content).toHaveValue("x".repeat(2001));

    await content.fill("shorter");
    await content.press("Enter");
    await expect(page.getByText("shorter")).toBeVisible();
    await expect(error).toBeEmpty();
  });
});

test.describe(() => {
  test.use({ settings: UNLIMITED });

  test("1,000 messages: the page begins with the newest, and leads to the first", async ({
    chat,
    open,
    ada,
    bob,
  }) => {
    since(17);
    test.slow();
    for (let i = 1; i <= 950; i++) await chat.send(ada, bob, `message ${i}`);
    const { messages, texts, page } = await open(bob);
    for (let i = 951; i <= 1000; i++) await chat.send(ada, bob, `message ${i}`);

    await expect(messages).toHaveCount(150);
    await expect(texts.last()).toHaveText("message 1000");
    await expect(texts.last()).toBeInViewport();

    await page.reload();
    for (let newest = 1000; newest >= 100; newest -= 100) {
      const expected = Array.from({ length: 100 }, (_, i) => `message ${newest - 99 + i}`);
      await expect(texts).toHaveText(expected);
      if (newest > 100) await page.getByRole("link", { name: "Older messages" }).click();
    }
    await expect(page.getByRole("link", { name: "Older messages" })).toHaveCount(0);
    await page.getByRole("link", { name: "Newest messages" }).click();
    await expect(texts.last()).toHaveText("message 1000");
  });
});

test("a new message does not carry a reader of old ones away; who reads the end sees it", async ({
  chat,
  open,
  ada,
  bob,
}) => {
  since(17);
  for (let i = 1; i <= 40; i++) await chat.send(ada, bob, `message ${i}`);
  const bobsPage = await open(bob);
  const oldest = bobsPage.texts.first();
  await expect(bobsPage.texts.last()).toBeInViewport();

  await oldest.scrollIntoViewIfNeeded();
  await chat.send(ada, bob, "unseen");
  expect(await bobsPage.shows("unseen")).toBe(true);
  await expect(oldest).toBeInViewport();

  // Messages of several heights, since the place of the end is rounded.
  for (const text of ["one", "one\ntwo", "one\ntwo\nthree", "one\ntwo\nthree\nfour"]) {
    await bobsPage.send(ada, text);
    await expect(bobsPage.texts.last()).toBeInViewport({ ratio: 1 });
    await oldest.scrollIntoViewIfNeeded();
    await bobsPage.page.locator(".scroller").evaluate((list) => list.scrollBy(0, 1e6));
    await chat.send(ada, bob, text);
    expect(await bobsPage.count(text)).toBe(2);
    await expect(bobsPage.texts.last()).toBeInViewport({ ratio: 1 });
  }
});

test.describe("nobody signs in", () => {
  upTo(20);

  test("users are added on the users page, and a taken nickname is said", async ({
    chat,
    newPage,
    ada,
  }) => {
    const { page } = await newPage(ada);
    await page.goto(chat.url);
    await page.getByLabel("Nickname").fill("grace");
    await page.getByLabel("Name", { exact: true }).fill("Grace Hopper");
    await page.getByLabel("Email").fill("grace@example.org");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "grace" }).click();
    await expect(page.getByRole("heading")).toHaveText("Messages of grace");

    await page.getByRole("link", { name: "Chat" }).click();
    await page.getByLabel("Nickname").fill("grace");
    await page.getByLabel("Name", { exact: true }).fill("Another Grace");
    await page.getByLabel("Email").fill("another@example.org");
    await page.getByRole("button", { name: "Add" }).click();
    await expect(page.getByRole("alert")).toHaveText(/The nickname grace is taken/);
  });
});
