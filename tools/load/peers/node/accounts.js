// Accounts and sessions: the questions to the database, and their SQL.

import { Refusal } from "./refusal.js";
import { LIFETIME } from "./session.js";
import { folded } from "./text.js";

// Has a method for each question, like the store that it is part of.
export function accounts(db) {
  const me = db.prepare("select id, name, nickname, email from users where id = ?");
  const account = db.prepare(`
    select id, name, nickname, email, password from users
    where nickname = @nickname or folded = @folded
    order by nickname = @nickname desc
    limit 1
  `);
  const insertUser = db.prepare(`
    insert into users (name, email, nickname, folded, password)
    values (@name, @email, @nickname, @folded, @password)
  `);
  const session = db.prepare(`
    select users.id, name, nickname
    from sessions join users on users.id = user_id
    where sessions.id = ? and expires_at > unixepoch()
  `);
  const insertSession = db.prepare(`
    insert into sessions (id, user_id, expires_at) values (?, ?, unixepoch() + ${LIFETIME})
  `);
  const deleteSession = db.prepare("delete from sessions where id = ?");
  const deleteExpired = db.prepare("delete from sessions where expires_at <= unixepoch()");
  const exists = db.prepare("select 1 from sessions where id = ?");

  function insert(userId, { id, replaces }) {
    for (const old of replaces) deleteSession.run(old);
    insertSession.run(id, userId);
  }
  const begin = db.transaction(insert);
  const signUp = db.transaction((user, session) => {
    const { lastInsertRowid: id } = insertUser.run({ ...user, folded: folded(user.nickname) });
    insert(id, session);
    return me.get(id);
  });

  return {
    // A user with what is private.
    me: (id) => me.get(id),

    // The account of the user with this nickname, which need not be written as
    // it was chosen; `undefined` when there is none.
    account: (nickname) => account.get({ nickname, folded: folded(nickname) }),

    // Adds a user, whose password is a hash, and begins a session.
    signUp(user, session) {
      try {
        return signUp.immediate(user, session);
      } catch (error) {
        if (error.code !== "SQLITE_CONSTRAINT_UNIQUE") throw error;
        throw new Refusal(409, `The nickname ${user.nickname} is taken. Choose another one.`);
      }
    },

    beginSession: (userId, session) => begin.immediate(userId, session),

    // The first of these sessions that lasts.
    session(ids) {
      for (const id of ids) {
        const user = session.get(id);
        if (user !== undefined) return { id, user };
      }
      throw new Refusal(401, "Nobody is signed in. Sign in first.");
    },

    endSession: (id) => deleteSession.run(id),

    // Deletes the sessions that have expired. Returns which of `open` are no
    // more, for whatever reason.
    sweepSessions(open) {
      deleteExpired.run();
      return open.filter((id) => exists.get(id) === undefined);
    },
  };
}
