// The book's pages, as mdBook has built them: what a click hits, and what fits.

import { expect, test } from "@playwright/test";

import { address, pages } from "./book.js";

// One of each kind: prose, a new program, changes to a program, a wide table.
const SAMPLE = ["introduction.html", "step-15.html", "step-17.html", "what-works.html"];

// All pages that have a text of their own.
const CHAPTERS = pages().filter((file) => !["index.html", "print.html", "toc.html"].includes(file));

const PHONE = { width: 390, height: 844 };

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    for (const width of [1024, 1280, 1366, 1440, 1536, 1728, 1920]) {
      for (const sidebar of ["open", "shut"]) {
        test(`nothing lies over the text at a width of ${width}, sidebar ${sidebar}`, async ({ page }) => {
          await page.setViewportSize({ width, height: 900 });
          for (const file of SAMPLE) {
            await page.goto(address(file));
            await setSidebar(page, sidebar === "open");
            const { tried, missed } = await page.evaluate(clickEverywhere);
            expect(missed, file).toEqual([]);
            expect(tried, file).toBeGreaterThan(10);
          }
        });
      }
    }
  });
}

test("a lesson has one number, its own", async ({ page }) => {
  await page.goto(address("step-17.html"));
  const titles = await page.locator("#mdbook-sidebar .chapter-item").allTextContents();
  expect(titles.length).toBeGreaterThan(10);
  expect(titles.filter((title) => /^\s*\d/.test(title))).toEqual([]);
});

test("each column of each table has a name", async ({ page }) => {
  test.slow();
  let named = 0;
  for (const file of CHAPTERS) {
    await page.goto(address(file));
    const names = await page.locator("main th").allTextContents();
    expect(names.filter((name) => !name.trim()), file).toEqual([]);
    named += names.length;
  }
  expect(named).toBeGreaterThan(20);
});

test.describe("what works when", () => {
  test.use({ viewport: PHONE });

  test("says in words what it shows in symbols", async ({ page }) => {
    await page.goto(address("what-works.html"));
    const table = page.getByRole("table");
    const cells = await table.getByRole("cell").count();
    const works = table.getByRole("cell", { name: "works", exact: true });
    const notYet = table.getByRole("cell", { name: "not yet", exact: true });
    const notTried = table.getByRole("cell", { name: "–", exact: true });
    const titles = await table.locator("tbody tr").count();
    const [yes, no, none] = [await works.count(), await notYet.count(), await notTried.count()];
    expect(Math.min(yes, no, none, titles)).toBeGreaterThan(0);
    expect(yes + no + none + titles).toBe(cells);
    expect(await works.first().evaluate(looksLike)).toBe('"✓" / ""');
    expect(await notYet.first().evaluate(looksLike)).toBe('"·" / ""');
    for (const word of [works.first(), notYet.first()]) {
      const { width } = await word.locator("strong, em").boundingBox();
      expect(width).toBe(1);
    }
  });

  test("fits on a phone with eleven lessons", async ({ page }) => {
    await page.goto(address("what-works.html"));
    await page.evaluate(addColumns, 11);
    await expect(page.getByRole("columnheader")).toHaveCount(12);
    expect(await page.evaluate(whatIsTooWide)).toEqual([]);
    const { width: column } = await page.getByRole("columnheader", { name: "25" }).boundingBox();
    const { width: titles } = await page.getByRole("columnheader").first().boundingBox();
    expect(column).toBeGreaterThanOrEqual(18);
    expect(titles).toBeGreaterThan(120);
  });
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";

  test.describe(`on a phone, ${how}`, () => {
    test.use({ viewport: PHONE, javaScriptEnabled });

    test("nothing is wider than the page", async ({ page }) => {
      expect(await eachPage(page, whatIsTooWide)).toEqual([]);
    });

    test("no line of code has to be scrolled to", async ({ page }) => {
      expect(await eachPage(page, codeThatScrolls)).toEqual([]);
    });

    test("code in tables does not break inside words", async ({ page }) => {
      expect(await eachPage(page, brokenWords)).toEqual([]);
    });
  });
}

test("on a phone, what scrolls sideways shows where there is more", async ({ page }) => {
  await page.setViewportSize(PHONE);
  expect(await eachPage(page, boxesWithoutSign)).toEqual([]);
});

test("on a phone, a line that goes on below has an arrow there", async ({ page }) => {
  await page.setViewportSize(PHONE);
  await page.goto(address("step-17.html"));
  const before = await page.locator(".sd-l").evaluateAll((lines) =>
    lines
      .filter((line) => line.offsetHeight > 1.5 * parseFloat(getComputedStyle(line).lineHeight))
      .map((line) => getComputedStyle(line, "::before").content),
  );
  expect(before.length).toBeGreaterThan(10);
  expect(before.filter((content) => !content.includes("↪"))).toEqual([]);
});

// Calls `look` in each page, with all that can be folded out unfolded.
async function eachPage(page, look) {
  test.slow();
  const found = {};
  for (const file of CHAPTERS) {
    await page.goto(address(file));
    await page.evaluate(() => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
    found[file] = await page.evaluate(look);
  }
  return Object.entries(found).filter(([, faults]) => faults.length > 0);
}

// In the page: code, not output, that is wider than its box.
function codeThatScrolls() {
  return [...document.querySelectorAll("main :is(.sd-body, pre > code:not(.language-text))")]
    .filter((code) => code.scrollWidth > code.clientWidth)
    .map((code) => code.textContent.slice(0, 80));
}

// In the page: boxes that scroll and don't fade out where there is more, or
// that fade out though there is no more.
async function boxesWithoutSign() {
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const faults = [];
  for (const box of document.querySelectorAll("main :is(pre > code, .table-wrapper, .sq-scroll)")) {
    const { overflowX } = getComputedStyle(box);
    const more = /auto|scroll/.test(overflowX) ? box.scrollWidth - box.clientWidth : 0;
    if (more === 1) continue;
    const at = [];
    for (const left of more ? [0, more / 2, more] : [0]) {
      box.scrollLeft = left;
      await painted();
      const stops = getComputedStyle(box).maskImage.match(/rgba\(0, 0, 0, 0\)/g) ?? [];
      at.push(stops.length);
    }
    const wanted = more ? "1,2,1" : "0";
    if (String(at) !== wanted) faults.push(`${at}, not ${wanted}: ${box.textContent.trim().slice(0, 60)}`);
  }
  return faults;
}

// In the page: words that begin on one line and end on another.
function brokenWords() {
  const broken = [];
  for (const code of document.querySelectorAll("main td code")) {
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const { 0: word, index } of walker.currentNode.data.matchAll(/\w+/g)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, index);
        range.setEnd(walker.currentNode, index + word.length);
        if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) broken.push(word);
      }
    }
  }
  return broken;
}

