// What an id, a text, a key and a password may be.

import { Refusal } from "./refusal.js";

// Reads a number, or a text of digits: paths, queries and forms have nothing
// but texts. `undefined` when it is neither.
export function wholeNumber(value) {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? number : undefined;
}

export const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const useless = (reason) => new Refusal(422, `The body can't be used: ${reason}.`);

function field(body, name) {
  if (body === undefined) throw new Refusal(400, "The body is not JSON: there is none.");
  if (!isObject(body)) throw useless("expected a JSON object");
  if (!Object.hasOwn(body, name)) throw useless(`missing field \`${name}\``);
  return body[name];
}

export function idField(body, name) {
  const id = wholeNumber(field(body, name));
  if (id !== undefined) return id;
  throw useless(`expected a whole number as \`${name}\``);
}

export function stringField(body, name) {
  const value = field(body, name);
  if (typeof value !== "string") throw useless(`expected a string as \`${name}\``);
  // JSON can write half of a surrogate pair. UTF-8 can't, so that it would not
  // be stored as it was sent.
  if (!value.isWellFormed()) {
    throw new Refusal(400, `The body is not JSON: \`${name}\` has half a surrogate pair.`);
  }
  return value;
}

// Reads a field that may be missing, or null, of a body that is an object.
export const optional = (read, body, name) => (body[name] == null ? null : read(body, name));

// What shows nothing.
const INVISIBLE = "[\\p{White_Space}\\p{Default_Ignorable_Code_Point}\\u2800]";
const invisible = new RegExp(INVISIBLE, "gu");
const nothing = new RegExp(`^${INVISIBLE}*$`, "u");

// Checks that a text can be seen, has at most `most` Unicode scalar values, and
// no control characters other than newline and tab.
export function text(name, value, most) {
  const wrong = (rule) => new Refusal(422, `The ${name} ${rule}.`);
  if (nothing.test(value)) throw wrong("must not be blank");
  // `length` counts one or two units for each scalar value.
  const long = value.length > most && [...value].length > most;
  if (long) throw wrong(`is longer than ${most} characters`);
  const control = /[^\P{Cc}\n\t]/u.test(value);
  if (control) throw wrong("has control characters other than newline and tab");
  return value;
}

// Checks what names a message before it is stored.
export function checkKey(key) {
  if (/^[ -~]{1,64}$/.test(key)) return key;
  throw new Refusal(422, "The key must be 1 to 64 printable ASCII characters.");
}

// Checks a password that somebody chooses who is called `names`.
export function newPassword(password, names) {
  const wrong = (rule) => new Refusal(422, `The password ${rule}.`);
  const length = [...password.normalize("NFC")].length;
  if (length < 15) throw wrong("is shorter than 15 characters: take some words");
  if (length > 256) throw wrong("is longer than 256 characters");
  const plain = folded(password);
  if (names.some((name) => folded(name) === plain)) throw wrong("is your name, nickname or email");
  return password;
}

// What is left of a text without what people don't see: its case, its width, its
// ligatures (NFKC), and what is invisible. By way of capitals, since an ß and its
// capital have the same, and the last sigma of a word is one like others.
export function folded(value) {
  const seen = value.normalize("NFKC").replace(invisible, "");
  const small = seen.toUpperCase().toLowerCase().replaceAll("ς", "σ");
  return small.normalize("NFKC");
}
