//! What waits at the same time is written together: one transaction, one lock,
//! one commit, and so one wait for the disk.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::{
    FromRow as _, PgConnection, PgPool, Row as _, query, query_as, query_scalar,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{Message, NewMessage, Stored};
use crate::database::{self, PATIENCE};
use crate::error::Error;
use crate::text::Content;

/// How many may wait to be written. Then those who send more wait for a place.
const WAITING: usize = 1024;

/// How many are written together at most.
const MOST: usize = 256;

/// Something that is written together with others of its kind.
pub(super) trait Entry: Sized + Send + Sync + 'static {
    /// What comes of it when it can be written.
    type Written: Send + 'static;

    /// Writes a group. Returns what came of each, in order.
    fn write(
        connection: &mut PgConnection,
        group: &[Job<Self>],
    ) -> impl Future<Output = sqlx::Result<Outcomes<Self>>> + Send;
}

type Outcome<T> = Result<<T as Entry>::Written, Error>;
pub(super) type Outcomes<T> = Vec<Outcome<T>>;

/// Something to be written, and whoever waits for what comes of it.
pub(super) struct Job<T: Entry> {
    /// Until when its turn must come.
    deadline: Instant,
    pub(super) new: T,
    answer: oneshot::Sender<Outcome<T>>,
}

impl<T: Entry> Job<T> {
    fn answer(self, outcome: Outcome<T>) {
        // Whoever has hung up needs none.
        self.answer.send(outcome).ok();
    }
}

/// What waits to be written.
pub(super) type Queue<T> = mpsc::Sender<Job<T>>;

/// Begins to write what is added to the queue.
pub(super) fn queue<T: Entry>(pool: &PgPool) -> Queue<T> {
    let (waiting, jobs) = mpsc::channel(WAITING);
    tokio::spawn(write(pool.clone(), jobs));
    waiting
}

/// Adds to the queue, and waits for what comes of it.
pub(super) async fn add<T: Entry>(queue: &Queue<T>, new: T) -> Outcome<T> {
    let deadline = Instant::now() + PATIENCE;
    let (answer, answered) = oneshot::channel();
    let job = Job {
        deadline,
        new,
        answer,
    };
    match timeout_at(deadline, queue.send(job)).await {
        Ok(Ok(())) => answered.await.unwrap_or(Err(Error::Panic)),
        Ok(Err(_)) => Err(Error::Panic),
        Err(_) => Err(Error::DatabaseBusy),
    }
}

/// Why nobody in a group gets an answer of their own.
enum Failure {
    /// Nothing is stored.
    Refused(sqlx::Error),
    /// All is stored, or nothing.
    Unknown(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error)
    }
}

/// Writes what waits, for ever. What comes meanwhile is the next group.
async fn write<T: Entry>(pool: PgPool, mut jobs: mpsc::Receiver<Job<T>>) {
    let mut waiting = Vec::new();
    while jobs.recv_many(&mut waiting, MOST).await > 0 {
        let group = mem::take(&mut waiting);
        // A task of its own, so that a panic ends this group alone.
        tokio::spawn(write_group(pool.clone(), group)).await.ok();
    }
}

/// Writes a group in one transaction, and answers each.
async fn write_group<T: Entry>(pool: PgPool, mut group: Vec<Job<T>>) {
    let now = Instant::now();
    let overdue = group.extract_if(.., |job| job.deadline <= now);
    overdue.for_each(|job| job.answer(Err(Error::DatabaseBusy)));
    if group.is_empty() {
        return;
    }
    match store(&pool, &group).await {
        Ok(outcomes) => {
            for (job, outcome) in group.into_iter().zip(outcomes) {
                job.answer(outcome);
            }
        }
        // PostgreSQL does not say because of which one.
        Err(Failure::Refused(error))
            if is_of_data(&error) && group.len() > 1 =>
        {
            for job in group {
                Box::pin(write_group(pool.clone(), vec![job])).await;
            }
        }
        Err(Failure::Refused(sqlx::Error::PoolClosed)) => {
            for job in group {
                job.answer(Err(Error::DatabaseClosed));
            }
        }
        Err(Failure::Refused(error)) => answer(group, error, Error::Group),
        Err(Failure::Unknown(error)) => answer(group, error, Error::Unknown),
    }
}

fn answer<T: Entry>(
    group: Vec<Job<T>>,
    error: sqlx::Error,
    of: fn(Arc<sqlx::Error>) -> Error,
) {
    let error = Arc::new(error);
    for job in group {
        job.answer(Err(of(error.clone())));
    }
}

/// Whether PostgreSQL has refused what is to be stored, and not to store at all.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn is_of_data(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    let class = code.as_deref().and_then(|code| code.get(..2));
    // What is no value, what breaks a rule, and what a trigger has raised.
    matches!(class, Some("22" | "23" | "P0"))
}

/// Stores what can be stored of a group. Returns what came of each, in order.
async fn store<T: Entry>(
    pool: &PgPool,
    group: &[Job<T>],
) -> Result<Outcomes<T>, Failure> {
    let mut transaction = database::begin(pool).await?;
    let written = async {
        // PostgreSQL gives out ids before it commits: without the lock, 8 may be
        // there before 7 is, and whoever has read up to 8 never sees 7.
        database::lock(&mut transaction).await?;
        T::write(&mut transaction, group).await
    };
    let outcomes = database::answer(written).await?;
    let committed = database::answer(transaction.commit()).await;
    committed.map_err(|error| match error {
        sqlx::Error::Database(_) => Failure::Refused(error),
        _ => Failure::Unknown(error),
    })?;
    Ok(outcomes)
}

