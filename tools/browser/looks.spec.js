// How the pages look, and whether everyone can use them, on the newest step.

import { AxeBuilder } from "@axe-core/playwright";

import { MESSAGES, passwordOf, pathOfMessages } from "./people.js";
import { SignInPage } from "./sign-in-page.js";
import { NEWEST, number } from "./steps.js";
import { expect, since, test, upTo } from "./test.js";
import { hold, tabTo } from "./user-page.js";

// What the browser itself says of an answer that is not 2xx, or of none.
test.use({ allowedErrors: /status of 4\d\d|net::ERR_/ });

const HARD_TEXTS = [
  "x".repeat(2000),
  `https://example.org/${"a/very/long/address/".repeat(20)}`,
  "🦀".repeat(300),
  "👩‍👩‍👧‍👦 family, 🏳️‍🌈 flag, é e\u0301 accents, Z̷͖̈́a̶̱͝l̵͚̋g̶̙̈́o̸",
  "שלום עולם, זה טקסט מימין לשמאל, with English inside.",
  "مرحبا بالعالم",
  "\u202Eoverridden direction",
  "one\ntwo\n\n\n\tthree",
];

// A chat that is hard to lay out.
async function hardChat(chat) {
  const long = await chat.addUser("n".repeat(100), "N".repeat(100));
  const dana = await chat.addUser("دانا‎", "דנה כהן");
  for (const text of HARD_TEXTS) {
    await chat.send(long, dana, text);
    await chat.send(dana, long, text);
  }
  return { long, dana };
}

