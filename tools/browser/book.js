// The built book: `mdbook build book` makes it.

import { readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { ROOT } from "./steps.js";

export const BOOK = path.join(ROOT, "book/book");

// The address of a file of the book.
export function address(file) {
  return pathToFileURL(path.join(BOOK, file)).href;
}

export function files() {
  return readdirSync(BOOK, { recursive: true }).filter((file) => !file.startsWith("."));
}

// Its pages. 404.html is written for the root of a web server.
export function pages() {
  const found = files().filter((file) => file.endsWith(".html") && file !== "404.html");
  if (found.length === 0) throw new Error("no pages: run mdbook build book");
  return found;
}
