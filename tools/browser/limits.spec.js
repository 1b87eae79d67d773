// Who does too much is told so in words and waits, and nobody else does; whose
// session is over gets no socket to begin with. On the newest step.

import { createRequire } from "node:module";

import { LobbyPage } from "./lobby-page.js";
import { expectSent, stored } from "./outbox.js";
import { pathOfMessages, SIGN_IN } from "./people.js";
import { SignInPage } from "./sign-in-page.js";
import { ROOT } from "./steps.js";
import { expect, since, test } from "./test.js";

const { io } = createRequire(ROOT)("socket.io-client");

// What the browser itself says of a server that is away, and of answers that
// are not 2xx.
test.use({ allowedErrors: /net::ERR_|status of 4\d\d|WebSocket connection to .* failed/ });

since(23);

test("who tries wrong passwords reads when to try again, and Bob signs in there", async ({
  chat,
  newPage,
  open,
  ada,
  bob,
}) => {
  const adasPage = await open(ada);
  const { page } = await newPage(null);
  await page.goto(chat.url);
  const signIn = new SignInPage(page);
  for (let tries = 1; tries <= 10; tries++) {
    const answer = page.waitForResponse(SIGN_IN);
    await signIn.signIn(ada.nickname, `guess number ${tries}`);
    expect((await answer).status()).toBe(401);
    await expect(signIn.error).toHaveText("The nickname or the password is wrong.");
  }

  // Not even the right one is looked at now.
  await signIn.signIn(ada.nickname);

  await expect(signIn.error).toHaveText(/^Too many sign-ins as this user\. Try again in \d\d s\.$/);
  await expect(signIn.nickname).toHaveValue(ada.nickname);
  // What Ada has open goes on, and so does everybody else there.
  expect(await adasPage.isLive()).toBe(true);
  await signIn.signIn(bob.nickname);
  await expect(signIn.heading).toHaveText("Messages of bob");
});

test("who has written more than one may send at once waits: nothing is lost or doubled", async ({
  chat,
  open,
  ada,
  bob,
  eve,
}) => {
  test.slow();
  const bobsPage = await open(bob);
  const adasPage = await open(ada);
  const { page } = adasPage;
  // Of 200, her program has sent these: as many as a slow computer sends soon.
  await Promise.all(Array.from({ length: 190 }, () => chat.send(ada, eve, "by a program")));
  const texts = Array.from({ length: 40 }, (_, i) => `message ${i + 1}`);
  const tooMany = page.waitForResponse((answer) => answer.status() === 429);
  await page.context().setOffline(true);
  // The page's own way to keep what was written.
  await page.evaluate(
    ({ contents, to }) => {
      for (const content of contents) send({ recipient_id: to.id, other: to.nickname, content });
    },
    { contents: texts, to: bob },
  );
  await expect(adasPage.unsentTexts).toHaveText(texts);

  await page.context().setOffline(false);

  const { "retry-after": seconds } = (await tooMany).headers();
  expect(seconds).toBe("1");
  await expect(adasPage.states.last()).toHaveText("Waiting to be sent …");
  expect(await stored(chat, bob)).not.toContain(texts.at(-1));
  await expect(adasPage.unsent).toHaveCount(0, { timeout: 60_000 });
  await expectSent(chat, bobsPage, texts);
  await adasPage.settled();
  await expect(adasPage.texts).toHaveText([...Array(190).fill("by a program"), ...texts]);
});

test("who says too much in the lobby reads so, keeps the text, and says it later", async ({
  chat,
  newPage,
  ada,
  bob,
}) => {
  const enter = async (user) => {
    const lobby = new LobbyPage((await newPage(user)).page, user.nickname);
    await lobby.open(chat.url);
    return lobby;
  };
  const lobby = await enter(ada);
  const bobsLobby = await enter(bob);
  await lobby.message.fill("one more");
  await lobby.page.evaluate(() =>
    Promise.all(Array.from({ length: 10 }, () => say({ message: "hello" }))),
  );

  await lobby.message.press("Enter");

  await expect(lobby.messageError).toHaveText("Too many messages. Try again in 1 s.");
  await expect(lobby.message).toHaveValue("one more");
  await bobsLobby.say("goodbye");
  const hello = Array(10).fill("hello");
  await bobsLobby.shows(...hello, "goodbye");

  // As often as it takes.
  await expect(async () => {
    await lobby.message.press("Enter");
    await expect(lobby.message).toHaveValue("", { timeout: 100 });
  }).toPass();
  await bobsLobby.shows(...hello, "goodbye", "one more");
  await expect(lobby.messageError).toBeEmpty();
});

test("who has too many pages open reads which to do without, and is live when one is closed", async ({
  chat,
  newPage,
  ada,
}) => {
  const sockets = Array.from({ length: 30 }, () =>
    io(chat.url, { forceNew: true, extraHeaders: { cookie: ada.cookie } }),
  );
  await Promise.all(sockets.map((socket) => new Promise((then) => socket.on("connect", then))));
  const { page } = await newPage(ada);
  await page.goto(chat.url);
  const live = page.locator("#live");
  await expect(live).toHaveText("You have the chat open too often. Close some of its pages.");

  sockets.pop().close();

  await expect(live).toHaveText("Live");
  for (const socket of sockets) socket.close();
});

for (const path of ["messages", "lobby"]) {
  test(`a page that was cut off while its session ended gets no socket, and is left: ${path}`, async ({
    cable,
    open,
    ada,
  }) => {
    const { page } = await open(ada, { url: cable.url });
    if (path === "lobby") await page.goto(`${cable.url}/front/lobby`);
    const cutOff = new LobbyPage(page);
    await cutOff.live("connected");
    const tab = await open(ada, { tabOf: { page, user: ada } });
    cable.pull();
    await cutOff.live("disconnected");
    await tab.signOut.click();
    await expect(new SignInPage(tab.page).heading).toHaveText("Sign in");
    const refused = page.waitForResponse((answer) => answer.url().includes("/socket.io/"));

    cable.putBack();

    // By HTTP, before there is a WebSocket.
    expect((await refused).status()).toBe(401);
    await expect(new SignInPage(page).heading).toHaveText("Sign in", { timeout: 15_000 });
    const here = path === "lobby" ? "/front/lobby" : pathOfMessages(ada);
    expect(new URL(page.url()).searchParams.get("next")).toBe(here);
  });

  test(`a page without a WebSocket is live again after a restart, and not left: ${path}`, async ({
    chat,
    newPage,
    ada,
  }) => {
    const { page } = await newPage(ada);
    await page.routeWebSocket(/socket\.io/, (socket) => socket.close());
    await page.goto(path === "lobby" ? `${chat.url}/front/lobby` : chat.url);
    const its = new LobbyPage(page);
    await its.live("connected");
    await page.evaluate(() => (window.isTheSame = true));

    await chat.stop();
    await its.live("disconnected");
    await chat.startAgain();

    await its.live("connected");
    expect(await page.evaluate(() => window.isTheSame)).toBe(true);
  });
}
