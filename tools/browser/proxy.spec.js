// The chat behind a proxy that brings https, on the newest step.

import { askFrom, freePort, HAS_NGINX, NAME, startNginx } from "./nginx.js";
import { Chat, signInRequest } from "./people.js";
import { SignInPage } from "./sign-in-page.js";
import { NEWEST } from "./steps.js";
import { expect, namesHere, since, test as base } from "./test.js";
import { UserPage } from "./user-page.js";
import { opensWebSocket } from "./website.js";

since(22);

base.skip(!HAS_NGINX, "needs nginx and openssl");

base.use({
  allowedErrors: /WebSocket connection to .* failed/,
  elsewhere: "localhost",
  launchOptions: namesHere(NAME),
});

const test = base.extend({
  // Whether the chat is told its address, and the proxy's.
  isTold: [true, { option: true }],

  port: async ({}, use) => use(await freePort()),

  url: async ({ port }, use) => use(`https://${NAME}:${port}`),

  chat: async ({ url, isTold }, use) => {
    const told = { PUBLIC_URL: url, TRUSTED_PROXY: "127.0.0.1" };
    const chat = await Chat.start(NEWEST, undefined, isTold ? told : {});
    await use(chat);
    await chat.remove();
  },

  nginx: async ({ chat, port }, use) => {
    const stop = await startNginx([chat], port);
    await use();
    await stop();
  },

  // Ada's page, not loaded yet, after she has signed up by https.
  adasPage: async ({ nginx: _nginx, url, newPage }, use) => {
    const { page } = await newPage(null, { ignoreHTTPSErrors: true });
    await page.goto(`${url}/front/sign-up`);
    const signUp = new SignInPage(page);
    await signUp.signUp("ada");
    await expect(signUp.heading).toHaveText("Messages of ada");
    const id = Number(await page.locator("body").getAttribute("data-user-id"));
    await use(new UserPage(page, { id, nickname: "ada" }));
  },
});

test("by https the chat is live, sends, and keeps its cookie to itself", async ({ adasPage, url }) => {
  await adasPage.open(url);
  await adasPage.send(adasPage.user, "hello");

  await expect(adasPage.message("hello")).toBeVisible();
  await adasPage.hasWebSocket();
  const cookies = await adasPage.page.context().cookies();
  expect(cookies).toMatchObject([
    { name: `__Host-${NEWEST.replace("-", "_")}`, secure: true, httpOnly: true, domain: NAME },
  ]);
});

test("by https, too, another site's page opens no socket", async ({ adasPage, url, website }) => {
  const { page } = adasPage;
  const refused = page.waitForEvent("console", (line) => line.text().includes("response code: 403"));
  await page.goto(website.url);

  expect(await page.evaluate(opensWebSocket, url)).toBe(false);
  await refused;
});

test.describe("when the chat is not told its address, and the proxy changes Host", () => {
  test.use({ isTold: false });

  test("the page is live by polling, without a WebSocket", async ({ adasPage, url }) => {
    const { page } = adasPage;
    const refused = page.waitForEvent("console", (line) => line.text().includes("response code: 403"));

    await adasPage.load(url);

    await refused;
    await adasPage.live("connected");
    await adasPage.send(adasPage.user, "hello");
    await expect(adasPage.message("hello")).toBeVisible();
    const transport = await page.evaluate(() => keptSockets[0].io.engine.transport.name);
    expect(transport).toBe("polling");
  });
});

test.describe("wrong passwords from one address", () => {
  since(23);
  test.skip(process.platform !== "linux", "needs a second address of this computer");

  test("keep nobody out at another one, whatever they say of where they are", async ({
    adasPage,
    port,
  }) => {
    const statuses = [];
    for (let tries = 1; tries <= 15; tries++) {
      const guess = signInRequest("ada", `guess number ${tries}`);
      guess.headers["X-Forwarded-For"] = `192.0.2.${tries}`;
      statuses.push((await askFrom("127.0.0.2", port, guess)).status);
    }
    expect(statuses).toEqual([...Array(10).fill(401), ...Array(5).fill(429)]);

    await adasPage.signOut.click();
    const signIn = new SignInPage(adasPage.page);
    await expect(signIn.heading).toHaveText("Sign in");
    await signIn.signIn("ada");

    await expect(signIn.heading).toHaveText("Messages of ada");
  });
});
