//! Accounts and sessions: the questions to the database, and their SQL.

use serde::Serialize;
use tokio_rusqlite::rusqlite::{self, Connection, OptionalExtension, Row};

use super::{NewUser, Store, User, call};
use crate::error::Error;
use crate::text::{SessionId, UserId, folded};

/// How long a session lasts that is not used.
const SLIDING: &str = "30 * 24 * 60 * 60";

/// How long a session lasts, however much it is used.
const ABSOLUTE: &str = "90 * 24 * 60 * 60";

/// How often the end of a session is moved at most: that is a write.
const EXTENSION: &str = "24 * 60 * 60";

/// A user, with what is nobody else's business.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Me {
    #[serde(flatten)]
    pub(crate) user: User,
    pub(crate) email: String,
}

/// A user who wants to sign in. The password is a hash; users of an older
/// database have none.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) me: Me,
    pub(crate) password: Option<String>,
}

/// Who is signed in, by which session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user: User,
}

impl Session {
    /// Refuses what is another user's.
    pub(crate) fn must_be(&self, user: UserId) -> Result<(), Error> {
        match user == self.user.id {
            true => Ok(()),
            false => Err(Error::NotYours(self.user.nickname.clone())),
        }
    }
}

/// A session to be begun, and those of the same browser that end with it.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) replaces: Vec<SessionId>,
}

impl Store {
    /// The account of the user with this nickname. It need not be written as it
    /// was chosen, unless it is of an older database.
    pub(crate) async fn account(
        &self,
        nickname: String,
    ) -> Result<Option<Account>, Error> {
        call(&self.reader, move |connection| {
            find_account(connection, &nickname)
        })
        .await
    }

    /// A user with what is private; an unknown one is an error.
    pub(crate) async fn me(&self, id: UserId) -> Result<Me, Error> {
        call(&self.reader, move |connection| {
            connection
                .prepare_cached(
                    "select id, name, nickname, email from users where id = ?1",
                )?
                .query_row([id.0], Me::from_row)
                .optional()?
                .ok_or(Error::UnknownUser(id.0))
        })
        .await
    }

    /// Begins a session for whoever has shown the password of an account. If
    /// that has been changed meanwhile, it is wrong.
    pub(crate) async fn begin_session(
        &self,
        account: Account,
        session: NewSession,
    ) -> Result<(), Error> {
        self.write(move |connection| {
            let user = account.me.user;
            let now = find_account(connection, &user.nickname)?;
            if now.is_none_or(|now| now.password != account.password) {
                return Err(Error::WrongPassword);
            }
            insert_session(connection, user.id, session)
        })
        .await
    }

    /// The first of these sessions that lasts. It is made to last longer, if it
    /// is time for that.
    pub(crate) async fn session(
        &self,
        ids: Vec<SessionId>,
    ) -> Result<Option<Session>, Error> {
        let found = call(&self.reader, |connection| {
            for id in ids {
                if let Some(found) = find_session(connection, id)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        });
        let Some((session, is_due)) = found.await? else {
            return Ok(None);
        };
        if is_due {
            // It does not fail for that: it lasts for some time yet.
            if let Err(error) = self.extend_session(session.id.clone()).await {
                error.log();
            }
        }
        Ok(Some(session))
    }

    async fn extend_session(&self, id: SessionId) -> Result<(), Error> {
        self.write(move |connection| {
            connection.execute(
                &format!(
                    "update sessions set expires_at =
                        min(unixepoch() + {SLIDING}, created_at + {ABSOLUTE})
                    where id = ?1"
                ),
                [id.0],
            )?;
            Ok(())
        })
        .await
    }

    /// Ends a session.
    pub(crate) async fn end_session(&self, id: SessionId) -> Result<(), Error> {
        self.write(move |connection| delete_session(connection, id))
            .await
    }

    /// Deletes the sessions that have expired. Returns which of `open` are no
    /// more, for whatever reason.
    pub(crate) async fn sweep_sessions(
        &self,
        mut open: Vec<SessionId>,
    ) -> Result<Vec<SessionId>, Error> {
        self.write(move |connection| {
            connection.execute(
                "delete from sessions where expires_at <= unixepoch()",
                [],
            )?;
            let mut exists = connection
                .prepare_cached("select 1 from sessions where id = ?1")?;
            let mut ended = Vec::new();
            while let Some(id) = open.pop() {
                if !exists.exists([&id.0])? {
                    ended.push(id);
                }
            }
            Ok(ended)
        })
        .await
    }

    /// Sets a user's password, which is a hash, and ends the user's sessions.
    pub(crate) async fn set_password(
        &self,
        id: UserId,
        password: String,
    ) -> Result<(), Error> {
        self.write(move |connection| {
            connection.execute(
                "update users set password = ?2 where id = ?1",
                (id.0, password),
            )?;
            connection
                .execute("delete from sessions where user_id = ?1", [id.0])?;
            Ok(())
        })
        .await
    }

    /// Adds a user, unless the nickname is taken, and begins a session.
    pub(crate) async fn add_user(
        &self,
        new: NewUser,
        session: NewSession,
    ) -> Result<Me, Error> {
        self.write(move |connection| {
            let me = insert_user(connection, new)?;
            insert_session(connection, me.user.id, session)?;
            Ok(me)
        })
        .await
    }
}

impl Me {
    /// Reads a user, and the email after it.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            user: User::from_row(row, 0)?,
            email: row.get(3)?,
        })
    }
}

