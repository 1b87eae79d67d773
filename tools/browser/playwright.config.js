import { defineConfig } from "@playwright/test";

import { chromium } from "./chromium.js";
import { MINE } from "./steps.js";

// What is of the book, or of several steps, is nothing to a reader's own step.
const OTHERS = MINE ? ["table.spec.js", "upgrade.spec.js"] : [];

export default defineConfig({
  globalSetup: "./build.js",
  testDir: ".",
  testIgnore: ["book.spec.js", ...OTHERS],
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  reporter: process.env.CI ? "dot" : "list",
  workers: 2,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  use: {
    launchOptions: { executablePath: chromium() },
    locale: "en-GB",
    timezoneId: "UTC",
    viewport: { width: 1000, height: 720 },
  },
});
