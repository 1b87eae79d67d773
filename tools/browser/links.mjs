// Checks the built book: each link and picture leads to something that is
// there, anchors included, and reading a page asks no other machine.
//
//   mdbook build book && npm run links

import { readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

import playwright from "@playwright/test";

import { chromium } from "./chromium.js";
import { ROOT } from "./steps.js";

const BOOK = path.join(ROOT, "book/book");

// In a page: its anchors, and all that it refers to, as absolute addresses.
function read() {
  const all = (selector, key) => [...document.querySelectorAll(selector)].map((e) => e[key]);
  return {
    ids: all("[id]", "id"),
    links: [...all("a[href], link[href]", "href"), ...all("img[src], script[src]", "src")],
  };
}

const files = readdirSync(BOOK, { recursive: true }).filter((file) => !file.startsWith("."));
const exists = new Set(files.map((file) => pathToFileURL(path.join(BOOK, file)).href));
// 404.html is written for the root of a web server.
const pages = files.filter((file) => file.endsWith(".html") && file !== "404.html");
if (pages.length === 0) throw new Error("no pages: run mdbook build book");

const problems = [];
const contents = new Map();
const browser = await playwright.chromium.launch({ executablePath: chromium() });
const page = await browser.newPage();
let reading;
page.on("request", (request) => {
  if (!/^(file|data|blob):/.test(request.url())) {
    problems.push(`${reading} asks another machine: ${request.url()}`);
  }
});
for (reading of pages) {
  const address = pathToFileURL(path.join(BOOK, reading)).href;
  await page.goto(address);
  contents.set(address, { file: reading, ...(await page.evaluate(read)) });
}
await browser.close();

let checked = 0;
for (const { file, links } of contents.values()) {
  for (const link of links) {
    const [address, anchor] = link.split("#");
    if (!address.startsWith("file:")) continue;
    checked += 1;
    const target = contents.get(address);
    if (!exists.has(address)) problems.push(`${file}: there is no ${link}`);
    else if (anchor && target && !target.ids.includes(decodeURIComponent(anchor))) {
      problems.push(`${file}: ${target.file} has no #${anchor}`);
    }
  }
}

for (const problem of problems) console.error(problem);
console.log(`${checked} links on ${pages.length} pages, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
