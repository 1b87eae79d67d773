// The live connection, on the newest step: where its client comes from, and
// what the page does without it.

import { readFileSync } from "node:fs";

import { CLIENT_FILE } from "./steps.js";
import { expect, since, test, upTo } from "./test.js";

// What the browser itself says of requests to a server that is away, and of
// one in an old connection to a server that was started again.
test.use({ allowedErrors: /net::ERR_|status of 400/ });

since(16);

test.describe("the server stops, and there is no outbox", () => {
  upTo(19);

  test("the page says so, keeps what is written, and is live again when it is back", async ({
    chat,
    open,
    ada,
    bob,
  }) => {
    since(17);
    const bobsPage = await open(bob);
    const adasPage = await open(ada);

    await chat.stop();
    await expect(adasPage.sign).toHaveText("Connection lost, trying again …");
    await adasPage.content.fill("are you there?");
    await adasPage.content.press("Enter");
    await expect(adasPage.error).toContainText("The server can't be reached");
    await expect(adasPage.content).toHaveValue("are you there?");

    await chat.startAgain();
    await adasPage.live("connected");
    await bobsPage.live("connected");
    await adasPage.send(bob, "are you there?");
    await expect(adasPage.error).toBeEmpty();
    await expect(bobsPage.message("are you there?")).toBeVisible();
  });
});

test.describe("the server stops, and nobody signs in", () => {
  upTo(20);

  test("the page of a user who is gone when it is back says that it is refused", async ({
    chat,
    open,
    eve,
  }) => {
    since(17);
    const page = await open(eve);
    await chat.stop();
    await chat.startAgain({ database: "another.db" });
    await page.live("refused");
    await expect(page.sign).toHaveText("Not live: the server does not know this user.");
  });
});

test("a page that is refused for a moment asks again by itself", async ({ chat, newPage, ada }) => {
  const page = await newPage(ada);
  await page.page.routeWebSocket(/socket\.io/, (socket) => socket.close());
  let refused = false;
  await page.page.route("**/socket.io/**", async (route) => {
    if (refused || route.request().method() !== "GET") return route.continue();
    const response = await route.fetch();
    const packets = await response.text();
    const body = packets.replace(/40{.*}/, '44{"message":"not now: the database does not answer"}');
    refused = body !== packets;
    await route.fulfill({ response, body });
  });

  await page.load(chat.url);

  await page.live("disconnected");
  await page.live("connected");
});

test("a cable that is pulled and put back makes no difference later", async ({
  chat,
  cable,
  open,
  ada,
  bob,
}) => {
  since(17);
  const bobsPage = await open(bob, { url: cable.url });
  cable.pull();
  await bobsPage.live("disconnected");
  cable.putBack();
  await bobsPage.live("connected");
  await chat.send(ada, bob, "hello");
  expect(await bobsPage.count("hello")).toBe(1);
});

test("the client comes from node_modules: nothing else is asked for", async ({
  chat,
  newPage,
  ada,
}) => {
  const adasPage = await newPage(ada);
  const elsewhere = [];
  adasPage.page.on("request", (request) => {
    if (!request.url().startsWith(chat.url)) elsewhere.push(request.url());
  });
  const client = adasPage.page.waitForResponse("**/socket.io.min.js");

  await adasPage.open(chat.url);

  await adasPage.live("connected");
  expect((await client).status()).toBe(200);
  expect(elsewhere).toEqual([]);
});

test("without the client, the page says how to get it, and sending works", async ({
  chat,
  newPage,
  ada,
  bob,
}) => {
  const adasPage = await newPage(ada);
  await adasPage.page.route("**/socket.io.min.js", (route) => route.abort());
  await adasPage.open(chat.url);

  await adasPage.live("unavailable");
  await expect(adasPage.sign).toContainText("Live updates are off");
  await expect(adasPage.sign).toContainText("npm ci");
  await adasPage.send(bob, "hello");
  expect(await adasPage.count("hello")).toBe(1);
});

test.describe("the client was not installed", () => {
  test.use({ allowedErrors: /integrity/ });

  // A page to which the server said what it says when it does not find the
  // client, and a CDN that answers with `file`.
  async function openWithCdn(chat, newPage, user, file) {
    const userPage = await newPage(user);
    const requests = await standInCdn(userPage.page, file);
    await userPage.load(chat.url);
    return { userPage, requests };
  }

  test("it comes from the CDN, through the server's redirect", async ({ chat, newPage, ada }) => {
    const file = readFileSync(CLIENT_FILE);
    const { userPage, requests } = await openWithCdn(chat, newPage, ada, file);
    await userPage.live("connected");
    expect(requests).toEqual([
      expect.stringMatching(
        /^https:\/\/cdn\.jsdelivr\.net\/npm\/socket\.io-client@[\d.]+\/dist\/socket\.io\.min\.js$/,
      ),
    ]);
  });

  test("another file from the CDN does not run", async ({ chat, newPage, ada }) => {
    const changed = Buffer.concat([readFileSync(CLIENT_FILE), Buffer.from("\n")]);
    const { userPage, requests } = await openWithCdn(chat, newPage, ada, changed);
    await userPage.live("unavailable");
    expect(requests).toHaveLength(1);
  });
});

// Answers for the server as it did without the client, and for the CDN, which
// a redirect leads to; returns the list of what the page asked of the CDN. By
// the browser's own protocol, since `page.route` does not see such a request.
async function standInCdn(page, file) {
  const redirect = JSON.parse(process.env.REDIRECT_TO_CDN);
  const requests = [];
  const browser = await page.context().newCDPSession(page);
  const answer = (requestId, responseCode, headers, body = "") => {
    const responseHeaders = headers.map(([name, value]) => ({ name, value }));
    const fields = { requestId, responseCode, responseHeaders, body };
    return browser.send("Fetch.fulfillRequest", fields);
  };
  await browser.send("Fetch.enable", {
    patterns: [{ urlPattern: "*/vendor/*" }, { urlPattern: "https://cdn.jsdelivr.net/*" }],
  });
  browser.on("Fetch.requestPaused", async ({ requestId, request }) => {
    if (request.url.includes("/vendor/")) {
      return answer(requestId, redirect.status, redirect.headers);
    }
    requests.push(request.url);
    const headers = [
      ["Content-Type", "application/javascript"],
      ["Access-Control-Allow-Origin", "*"],
    ];
    return answer(requestId, 200, headers, file.toString("base64"));
  });
  return requests;
}
