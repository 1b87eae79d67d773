// Writes the table that table.spec.js compares; run by `npm run table`, after
// the checks have agreed with it.

import { writeFileSync } from "node:fs";

import { TABLE_FILE, table } from "./table.js";

writeFileSync(TABLE_FILE, table());
console.log(`wrote ${TABLE_FILE}`);