impl Entry for NewMessage {
    type Written = Stored;

    async fn write(
        connection: &mut PgConnection,
        group: &[Job<Self>],
    ) -> sqlx::Result<Outcomes<Self>> {
        let mut inserted = insert(connection, group).await?;
        let earlier = match inserted.len() == group.len() {
            true => Earlier::default(),
            false => Earlier::find(connection, group).await?,
        };
        if !inserted.is_empty() {
            query("select pg_notify('messages', '')")
                .execute(connection)
                .await?;
        }
        let outcome =
            |(place, job): (i64, &Job<Self>)| match inserted.remove(&place) {
                Some(message) => Ok(Stored::Now(message)),
                None => earlier.outcome(&job.new),
            };
        Ok((0..).zip(group).map(outcome).collect())
    }
}

/// Inserts what can be inserted of a group, with rising ids, and returns each by
/// its place. What is left out is refused, or is there already.
async fn insert(
    connection: &mut PgConnection,
    group: &[Job<NewMessage>],
) -> sqlx::Result<HashMap<i64, Message>> {
    let valid: Vec<(i64, &NewMessage)> = (0..)
        .zip(group)
        .map(|(place, job)| (place, &job.new))
        .filter(|(_, new)| check(new).is_ok() && is_text(&new.database_id))
        .collect();
    let places: Vec<i64> = valid.iter().map(|(place, _)| *place).collect();
    let rows: Vec<PgRow> = query(
        "with new as (
            select nextval('messages_id_seq') as id, ordered.* from (
                select new.* from unnest(
                    $1::bigint[], $2::text[], $3::bigint[], $4::bigint[],
                    $5::text[], $6::text[]
                ) as new (
                    place, content, author_id, recipient_id, key, database_id
                )
                join users as author on author.id = author_id
                join users as recipient on recipient.id = recipient_id
                join chat_database on
                    chat_database.id = coalesce(database_id, chat_database.id)
                order by place
            ) as ordered
        ), stored as (
            insert into messages (id, content, author_id, recipient_id, key)
            select id, content, author_id, recipient_id, key from new
            on conflict (author_id, key) do nothing
            returning id, date
        )
        select place, stored.id, content, rfc3339(date) as date,
            author_id,
            author.name     as author_name,
            author.nickname as author_nickname,
            recipient_id,
            recipient.name     as recipient_name,
            recipient.nickname as recipient_nickname,
            key
        from stored join new using (id)
        join users as author on author.id = author_id
        join users as recipient on recipient.id = recipient_id",
    )
    .bind(places)
    .bind(column(&valid, |new| &*new.content))
    .bind(column(&valid, |new| new.author.0))
    .bind(column(&valid, |new| new.recipient.0))
    .bind(column(&valid, |new| new.key.as_ref().map(|key| &*key.0)))
    .bind(column(&valid, |new| new.database_id.as_deref()))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("place")?, Message::from_row(row)?)))
        .collect()
}

/// Whether PostgreSQL takes it for a text. Keys and contents are checked for
/// more; the id of a database is whatever somebody sends.
fn is_text(id: &Option<String>) -> bool {
    !id.as_ref().is_some_and(|id| id.contains('\0'))
}

/// The values of one column.
fn column<'a, T>(
    rows: &[(i64, &'a NewMessage)],
    value: impl Fn(&'a NewMessage) -> T,
) -> Vec<T> {
    rows.iter().map(|(_, new)| value(new)).collect()
}

/// What the rules of a message say.
fn check(new: &NewMessage) -> Result<Content, Error> {
    Content::new("content", new.content.clone())
}

/// What is there of a group already: by its keys, and by the database's own id.
#[derive(Default)]
struct Earlier {
    database_id: String,
    messages: Vec<Message>,
}

impl Earlier {
    async fn find(
        connection: &mut PgConnection,
        group: &[Job<NewMessage>],
    ) -> sqlx::Result<Self> {
        let (authors, keys): (Vec<i64>, Vec<&str>) = group
            .iter()
            .filter_map(|job| {
                Some((job.new.author.0, &*job.new.key.as_ref()?.0))
            })
            .unzip();
        let messages = query_as(
            "select * from full_messages where (author_id, key) in (
                select * from unnest($1::bigint[], $2::text[])
            )",
        )
        .bind(authors)
        .bind(keys)
        .fetch_all(&mut *connection)
        .await?;
        let database_id = query_scalar("select id from chat_database")
            .fetch_one(connection)
            .await?;
        Ok(Self {
            database_id,
            messages,
        })
    }

    /// What comes of a message that was not inserted. The key first: what is
    /// stored is stored, and no rule that came later calls it refused.
    fn outcome(&self, new: &NewMessage) -> Result<Stored, Error> {
        let database_id = new.database_id.as_ref();
        if database_id.is_some_and(|id| *id != self.database_id) {
            return Err(Error::OtherDatabase);
        }
        let same_key = |it: &&Message| {
            it.author.id == new.author && it.key.is_some() && it.key == new.key
        };
        if let Some(message) = self.messages.iter().find(same_key) {
            if (message.recipient.id, &message.content)
                != (new.recipient, &new.content)
            {
                return Err(Error::KeyTaken);
            }
            return Ok(Stored::Before(message.clone()));
        }
        check(new)?;
        Err(Error::UnknownUser(new.recipient.0))
    }
}