async function expectNoSidewaysScroll(page) {
  const wider = await page.evaluate(() =>
    [...document.querySelectorAll("html, body, main, .scroller, .message, form")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.tagName}.${element.className}`),
  );
  expect(wider).toEqual([]);
  const { right, width } = await page.evaluate(() => ({
    right: Math.max(...[...document.body.querySelectorAll("*")].map((e) => e.getBoundingClientRect().right)),
    width: document.documentElement.clientWidth,
  }));
  expect(right).toBeLessThanOrEqual(width + 0.5);
}

for (const width of [440, 320]) {
  test(`whatever the sign of the connection says, it fits at a width of ${width}`, async ({ open, ada }) => {
    since(16);
    const { page } = await open(ada, { viewport: { width, height: 700 } });
    const states = await page.evaluate(() => Object.keys(LIVE));
    expect(states.length).toBeGreaterThan(3);
    for (const state of states) {
      await page.evaluate((it) => setLive(it), state);
      await expectNoSidewaysScroll(page);
      const step = await page.locator(".step").boundingBox();
      const brand = await page.locator(".brand").boundingBox();
      expect(step.height, state).toBeLessThanOrEqual(brand.height);
    }
  });
}

for (const width of [1000, 390, 320]) {
  test(`long words, emoji and right-to-left text fit at a width of ${width}`, async ({
    chat,
    newPage,
  }) => {
    const { long, dana } = await hardChat(chat);
    const look = { viewport: { width, height: 700 } };
    const { page: longsPage } = await newPage(long, look);
    const { page, texts, content } = await newPage(dana, look);

    for (const [user, its] of [[long, longsPage], [dana, page]]) {
      for (const path of [
        "/front/users",
        "/front/lobby",
        pathOfMessages(user),
        `${pathOfMessages(user)}?before=9`,
        pathOfMessages({ id: 999 }),
        `/front/${"x".repeat(500)}`,
      ]) {
        await its.goto(chat.url + path);
        await expectNoSidewaysScroll(its);
      }
    }

    await page.goto(chat.url + pathOfMessages(dana));
    await expect(texts).toHaveText(HARD_TEXTS.flatMap((text) => [text, text]));
    await expect(texts.filter({ hasText: "مرحبا" }).first()).toHaveCSS("direction", "rtl");
    await content.fill("x".repeat(2001));
    await content.press("Enter");
    await expect(page.getByRole("alert").filter({ hasText: "longer" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Send" })).toBeInViewport({ ratio: 1 });
    await expectNoSidewaysScroll(page);
  });
}

// The pages to sign in and to sign up, with all that they may have to say.
async function visitForms(page, url) {
  const signIn = new SignInPage(page);
  const shows = [];
  for (const path of ["/front/sign-in", "/front/sign-up"]) {
    shows.push(async () => {
      await page.goto(url + path);
      await expect(signIn.password).toBeVisible();
    });
  }
  shows.push(async () => {
    await signIn.signUp("n".repeat(100));
    await expect(signIn.error).toHaveText(`The nickname ${"n".repeat(100)} is taken. Choose another one.`);
  });
  return shows;
}

for (const width of [1000, 390, 320]) {
  test(`signing in and signing up fit at a width of ${width}`, async ({ chat, newPage }) => {
    since(21);
    const long = await chat.addUser("n".repeat(100), "N".repeat(100));
    for (const user of [null, long]) {
      const { page } = await newPage(user, { viewport: { width, height: 700 } });
      for (const show of await visitForms(page, chat.url)) {
        await show();
        await expectNoSidewaysScroll(page);
      }
    }
  });

  test(`a nickname of 100 characters leaves the header its parts, at a width of ${width}`, async ({
    chat,
    open,
  }) => {
    since(21);
    for (const nickname of ["n".repeat(100), "ניקוד ".repeat(16), "🦀".repeat(100)]) {
      const user = await chat.addUser(nickname, "N".repeat(100));
      const { page, signOut, content, form } = await open(user, { viewport: { width, height: 700 } });
      await expectNoSidewaysScroll(page);
      await expect(signOut).toBeInViewport({ ratio: 1 });
      // Whoever has a long name can still read and write.
      await expect(form).toBeInViewport({ ratio: 1 });
      await expect(content).toBeInViewport({ ratio: 1 });
      const { height } = await page.locator(".scroller").boundingBox();
      expect(height).toBeGreaterThan(120);
      await expectApart(page, "header > *");
    }
  });

  test(`what asks for unsent messages fits at a width of ${width}`, async ({ chat, open, ada }) => {
    since(21);
    const adasPage = await open(ada, { viewport: { width, height: 500 } });
    const dialog = await openUnsentDialog(chat, adasPage);
    await expectNoSidewaysScroll(adasPage.page);
    await expect(dialog).toBeInViewport({ ratio: 1 });
    for (const button of await dialog.getByRole("button").all()) {
      await expect(button).toBeInViewport({ ratio: 1 });
    }
    await expectApart(adasPage.page, "dialog button");
  });
}

// That none of the elements lies over another one.
async function expectApart(page, selector) {
  const overlaps = await page.locator(selector).evaluateAll((elements) => {
    const boxes = elements.map((element) => element.getBoundingClientRect());
    return boxes.flatMap((a, i) =>
      boxes
        .slice(i + 1)
        .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
        .map((b) => [a.toJSON(), b.toJSON()]),
    );
  });
  expect(overlaps).toEqual([]);
}

// Leaves a message unsent and presses the button to sign out, by the keyboard.
async function openUnsentDialog(chat, userPage) {
  await userPage.page.route(MESSAGES, (route) => route.abort());
  await userPage.write(userPage.user, "hello");
  await expect(userPage.unsent).toHaveCount(1);
  await userPage.signOut.focus();
  await userPage.page.keyboard.press("Enter");
  const dialog = userPage.page.getByRole("dialog", { name: "Not all of your messages are sent" });
  await expect(dialog).toBeVisible();
  return dialog;
}

test("with the keyboard alone: sign up, sign out, sign in", async ({ chat, newPage }) => {
  since(21);
  const { page } = await newPage(null);
  const heading = page.getByRole("heading", { level: 1 });
  const { keyboard } = page;
  await page.goto(`${chat.url}/front/sign-up`);
  await tabTo(page, page.getByLabel("Nickname"));
  for (const text of ["grace", "Grace Hopper", "grace@example.org", passwordOf("grace")]) {
    await keyboard.type(text);
    await keyboard.press("Tab");
  }
  await expect(page.getByRole("button", { name: "Sign up" })).toBeFocused();
  await keyboard.press("Enter");
  await expect(heading).toHaveText("Messages of grace");

  await tabTo(page, page.getByRole("button", { name: "Sign out" }));
  await keyboard.press("Enter");
  await expect(heading).toHaveText("Sign in");

  await tabTo(page, page.getByLabel("Nickname"));
  await keyboard.type("grace");
  await keyboard.press("Tab");
  await keyboard.type(passwordOf("grace"));
  await keyboard.press("Enter");
  await expect(heading).toHaveText("Messages of grace");
});

test("with the keyboard alone: what asks for unsent messages", async ({ chat, open, ada }) => {
  since(21);
  const adasPage = await open(ada);
  const { page, signOut } = adasPage;
  const dialog = await openUnsentDialog(chat, adasPage);
  // What deletes nothing comes first.
  await expect(dialog.getByRole("button", { name: "Stay" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(dialog.getByRole("button", { name: "Sign out and delete them" })).toBeFocused();
  await expect(page.locator(":focus")).toHaveCSS("outline-style", "solid");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(signOut).toBeFocused();
});

test("on a phone, the list and the whole form are in sight", async ({ chat, newPage, ada, bob }) => {
  since(16);
  for (let i = 1; i <= 30; i++) await chat.send(ada, bob, `message ${i}`);
  const bobsPage = await newPage(bob, { viewport: { width: 390, height: 664 } });
  await bobsPage.open(chat.url);
  await expect(bobsPage.texts.last()).toBeInViewport();
  await expect(bobsPage.form).toBeInViewport({ ratio: 1 });
  await expect(bobsPage.sign).toBeInViewport({ ratio: 1 });
});

test("dark mode is dark: background, text, and a message of one's own", async ({
  chat,
  newPage,
  ada,
}) => {
  await chat.send(ada, ada, "hello");
  const { page } = await newPage(ada);
  await page.goto(chat.url + pathOfMessages(ada));
  const look = {};
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    look[colorScheme] = await page.evaluate(() => {
      const brightness = (color) =>
        color.match(/[\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;
      const style = (selector) => getComputedStyle(document.querySelector(selector));
      return {
        background: brightness(style("html").backgroundColor),
        text: brightness(style("body").color),
        mine: brightness(style(".mine").backgroundColor),
      };
    });
  }
  const { light, dark } = look;
  expect(light.background).toBeGreaterThan(200);
  expect(light.text).toBeLessThan(60);
  expect(light.mine).toBeGreaterThan(200);
  expect(dark.background).toBeLessThan(60);
  expect(dark.text).toBeGreaterThan(200);
  expect(dark.mine).toBeLessThan(100);
});

// Where the parts of a page begin and end, from left to right.
async function edges(page, selectors) {
  const boxes = [];
  for (const selector of selectors) {
    boxes.push(await page.locator(selector).first().boundingBox());
  }
  return boxes.map(({ x, width }) => [x, x + width]);
}

test("what stands in a column begins and ends at the same edge", async ({
  chat,
  open,
  newPage,
  ada,
  bob,
}) => {
  since(18);
  await chat.send(ada, bob, "hello");
  await chat.send(bob, ada, "hello");
  const { page } = await open(ada);
  const [title, theirs, mine, form, select, button] = await edges(page, [
    "h1",
    ".message:not(.mine)",
    ".message.mine",
    "#send-form",
    "#send-form select",
    "#send-form button",
  ]);
  expect(theirs[0]).toBe(title[0]);
  expect(form[0]).toBe(title[0]);
  expect(mine[1]).toBe(form[1]);
  expect(button[1]).toBe(form[1]);
  const heights = await page
    .locator("#send-form :is(select, textarea, button)")
    .evaluateAll((fields) => fields.map((field) => field.getBoundingClientRect().height));
  expect(new Set(heights).size).toBe(1);
  expect(select[0]).toBeGreaterThan(form[0]);

  if (number(NEWEST) >= 21) {
    const [header, signOut] = await edges(page, ["header", ".me button"]);
    const padding = await page
      .locator("header")
      .evaluate((element) => Number.parseFloat(getComputedStyle(element).paddingRight));
    expect(signOut[1]).toBeCloseTo(header[1] - padding, 0);
  }

  const { page: lobby } = await newPage(ada);
  await lobby.goto(`${chat.url}/front/lobby`);
  const [heading] = await edges(lobby, ["h1"]);
  const fields = await lobby
    .locator("#send-form input")
    .evaluateAll((inputs) => inputs.map((input) => input.getBoundingClientRect().x));
  expect(fields.length).toBeGreaterThan(0);
  expect(new Set(fields)).toEqual(new Set([heading[0]]));
});

// axe looks at a field's value alone.
for (const colorScheme of ["light", "dark"]) {
  test(`placeholders can be read, ${colorScheme}`, async ({ chat, newPage, ada }) => {
    since(18);
    const { page } = await newPage(ada, { colorScheme });
    for (const path of [pathOfMessages(ada), "/front/lobby"]) {
      await page.goto(chat.url + path);
      const fields = page.locator("[placeholder]");
      expect(await fields.count()).toBeGreaterThan(0);
      for (const field of await fields.all()) {
        expect(await field.evaluate(contrastOfPlaceholder)).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
}

// In the page: <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>.
function contrastOfPlaceholder(field) {
  const style = getComputedStyle(field, "::placeholder");
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const surface = parts(getComputedStyle(field).backgroundColor);
  const [red, green, blue, alpha = 1] = parts(style.color);
  const opacity = alpha * Number(style.opacity);
  const text = [red, green, blue].map((part, i) => part * opacity + surface[i] * (1 - opacity));
  const luminance = (color) => {
    const [r, g, b] = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark, light] = [luminance(text), luminance(surface)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

for (const colorScheme of ["light", "dark"]) {
  test.describe(`axe finds nothing, ${colorScheme}:`, () => {
    async function expectAccessible(page) {
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, help, nodes }) => [id, help, nodes.map((node) => node.html)]);
      expect(found).toEqual([]);
    }

    test("the users", async ({ chat, newPage }) => {
      const { long } = await hardChat(chat);
      const { page } = await newPage(long, { colorScheme });
      await page.goto(`${chat.url}/front/users`);
      await expectAccessible(page);
    });

    test.describe("nobody signs in", () => {
      upTo(20);

      test("nobody is there, and somebody is added with a mistake", async ({ chat, newPage }) => {
        const { page } = await newPage(null, { colorScheme });
        await page.goto(chat.url);
        await expectAccessible(page);

        await page.getByLabel("Nickname").fill(" ");
        await page.getByLabel("Name", { exact: true }).fill(" ");
        await page.getByLabel("Email").fill("a@example.org");
        await page.keyboard.press("Enter");
        await expect(page.getByRole("alert")).not.toBeEmpty();
        await expectAccessible(page);
      });
    });

    test("the messages", async ({ chat, open, ada, bob }) => {
      const { page, content } = await open(ada, { colorScheme });
      await expectAccessible(page);

      for (let i = 0; i < 110; i++) await chat.send(ada, bob, `message ${i}`);
      await chat.send(bob, ada, "hello");
      await page.reload();
      await content.fill("x".repeat(2001));
      await content.press("Enter");
      await expect(page.getByRole("alert").filter({ hasText: "longer" })).toBeVisible();
      await expectAccessible(page);

      await page.getByRole("link", { name: "Older messages" }).click();
      await expectAccessible(page);
    });

    test("the messages when the page is not live", async ({ chat, open, newPage, ada }) => {
      since(17);
      const adasPage = await open(ada, { colorScheme });
      await chat.stop();
      await adasPage.live("disconnected");
      await expectAccessible(adasPage.page);

      // Where users sign in, the page asks by this whether to stay.
      await hold(adasPage.page, "**/api/me");
      await chat.startAgain({ database: "another.db" });
      await adasPage.live("refused");
      await expectAccessible(adasPage.page);

      const newAda = await chat.addUser("ada");
      const withoutClient = await newPage(newAda, { colorScheme });
      await withoutClient.page.route("**/socket.io.min.js", (route) => route.abort());
      await withoutClient.open(chat.url);
      await withoutClient.live("unavailable");
      await expectAccessible(withoutClient.page);
    });

    test("signing in and signing up", async ({ chat, newPage }) => {
      since(21);
      const long = await chat.addUser("n".repeat(100), "N".repeat(100));
      for (const user of [null, long]) {
        const { page } = await newPage(user, { colorScheme });
        for (const show of await visitForms(page, chat.url)) {
          await show();
          await expectAccessible(page);
        }
      }
    });

    test("what asks for unsent messages", async ({ chat, open, ada }) => {
      since(21);
      const adasPage = await open(ada, { colorScheme });
      await openUnsentDialog(chat, adasPage);
      await expectAccessible(adasPage.page);
    });

    test("an error", async ({ chat, newPage, ada }) => {
      const { page } = await newPage(ada, { colorScheme });
      await page.goto(chat.url + pathOfMessages({ id: 999 }));
      await expect(page.getByRole("heading")).toHaveText("Error 404");
      await expectAccessible(page);
    });
  });
}
