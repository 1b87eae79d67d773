//! Running the tests of a step, and reading what they print.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How many seconds a test waits for what may never come, and how many when
/// it is tried once more.
const PATIENCE: [&str; 2] = ["3", "20"];
/// How many tests run at once: those that are red do nothing but wait.
const THREADS: &str = "--test-threads=16";
/// Those that get a second chance may need a server of their own each.
const FEW_THREADS: &str = "--test-threads=4";
/// The longest that all tests may take.
const LIMIT: Duration = Duration::from_secs(300);

/// The names of a step's tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tests {
    /// All, but for those that are ignored.
    pub all: BTreeSet<String>,
    /// Those that pass.
    pub green: BTreeSet<String>,
    /// Those of them that need more time than the others.
    pub slow: BTreeSet<String>,
}

/// What is known of a step's tests before they are run.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// They come last, with more time.
    pub slow: BTreeSet<String>,
    /// They are green, and are not run.
    pub sure: BTreeSet<String>,
    /// When they are red they come once more, with more time. All do, if there
    /// is no such list.
    pub again: Option<BTreeSet<String>>,
}

impl Tests {
    /// Runs the tests' program in a folder.
    ///
    /// # Errors
    ///
    /// When the program can't be run.
    pub fn run(
        program: &Path,
        folder: &Path,
        known: &Known,
    ) -> io::Result<Self> {
        let run = |patience, args: &[&str]| {
            output(Command::new(program).current_dir(folder), patience, args)
        };
        let [short, long] = PATIENCE;
        let mut all = listed(&run(short, &["--list"])?);
        for ignored in listed(&run(short, &["--list", "--ignored"])?) {
            all.remove(&ignored);
        }
        let Known { slow, sure, again } = known;
        let skipped = slow.union(sure).flat_map(|test| ["--skip", test]);
        let others: Vec<&str> =
            ["--exact", THREADS].into_iter().chain(skipped).collect();
        let mut green = passed(&run(short, &others)?);
        green.extend(all.intersection(sure).cloned());
        let red = all.difference(&green);
        let lost = red.filter(|&test| {
            let again = again.as_ref();
            slow.contains(test) || again.is_none_or(|it| it.contains(test))
        });
        let lost: Vec<&str> = lost.map(String::as_str).collect();
        let mut slow = BTreeSet::new();
        if !lost.is_empty() {
            let args = [&["--exact", FEW_THREADS], &lost[..]].concat();
            slow = passed(&run(long, &args)?);
            green.extend(slow.clone());
        }
        Ok(Self { all, green, slow })
    }
}

/// Runs the tests' program, and returns what it prints.
fn output(
    program: &mut Command,
    patience: &str,
    args: &[&str],
) -> io::Result<String> {
    let mut child = program
        .args(args)
        .env("PATIENCE", patience)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let stdout = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut out = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut out).ok();
        }
        String::from_utf8_lossy(&out).into_owned()
    });
    wait(&mut child)?;
    Ok(reader.join().unwrap_or_default())
}

/// Waits for the end of the tests, and ends those that hang.
fn wait(child: &mut Child) -> io::Result<()> {
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() > LIMIT {
            child.kill()?;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The names in lines like `live::page_connects: test`.
fn listed(out: &str) -> BTreeSet<String> {
    let names = out.lines().filter_map(|line| line.strip_suffix(": test"));
    names.map(str::to_owned).collect()
}

/// The names in lines like `test live::page_connects ... ok`.
fn passed(out: &str) -> BTreeSet<String> {
    let lines = out.lines().filter_map(|line| line.strip_suffix(" ... ok"));
    let names = lines.filter_map(|line| line.strip_prefix("test "));
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passed_is_green() {
        let out = "test a::b ... ok\ntest c ... FAILED\ntest d ... ignored\n\
                   said: test e ... ok\n";
        assert_eq!(passed(out), BTreeSet::from(["a::b".to_owned()]));
    }
}
