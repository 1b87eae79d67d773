// What people do in a chat, in the words of its contract: how somebody gets in,
// says something, and reads. Nothing else here knows its paths and bodies.

import { Program } from "./program.js";

export class Chat extends Program {
  // Adds a user.
  addUser(nickname, name = nickname) {
    const email = `${nickname.slice(0, 80)}@example.org`;
    return this.#post("/api/users", { nickname, name, email });
  }

  // Sends a message as a program would, not from a page.
  send(author, recipient, content, key) {
    return this.#post("/api/messages", {
      author_id: author.id,
      recipient_id: recipient.id,
      content,
      key,
    });
  }

  // The messages that the server has of a user.
  async messagesOf(user) {
    const answer = await fetch(`${this.url}/api/users/${user.id}/messages`);
    return answer.json();
  }

  async #post(path, body) {
    const answer = await fetch(this.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.json();
  }
}

// The path of a user's messages page.
export function pathOfMessages(user) {
  return `/front/messages/${user.id}`;
}

// Whether a request of a page sends a message.
export function isPost(request) {
  const { pathname } = new URL(request.url());
  const method = request.method?.() ?? request.request().method();
  return pathname === "/api/messages" && method === "POST";
}

// Where a page sends its messages.
export const MESSAGES = "**/api/messages";

// Whether a page asks by this for what it missed.
export const CATCH_UP = /\/api\/users\/\d+\/messages\?after=/;

// In a page: sends a message that names `author`, whosever page it is.
export function sendAs(page, author, recipient, content) {
  const body = { author_id: author.id, recipient_id: recipient.id, content };
  return page.evaluate(
    (message) =>
      fetch("/api/messages", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(message),
      }),
    body,
  );
}

// In a page: what a page of `user` says of itself when it connects.
export function authOf(user) {
  return { user_id: user.id };
}
