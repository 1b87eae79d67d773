// Passwords: how one is kept, and how it is checked. The work is done by the
// threads that Node has for such, four at once: it takes long, as it should.

import crypto from "node:crypto";
import { promisify } from "node:util";

// Not all builds of Node have it; a chat without passwords runs there, too.
export const canHash = crypto.argon2 !== undefined;
const argon2 = canHash && promisify(crypto.argon2);

// The steps' numbers, as their hashes have them.
const COST = { memory: 19 * 1024, passes: 2, parallelism: 1 };
const PREFIX = `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$`;

// Keyboards write an é in one character or in two; NFC makes it one.
const derive = (password, nonce) =>
  argon2("argon2id", { ...COST, message: password.normalize("NFC"), nonce, tagLength: 32 });

const base64 = (bytes) => bytes.toString("base64").replaceAll("=", "");

export async function hash(password) {
  const nonce = crypto.randomBytes(16);
  return `${PREFIX}${base64(nonce)}$${base64(await derive(password, nonce))}`;
}

// Whether the password fits. Where there is no hash it takes as long, and does
// not.
export async function fits(password, hashed) {
  const known = hashed?.startsWith(PREFIX) ?? false;
  const parts = known ? hashed.slice(PREFIX.length).split("$") : ["", ""];
  const [nonce, tag] = parts.map((part) => Buffer.from(part, "base64"));
  const derived = await derive(password, known ? nonce : crypto.randomBytes(16));
  return known && crypto.timingSafeEqual(derived, tag);
}
