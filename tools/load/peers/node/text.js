// What an id and a text may be, and how a request is refused.

// Why a request is not answered as it was meant; the message is for people.
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// Reads a number, or a text of digits: paths, queries and forms have nothing
// but texts. `undefined` when it is neither.
export function wholeNumber(value) {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? number : undefined;
}

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function field(body, name) {
  if (body === undefined) throw new Refusal(400, "The body is not JSON: there is none.");
  if (!isObject(body)) throw new Refusal(422, "The body can't be used: expected a JSON object.");
  if (!Object.hasOwn(body, name)) throw new Refusal(422, `The body can't be used: missing field \`${name}\`.`);
  return body[name];
}

export function idField(body, name) {
  const id = wholeNumber(field(body, name));
  if (id !== undefined) return id;
  throw new Refusal(422, `The body can't be used: expected a whole number as \`${name}\`.`);
}

export function stringField(body, name) {
  const value = field(body, name);
  if (typeof value !== "string") throw new Refusal(422, `The body can't be used: expected a string as \`${name}\`.`);
  // JSON can write half of a surrogate pair. UTF-8 can't, so that it would not
  // be stored as it was sent.
  if (!value.isWellFormed()) throw new Refusal(400, `The body is not JSON: \`${name}\` has half a surrogate pair.`);
  return value;
}

// Checks that a text can be seen, has at most `most` Unicode scalar values, and
// no control characters other than newline and tab.
export function text(name, value, most) {
  const invisible = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]*$/u;
  if (invisible.test(value)) throw new Refusal(422, `The ${name} must not be blank.`);
  // `length` counts one or two units for each scalar value.
  const long = value.length > most && [...value].length > most;
  if (long) throw new Refusal(422, `The ${name} is longer than ${most} characters.`);
  const control = /[^\P{Cc}\n\t]/u.test(value);
  if (control) throw new Refusal(422, `The ${name} has control characters other than newline and tab.`);
  return value;
}
