// Two servers of one chat behind a proxy, and one of them is killed.

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

for (const [when, isStored] of [
  ["before her server has it", false],
  ["when it is stored, and before she is told so", true],
]) {
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
      if (isStored) await adas.send(ada, bob, content, key);
      await adas.kill();
      return isStored ? route.abort() : route.continue();
    });
    const lost = adasPage.page.waitForSelector("[data-live=disconnected]");
    await adasPage.write(bob, "now");

    await lost;
    await expect.poll(() => connected(bobs), { timeout: 15_000 }).toBe(2);
    await adasPage.live("connected");
    await expect(adasPage.unsent).toHaveCount(0, { timeout: 15_000 });
    await expect(bobsPage.texts).toHaveText(["hello", "hello, ada", "now"]);
    // What no server has begun to read, the proxy itself asks of the other one.
    if (!isStored) expect(tries).toBe(1);
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
