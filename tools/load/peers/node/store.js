// Users and messages in SQLite, with the steps' schema, settings and queries.

import Database from "better-sqlite3";

import { accounts } from "./accounts.js";
import { Refusal } from "./refusal.js";
import { text } from "./text.js";

// Marks a file as the chat's: "chat" in ASCII.
const APPLICATION_ID = 0x63686174;

// The longest wait for another program that has locked the file, in ms.
const PATIENCE = 2000;

// The steps' versions of the schema; each brings a database to the next one. The
// second is without its view, which the third makes anew.
const VERSIONS = [
  `
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
  `,

  `
  alter table messages
  add column key text check (length(key) between 1 and 64);

  create unique index message_keys on messages (author_id, key);

  create table database (id text not null) strict;

  insert into database values (lower(hex(randomblob(16))));
  `,

  `
  alter table users add column folded text;
  alter table users add column password text;

  create unique index folded_nicknames on users (folded);

  create table sessions (
    id         text primary key check (length(id) = 64),
    user_id    integer not null references users (id),
    created_at integer not null default (unixepoch()),
    expires_at integer not null
  ) strict;

  create index sessions_of_user on sessions (user_id);
  create index sessions_by_end on sessions (expires_at);

  drop view full_messages;

  create view full_messages as
  select message.id, content, date,
         author.id       as author_id,
         author.name     as author_name,
         author.nickname as author_nickname,
         recipient.id       as recipient_id,
         recipient.name     as recipient_name,
         recipient.nickname as recipient_nickname,
         key
  from messages as message
  join users as author on author.id = message.author_id
  join users as recipient on recipient.id = message.recipient_id;
  `,
];

// Opens the database in the file `path`, and creates it when there is none.
// What it returns has a method for each question. A method that writes returns
// when the disk has it; until then the whole server waits, as better-sqlite3 is
// made.
export function openStore(path, signIn) {
  const db = new Database(path, { timeout: PATIENCE });
  // Signing in begins with the third version.
  prepare(db, signIn ? VERSIONS : VERSIONS.slice(0, 1));

  // Where users sign in, an email is nobody else's business.
  const columns = signIn ? "id, name, nickname" : "id, name, email, nickname";
  const users = db.prepare(`select ${columns} from users order by id`);
  const user = db.prepare(`select ${columns} from users where id = ?`);
  const messagesOf = db.prepare(`
    select * from full_messages
    where id < @before and (author_id = @user or recipient_id = @user)
    order by id desc
    limit @limit
  `);

  const store = {
    schemaVersion: () => db.pragma("user_version", { simple: true }),
    users: () => users.all(),

    user(id) {
      const found = user.get(id);
      if (found === undefined) throw new Refusal(404, `No user has the id ${id}.`);
      return found;
    },

    // What one user sent or received, oldest first: the newest `limit` messages
    // below `before`.
    messagesOf(id, { before, limit }) {
      store.user(id);
      return messagesOf.all({ before, limit, user: id }).reverse().map(asMessage);
    },

    close: () => db.close(),
  };
  const others = signIn ? { ...accounts(db), ...keys(db, store) } : everybodys(db, store);
  return Object.assign(store, others);
}

// The questions of a chat where nobody signs in.
function everybodys(db, store) {
  const insertUser = db.prepare("insert into users (name, email, nickname) values (?, ?, ?)");
  const messages = db.prepare("select * from full_messages where id < ? order by id desc limit ?");
  const insertMessage = db.prepare(`
    insert into messages (content, date, author_id, recipient_id) values (?, ?, ?, ?)
  `);

  return {
    addUser(name, email, nickname) {
      try {
        const { lastInsertRowid: id } = insertUser.run(name, email, nickname);
        return { id, name, email, nickname };
      } catch (error) {
        if (error.code !== "SQLITE_CONSTRAINT_UNIQUE") throw error;
        throw new Refusal(409, `The nickname ${nickname} is taken. Choose another one.`);
      }
    },

    // Everybody's messages.
    messages: ({ before, limit }) => messages.all(before, limit).reverse().map(asMessage),

    addMessage(authorId, recipientId, content) {
      const author = store.user(authorId);
      const recipient = store.user(recipientId);
      const date = new Date().toISOString();
      // Not `get` with `returning`, which does not see that a commit fails.
      const { lastInsertRowid: id } = insertMessage.run(content, date, authorId, recipientId);
      return { id, content, date, author, recipient };
    },
  };
}

// Messages that may be sent again.
function keys(db, store) {
  const database = db.prepare("select id from database").pluck().get();
  const byKey = db.prepare("select * from full_messages where author_id = ? and key = ?");
  const insertMessage = db.prepare(`
    insert into messages (content, date, author_id, recipient_id, key) values (?, ?, ?, ?, ?)
  `);

  // Looks for the key first. What is stored is stored, and no rule that came
  // later calls it refused.
  function addOnce({ author, recipientId, content, key, databaseId }) {
    if (databaseId !== null && databaseId !== database) {
      throw new Refusal(409, "This chat has another database by now. Reload the page.");
    }
    const row = key === null ? undefined : byKey.get(author.id, key);
    if (row !== undefined) {
      const isSame = row.recipient_id === recipientId && row.content === content;
      if (isSame) return { message: asMessage(row), isNew: false };
      throw new Refusal(422, "This key belongs to another message. Use a new key.");
    }
    text("content", content, 2000);
    const recipient = store.user(recipientId);
    const date = new Date().toISOString();
    // As above.
    const { lastInsertRowid: id } = insertMessage.run(content, date, author.id, recipientId, key);
    return { message: { id, content, date, author, recipient, key }, isNew: true };
  }
  const transaction = db.transaction(addOnce);

  return {
    // Adds a message, unless it is there already. In one transaction: another
    // program must not write between what is looked for and what is added.
    addOnce: (message) => transaction.immediate(message),
  };
}

function prepare(db, versions) {
  const pragma = (name) => db.pragma(name, { simple: true });

  // Immediate: two servers that start at once must not both change it.
  db.transaction(() => {
    const tables = db.prepare("select count(*) from sqlite_schema").pluck().get();
    if (tables === 0 && pragma("application_id") === 0 && pragma("user_version") === 0) {
      db.pragma(`application_id = ${APPLICATION_ID}`);
    }
    if (pragma("application_id") !== APPLICATION_ID) throw new Error("it is not this chat's");
    const version = pragma("user_version");
    if (version > versions.length) {
      throw new Error("it was written by a newer version of this chat");
    }
    if (version < versions.length) {
      for (const missing of versions.slice(version)) db.exec(missing);
      db.pragma(`user_version = ${versions.length}`);
    }
  }).immediate();

  db.pragma("foreign_keys = on");
  if (pragma("journal_mode = wal") !== "wal") throw new Error("it would not be kept");
  // better-sqlite3 builds SQLite with `normal` for WAL: a power cut could take
  // messages that are answered.
  db.pragma("synchronous = full");
  db.pragma("fullfsync = on");
}

// The email is of a chat where nobody signs in, the key of another one: what is
// undefined is left out of JSON.
function asMessage(row) {
  const user = (role) => ({
    id: row[`${role}_id`],
    name: row[`${role}_name`],
    email: row[`${role}_email`],
    nickname: row[`${role}_nickname`],
  });
  const { id, content, date, key } = row;
  return { id, content, date, author: user("author"), recipient: user("recipient"), key };
}
