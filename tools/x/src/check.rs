//! `cargo x check`: what a program can verify of the rules of a lesson.

mod accumulate;
mod client;
mod layout;
mod lists;
mod manifests;
mod words;

use std::fs;

use course::{CODE, Course, Name, TESTS, files};

use crate::diff::{Pair, Size};
use crate::error::{Result, at, fail};
use crate::say;

pub(crate) const USAGE: &str = "\
Usage: cargo x check

Prints the size of each step, then everything that breaks a rule of the course,
with what to do about it. Exits with 1 if there is anything.

  - Each crate inherits its versions and lints from the workspace.
  - Each step has the same files in the same places.
  - Tests accumulate: each step keeps those of the step before it. Those that
    have to change are listed, with a reason, in tools/x/tests-that-change.toml.
  - Each step is true when read alone: it names no other step.
  - The browser client is the one in package-lock.json, hash and all.
  - README.md and the book list exactly the steps that exist.
";

/// What breaks a rule, and what could not be looked at.
#[derive(Default)]
struct Report {
    findings: Vec<String>,
    skipped: Vec<String>,
}

impl Report {
    fn finding(&mut self, words: impl Into<String>) {
        self.findings.push(words.into());
    }

    fn skip(&mut self, words: impl Into<String>) {
        self.skipped.push(words.into());
    }
}

pub(crate) fn check(course: &Course) -> Result<()> {
    print_sizes(course)?;

    let mut report = Report::default();
    let members = manifests::check(course, &mut report)?;
    layout::check(course, &mut report)?;
    accumulate::check(course, &mut report)?;
    words::check(course, &mut report)?;
    client::check(course, &mut report)?;
    lists::check(course, &mut report)?;

    for words in &report.skipped {
        say!("Not checked: {words}");
    }
    let steps = course.steps.len();
    if report.findings.is_empty() {
        say!("{steps} steps, {members} crates: every rule is kept.");
        return Ok(());
    }
    for words in &report.findings {
        say!("- {words}");
    }
    let count = report.findings.len();
    fail(format!(
        "\n{count} to mend in {steps} steps, {members} crates."
    ))
}

fn print_sizes(course: &Course) -> Result<()> {
    say!("          Rust lines     changes to the code    and to the tests");
    say!("          code  tests    added removed files    added removed files");
    for &number in &course.steps {
        let step = Name::Step(number);
        let (code, tests) = rust_lines(course, step)?;
        let mut row = format!("{:<8} {code:>5} {tests:>6}", step.to_string());
        if let Some(before) = course.before(number) {
            let pair = Pair::of_steps(course, Name::Step(before), step, &[])?;
            for parts in [&CODE[..], &TESTS[..]] {
                let Size {
                    added,
                    removed,
                    files,
                } = pair.size(parts)?;
                row += &format!("    {added:>5} {removed:>7} {files:>5}");
            }
        }
        say!("{row}");
    }
    say!("");
    Ok(())
}

/// Lines of Rust that are neither blank nor a comment: of the code, and of
/// the tests, those inside `src` included.
fn rust_lines(course: &Course, step: Name) -> Result<(usize, usize)> {
    let folder = course.folder(step);
    let (mut code, mut tests) = (0, 0);
    for file in files(&folder, &["src", "tests"])? {
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let path = folder.join(&file);
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        let mut in_tests = file.starts_with("tests");
        for line in text.lines().map(str::trim) {
            // Unit tests are the end of their file.
            in_tests |= line == "#[cfg(test)]";
            let counts = !line.is_empty() && !line.starts_with("//");
            *(if in_tests { &mut tests } else { &mut code }) +=
                usize::from(counts);
        }
    }
    Ok((code, tests))
}
