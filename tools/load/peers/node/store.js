// Users and messages in SQLite, with the steps' schema, settings and queries.

import Database from "better-sqlite3";

import { Refusal } from "./text.js";

// Marks a file as the chat's: "chat" in ASCII.
const APPLICATION_ID = 0x63686174;
const SCHEMA_VERSION = 1;

// The longest wait for another program that has locked the file, in ms.
const PATIENCE = 2000;

const SCHEMA = `
  create table users (
    id       integer primary key autoincrement,
    name     text not null check (length(name) between 1 and 100),
    email    text not null check (length(email) between 1 and 100),
    nickname text not null check (length(nickname) between 1 and 100)
             unique
  ) strict;

  create table messages (
    id           integer primary key autoincrement,
    content      text not null check (length(content) between 1 and 2000),
    date         text not null
                 default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    author_id    integer not null references users (id),
    recipient_id integer not null references users (id)
  ) strict;

  create view full_messages as
  select message.id, content, date,
         author.id    as author_id,    author.name        as author_name,
         author.email as author_email, author.nickname    as author_nickname,
         recipient.id as recipient_id, recipient.name     as recipient_name,
         recipient.email as recipient_email,
         recipient.nickname as recipient_nickname
  from messages as message
  join users as author on author.id = message.author_id
  join users as recipient on recipient.id = message.recipient_id;
`;

// Opens the database in the file `path`, and creates it when there is none.
// What it returns has a method for each question. A method that writes returns
// when the disk has it; until then the whole server waits, as better-sqlite3 is
// made.
export function openStore(path) {
  const db = new Database(path, { timeout: PATIENCE });
  prepare(db);

  const users = db.prepare("select id, name, email, nickname from users order by id");
  const user = db.prepare("select id, name, email, nickname from users where id = ?");
  const insertUser = db.prepare("insert into users (name, email, nickname) values (?, ?, ?)");
  const messages = db.prepare("select * from full_messages where id < ? order by id desc limit ?");
  const messagesOf = db.prepare(`
    select * from full_messages
    where id < @before and (author_id = @user or recipient_id = @user)
    order by id desc
    limit @limit
  `);
  const insertMessage = db.prepare(`
    insert into messages (content, date, author_id, recipient_id) values (?, ?, ?, ?)
  `);

  const store = {
    schemaVersion: () => db.pragma("user_version", { simple: true }),
    users: () => users.all(),

    user(id) {
      const found = user.get(id);
      if (found === undefined) throw new Refusal(404, `No user has the id ${id}.`);
      return found;
    },

    addUser(name, email, nickname) {
      try {
        const { lastInsertRowid: id } = insertUser.run(name, email, nickname);
        return { id, name, email, nickname };
      } catch (error) {
        if (error.code !== "SQLITE_CONSTRAINT_UNIQUE") throw error;
        throw new Refusal(409, `The nickname ${nickname} is taken. Choose another one.`);
      }
    },

    // Everybody's messages, oldest first: the newest `limit` below `before`.
    messages: ({ before, limit }) => messages.all(before, limit).reverse().map(asMessage),

    // The same of what one user sent or received.
    messagesOf(id, { before, limit }) {
      store.user(id);
      return messagesOf.all({ before, limit, user: id }).reverse().map(asMessage);
    },

    addMessage(authorId, recipientId, content) {
      const author = store.user(authorId);
      const recipient = store.user(recipientId);
      const date = new Date().toISOString();
      // Not `get` with `returning`, which does not see that a commit fails.
      const { lastInsertRowid: id } = insertMessage.run(content, date, authorId, recipientId);
      return { id, content, date, author, recipient };
    },

    close: () => db.close(),
  };
  return store;
}

function prepare(db) {
  const pragma = (name) => db.pragma(name, { simple: true });

  // Immediate: two servers that start at once must not both create it.
  db.transaction(() => {
    const tables = db.prepare("select count(*) from sqlite_schema").pluck().get();
    if (tables === 0 && pragma("application_id") === 0 && pragma("user_version") === 0) {
      db.exec(SCHEMA);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    }
    if (pragma("application_id") !== APPLICATION_ID) throw new Error("it is not this chat's");
    if (pragma("user_version") > SCHEMA_VERSION) throw new Error("it was written by a newer version of this chat");
  }).immediate();

  db.pragma("foreign_keys = on");
  if (pragma("journal_mode = wal") !== "wal") throw new Error("it would not be kept");
  // better-sqlite3 builds SQLite with `normal` for WAL: a power cut could take
  // messages that are answered.
  db.pragma("synchronous = full");
  db.pragma("fullfsync = on");
}

function asMessage(row) {
  const user = (role) => ({
    id: row[`${role}_id`],
    name: row[`${role}_name`],
    email: row[`${role}_email`],
    nickname: row[`${role}_nickname`],
  });
  const { id, content, date } = row;
  return { id, content, date, author: user("author"), recipient: user("recipient") };
}
