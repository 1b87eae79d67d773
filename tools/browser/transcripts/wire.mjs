// HTTP and WebSocket by hand, to have every byte.

import net from "node:net";

// Looks again and again until there is something, for ten seconds at most.
export async function until(look, what, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// Sends a request as it is, and returns the response as it came.
export async function exchange(chat, request) {
  const { port, hostname } = new URL(chat.url);
  const stream = net.connect(port, hostname);
  stream.write(request.replaceAll("\n", "\r\n"));
  let text = "";
  for await (const chunk of stream) {
    text += chunk;
    const [head, body] = text.split("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (body !== undefined && Buffer.byteLength(body) >= length) break;
  }
  return text.replaceAll("\r", "");
}

const TEXT = 1;
const CLOSE = 8;

// A WebSocket: https://www.rfc-editor.org/rfc/rfc6455
// Its key and its mask are those of the RFC's examples. A browser draws new
// ones each time.
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const MASK = Buffer.from("37fa213d", "hex");

export class WebSocketByHand {
  // The frames in order: { sent, opcode, text, bytes, head, seconds }.
  log = [];
  #unread = Buffer.alloc(0);

  static async open(chat, query = "") {
    const socket = new WebSocketByHand();
    const { port, hostname, host } = new URL(chat.url);
    socket.request = [
      `GET /socket.io/?EIO=4&transport=websocket${query} HTTP/1.1`,
      `Host: ${host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${KEY}`,
      "\n",
    ].join("\n");
    socket.stream = net.connect(port, hostname);
    socket.stream.on("error", () => {});
    socket.stream.on("end", () => (socket.ended = true));
    socket.stream.on("data", (chunk) => socket.#read(chunk));
    socket.stream.write(socket.request.replaceAll("\n", "\r\n"));
    await until(() => socket.response, "the answer to the upgrade");
    return socket;
  }

  // Opens a WebSocket, answers the first ping, and connects to the default
  // namespace. One after the other, so that the order is always the same.
  static async connect(chat, auth = "") {
    const socket = await WebSocketByHand.open(chat);
    await socket.received("2");
    socket.send("3");
    socket.send(`40${auth}`);
    await until(
      () => socket.log.some(({ sent, text }) => !sent && text.startsWith("4")),
      "an answer",
    );
    return socket;
  }

  send(text) {
    this.#write(TEXT, Buffer.from(text));
  }

  // 1000: the purpose of the connection is fulfilled.
  sendClose(code = 1000) {
    const body = Buffer.alloc(2);
    body.writeUInt16BE(code);
    this.#write(CLOSE, body);
  }

  // Waits for a text from the server that begins with `start`.
  received(start, seconds) {
    const isIt = (frame) => !frame.sent && frame.text.startsWith(start);
    return until(() => this.log.find(isIt), start, seconds);
  }

  hangUp() {
    this.stream.destroy();
  }

  #write(opcode, body) {
    if (body.length > 125) throw new Error("a frame by hand is a short one");
    const masked = body.map((byte, index) => byte ^ MASK[index % 4]);
    const header = Buffer.from([0x80 | opcode, 0x80 | body.length]);
    const bytes = Buffer.concat([header, MASK, masked]);
    this.#keep({ sent: true, opcode, text: body.toString(), bytes });
    this.stream.write(bytes);
  }

  #read(chunk) {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    if (!this.response) {
      const end = this.#unread.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.response = this.#take(end + 4).toString().replaceAll("\r", "");
      this.began = Date.now();
    }
    while (this.#unread.length >= 4 || this.#unread[1] <= 2) {
      const long = this.#unread[1] === 126;
      const head = long ? 4 : 2;
      const length = long ? this.#unread.readUInt16BE(2) : this.#unread[1];
      if (this.#unread.length < head + length) return;
      const bytes = this.#take(head + length);
      const text = bytes.subarray(head).toString();
      this.#keep({ opcode: bytes[0] & 15, text, bytes, head });
    }
  }

  #keep(frame) {
    // To five seconds: a busy computer is late by one or two.
    const fives = Math.round((Date.now() - this.began) / 5000);
    this.log.push({ ...frame, seconds: 5 * fives });
  }

  #take(length) {
    const taken = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return taken;
  }
}
