//! Changes that wait at the same time are written together: one transaction,
//! one commit, and so one wait for the disk.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_rusqlite::rusqlite::{
    self, Connection, ErrorCode, Transaction, TransactionBehavior,
};

use crate::error::Error;

/// The changes that wait for the connection, in the order in which they came.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<Line>>);

#[derive(Default)]
struct Line {
    jobs: Vec<Box<dyn Job>>,
    /// How many have been taken so far.
    taken: usize,
}

impl Waiting {
    /// Returns the job's place in the line.
    pub(super) fn push(&self, job: impl Job + 'static) -> usize {
        let mut line = self.lock();
        line.jobs.push(Box::new(job));
        line.taken + line.jobs.len()
    }

    /// Takes all of them, unless the one at this place has been taken: then what
    /// has come since has its own turn, and becomes a larger group until then.
    pub(super) fn take(&self, place: usize) -> Vec<Box<dyn Job>> {
        let mut line = self.lock();
        if place <= line.taken {
            return Vec::new();
        }
        line.taken += line.jobs.len();
        mem::take(&mut line.jobs)
    }

    /// Nothing that is done under the lock can panic halfway.
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change, and whoever waits for what comes of it.
pub(super) trait Job: Send {
    /// Until when its turn must come.
    fn deadline(&self) -> Instant;

    /// Makes the change; returns whether it is to be kept.
    fn make(&mut self, connection: &Connection) -> bool;

    /// Says what came of it: an error of the whole group, or its own outcome.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// A change made by `make`. What came of it goes to `then`, which is not called
/// when `make` has panicked.
pub(super) struct Change<T, M, A> {
    pub(super) deadline: Instant,
    /// `None` once it has been called.
    pub(super) make: Option<M>,
    pub(super) made: Option<Result<T, Error>>,
    pub(super) then: A,
}

impl<T, M, A> Job for Change<T, M, A>
where
    T: Send,
    M: FnOnce(&Connection) -> Result<T, Error> + Send,
    A: FnOnce(Result<T, Error>) + Send,
{
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn make(&mut self, connection: &Connection) -> bool {
        self.made = self.make.take().map(|make| make(connection));
        matches!(self.made, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        match (committed, self.made) {
            (Err(error), _) => (self.then)(Err(error)),
            (Ok(()), Some(made)) => (self.then)(made),
            (Ok(()), None) => (),
        }
    }
}

/// Makes changes in one transaction, in their order, and answers each. Those
/// that fail leave nothing behind, and the others are kept; unless the
/// transaction itself fails, and then none is.
pub(super) fn commit(connection: &Connection, mut group: Vec<Box<dyn Job>>) {
    let transaction = loop {
        let now = Instant::now();
        let overdue = group.extract_if(.., |job| job.deadline() <= now);
        overdue.for_each(|job| job.answer(Err(Error::DatabaseBusy)));
        let Some(next) = group.iter().map(|job| job.deadline()).min() else {
            return;
        };
        match begin(connection, next - now) {
            Ok(transaction) => break transaction,
            // Another program has the file: the next one will be overdue.
            Err(error) if is_busy(&error) => (),
            Err(error) => return answer(group, Err(error)),
        }
    };
    let made = make_all(&transaction, &mut group);
    let committed = made.and_then(|()| transaction.commit());
    answer(group, committed);
}

/// Immediate: another program must not write between what a change looks for
/// and what it changes.
fn begin(
    connection: &Connection,
    patience: Duration,
) -> rusqlite::Result<Transaction<'_>> {
    connection.busy_timeout(patience)?;
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Makes each change behind a savepoint, to which one that fails goes back. An
/// error is the transaction's: SQLite has ended it, or can't go on. No change
/// may be made then, since outside of a transaction it would be kept.
fn make_all(
    transaction: &Connection,
    group: &mut [Box<dyn Job>],
) -> rusqlite::Result<()> {
    let execute = |sql| transaction.prepare_cached(sql)?.execute([]);
    for job in group {
        execute("savepoint change")?;
        // A panic would end the connection's thread, and the chat with it.
        let made = catch_unwind(AssertUnwindSafe(|| job.make(transaction)));
        if !made.unwrap_or(false) {
            execute("rollback to change")?;
        }
        // An error if the transaction has ended: its savepoints have, too.
        execute("release change")?;
    }
    Ok(())
}

fn answer(group: Vec<Box<dyn Job>>, committed: rusqlite::Result<()>) {
    let committed = committed.map_err(Arc::new);
    for job in group {
        job.answer(committed.clone().map_err(Error::Group));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::database;

    type Make = Box<dyn FnOnce(&Connection) -> Result<(), Error> + Send>;

    fn insert(name: &'static str) -> Make {
        Box::new(move |connection| {
            connection.execute("insert into rows values (?1)", [name])?;
            Ok(())
        })
    }

    /// A job, and what will tell its outcome.
    fn job(make: Make) -> (impl Job, mpsc::Receiver<Result<(), Error>>) {
        let (answer, outcome) = mpsc::channel();
        let job = Change {
            deadline: Instant::now() + Duration::from_secs(60),
            make: Some(make),
            made: None,
            then: move |made| answer.send(made).unwrap(),
        };
        (job, outcome)
    }

    /// So that whoever is written already waits for nobody.
    #[test]
    fn the_turn_of_what_is_written_already_takes_nothing() {
        let waiting = Waiting::default();
        let push = || waiting.push(job(insert("x")).0);

        let (first, second) = (push(), push());
        assert_eq!(waiting.take(first).len(), 2);
        let third = push();
        assert_eq!(waiting.take(second).len(), 0);
        let fourth = push();
        assert_eq!(waiting.take(third).len(), 2);
        assert_eq!(waiting.take(fourth).len(), 0);
    }

    #[test]
    fn what_fails_leaves_nothing_behind_and_harms_no_neighbour() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = database::open(file.path()).unwrap();
        let table = "create table rows (name text unique)";
        connection.execute_batch(table).unwrap();
        let all: [Make; 5] = [
            insert("first"),
            insert("first"),
            Box::new(|connection| {
                insert("half")(connection)?;
                Err(Error::KeyTaken)
            }),
            Box::new(|connection| {
                insert("panics")(connection)?;
                panic!("on purpose");
            }),
            insert("last"),
        ];

        let waiting = Waiting::default();
        let mut outcomes = Vec::new();
        for make in all {
            let (job, outcome) = job(make);
            waiting.push(job);
            outcomes.push(outcome);
        }
        commit(&connection, waiting.take(1));

        let [first, taken, half, panics, last] = &outcomes[..] else {
            panic!("there are five");
        };
        assert!(matches!(first.try_recv(), Ok(Ok(()))));
        assert!(matches!(taken.try_recv(), Ok(Err(Error::Database(_)))));
        assert!(matches!(half.try_recv(), Ok(Err(Error::KeyTaken))));
        assert!(panics.try_recv().is_err());
        assert!(matches!(last.try_recv(), Ok(Ok(()))));
        let names = "select group_concat(name) from rows";
        let names = connection.query_row(names, [], |row| row.get(0));
        assert_eq!(names, Ok("first,last".to_owned()));
    }
}
