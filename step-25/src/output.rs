//! What the program prints and logs. Whoever writes a line never waits until
//! somebody reads it: a thread of its own does, and what it can't keep is lost.

use std::io::{self, Write};
use std::sync::mpsc;
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use tracing_appender::non_blocking::{
    ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard,
};

/// How many lines wait to be written. The longest have some 16 KB.
const WAITING: usize = 1024;

/// How often the program looks for lost lines.
const COUNT: Duration = Duration::from_secs(1);

/// How long the last lines may take.
const END: Duration = Duration::from_secs(2);

/// Standard output, or standard error.
struct Queue {
    writer: NonBlocking,
    lost: ErrorCounter,
    guard: Mutex<Option<WorkerGuard>>,
}

static OUTPUT: LazyLock<Queue> = LazyLock::new(|| Queue::new(io::stdout()));
static LOG: LazyLock<Queue> = LazyLock::new(|| Queue::new(io::stderr()));

impl Queue {
    fn new(output: impl Write + Send + 'static) -> Self {
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(WAITING)
            .lossy(true)
            .finish(output);
        Self {
            lost: writer.error_counter(),
            writer,
            guard: Mutex::new(Some(guard)),
        }
    }
}

/// Prints a line on standard output. The first ones are never lost.
pub fn print(line: &str) {
    // As one piece: each is lost as a whole, or not at all.
    let line = format!("{line}\n");
    OUTPUT.writer.clone().write_all(line.as_bytes()).ok();
}

/// Writes to standard error.
#[must_use]
pub fn log() -> NonBlocking {
    LOG.writer.clone()
}

/// Says in the log how many lines were lost, for ever.
pub(crate) async fn count_lost() {
    let mut known = 0;
    loop {
        tokio::time::sleep(COUNT).await;
        let lost = lost_lines();
        if lost > known {
            let lines = lost - known;
            tracing::warn!(lines, "lost: nobody has read them in time");
            match lost_lines() == lost {
                true => known = lost,
                // This one as well. It does not count, and is said again.
                false => known += 1,
            }
        }
    }
}

fn lost_lines() -> usize {
    OUTPUT.lost.dropped_lines() + LOG.lost.dropped_lines()
}

/// Writes what still waits, if somebody reads it in time.
pub fn end() {
    let guards = [&OUTPUT, &LOG].map(|it| it.guard.lock().ok()?.take());
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        // A guard waits for its thread as it goes, but it may print as well.
        drop(guards);
        done.send(()).ok();
    });
    ended.recv_timeout(END).ok();
}
