// What a page of another site can do with a browser in which Ada is signed in:
// nothing, on the newest step.

import { authOf, isPost, pathOfMessages, signInBrowser } from "./people.js";
import { SignInPage } from "./sign-in-page.js";
import { expect, namesHere, since, test as base } from "./test.js";
import { UserPage } from "./user-page.js";
import {
  connects,
  fetches,
  follows,
  frames,
  loads,
  opensWebSocket,
  sendsForm,
} from "./website.js";

since(22);

// The browser itself says in its console what it does not let pass.
base.use({ allowedErrors: /./, launchOptions: namesHere("*.test") });

const test = base.extend({
  // By which name Ada's browser knows the chat.
  name: ["127.0.0.1", { option: true }],

  url: async ({ chat, name }, use) => use(chat.url.replace("127.0.0.1", name)),

  // Opens a user's page by that name.
  openByName: async ({ newPage, url }, use) => {
    await use(async (user) => {
      const { page } = await newPage(null);
      await signInBrowser(page.context(), user, url);
      const userPage = new UserPage(page, user);
      await userPage.open(url);
      return userPage;
    });
  },

  adasPage: async ({ openByName, ada }, use) => use(await openByName(ada)),

  // A page of the website, in a tab beside Ada's.
  page: async ({ adasPage, website }, use) => {
    const page = await adasPage.page.context().newPage();
    await page.goto(website.url);
    await use(page);
  },
});

const SITES = [
  { title: "another port", name: "127.0.0.1", elsewhere: "127.0.0.1" },
  { title: "another name", name: "127.0.0.1", elsewhere: "localhost" },
  { title: "another port, by plain http", name: "chat.test", elsewhere: "chat.test" },
  { title: "another name, by plain http", name: "chat.test", elsewhere: "other.test" },
];

for (const { title, ...names } of SITES) {
  test.describe(`a page of ${title}`, () => {
    test.use(names);

    test("opens no socket", async ({ page, url, ada }) => {
      const lines = [];
      page.on("console", (line) => lines.push(line.text()));

      expect(await page.evaluate(opensWebSocket, url)).toBe(false);
      for (const transport of ["websocket", "polling"]) {
        const outcome = await page.evaluate(connects, { url, transport, auth: authOf(ada) });
        expect(outcome, transport).not.toBe("in");
      }

      expect(lines.filter((line) => line.includes("response code: 403"))).toHaveLength(2);
    });

    test("sends nothing by a form", async ({ page, website, url, chat, ada, adasPage }) => {
      const message = JSON.stringify({ recipient_id: ada.id, content: "from elsewhere" });
      // As close to JSON as a form comes.
      const [begin, end] = [message.slice(0, -1) + ',"rest":"', '"}'];
      const forms = [
        { enctype: "text/plain", fields: { [begin]: end } },
        { enctype: "application/x-www-form-urlencoded", fields: JSON.parse(message) },
      ];
      for (const form of forms) {
        const answer = page.waitForResponse(isPost);
        await page.evaluate(sendsForm, { url: `${url}/api/messages`, ...form });
        expect((await answer).status()).toBe(403);
        await expect(page.locator("body")).toContainText("A page of another site");
        await page.goto(website.url);
      }

      expect(await adasPage.count("from elsewhere")).toBe(0);
      expect(await chat.messagesOf(ada)).toEqual([]);
    });

    test("sends and reads nothing by a script", async ({ page, url, chat, ada, adasPage }) => {
      const body = JSON.stringify({ recipient_id: ada.id, content: "from elsewhere" });
      const json = { "Content-Type": "application/json" };
      const post = { method: "POST", body };
      for (const [path, options] of [
        ["/api/me", {}],
        ["/api/me", { mode: "no-cors" }],
        [pathOfMessages(ada), { mode: "no-cors" }],
        ["/api/messages", { ...post, headers: json }],
        ["/api/messages", { ...post, mode: "no-cors" }],
        ["/api/session", { method: "DELETE" }],
        ["/socket.io/?EIO=4&transport=polling", {}],
        ["/socket.io/?EIO=4&transport=polling", { mode: "no-cors" }],
      ]) {
        const got = await page.evaluate(fetches, { url: url + path, options });
        expect(got, `${path} ${JSON.stringify(options)}`).toBe("nothing");
      }

      // She is still signed in.
      await adasPage.send(ada, "by herself");
      expect((await chat.messagesOf(ada)).map(({ content }) => content)).toEqual(["by herself"]);
    });

    test("shows no part of the chat, and is not told what is there", async ({ page, url, ada }) => {
      for (const [element, path] of [
        ["img", "/static/favicon.svg"],
        ["link", "/static/style.css"],
        ["script", "/static/form.js"],
        ["script", "/vendor/socket.io.min.js"],
        ["script", pathOfMessages(ada)],
        ["script", "/api/me"],
      ]) {
        const told = await page.evaluate(loads, { element, url: url + path });
        expect(told, `${element} ${path}`).toBe(false);
      }
    });

    test("shows no page of the chat in a frame", async ({ page, url, ada }) => {
      for (const path of ["/", pathOfMessages(ada), "/front/sign-in", "/api/me"]) {
        await page.evaluate(frames, url + path);
        const frame = page.frames().at(-1);
        await expect(frame.locator("body")).toContainText(/refused to connect|blocked/i);
      }
    });

    test("leads Ada to her messages by a link", async ({ page, url, adasPage }) => {
      await page.evaluate(follows, url);

      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Messages of ada");
      // From there on the page is the chat's own.
      const hers = new UserPage(page, adasPage.user);
      await hers.live("connected");
      await hers.send(hers.user, "came by a link");
      await expect(adasPage.message("came by a link")).toBeVisible();
    });
  });
}

for (const elsewhere of ["127.0.0.1", "localhost"]) {
  test.describe(`a page at ${elsewhere}`, () => {
    test.use({ elsewhere });

    test("has no hold on the window that it opens", async ({ page, url, ada }) => {
      const popup = page.waitForEvent("popup");
      await page.evaluate((address) => (window.opened = window.open(address)), url);
      const opened = new UserPage(await popup, ada);
      await opened.live("connected");

      expect(await page.evaluate(() => window.opened.closed)).toBe(true);
      expect(await opened.page.evaluate(() => window.opener)).toBe(null);
    });
  });
}

test.describe("a chat that browsers reach by plain http", () => {
  test.use({ name: "chat.test" });

  test("is live, sends, and lets people in and out", async ({ openByName, url, ada, bob }) => {
    const adasPage = await openByName(ada);
    const bobsPage = await openByName(bob);
    expect(url).toContain("chat.test");

    await adasPage.send(bob, "hello");

    await expect(bobsPage.message("hello")).toBeVisible();
    await adasPage.signOut.click();
    const signIn = new SignInPage(adasPage.page);
    await expect(signIn.heading).toHaveText("Sign in");
    await signIn.signIn(ada.nickname);
    await expect(signIn.heading).toHaveText("Messages of ada");
  });
});
