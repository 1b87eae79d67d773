// Two servers of one chat behind a proxy, and one of them is killed.

import { readFileSync } from "node:fs";

import { askFrom, freePort, HAS_NGINX, NAME, startNginx } from "./nginx.js";
import { Chat, headersOf, isPost, MESSAGES, pathOfMessages, signInBrowser } from "./people.js";
import { NEWEST } from "./steps.js";
import { expect, namesHere, since, test as base } from "./test.js";
import { UserPage } from "./user-page.js";

since(25);

base.skip(!HAS_NGINX, "needs nginx and openssl");

base.use({
  allowedErrors: /net::ERR_|status of (400|502)|WebSocket connection to .* failed/,
  launchOptions: namesHere(NAME),
});

// As /proc/net/tcp says it.
const ESTABLISHED = "01";

const test = base.extend({
  port: async ({}, use) => use(await freePort()),

  url: async ({ port }, use) => use(`https://${NAME}:${port}`),

  chat: async ({ url }, use) => {
    const told = { PUBLIC_URL: url, TRUSTED_PROXY: "127.0.0.1" };
    const chat = await Chat.start(NEWEST, undefined, told);
    await use(chat);
    await chat.remove();
  },

  servers: async ({ chat, port }, use) => {
    const servers = [chat, await chat.startBeside()];
    const stop = await startNginx(servers, port);
    await use(servers);
    await stop();
  },

  // To which server the proxy leads a user's browser.
  serverOf: async ({ servers, port }, use) => {
    await use(async (user) => {
      const request = { path: pathOfMessages(user), method: "GET", headers: headersOf(user) };
      const { asked } = await askFrom("127.0.0.1", port, request);
      return servers.find(({ url }) => new URL(url).host === asked);
    });
  },

  adas: async ({ ada, serverOf }, use) => use(await serverOf(ada)),

  // Bob, who has signed in until he is not at Ada's server.
  bob: async ({ bob, adas, chat, serverOf }, use) => {
    let again = bob;
    while ((await serverOf(again)) === adas) again = await chat.signIn(bob.nickname);
    await use(again);
  },

  bobs: async ({ bob, serverOf }, use) => use(await serverOf(bob)),

  // Opens a user's page by way of the proxy.
  open: async ({ newPage, url }, use) => {
    await use(async (user) => {
      const { page } = await newPage(null, { ignoreHTTPSErrors: true });
      await signInBrowser(page.context(), user, url);
      const userPage = new UserPage(page, user);
      await userPage.open(url);
      return userPage;
    });
  },
});

// How many pages a server has seen connect.
const connected = (server) => server.printed.filter((it) => it.includes("ACK message")).length;

// Whether something has come to a server that it has not read.
function hasUnread({ url }) {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, "0");
  const sockets = readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1);
  return sockets
    .map((line) => line.trim().split(/\s+/))
    .some(([, local, , state, queues]) => {
      const unread = Number.parseInt(queues.split(":")[1], 16);
      return local.endsWith(`:${port}`) && state === ESTABLISHED && unread > 0;
    });
}

// Kills Ada's server when the proxy begins with the POST, when it has passed the
// POST on and waits for the answer, or when the message is stored.
const KILLS = {
  async "before her server has it"(adas, route) {
    await adas.kill();
    await route.continue();
  },
  async "while her server has it"(adas, route) {
    adas.child.kill("SIGSTOP");
    const posted = route.continue();
    await expect.poll(() => hasUnread(adas)).toBe(true);
    await adas.kill();
    await posted;
  },
  async "when it is stored, and before she is told so"(adas, route, store) {
    await store();
    await adas.kill();
    await route.abort();
  },
};

for (const [when, kill] of Object.entries(KILLS)) {
  test(`Ada's server is killed ${when}: both pages go on, and each message is there once`, async ({
    open,
    ada,
    bob,
    adas,
    bobs,
  }) => {
    const adasPage = await open(ada);
    const bobsPage = await open(bob);
    await expect.poll(() => [adas, bobs].map(connected)).toEqual([1, 1]);
    await adasPage.send(bob, "hello");
    await expect(bobsPage.texts).toHaveText(["hello"]);
    await bobsPage.send(ada, "hello, ada");
    await expect(adasPage.texts).toHaveText(["hello", "hello, ada"]);

    let tries = 0;
    await adasPage.page.route(MESSAGES, async (route) => {
      if (!isPost(route.request()) || ++tries > 1) return route.continue();
      const { content, key } = route.request().postDataJSON();
      return kill(adas, route, () => adas.send(ada, bob, content, key));
    });
    const lost = adasPage.page.waitForSelector("[data-live=disconnected]");
    await adasPage.write(bob, "now");

    await lost;
    await expect.poll(() => connected(bobs), { timeout: 15_000 }).toBe(2);
    await adasPage.live("connected");
    await expect(adasPage.unsent).toHaveCount(0, { timeout: 15_000 });
    await expect(bobsPage.texts).toHaveText(["hello", "hello, ada", "now"]);
    // What no server has begun to read, the proxy itself asks of the other one.
    if (when.startsWith("before")) expect(tries).toBe(1);
    if (when.startsWith("while")) expect(tries).toBeGreaterThan(1);
    await adasPage.send(bob, "still there?");
    await expect(bobsPage.message("still there?")).toBeVisible();
    await bobsPage.send(ada, "yes");
    const texts = ["hello", "hello, ada", "now", "still there?", "yes"];
    for (const page of [adasPage, bobsPage]) {
      await expect(page.texts).toHaveText(texts);
      await page.settled();
      await expect(page.texts).toHaveText(texts);
    }
    expect((await bobs.messagesOf(bob)).map(({ content }) => content)).toEqual(texts);
  });
}
