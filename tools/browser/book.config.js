// For the book's own pages: no step is built, and no server runs.

import config from "./playwright.config.js";

export default { ...config, globalSetup: undefined, testIgnore: [], testMatch: "book.spec.js" };