// In the page: what a cell shows.
function looksLike(cell) {
  return getComputedStyle(cell, "::before").content;
}

// In the page: as if there were so many lessons.
function addColumns(lessons) {
  for (const row of document.querySelectorAll("main tr")) {
    while (row.cells.length <= lessons) {
      const cell = row.lastElementChild.cloneNode(true);
      if (cell.matches("th")) cell.textContent = Number(cell.textContent) + 1;
      row.append(cell);
    }
  }
}

// In the page: what reaches over its right edge, and can't be scrolled there.
function whatIsTooWide() {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX);
  function canBeScrolledTo(element) {
    for (let box = element; !box.matches("main"); box = box.parentElement) {
      if (scrolls(box)) return true;
    }
    return false;
  }
  // Its text may reach farther than its box.
  const end = (element) => {
    const { left, right } = element.getBoundingClientRect();
    const spills = element instanceof HTMLElement && getComputedStyle(element).overflowX === "visible";
    return spills ? Math.max(right, left + element.scrollWidth) : right;
  };
  return [...document.querySelectorAll("main *:not(.vh, .vh *)")]
    .filter((element) => end(element) > width + 0.5)
    .filter((element) => !canBeScrolledTo(scrolls(element) ? element.parentElement : element))
    .map((element) => element.outerHTML.slice(0, 80));
}

async function setSidebar(page, open) {
  const toggle = page.locator("#mdbook-sidebar-toggle-anchor");
  await page.evaluate(() => {
    const style = document.createElement("style");
    style.textContent = "* { transition: none !important }";
    document.head.append(style);
  });
  if ((await toggle.isChecked()) !== open) await page.locator("#mdbook-sidebar-toggle").click();
  await expect(toggle).toBeChecked({ checked: open });
}

// In the page: which clicks would hit something else than what is read there.
// Clicks at the first and last word of each paragraph, and at the middle and
// both sides of each box.
function clickEverywhere() {
  const missed = [];
  let tried = 0;

  function click(element, name, place) {
    let [x, y] = place();
    const scroller = element.closest(".table-wrapper");
    if (scroller) {
      const { left, right } = scroller.getBoundingClientRect();
      if (x < left || x > right) scroller.scrollLeft += x - (left + right) / 2;
      [x, y] = place();
    }
    if (y < 70 || y > innerHeight - 20) {
      scrollBy({ top: y - innerHeight / 2, behavior: "instant" });
      [x, y] = place();
    }
    // The menu bar covers what can't be scrolled below it.
    if (y < 60 || y > innerHeight) return;
    tried += 1;
    const hit = document.elementFromPoint(x, y);
    if (element.contains(hit)) return;
    missed.push(`${name} of ${element.textContent.trim().slice(0, 40)}: ${hit?.outerHTML.slice(0, 60)}`);
  }

  // The middle of the first or last word of an element.
  function middleOf(node, start, end) {
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, end);
    return () => {
      const { x, y, width, height } = range.getClientRects()[0];
      return [x + width / 2, y + height / 2];
    };
  }

  for (const element of document.querySelectorAll("main :is(p, li, h1, h2, h3, td, th, figcaption)")) {
    if (!element.checkVisibility()) continue;
    // What is for screen readers only is one pixel wide.
    const texts = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { data, parentElement } = walker.currentNode;
      const seen = parentElement.checkVisibility() && parentElement.clientWidth !== 1;
      if (seen && /\S/.test(data)) texts.push(walker.currentNode);
    }
    if (texts.length === 0) continue;
    const first = /\S+/.exec(texts[0].data);
    click(element, "first word", middleOf(texts[0], first.index, first.index + first[0].length));
    const last = /\S+\s*$/.exec(texts.at(-1).data);
    click(element, "last word", middleOf(texts.at(-1), last.index, last.index + last[0].trim().length));
  }
  for (const box of document.querySelectorAll("main :is(.sd, pre:not(.sd-pre), .sq, .table-wrapper)")) {
    if (!box.checkVisibility()) continue;
    const at = (share) => () => {
      const { left, width, top, height } = box.getBoundingClientRect();
      return [left + 4 + (width - 8) * share, top + height / 2];
    };
    click(box, "left side", at(0));
    click(box, "middle", at(0.5));
    click(box, "right side", at(1));
  }
  return { tried, missed };
}
