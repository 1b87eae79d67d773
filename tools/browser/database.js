// Changes a chat's database from outside: what takes a month otherwise must not
// take a test a month. By Python, which brings SQLite along; Node does from
// version 22 on.

import { spawnSync } from "node:child_process";
import path from "node:path";

import { changeRows, needsPostgres } from "./postgres.js";

const PYTHON = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=10)
changed = database.execute(sys.argv[2]).rowcount
database.commit()
print(changed)
`;

// Runs a statement; says how many rows it has changed.
export function change(chat, statement) {
  if (needsPostgres(chat.step)) return changeRows(chat.database, statement);
  const file = path.join(chat.folder, chat.database);
  const { error, status, stdout, stderr } = spawnSync("python3", ["-c", PYTHON, file, statement], {
    encoding: "utf8",
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

// Makes all sessions as old as they are after so many days that nobody comes.
export function letDaysPass(chat, days) {
  const time = needsPostgres(chat.step) ? `interval '${days} days'` : days * 24 * 60 * 60;
  return change(
    chat,
    `update sessions set created_at = created_at - ${time}, expires_at = expires_at - ${time}`,
  );
}

export const HAS_PYTHON = spawnSync("python3", ["--version"]).status === 0;
