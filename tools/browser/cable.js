// A cable between a browser and the chat, to be pulled out and put back; or the
// computer at its end falls asleep, and neither end learns of it; or an answer
// gets lost in it; or it leads to another server from now on.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Cable {
  #ends = new Set();
  #webSockets = new Set();
  #plugged = true;
  #losesAnswer = null;
  #end;

  static async to(chat) {
    const cable = new Cable();
    cable.leadTo(chat);
    cable.server = createServer((browser) => {
      if (!cable.#plugged) return browser.destroy();
      const { hostname, port } = cable.#end;
      const server = connect(port, hostname);
      browser.once("data", (request) => {
        if (request.includes("websocket")) cable.#webSockets.add(browser).add(server);
      });
      browser.on("data", (request) => {
        if (!cable.#losesAnswer || !request.includes(cable.#losesAnswer)) return;
        cable.#losesAnswer = null;
        server.unpipe(browser);
        server.once("data", () => browser.destroy());
        server.resume();
      });
      cable.#join(browser, server);
      cable.#join(server, browser);
    });
    cable.server.listen(0, "127.0.0.1");
    await once(cable.server, "listening");
    cable.url = `http://127.0.0.1:${cable.server.address().port}`;
    return cable;
  }

  // Lets what connects from now on reach this server.
  leadTo(chat) {
    this.#end = new URL(chat.url);
  }

  pull() {
    this.#plugged = false;
    this.#ends.forEach((end) => end.destroy());
  }

  putBack() {
    this.#plugged = true;
  }

  // Chromium closes its idle connections when a computer falls asleep. A
  // WebSocket stays, and is dead: what is sent over it gets lost.
  fallAsleep() {
    this.#ends.forEach((end) => {
      if (!this.#webSockets.has(end)) return end.destroy();
      end.unpipe();
      end.resume();
    });
  }

  // Lets the next request that begins like this reach the chat, and breaks when
  // the answer comes.
  loseAnswer(begin) {
    this.#losesAnswer = begin;
  }

  remove() {
    this.pull();
    this.server.close();
  }

  // Whatever comes out of `from` goes into `to`; they end together.
  #join(from, to) {
    this.#ends.add(from);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      to.destroy();
      this.#ends.delete(from);
    });
  }
}
