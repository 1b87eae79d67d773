//! Accounts and sessions: the questions to the database, and their SQL.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{
    AssertSqlSafe, FromRow, PgConnection, Row as _, query, query_as,
    query_scalar,
};

use super::{NewUser, Store, User};
use crate::database;
use crate::error::Error;
use crate::text::{SessionId, UserId, folded};

/// How long a session lasts that is not used.
const SLIDING: &str = "interval '30 days'";

/// How long a session lasts, however much it is used.
const ABSOLUTE: &str = "interval '90 days'";

/// How often the end of a session is moved at most: that is a write.
const EXTENSION: &str = "interval '1 day'";

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
        // PostgreSQL takes it for no text.
        if nickname.contains('\0') {
            return Ok(None);
        }
        let account = query_as(
            "select id, name, nickname, email, password from users
            where nickname = $1 or folded = $2
            order by nickname = $1 desc
            limit 1",
        )
        .bind(&nickname)
        .bind(folded(&nickname))
        .fetch_optional(&self.pool)
        .await?;
        Ok(account)
    }

    /// A user with what is private; an unknown one is an error.
    pub(crate) async fn me(&self, id: UserId) -> Result<Me, Error> {
        query_as("select id, name, nickname, email from users where id = $1")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Error::UnknownUser(id.0))
    }

    /// Begins a session for whoever has shown the password of an account. If
    /// that has been changed meanwhile, it is wrong.
    pub(crate) async fn begin_session(
        &self,
        account: Account,
        session: NewSession,
    ) -> Result<(), Error> {
        let mut transaction = database::begin(&self.pool).await?;
        let user = account.me.user;
        // Shared: it must not change until this is committed.
        let password: Option<Option<String>> =
            query_scalar("select password from users where id = $1 for share")
                .bind(user.id.0)
                .fetch_optional(&mut *transaction)
                .await?;
        if password != Some(account.password) {
            return Err(Error::WrongPassword);
        }
        insert_session(&mut transaction, user.id, session).await?;
        Ok(transaction.commit().await?)
    }

    /// The first of these sessions that lasts. It is made to last longer, if it
    /// is time for that.
    pub(crate) async fn session(
        &self,
        ids: Vec<SessionId>,
    ) -> Result<Option<Session>, Error> {
        let mut found = None;
        for id in ids {
            found = self.find_session(id).await?;
            if found.is_some() {
                break;
            }
        }
        let Some((session, is_due)) = found else {
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

    /// A session that lasts, and whether it is time to make it last longer.
    async fn find_session(
        &self,
        id: SessionId,
    ) -> Result<Option<(Session, bool)>, Error> {
        let sql = format!(
            "select users.id, name, nickname, expires_at < least(
                now() + {SLIDING} - {EXTENSION}, created_at + {ABSOLUTE}
            ) as is_due
            from sessions join users on users.id = user_id
            where sessions.id = $1 and expires_at > now()"
        );
        let row = query(AssertSqlSafe(sql))
            .bind(&id.0)
            .fetch_optional(&self.pool);
        let row: Option<PgRow> = database::answer(row).await?;
        let Some(row) = row else { return Ok(None) };
        let user = User::from_row(&row)?;
        Ok(Some((Session { id, user }, row.try_get("is_due")?)))
    }

    async fn extend_session(&self, id: SessionId) -> Result<(), Error> {
        let sql = format!(
            "update sessions set expires_at =
                least(now() + {SLIDING}, created_at + {ABSOLUTE})
            where id = $1"
        );
        query(AssertSqlSafe(sql))
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends a session. All servers are told.
    pub(crate) async fn end_session(&self, id: SessionId) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(delete_sessions(&mut connection, vec![id]).await?)
    }

    /// Deletes the sessions that have expired, and what was said in the lobby
    /// some time ago. Returns which of `open` are no more, for whatever reason.
    pub(crate) async fn sweep_sessions(
        &self,
        open: Vec<SessionId>,
    ) -> Result<Vec<SessionId>, Error> {
        let open: Vec<String> = open.into_iter().map(|id| id.0).collect();
        let swept = async {
            query("delete from sessions where expires_at <= now()")
                .execute(&self.pool)
                .await?;
            query("delete from lobby where date < now() - interval '1 minute'")
                .execute(&self.pool)
                .await?;
            query_scalar(
                "select id from unnest($1::text[]) as open (id)
                where not exists (
                    select from sessions where sessions.id = open.id
                )",
            )
            .bind(open)
            .fetch_all(&self.pool)
            .await
        };
        let ended: Vec<String> = database::answer(swept).await?;
        Ok(ended.into_iter().map(SessionId).collect())
    }

    /// Sets a user's password, which is a hash, and ends the user's sessions.
    pub(crate) async fn set_password(
        &self,
        id: UserId,
        password: String,
    ) -> Result<(), Error> {
        let mut transaction = database::begin(&self.pool).await?;
        query("update users set password = $2 where id = $1")
            .bind(id.0)
            .bind(password)
            .execute(&mut *transaction)
            .await?;
        query("delete from sessions where user_id = $1")
            .bind(id.0)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Adds a user, unless the nickname is taken, and begins a session.
    pub(crate) async fn add_user(
        &self,
        new: NewUser,
        session: NewSession,
    ) -> Result<Me, Error> {
        let mut transaction = database::begin(&self.pool).await?;
        let me = insert_user(&mut transaction, new).await?;
        insert_session(&mut transaction, me.user.id, session).await?;
        transaction.commit().await?;
        Ok(me)
    }
}

/// Reads a user, and the email.
impl FromRow<'_, PgRow> for Me {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            user: User::from_row(row)?,
            email: row.try_get("email")?,
        })
    }
}

