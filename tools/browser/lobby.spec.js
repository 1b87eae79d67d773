// The lobby, on the newest step.

import { createRequire } from "node:module";

import { AxeBuilder } from "@axe-core/playwright";

import { LobbyPage } from "./lobby-page.js";
import { headersOf } from "./people.js";
import { ROOT } from "./steps.js";
import { expect, since, test as base, upTo } from "./test.js";

const { io } = createRequire(ROOT)("socket.io-client");

since(18);

// What the browser itself says of a server that is away, and of a request in an
// old connection to one that was started again.
base.use({ allowedErrors: /net::ERR_|status of 400/ });

// Opens the lobby in a window of its own, for somebody of this name.
const test = base.extend({
  enter: async ({ chat, newPage }, use) => {
    await use(async (name, look) => {
      const { page } = await newPage(await chat.addUser(name), look);
      const lobby = new LobbyPage(page, name);
      await lobby.open(chat.url);
      return lobby;
    });
  },
});

test("three windows see what each of them says, and no direct message", async ({
  chat,
  enter,
  open,
  bob,
  eve,
}) => {
  const lobbies = [await enter("ida"), await enter("grace"), await enter("alan")];
  const bobsPage = await open(bob);
  const evesPage = await open(eve);
  const heard = await lobbies[0].hears();

  await lobbies[0].say("hello");
  await lobbies[1].shows("hello");
  await lobbies[1].say("hello, ida");
  await bobsPage.send(eve, "a secret");
  expect(await evesPage.shows("a secret")).toBe(true);
  await lobbies[2].say("hello, both");

  for (const lobby of lobbies) await lobby.shows("hello", "hello, ida", "hello, both");
  expect(await heard()).toEqual(["message", "message", "message"]);
  expect(await bobsPage.shows("hello")).toBe(false);
  await expect(lobbies[0].page.locator(".author")).toHaveText(["ida", "grace", "alan"]);
});

test("markup in a name and in a message shows as text", async ({ enter }) => {
  const name = "<b>mallory</b>";
  const lobby = await enter(name);
  const markup = "<img src=x onerror=\"document.title = 'taken over'\">";

  await lobby.say(markup);

  await lobby.shows(markup);
  await expect(lobby.page.locator(".author")).toHaveText(name);
  await expect(lobby.page).not.toHaveTitle(/taken over/);
});

test("a mistake shows beside its field, to the sender alone", async ({ enter }) => {
  const lobby = await enter("ada");
  const other = await enter("bob");

  await lobby.say("x".repeat(2001));
  await expect(lobby.messageError).toHaveText("The message is longer than 2000 characters.");
  await expect(lobby.message).toHaveValue("x".repeat(2001));

  await lobby.say("hello");
  await other.shows("hello");
  await expect(lobby.messageError).toBeEmpty();
  await expect(lobby.message).toHaveValue("");
  await expect(other.page.getByRole("alert").filter({ hasText: /./ })).toHaveCount(0);
});

test.describe("visitors choose a handle", () => {
  upTo(20);

  test("a mistake in one shows beside the one field", async ({ enter }) => {
    const lobby = await enter("ada");
    lobby.name = " ";
    await lobby.say("hello");
    await expect(lobby.handleError).toHaveText("The handle must not be blank.");
    await expect(lobby.messageError).toBeEmpty();

    lobby.name = "ada";
    await lobby.say("x".repeat(2001));
    await expect(lobby.messageError).not.toBeEmpty();
    await expect(lobby.handleError).toBeEmpty();
  });
});

test("who has scrolled up sees what they say themselves", async ({ enter }) => {
  const lobby = await enter("ada");
  const long = "a line\n".repeat(100);
  await lobby.say("hello");
  await lobby.shows("hello");
  for (const text of [long, long]) {
    await lobby.page.evaluate((message) => say({ handle: "ada", message }), text);
  }
  await lobby.page.locator(".scroller").evaluate((list) => list.scrollBy(0, -1e6));

  await lobby.say("here I am");

  await expect(lobby.texts.last()).toHaveText("here I am");
  await expect(lobby.texts.last()).toBeInViewport({ ratio: 1 });
});

test("without a connection nothing is sent, now or later", async ({ chat, enter }) => {
  const lobby = await enter("ada");
  await chat.stop();
  await lobby.live("disconnected");

  await lobby.say("too early");
  await expect(lobby.messageError).toHaveText(/nothing was sent/);
  await expect(lobby.message).toHaveValue("too early");

  await chat.startAgain();
  await lobby.live("connected");
  await lobby.say("now");
  await lobby.shows("now");
});

test("a client that only emits and listens can chat with the page", async ({ chat, enter }) => {
  const lobby = await enter("ada");
  const plain = await chat.addUser("plain");
  const socket = io.connect(chat.url, { extraHeaders: headersOf(plain) });
  const heard = [];
  socket.on("message", (data) => heard.push(data));
  socket.on("connect", () => socket.emit("send_message", { handle: "plain", message: "hello" }));

  await lobby.shows("hello");
  await lobby.say("hello, plain");

  await expect.poll(() => heard.length).toBe(2);
  socket.close();
  expect(heard.map(({ handle, message }) => `${handle}: ${message}`)).toEqual([
    "plain: hello",
    "ada: hello, plain",
  ]);
  expect(heard[0].date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing in the lobby, ${colorScheme}`, async ({ enter }) => {
    const lobby = await enter("ada", { colorScheme });
    const findings = async () => (await new AxeBuilder({ page: lobby.page }).analyze()).violations;
    expect(await findings()).toEqual([]);

    await lobby.say("hello");
    await lobby.shows("hello");
    await lobby.say("x".repeat(2001));
    await expect(lobby.messageError).not.toBeEmpty();
    expect(await findings()).toEqual([]);
  });
}

for (const width of [390, 320]) {
  test(`the lobby fits at a width of ${width}`, async ({ enter }) => {
    const lobby = await enter("y".repeat(40), { viewport: { width, height: 664 } });
    const long = "x".repeat(2000);
    await lobby.say(long);
    await lobby.shows(long);
    await lobby.say("x".repeat(2001));
    await expect(lobby.messageError).not.toBeEmpty();

    const wider = await lobby.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(wider).toBe(0);
    await expect(lobby.page.getByRole("button", { name: "Send" })).toBeInViewport({ ratio: 1 });
  });
}
