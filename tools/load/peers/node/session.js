// Who is signed in: a cookie in the browser, and a row in the database.

import { hash, randomBytes } from "node:crypto";

import { Refusal } from "./refusal.js";

// The cookie's name is this program's: a browser sends what one port of a host
// has set to all others, so two programs side by side need two names.
export const COOKIE = "node_peer";

// How long a session lasts, in seconds.
export const LIFETIME = 30 * 24 * 60 * 60;

// No script can read the cookie, and another site's page sends it along with a
// link only.
export const attributes = { httpOnly: true, sameSite: "lax", maxAge: LIFETIME * 1000 };

// How many cookies of this name are looked up.
const MOST = 8;

// Whoever has the token is taken for the user, so the database knows its hash
// alone.
const sessionId = (token) => hash("sha256", token);

// The sessions that a request names. There may be several: a page on another
// port can set a cookie of this name, for another path.
export function named({ headers }) {
  const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim());
  const ours = pairs.filter((pair) => pair.startsWith(`${COOKIE}=`)).slice(0, MOST);
  return ours.map((pair) => sessionId(pair.slice(COOKIE.length + 1)));
}

// A new session, for a request that may name older ones: they end with it.
export function begin(request) {
  const token = randomBytes(32).toString("hex");
  return { token, id: sessionId(token), replaces: named(request) };
}

// Refuses what is another user's.
export function mustBe({ user }, id) {
  if (user.id === id) return;
  const words = `This is another user's, and you are signed in as ${user.nickname}.`;
  throw new Refusal(403, words);
}