impl FromRow<'_, PgRow> for Account {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            me: Me::from_row(row)?,
            password: row.try_get("password")?,
        })
    }
}

async fn insert_user(
    connection: &mut PgConnection,
    new: NewUser,
) -> Result<Me, Error> {
    let nickname = new.nickname.into_string();
    let folded_nickname = folded(&nickname);
    if is_of_old(connection, &folded_nickname).await? {
        return Err(Error::NicknameTaken(nickname));
    }
    // Somebody may take it at this moment, on another server.
    query_as(
        "insert into users (name, email, nickname, folded, password)
        values ($1, $2, $3, $4, $5)
        on conflict do nothing
        returning id, name, nickname, email",
    )
    .bind(new.name.into_string())
    .bind(new.email.into_string())
    .bind(&nickname)
    .bind(folded_nickname)
    .bind(new.password)
    .fetch_optional(connection)
    .await?
    .ok_or(Error::NicknameTaken(nickname))
}

/// Whether somebody of an older database has a nickname that is the same when it
/// is folded: it is folded each time.
async fn is_of_old(
    connection: &mut PgConnection,
    nickname: &str,
) -> Result<bool, Error> {
    let old = "select nickname from users where folded is null";
    let old: Vec<String> = query_scalar(old).fetch_all(connection).await?;
    Ok(old.iter().any(|it| folded(it) == nickname))
}

async fn insert_session(
    connection: &mut PgConnection,
    user: UserId,
    new: NewSession,
) -> Result<(), Error> {
    delete_sessions(connection, new.replaces).await?;
    let sql = format!(
        "insert into sessions (id, user_id, expires_at)
        values ($1, $2, now() + {SLIDING})"
    );
    query(AssertSqlSafe(sql))
        .bind(new.id.0)
        .bind(user.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes sessions, and tells all servers.
async fn delete_sessions(
    connection: &mut PgConnection,
    ids: Vec<SessionId>,
) -> sqlx::Result<()> {
    let ids: Vec<String> = ids.into_iter().map(|id| id.0).collect();
    query(
        "with ended as (
            delete from sessions where id = any($1) returning id
        )
        select pg_notify('sessions', id) from ended",
    )
    .bind(ids)
    .execute(connection)
    .await?;
    Ok(())
}
