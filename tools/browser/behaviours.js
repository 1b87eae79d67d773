// What a chat can do, as people see it. Each behaviour has a check, which is
// run against every step and says whether the step has it. A check says yes
// when it sees it, and no when it sees that it can't come any more
// (`UserPage.settled` says how); anything else is an error.
//
// What each step is expected to do is in expectations.js. `topic` is what the
// lesson is about that will bring what no step has; `settings` are variables of
// the chat's environment.

import { once } from "node:events";
import { connect } from "node:net";

import { expect } from "@playwright/test";

import { LobbyPage } from "./lobby-page.js";
import { authOf, CATCH_UP, Chat, isPost, pathOfMessages, sendAs } from "./people.js";
import { SignInPage } from "./sign-in-page.js";
import { UNLIMITED } from "./test.js";
import { hold } from "./user-page.js";
import { frames, opensWebSocket } from "./website.js";

const MARKUP = "<img src=x onerror=\"document.title = 'taken over'\">";

export const BEHAVIOURS = {
  "sender-sees-it": {
    title: "The sender's page shows the message, once, without a reload",
    why: "It learns of it from the answer to its own request, whatever else brings it.",
    async check({ open, ada, bob }) {
      const adasPage = await open(ada);
      await adasPage.send(bob, "hello");
      return (await adasPage.count("hello")) === 1;
    },
  },

  "recipient-reloads": {
    title: "The recipient sees it after a reload",
    why: "It is stored, and every page begins with what is stored.",
    async check({ open, ada, bob }) {
      const bobsPage = await open(bob);
      await (await open(ada)).send(bob, "hello");
      await bobsPage.reload();
      return bobsPage.shows("hello");
    },
  },

  "survives-restart": {
    title: "Messages are still there when the server was stopped and started again",
    why: "They are in a file, not in the server's memory.",
    async check({ chat, open, ada, bob }) {
      await chat.send(ada, bob, "hello");
      await chat.stop();
      await chat.startAgain();
      return (await open(bob)).shows("hello");
    },
  },

  "text-stays-text": {
    title: "HTML in a message shows as text, and nothing in it runs",
    why: "Otherwise whoever sends you a message could act in your name.",
    async check({ open, ada, bob }) {
      const bobsPage = await open(bob);
      const adasPage = await open(ada);
      await adasPage.send(bob, MARKUP);
      await bobsPage.reload();
      const shown = (await adasPage.shows(MARKUP)) && (await bobsPage.shows(MARKUP));
      const titles = [await adasPage.page.title(), await bobsPage.page.title()];
      return shown && !titles.includes("taken over");
    },
  },

  "says-whether-live": {
    title: "The page says whether it is live",
    why: "You see that the connection is there, and you see when it is lost.",
    async check({ chat, open, ada }) {
      const page = await open(ada);
      if (!(await page.hasLiveSign())) return false;
      await expect(page.sign).toHaveText("Live");
      await chat.stop();
      await expect(page.sign).toContainText("Connection lost");
      return true;
    },
  },

  "server-is-told": {
    title: "The server is told that a page is connected",
    why: "The page emits connect-ack, and the server prints what came with it.",
    async check({ chat, open, ada }) {
      if (!(await (await open(ada)).isLive())) return false;
      const printed = () => chat.printed.join("\n");
      await expect.poll(printed).toContain(`received ACK message: {"messages":"I'm connected!"}`);
      return true;
    },
  },

  "live-again": {
    title: "When the server comes back, the page is live again by itself",
    why: "The Socket.IO client tries again and again until it is answered.",
    async check({ chat, open, ada }) {
      const page = await open(ada);
      if (!(await page.hasLiveSign())) return false;
      await chat.stop();
      await page.live("disconnected");
      await chat.startAgain();
      await page.live("connected");
      return true;
    },
  },

  "works-without-client": {
    title: "Without the Socket.IO client, the page says so, and sending works",
    why: "The connection adds something to the page; it is not what the page stands on.",
    async check({ chat, newPage, ada, bob }) {
      const adasPage = await newPage(ada);
      await adasPage.page.route("**/socket.io.min.js", (route) => route.abort());
      await adasPage.open(chat.url);
      await adasPage.send(bob, "hello");
      await expect(adasPage.message("hello")).toBeVisible();
      if (!(await adasPage.hasLiveSign())) return false;
      await expect(adasPage.sign).toContainText("Live updates are off");
      return true;
    },
  },

  "recipient-sees-it": {
    title: "The recipient's page shows the message without a reload",
    why: "The server emits it as soon as it is stored.",
    async check({ open, ada, bob }) {
      const bobsPage = await open(bob);
      await (await open(ada)).send(bob, "hello");
      return bobsPage.shows("hello");
    },
  },

  "all-tabs": {
    title: "All tabs of the sender and of the recipient show it",
    why: "A user's room has all of the user's sockets, one for each open page.",
    async check({ open, ada, bob }) {
      const bobsPage = await open(bob);
      const bobsTab = await open(bob, { tabOf: bobsPage });
      const adasPage = await open(ada);
      const adasTab = await open(ada, { tabOf: adasPage });
      await adasPage.send(bob, "hello");
      const counts = [];
      for (const page of [bobsPage, bobsTab, adasPage, adasTab]) {
        counts.push(await page.count("hello"));
      }
      return counts.every((count) => count === 1);
    },
  },

  "nobody-else": {
    title: "The recipient's page shows it, and a third user's page does not",
    why: "The server emits to the rooms of two users, not to everybody.",
    async check({ open, ada, bob, eve }) {
      const bobsPage = await open(bob);
      const evesPage = await open(eve);
      await (await open(ada)).send(bob, "hello");
      return (await bobsPage.shows("hello")) && !(await evesPage.shows("hello"));
    },
  },

  "unknown-is-refused": {
    title: "The page of a user whom the server does not know is refused: it says so, or leads to sign-in",
    why: "There is a room for each user, so the server must know who is asking.",
    async check({ chat, open, eve }) {
      const page = await open(eve);
      if (!(await page.hasLiveSign())) return false;
      await chat.stop();
      await page.live("disconnected");
      await chat.startAgain({ database: "another.db" });
      const refused = page.page.locator("[data-live=refused]").or(signInHeading(page.page));
      const connected = page.page.locator("[data-live=connected]");
      // Which comes first: a page that leaves is hidden until the other is there.
      return Promise.race([
        refused.waitFor({ timeout: 15_000 }).then(() => true),
        connected.waitFor({ timeout: 15_000 }).then(() => false),
      ]);
    },
  },

  lobby: {
    title: "What anybody says in the lobby shows in each window that is there",
    why: "The server answers the event send_message with the event message, to all sockets.",
    async check({ chat, newPage }) {
      const lobbies = await enterLobby(3, chat, newPage);
      if (!lobbies) return false;
      await lobbies[0].say("hello");
      for (const lobby of lobbies) await lobby.shows("hello");
      return true;
    },
  },

  "lobby-apart": {
    title: "The lobby shows what is said there, and no direct message",
    why: "A visitor of the lobby is in no user's room.",
    async check({ chat, newPage, ada, bob }) {
      const lobbies = await enterLobby(1, chat, newPage);
      if (!lobbies) return false;
      const heard = await lobbies[0].hears();
      await chat.send(ada, bob, "a secret");
      // What was sent before this has arrived before this.
      await lobbies[0].say("hello");
      await lobbies[0].shows("hello");
      return (await heard()).every((event) => event === "message");
    },
  },

  "nothing-in-between": {
    title: "A message that arrives between loading the page and joining the room is shown",
    why: "What came before the page was live must be asked for once it is.",
    async check({ chat, newPage, ada, bob }) {
      const bobsPage = await newPage(bob);
      const go = await hold(bobsPage.page, "**/socket.io/**");
      await bobsPage.load(chat.url);
      await chat.send(ada, bob, "hello");
      go();
      return bobsPage.shows("hello");
    },
  },

  "sent-while-away": {
    title: "Messages sent while a page was cut off are shown when it is back",
    why: "An event reaches who is connected at that moment; the page must ask for the rest.",
    async check({ chat, cable, open, ada, bob }) {
      const bobsPage = await open(bob, { url: cable.url });
      cable.pull();
      if (await bobsPage.hasLiveSign()) await bobsPage.live("disconnected");
      await chat.send(ada, bob, "hello");
      cable.putBack();
      return bobsPage.shows("hello");
    },
  },

  "dropped-event": {
    title: "A message whose event got lost shows a minute later, without a reload",
    why: "A full queue drops an event without a word, so the page asks once in a while.",
    async check({ chat, open, ada, bob }) {
      const bobsPage = await open(bob);
      if (!(await bobsPage.hasLiveSign())) return false;
      const come = await bobsPage.loseEvents();
      await chat.send(ada, bob, "hello");
      // The event has come by the time that the page is settled.
      if (await bobsPage.shows("hello")) return false;
      await come();
      const asked = bobsPage.page.waitForRequest(CATCH_UP, { timeout: 5000 });
      await bobsPage.putClockForward(61);
      await asked.catch(() => {});
      return bobsPage.shows("hello");
    },
  },

  "sent-twice-stored-once": {
    title: "Sending again after the answer was lost stores the message once",
    why: "The sender can't know that the first try arrived; the server must recognise the second.",
    async check({ chat, open, ada, bob }) {
      const adasPage = await open(ada);
      await loseAnAnswer(adasPage.page);
      await adasPage.recipient.selectOption(String(bob.id));
      await adasPage.content.fill("hello");
      await adasPage.content.press("Enter");
      const sign = adasPage.error.filter({ hasText: /./ });
      await sign.or(adasPage.message("hello")).first().waitFor();
      // The page may have tried again by itself.
      if (await sign.isVisible()) await adasPage.send(bob, "hello");
      const stored = await chat.messagesOf(bob);
      return stored.length === 1;
    },
  },

  "sent-when-back": {
    title: "What is written without a connection is sent, once, when the connection is back",
    why: "The page keeps it in an outbox, and sends it again until it is answered.",
    async check({ chat, cable, open, ada, bob }) {
      const adasPage = await open(ada, { url: cable.url });
      cable.pull();
      if (!(await writesAndKeeps(adasPage, bob, "hello"))) return false;
      cable.putBack();
      await expect(adasPage.unsent).toHaveCount(0, { timeout: 15_000 });
      return (await chat.messagesOf(bob)).length === 1;
    },
  },

  "survives-closing": {
    title: "What is not sent yet survives that its window is closed",
    why: "The outbox is in the browser's store, not in the page.",
    async check({ chat, cable, newPage, open, ada, bob }) {
      const adasPage = await open(ada, { url: cable.url });
      // Another tab, or the browser would forget what it keeps for a test.
      const anotherTab = await newPage(ada, { tabOf: adasPage });
      await anotherTab.page.goto(`${cable.url}/front/users`);
      cable.pull();
      if (!(await writesAndKeeps(adasPage, bob, "hello"))) return false;
      await adasPage.page.close();
      cable.putBack();
      const again = await open(ada, { tabOf: anotherTab, url: cable.url });
      await expect(again.unsent).toHaveCount(0, { timeout: 15_000 });
      return (await chat.messagesOf(bob)).length === 1;
    },
  },

  "outbox-of-a-database": {
    title: "What was written for one database goes to that one, and to no other",
    why: "Another database has other users with the same numbers; the page says which one it means.",
    async check({ chat, open, ada, bob }) {
      const adasPage = await open(ada);
      await chat.stop();
      if (!(await writesAndKeeps(adasPage, bob, "hello"))) return false;
      await chat.startAgain({ database: "another.db" });
      const newAda = await chat.addUser("new ada");
      await chat.addUser("new bob");
      // Ada's page is told of it, or is not even hers any more.
      const told = adasPage.states.filter({ hasText: "another database" });
      await told.or(signInHeading(adasPage.page)).waitFor({ timeout: 15_000 });
      const strangersPage = await open(newAda, { tabOf: adasPage });
      await strangersPage.settled();
      const strangers = await chat.messagesOf(newAda);
      await chat.stop();
      await chat.startAgain();
      const again = await open(ada, { tabOf: strangersPage });
      await expect(again.unsent).toHaveCount(0, { timeout: 15_000 });
      return strangers.length === 0 && (await chat.messagesOf(bob)).length === 1;
    },
  },

  "sign-in": {
    title: "A user signs in with a password",
    why: "Until then the server believes whoever names a user.",
    async check({ chat, newPage, ada }) {
      const signIn = new SignInPage((await newPage(null)).page);
      await signIn.page.goto(chat.url);
      if (!(await signIn.password.isVisible())) return false;
      await signIn.signIn(ada.nickname);
      await expect(signIn.heading).toHaveText(`Messages of ${ada.nickname}`);
      return true;
    },
  },

  "no-reading-of-others": {
    title: "A user can open their own page, and not another user's",
    why: "The pages' addresses differ by a number, which anyone can change.",
    async check({ chat, newPage, open, ada, bob, eve }) {
      await chat.send(ada, bob, "a secret");
      const bobsPage = await open(bob);
      const evesPage = await newPage(eve);
      await evesPage.page.goto(chat.url + pathOfMessages(bob));
      const read = (await evesPage.message("a secret").count()) > 0;
      return (await bobsPage.shows("a secret")) && !read;
    },
  },

  "no-writing-as-others": {
    title: "A user can write, and not in the name of another",
    why: "Who writes must come from the session, not from the body of the request.",
    async check({ chat, open, ada, bob, eve }) {
      const evesPage = await open(eve);
      await evesPage.send(bob, "by eve");
      await sendAs(evesPage.page, ada, bob, "not by ada");
      const stored = await chat.messagesOf(bob);
      return stored.length === 1;
    },
  },

  "no-joining-of-others": {
    title: "A message reaches the recipient's page, and no page that claims to be the recipient's",
    why: "Whose room a socket joins must come from the session, not from what the page says.",
    async check({ chat, open, ada, bob, eve }) {
      const bobsPage = await open(bob);
      const evesPage = await open(eve);
      const overheard = await listenIn(evesPage, bob);
      await chat.send(ada, bob, "a secret");
      return (await bobsPage.shows("a secret")) && (await overheard()).length === 0;
    },
  },

  "no-foreign-website": {
    title: "A page is live, and a page of a foreign website can't connect",
    why: "The same-origin policy does not apply to WebSockets; the server must look at Origin.",
    async check({ chat, website, open, ada }) {
      const page = await open(ada);
      if (!(await page.isLive())) return false;
      await page.page.goto(website.url);
      return !(await page.page.evaluate(opensWebSocket, chat.url));
    },
  },

  "no-foreign-frame": {
    title: "A foreign website can't show a user's page inside its own",
    why: "It could lay something of its own over the page, for the user to click on.",
    async check({ chat, website, open, ada }) {
      const { page } = await open(ada);
      await page.goto(website.url);
      await page.evaluate(frames, chat.url + pathOfMessages(ada));
      return (await page.frames().at(-1).locator("#messages").count()) === 0;
    },
  },

  "guesses-stop": {
    title: "Whoever tries one password after the other has to wait, and nobody else has",
    why: "The server counts the tries as each user from each address, before it looks at a password.",
    async check({ chat, newPage, ada, bob }) {
      let lookedAt = 0;
      for (let tries = 1; tries <= 30; tries++) {
        if (await chat.guess(ada.nickname, `guess number ${tries}`)) lookedAt++;
      }
      const signIn = new SignInPage((await newPage(null)).page);
      await signIn.page.goto(chat.url);
      await signIn.signIn(bob.nickname);
      await expect(signIn.heading).toHaveText(`Messages of ${bob.nickname}`);
      return lookedAt < 30;
    },
  },

  "lobby-flood": {
    title: "Whoever floods the lobby does not get it all through, and the others go on",
    why: "Each word there goes to everybody, so the server counts each user's.",
    async check({ chat, newPage }) {
      const lobbies = await enterLobby(2, chat, newPage);
      if (!lobbies) return false;
      const [flood, other] = lobbies;
      const heard = await other.hears();
      await flood.page.evaluate(() =>
        Promise.all(Array.from({ length: 200 }, () => say({ message: "a flood" }))),
      );
      await other.say("hello");
      await expect(other.texts.last()).toHaveText("hello");
      return (await heard()).length < 200;
    },
  },

  "unread-log": {
    title: "The chat goes on when nobody reads its log",
    why: "A full pipe makes the writer wait, so that must be a thread with nothing else to do.",
    async check({ chat }) {
      const unread = await Chat.start(chat.step, undefined, { RUST_LOG: "info" }, "pipe");
      // Each line of the log has it.
      const long = `${unread.url}/api/version?${"x".repeat(4000)}`;
      try {
        for (let requests = 1; requests <= 200; requests++) {
          await (await fetch(long, { signal: AbortSignal.timeout(5000) })).text();
        }
        return true;
      } catch ({ name }) {
        expect(name).toBe("TimeoutError");
        return false;
      } finally {
        await unread.kill();
        await unread.remove();
      }
    },
  },

  "half-a-request": {
    title: "Whoever sends half a request and then nothing does not keep a connection for ever",
    why: "Connections are few, and to hold one costs a client nothing.",
    async check({ chat }) {
      const { hostname, port } = new URL(chat.url);
      const client = connect(port, hostname).resume();
      client.write("GET / HTTP/1.1\r\nHost: ");
      try {
        await once(client, "close", { signal: AbortSignal.timeout(12_000) });
        return true;
      } catch ({ name }) {
        expect(name).toBe("AbortError");
        return false;
      } finally {
        client.destroy();
      }
    },
  },

  "many-in-order": {
    title: "When many write at once, a page gets the messages in the order in which they are stored",
    why: "One task delivers them all; of one task for each message, any may be the first.",
    // As on a computer with more than one core, whatever this one has.
    settings: { ...UNLIMITED, TOKIO_WORKER_THREADS: "4" },
    async check({ chat, open, ada, bob, eve }) {
      const bobsPage = await open(bob);
      const heard = await bobsPage.hears();
      // Without an order, nine rounds of ten show it.
      const [rounds, atOnce] = [20, 100];
      for (let round = 1; round <= rounds; round++) {
        const authors = Array.from({ length: atOnce }, (_, i) => (i % 2 ? ada : eve));
        await Promise.all(authors.map((author) => chat.send(author, bob, "hello")));
        await bobsPage.settled();
        const ids = (await heard()).map(({ id }) => id);
        if (ids.length === 0 || ids.some((id, i) => id < ids[i - 1])) return false;
      }
      await expect.poll(async () => (await heard()).length).toBe(rounds * atOnce);
      return true;
    },
  },

  "two-servers": {
    title: "Two servers are one chat: what is written at one shows at once on a page of the other",
    why: "They share a database, which tells each of them that there is something new.",
    async check({ chat, open, ada, bob }) {
      const other = await chat.startBeside();
      const adasPage = await open(ada);
      const bobsPage = await open(bob, { url: other.url });
      await adasPage.send(bob, "hello");
      if (!(await bobsPage.shows("hello"))) return false;
      await bobsPage.send(ada, "hello, ada");
      return (await adasPage.shows("hello, ada")) && (await bobsPage.count("hello")) === 1;
    },
  },

  "server-killed": {
    title: "A server is killed: its page goes on at the other one, and nothing is lost",
    why: "A server keeps nothing that the database does not have, so any other can take its place.",
    async check({ chat, cable, open, ada, bob }) {
      const other = await chat.startBeside();
      const adasPage = await open(ada, { url: cable.url });
      const bobsPage = await open(bob, { url: other.url });
      await adasPage.send(bob, "before");
      if (!(await bobsPage.shows("before"))) return false;
      await chat.kill();
      if (!(await writesAndKeeps(adasPage, bob, "meanwhile"))) return false;
      await other.send(bob, ada, "to ada");
      cable.leadTo(other);
      await adasPage.live("connected");
      await expect(adasPage.unsent).toHaveCount(0, { timeout: 15_000 });
      await bobsPage.send(ada, "after");
      const texts = ["before", "to ada", "meanwhile", "after"];
      for (const page of [adasPage, bobsPage]) {
        for (const text of texts) if ((await page.count(text)) !== 1) return false;
      }
      return true;
    },
  },
};

