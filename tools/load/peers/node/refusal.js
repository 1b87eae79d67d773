// How a request is refused.

import Database from "better-sqlite3";

// Why a request is not answered as it was meant; the message is for people.
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// The status and the words for an error. What is behind a 5xx is logged.
export function explain(error) {
  if (error instanceof Refusal) return [error.status, error.message];
  // An id in a path that can't be decoded.
  if (error instanceof URIError) {
    return [404, "There is nothing at this path: an id is a whole number."];
  }
  // The others below 500 are of express.json.
  if (error.status === 413) return [413, "The body is larger than 64 KiB."];
  if (error.status === 415) return [415, "The body must be JSON in UTF-8, not compressed."];
  if (error.status < 500) return [400, `The body is not JSON: ${error.message}.`];
  console.error(error);
  if (error instanceof Database.SqliteError) {
    return [503, "The database does not answer. Try again in a moment."];
  }
  return [500, "The request can't be completed. The server's log says why."];
}
