//! `cargo x test`: how far the reader's own step is, and whether it is done.

mod page;
mod position;

use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use course::{Course, Known, Name, Record, Tests};
use serde_json::Value;

use crate::diff;
use crate::error::{Error, Result, fail};
use crate::say;
use page::Page;
use position::Position;

pub(crate) const USAGE: &str = "\
Usage: cargo x test STEP

Tests your mine/STEP. Says how many of its Rust tests are green, at which
checkpoint of the chapter you are, and which test is next. When all are green,
it tests your pages in a browser; that needs Node 20, npm's packages and a
Chromium, and it says what is missing.

Done means that both halves are green. Other code than the course's is not
wrong.

  cargo x test 16

Exits with 0 when it is done, with 1 when something is red or does not build,
and with 3 when the Rust tests are green and the pages were not tested.
";

/// Tests `mine/<number>`.
pub(crate) fn test(course: &Course, number: u32) -> Result<()> {
    let mine = diff::started(course, number)?;
    let program = build(course, mine)?;
    let folder = course.folder(mine);
    let tests = Tests::run(&program, &folder, &Known::default())?;
    let (green, all) = (tests.green.len(), tests.all.len());
    say!("{}: {green} of {all} tests are green.", mine.folder());
    say_position(course, mine, &tests);
    if green < all {
        return fail(not_yet(mine, &tests));
    }
    test_page(course, mine)
}

/// Builds the tests, and returns their program.
fn build(course: &Course, mine: Name) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--test", "it", "--no-run", "--package"])
        .arg(mine.to_string())
        .arg("--message-format=json-render-diagnostics")
        .current_dir(&course.root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Error::Failed(format!("can't run cargo: {error}")))?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "it")
        .find_map(|message| Some(message["executable"].as_str()?.into()));
    match program {
        Some(program) if output.status.success() => Ok(program),
        _ => fail(format!(
            "\n{} does not build with its tests: the first error above is \
             where to go on.",
            mine.folder()
        )),
    }
}

/// Says at which checkpoint the reader is, if the book knows these tests.
fn say_position(course: &Course, mine: Name, tests: &Tests) {
    let path = Record::path(&course.root, mine.number());
    let record = Record::read(&path).ok();
    let position = record.and_then(|record| Position::find(&record, tests));
    if let Some(position) = position {
        say!("{}", position.words());
    }
}

/// What to do about red tests.
fn not_yet(mine: Name, tests: &Tests) -> String {
    let red: BTreeSet<_> = tests.all.difference(&tests.green).collect();
    let one = red.first().map_or("", |test| test.as_str());
    format!(
        "\nNot done yet: {} red. Why is one of them? `cargo test -p {mine} \
         {one}`\nThe pages are tested when the Rust tests are green.",
        red.len()
    )
}

/// The page's half, and the verdict.
fn test_page(course: &Course, mine: Name) -> Result<()> {
    let (folder, number) = (mine.folder(), mine.number());
    say!("\nNow its pages, in a browser:\n");
    match page::test(course, mine)? {
        Page::Green => {
            say!("\nDone: the Rust tests and the page's tests are green.");
            say!("Other code than step-{number}'s is not wrong.");
            Ok(())
        }
        Page::Red => fail(format!(
            "\nNot done yet: the Rust tests are green, and the pages in \
             {folder}/static or {folder}/templates do not do all they should."
        )),
        Page::Untested => {
            say!("In {folder}/templates and {folder}/static, compared:\n");
            diff::compare(course, number, &["templates", "static"])?;
            Err(Error::Untested(format!(
                "\nThe Rust tests are green; the page's half was not tested, \
                 so whether {folder} is done is not known."
            )))
        }
    }
}