// What a page has that was led to sign-in.
function signInHeading(page) {
  return new SignInPage(page).heading.filter({ hasText: "Sign in" });
}

// Opens the lobby in several windows; null when there is no lobby.
async function enterLobby(windows, chat, newPage) {
  const lobbies = [];
  for (let i = 1; i <= windows; i++) {
    const visitor = await chat.addUser(`visitor ${i}`);
    const lobby = new LobbyPage((await newPage(visitor)).page, visitor.nickname);
    if (!(await lobby.open(chat.url))) return null;
    lobbies.push(lobby);
  }
  return lobbies;
}

// Writes a message that can't be sent now. Returns whether the page keeps it to
// send it later; one without an outbox says that it can't be sent.
async function writesAndKeeps(userPage, recipient, text) {
  if (await userPage.hasLiveSign()) await userPage.live("disconnected");
  await userPage.write(recipient, text);
  const failed = userPage.error.filter({ hasText: /./ });
  await userPage.unsent.or(failed).first().waitFor();
  return userPage.unsent.isVisible();
}

// Lets the next message reach the server, and the answer not reach the page.
async function loseAnAnswer(page) {
  let lost = false;
  await page.route("**/api/messages", async (route) => {
    if (lost || !isPost(route.request())) return route.continue();
    lost = true;
    await route.fetch();
    await route.abort();
  });
}

// Connects a page once more, in the name of another user. Returns a function
// that says what came over this connection.
async function listenIn(userPage, victim) {
  if (!(await userPage.isLive())) return async () => [];
  await userPage.page.evaluate(async (auth) => {
    const socket = io({ auth, forceNew: true });
    window.overheard = [];
    socket.onAny((_event, message) => window.overheard.push(message));
    await new Promise((done) => {
      socket.once("connect", done);
      socket.once("connect_error", done);
    });
  }, authOf(victim));
  return async () => {
    await userPage.settled();
    return userPage.page.evaluate(() => window.overheard);
  };
}
