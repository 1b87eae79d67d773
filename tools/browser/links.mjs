// Checks the built book: each link and picture leads to something that is
// there, anchors included, and reading a page asks no other machine.
//
//   mdbook build book && npm run links

import playwright from "@playwright/test";

import { address, files, pages } from "./book.js";
import { chromium } from "./chromium.js";

// In a page: its anchors, and all that it refers to, as absolute addresses.
function read() {
  const all = (selector, key) => [...document.querySelectorAll(selector)].map((e) => e[key]);
  return {
    ids: all("[id]", "id"),
    links: [...all("a[href], link[href]", "href"), ...all("img[src], script[src]", "src")],
  };
}

const exists = new Set(files().map(address));
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
for (reading of pages()) {
  await page.goto(address(reading));
  contents.set(address(reading), { file: reading, ...(await page.evaluate(read)) });
}
await browser.close();

let checked = 0;
for (const { file, links } of contents.values()) {
  for (const link of links) {
    const [place, anchor] = link.split("#");
    if (!place.startsWith("file:")) continue;
    checked += 1;
    const target = contents.get(place);
    if (!exists.has(place)) problems.push(`${file}: there is no ${link}`);
    else if (anchor && target && !target.ids.includes(decodeURIComponent(anchor))) {
      problems.push(`${file}: ${target.file} has no #${anchor}`);
    }
  }
}

for (const problem of problems) console.error(problem);
console.log(`${checked} links on ${contents.size} pages, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