fn insert_user(connection: &Connection, new: NewUser) -> Result<Me, Error> {
    let name = new.name.into_string();
    let email = new.email.into_string();
    let nickname = new.nickname.into_string();
    let folded_nickname = folded(&nickname);
    if is_taken(connection, &folded_nickname)? {
        return Err(Error::NicknameTaken(nickname));
    }
    let values = (name, email, nickname, folded_nickname, new.password);
    let me = connection
        .prepare_cached(
            "insert into users (name, email, nickname, folded, password)
            values (?1, ?2, ?3, ?4, ?5)
            returning id, name, nickname, email",
        )?
        .query_one(values, Me::from_row)?;
    Ok(me)
}

/// Whether somebody has a nickname that is the same when it is folded. That of
/// an older database is folded each time.
fn is_taken(connection: &Connection, nickname: &str) -> Result<bool, Error> {
    let mut new =
        connection.prepare_cached("select 1 from users where folded = ?1")?;
    if new.exists([nickname])? {
        return Ok(true);
    }
    let mut old = connection
        .prepare_cached("select nickname from users where folded is null")?;
    let mut rows = old.query([])?;
    while let Some(row) = rows.next()? {
        if folded(&row.get::<_, String>(0)?) == nickname {
            return Ok(true);
        }
    }
    Ok(false)
}

fn find_account(
    connection: &Connection,
    nickname: &str,
) -> Result<Option<Account>, Error> {
    let account = connection
        .prepare_cached(
            "select id, name, nickname, email, password from users
            where nickname = ?1 or folded = ?2
            order by nickname = ?1 desc
            limit 1",
        )?
        .query_row((nickname, folded(nickname)), |row| {
            Ok(Account {
                me: Me::from_row(row)?,
                password: row.get(4)?,
            })
        })
        .optional()?;
    Ok(account)
}

fn insert_session(
    connection: &Connection,
    user: UserId,
    new: NewSession,
) -> Result<(), Error> {
    for id in new.replaces {
        delete_session(connection, id)?;
    }
    connection
        .prepare_cached(&format!(
            "insert into sessions (id, user_id, expires_at)
            values (?1, ?2, unixepoch() + {SLIDING})"
        ))?
        .execute((new.id.0, user.0))?;
    Ok(())
}

fn delete_session(connection: &Connection, id: SessionId) -> Result<(), Error> {
    connection
        .prepare_cached("delete from sessions where id = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// A session that lasts, and whether it is time to make it last longer.
fn find_session(
    connection: &Connection,
    id: SessionId,
) -> Result<Option<(Session, bool)>, Error> {
    let found = connection
        .prepare_cached(&format!(
            "select users.id, name, nickname, expires_at < min(
                unixepoch() + {SLIDING} - {EXTENSION}, created_at + {ABSOLUTE})
            from sessions join users on users.id = user_id
            where sessions.id = ?1 and expires_at > unixepoch()"
        ))?
        .query_row([&id.0], |row| Ok((User::from_row(row, 0)?, row.get(3)?)))
        .optional()?;
    Ok(found.map(|(user, is_due)| (Session { id, user }, is_due)))
}
