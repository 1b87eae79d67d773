// A cable between a browser and the chat, to be pulled out and put back.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Cable {
  #ends = new Set();
  #plugged = true;

  static async to(chat) {
    const cable = new Cable();
    const { hostname, port } = new URL(chat.url);
    cable.server = createServer((browser) => {
      if (!cable.#plugged) return browser.destroy();
      const server = connect(port, hostname);
      cable.#join(browser, server);
      cable.#join(server, browser);
    });
    cable.server.listen(0, "127.0.0.1");
    await once(cable.server, "listening");
    cable.url = `http://127.0.0.1:${cable.server.address().port}`;
    return cable;
  }

  pull() {
    this.#plugged = false;
    this.#ends.forEach((end) => end.destroy());
  }

  putBack() {
    this.#plugged = true;
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
