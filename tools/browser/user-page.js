// A user's messages page, with the words in which the tests speak of it.

import { expect } from "@playwright/test";

import { isPost, pathOfMessages } from "./people.js";

// The states of a page that will soon be in another one.
const UNSETTLED = "[data-live=connecting], [data-live=disconnected], [data-live=catching-up]";

export class UserPage {
  #unanswered = new Set();

  constructor(page, user) {
    this.page = page;
    this.user = user;
    this.body = page.locator("body");
    this.sign = page.locator("#live");
    this.form = page.locator("#send-form");
    this.content = this.form.locator("[name=content]");
    this.recipient = this.form.locator("[name=recipient_id]");
    this.error = this.form.locator(".error");
    this.messages = page.locator("#messages > li");
    this.texts = page.locator("#messages > li .content");
    this.unsent = page.locator("#outbox > li");
    this.unsentTexts = page.locator("#outbox > li .content");
    this.states = page.locator("#outbox > li .state");
    this.me = page.locator(".me bdi");
    this.signOut = page.getByRole("button", { name: "Sign out", exact: true });

    const answered = (request) => this.#unanswered.delete(request);
    page.on("request", (request) => {
      if (!request.url().includes("/socket.io/")) this.#unanswered.add(request);
    });
    page.on("requestfinished", answered);
    page.on("requestfailed", answered);
  }

  // Goes to the page, and waits until it is live if it is going to be, and its
  // connection a WebSocket. A client whose server goes away in the middle of
  // that change learns of it by the heartbeat alone, up to 45 seconds later.
  async open(url) {
    await this.load(url);
    await this.settled();
    await this.page.waitForFunction(() =>
      window.keptSockets.every(
        ({ connected, io }) => !connected || io.engine.transport.name === "websocket",
      ),
    );
  }

  // Goes to the page; does not wait for the live connection.
  async load(url) {
    await this.page.addInitScript(keepSockets);
    await this.page.goto(url + pathOfMessages(this.user));
  }

  async reload() {
    await this.page.reload();
    await this.settled();
  }

  // Writes a message and presses Enter; waits until the server has it.
  async send(recipient, text) {
    const answer = this.page.waitForResponse(isPost);
    await this.write(recipient, text);
    expect((await answer).status()).toBe(201);
  }

  // Writes a message and presses Enter.
  async write(recipient, text) {
    await this.recipient.selectOption(String(recipient.id));
    await this.content.fill(text);
    await this.content.press("Enter");
  }

  // The message with exactly this text.
  message(text) {
    return this.texts.getByText(text, { exact: true });
  }

  // Whether the page shows the message once everything that was on its way to
  // the page is there.
  async shows(text) {
    return (await this.count(text)) > 0;
  }

  // How often it shows it.
  async count(text) {
    await this.settled();
    return this.message(text).count();
  }

  // Whether the page has a live connection, or waits for one.
  async hasLiveSign() {
    return (await this.body.getAttribute("data-live")) !== null;
  }

  async isLive() {
    await this.settled();
    return (await this.body.getAttribute("data-live")) === "connected";
  }

  // Waits for a state of the live connection.
  async live(state) {
    await expect(this.body).toHaveAttribute("data-live", state, { timeout: 15_000 });
  }

  // Listens to all events from now on, whether the page shows them or not.
  // Returns a function that says what came with them.
  async hears() {
    await this.page.evaluate(() => {
      window.heard = [];
      for (const socket of window.keptSockets) {
        socket.onAny((_event, message) => window.heard.push(message));
      }
    });
    return () => this.page.evaluate(() => window.heard);
  }

  // Loses each event that comes, as a full queue does, until the function that
  // is returned is called.
  async loseEvents() {
    await this.page.evaluate(() => {
      for (const socket of window.keptSockets) socket.onevent = () => {};
    });
    return () =>
      this.page.evaluate(() => {
        for (const socket of window.keptSockets) delete socket.onevent;
      });
  }

