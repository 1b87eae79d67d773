// The lobby's page, with the words in which the tests speak of it.

import { expect } from "@playwright/test";

export class LobbyPage {
  // `name` is what its visitor is called: the handle, or the nickname of who is
  // signed in.
  constructor(page, name) {
    this.page = page;
    this.name = name;
    this.body = page.locator("body");
    this.handle = page.locator("[name=handle]"); // until step-20
    this.message = page.locator("[name=message]");
    this.handleError = page.locator("#handle-error");
    this.messageError = page.locator("#message-error");
    this.texts = page.locator("#messages > li .content");
  }

  // Goes to the page, and waits until it is live and its connection a WebSocket;
  // says whether there is one.
  async open(url) {
    const answer = await this.page.goto(`${url}/front/lobby`);
    if (!answer.ok()) return false;
    await this.live("connected");
    await this.page.waitForFunction(() => lobby.io.engine.transport.name === "websocket");
    return true;
  }

  async live(state) {
    await expect(this.body).toHaveAttribute("data-live", state, { timeout: 15_000 });
  }

  // Listens to all events from now on, whether the page shows them or not.
  // Returns a function that says their names.
  async hears() {
    await this.page.evaluate(() => {
      window.heard = [];
      lobby.onAny((event) => window.heard.push(event));
    });
    return () => this.page.evaluate(() => window.heard);
  }

  // Types a message, and a handle where people have one, and presses Enter; does
  // not wait.
  async say(message) {
    if (await this.handle.isVisible()) await this.handle.fill(this.name);
    await this.message.fill(message);
    await this.message.press("Enter");
  }

  // Waits until these texts are there, and no others.
  async shows(...texts) {
    await expect(this.texts).toHaveText(texts);
  }
}
