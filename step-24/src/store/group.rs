//! Changes that wait at the same time are written together: one transaction,
//! one commit, and so one wait for the disk.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_rusqlite::rusqlite::{
    self, Connection, ErrorCode, Transaction, TransactionBehavior,
};

use crate::error::Error;

/// The changes that wait for the connection, in the order in which they came.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<Vec<Box<dyn Job>>>>);

impl Waiting {
    pub(super) fn push(&self, job: impl Job + 'static) {
        self.lock(|jobs| jobs.push(Box::new(job)));
    }

    /// Takes all of them.
    pub(super) fn take(&self) -> Vec<Box<dyn Job>> {
        self.lock(mem::take)
    }

    /// Nothing that is done under the lock can panic halfway.
    fn lock<T>(&self, act: impl FnOnce(&mut Vec<Box<dyn Job>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
            // Another program has the file: the next one is overdue by now.
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
    use std::path::Path;
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::database;

    type Outcome = mpsc::Receiver<Result<(), Error>>;

    /// A chat's database with a table for these tests.
    fn open(path: &Path) -> Connection {
        let connection = database::open(path).unwrap();
        let sql = "create table if not exists rows (
            name text unique, user_id integer
            references users (id) deferrable initially deferred)";
        connection.execute_batch(sql).unwrap();
        connection
    }

    fn names(connection: &Connection) -> Vec<String> {
        let mut names = connection.prepare("select name from rows").unwrap();
        let names = names.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    }

    /// Adds a job to a group; returns what will tell the outcome.
    fn join(
        group: &mut Vec<Box<dyn Job>>,
        deadline: Instant,
        make: impl FnOnce(&Connection) -> Result<(), Error> + Send + 'static,
    ) -> Outcome {
        let (answer, outcome) = mpsc::channel();
        group.push(Box::new(Change {
            deadline,
            make: Some(make),
            made: None,
            then: move |made| answer.send(made).unwrap(),
        }));
        outcome
    }

    fn insert(
        name: &'static str,
    ) -> impl FnOnce(&Connection) -> Result<(), Error> + Send {
        move |connection| {
            connection
                .execute("insert into rows (name) values (?1)", [name])?;
            Ok(())
        }
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn assert_refused(outcome: &Outcome) {
        let outcome = outcome.try_recv().unwrap();
        assert!(matches!(outcome, Err(Error::Group(_))), "{outcome:?}");
    }

    #[test]
    fn what_fails_leaves_nothing_behind_and_harms_no_neighbour() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = open(file.path());
        let mut group = Vec::new();

        let first = join(&mut group, later(), insert("first"));
        let taken = join(&mut group, later(), insert("first"));
        let half = join(&mut group, later(), |connection| {
            insert("half")(connection)?;
            Err(Error::KeyTaken)
        });
        let panics = join(&mut group, later(), |connection| {
            insert("panics")(connection)?;
            panic!("on purpose");
        });
        let last = join(&mut group, later(), |connection| {
            assert_eq!(names(connection), ["first"]);
            insert("last")(connection)
        });
        commit(&connection, group);

        assert!(matches!(first.try_recv(), Ok(Ok(()))));
        assert!(matches!(taken.try_recv(), Ok(Err(Error::Database(_)))));
        assert!(matches!(half.try_recv(), Ok(Err(Error::KeyTaken))));
        assert!(panics.try_recv().is_err());
        assert!(matches!(last.try_recv(), Ok(Ok(()))));
        assert_eq!(names(&connection), ["first", "last"]);
        assert!(connection.is_autocommit());
    }

    #[test]
    fn nobody_is_told_of_success_before_it_is_committed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = open(file.path());
        let other = open(file.path());
        let (answer, outcome) = mpsc::channel();
        let job = Change {
            deadline: later(),
            make: Some(insert("kept")),
            made: None,
            then: move |_| answer.send(names(&other)).unwrap(),
        };

        commit(&connection, vec![Box::new(job)]);

        assert_eq!(outcome.try_recv().unwrap(), ["kept"]);
    }

    /// As a full disk would: SQLite finds out at the end.
    #[test]
    fn when_it_can_not_be_committed_nothing_is_kept_and_all_are_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = open(file.path());
        let mut group = Vec::new();

        let good = join(&mut group, later(), insert("good"));
        let bad = join(&mut group, later(), |connection| {
            connection.execute("insert into rows values ('bad', -1)", [])?;
            Ok(())
        });
        // This one is of what is not kept either.
        let taken = join(&mut group, later(), |_| Err(Error::KeyTaken));
        commit(&connection, group);

        for outcome in [good, bad, taken] {
            assert_refused(&outcome);
        }
        assert_eq!(names(&connection), [""; 0]);
        assert!(connection.is_autocommit());
    }

    /// As SQLite ends it by itself when the disk fails.
    #[test]
    fn after_the_transaction_has_ended_nothing_is_made() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = open(file.path());

        for is_error in [false, true] {
            let mut group = Vec::new();
            let before = join(&mut group, later(), insert("before"));
            let ends = join(&mut group, later(), move |connection| {
                connection.execute_batch("rollback")?;
                if is_error {
                    Err(Error::KeyTaken)
                } else {
                    Ok(())
                }
            });
            let after = join(&mut group, later(), insert("after"));
            commit(&connection, group);

            for outcome in [before, ends, after] {
                assert_refused(&outcome);
            }
            assert_eq!(names(&connection), [""; 0]);
        }

        let mut group = Vec::new();
        let next = join(&mut group, later(), insert("next"));
        commit(&connection, group);
        assert!(matches!(next.try_recv(), Ok(Ok(()))));
    }

    #[test]
    fn what_is_overdue_is_not_made() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = open(file.path());
        let mut group = Vec::new();

        let overdue = join(&mut group, Instant::now(), insert("overdue"));
        let in_time = join(&mut group, later(), insert("in time"));
        commit(&connection, group);

        let overdue = overdue.try_recv().unwrap();
        assert!(matches!(overdue, Err(Error::DatabaseBusy)), "{overdue:?}");
        assert!(matches!(in_time.try_recv(), Ok(Ok(()))));
        assert_eq!(names(&connection), ["in time"]);
    }

    #[test]
    fn while_another_program_has_the_file_each_waits_for_its_own_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = open(file.path());
        let other = open(file.path());
        other.execute_batch("begin immediate").unwrap();
        let mut group = Vec::new();

        let soon = Instant::now() + Duration::from_millis(20);
        let first = join(&mut group, soon, insert("first"));
        let second = join(&mut group, later(), insert("second"));
        let writer = thread::spawn(move || commit(&connection, group));
        let refused = first.recv().unwrap();
        other.execute_batch("rollback").unwrap();
        writer.join().unwrap();

        assert!(matches!(refused, Err(Error::DatabaseBusy)), "{refused:?}");
        assert!(matches!(second.try_recv(), Ok(Ok(()))));
        assert_eq!(names(&other), ["second"]);
    }
}