  // Waits until the connection is a WebSocket: it begins by polling.
  async hasWebSocket() {
    await this.page.waitForFunction(
      () => window.keptSockets[0].io.engine.transport.name === "websocket",
    );
  }

  // A tab that was hidden is looked at again.
  lookAgain() {
    return this.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  }

  // Puts the page's clock forward.
  putClockForward(seconds) {
    return this.page.evaluate((ms) => {
      const now = Date.now;
      Date.now = () => now() + ms;
    }, seconds * 1000);
  }

  // Waits until the page has looked twice whether it is time to send.
  passTwoTicks() {
    return this.page.evaluate(
      () =>
        new Promise((done) => {
          let ticks = 0;
          const timer = setInterval(() => {
            if (++ticks < 3) return;
            clearInterval(timer);
            done();
          }, 1000);
        }),
    );
  }

  // Waits until nothing more can come of what the server has done so far. It
  // emits a message before it answers the POST (in step-24, it has woken the
  // task that does, which is quicker than two more questions), and what it
  // sends over one connection arrives in order: so whatever was sent is there as
  // soon as a question that was asked later is answered over the same
  // connection, and all requests are answered. From step-25 on, the database
  // tells the server, which may be after the answer: so a page that has not all
  // that is stored is given the time in which a server looks by itself. A page
  // without a connection has the requests alone. What has come is shown within
  // two frames, and a page that catches up says when it has.
  async settled() {
    const settled = this.page.locator(`body:not(${UNSETTLED})`);
    do {
      await settled.waitFor({ timeout: 15_000 });
      await this.page.evaluate(askServer);
    } while (this.#unanswered.size > 0 || !(await settled.isVisible()));
  }
}

// Holds the requests to `address` until the function that is returned is
// called.
export async function hold(page, address) {
  let go;
  const gone = new Promise((resolve) => (go = resolve));
  await page.route(address, async (route) => {
    await gone;
    await route.continue();
  });
  return go;
}

// Presses Tab until `target` has the focus; on the way, each stop must show
// that it has it.
export async function tabTo(page, target) {
  const focused = page.locator(":focus");
  for (let stops = 0; stops < 10; stops++) {
    await page.keyboard.press("Tab");
    await expect(focused).toHaveCSS("outline-style", "solid");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error("Tab does not lead there");
}

// In the page, before its scripts: keeps the sockets that `io` makes.
function keepSockets() {
  const sockets = (window.keptSockets = []);
  let io;
  Object.defineProperty(window, "io", {
    get: () => io,
    set(original) {
      const keeping = (...parameters) => {
        const socket = original(...parameters);
        sockets.push(socket);
        return socket;
      };
      io = Object.assign(keeping, original);
    },
  });
}

// In the page: waits for an answer by HTTP, and for one over each connection.
// Every Socket.IO server refuses a namespace that it does not have.
async function askServer() {
  const { version } = await fetch("/api/version").then((answer) => answer.json());
  const connected = window.keptSockets.filter((socket) => socket.connected);
  const isTold = Number(version.split("-")[1]) >= 25;
  if (isTold && connected.length > 0) await showsAllThatIsStored();
  const refusals = connected.map((socket) => {
    const nowhere = socket.io.socket("/there-is-no-such-namespace");
    return new Promise((refused) => nowhere.once("connect_error", refused));
  });
  await Promise.all(refusals);
  for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);

  // A server looks each second; one that has not delivered after three does not.
  async function showsAllThatIsStored() {
    // To tests that hold up what is sent, this is another address.
    const answer = await fetch("/api/messages?limit=500");
    if (!answer.ok) return;
    const id = Number(document.body.dataset.userId);
    const first = Number(document.querySelector("#messages > li")?.dataset.id ?? 0);
    const missing = (await answer.json())
      .filter(({ author, recipient }) => [author.id, recipient.id].includes(id))
      .filter((message) => message.id > first)
      .map((message) => `#messages > [data-id="${message.id}"]`);
    const patience = performance.now() + 3000;
    while (missing.some((it) => !document.querySelector(it)) && performance.now() < patience) {
      await new Promise(requestAnimationFrame);
    }
  }
}
