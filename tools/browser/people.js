// What people do in a chat, in the words of its contract: how somebody gets in,
// says something, and reads. Nothing else here knows its paths and bodies.

import { Program } from "./program.js";
import { number } from "./steps.js";

export class Chat extends Program {
  // Adds a user. Where users sign in, this one is: `cookie` is what a browser of
  // theirs has.
  async addUser(nickname, name = nickname) {
    const email = `${nickname.slice(0, 80)}@example.org`;
    const password = passwordOf(nickname);
    return this.#enter("/api/users", { nickname, name, email, password });
  }

  // Signs a user in once more, in another browser.
  signIn(nickname) {
    return this.#enter("/api/sessions", { nickname, password: passwordOf(nickname) });
  }

  // Tries a password; says whether it was looked at, and not only refused.
  async guess(nickname, password) {
    const { path, ...request } = signInRequest(nickname, password);
    const answer = await fetch(this.url + path, request);
    if (![401, 429].includes(answer.status)) throw new Error(`a guess: ${await answer.text()}`);
    return answer.status === 401;
  }

  // Does what whoever runs the chat does for a user who has no password.
  setPassword(nickname, password = passwordOf(nickname)) {
    this.command(["set-password", nickname], `${password}\n`);
  }

  // Lets a user in whom an older step has added.
  async letIn(user) {
    if (number(this.step) < 21) return user;
    this.setPassword(user.nickname);
    return this.signIn(user.nickname);
  }

  // Sends a message as a program would, not from a page.
  async send(author, recipient, content, key) {
    const body = { author_id: author.id, recipient_id: recipient.id, content, key };
    return (await this.#post("/api/messages", body, author)).json();
  }

  // The messages that the server has of a user.
  async messagesOf(user) {
    const answer = await fetch(`${this.url}/api/users/${user.id}/messages`, {
      headers: headersOf(user),
    });
    if (!answer.ok) throw new Error(`messages of ${user.nickname}: ${await answer.text()}`);
    return answer.json();
  }

  async #enter(path, body) {
    const answer = await this.#post(path, body);
    const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
    return { ...(await answer.json()), cookie };
  }

  async #post(path, body, user) {
    const answer = await fetch(this.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headersOf(user) },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer;
  }
}

export function passwordOf(nickname) {
  return `the password of ${nickname}`;
}

// The request by which somebody signs in.
export function signInRequest(nickname, password) {
  return {
    path: "/api/sessions",
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ nickname, password }),
  };
}

// Where a page signs somebody in.
export const SIGN_IN = "**/api/sessions";

// What a program sends with each request of a user.
export function headersOf(user) {
  return user?.cookie ? { Cookie: user.cookie } : {};
}

// Makes a browser that of a user who is signed in. Who was before is so no
// more, and there is no moment in which nobody is.
export async function signInBrowser(context, user, url) {
  if (!user?.cookie) return;
  const [name, value] = user.cookie.split("=");
  await context.addCookies([{ name, value, url, httpOnly: true, sameSite: "Lax" }]);
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
