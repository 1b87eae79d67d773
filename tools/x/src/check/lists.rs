//! The lists of steps, in README.md and in the book, name the steps there are.

use std::collections::BTreeSet;
use std::fs;

use course::{Course, Name};

use super::Report;
use crate::error::{Result, at, read_toml};

const README: &str = "README.md";
const INTRODUCTION: &str = "book/src/introduction.md";
const BOOK: &str = "book/book.toml";

pub(super) fn check(course: &Course, report: &mut Report) -> Result<()> {
    for path in [README, INTRODUCTION] {
        let text = match read_if_exists(course, path, report)? {
            Some(text) => text,
            None if path == README => String::new(),
            None => continue,
        };
        let rows = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix('|'))
            .filter_map(|row| row.split('|').next())
            .flat_map(numbers);
        let place = format!("the table of steps in {path}");
        compare(course, rows, &place, "a row", report);
    }
    if course.root.join(BOOK).is_file() {
        let book: toml::Table = read_toml(&course.root.join(BOOK))?;
        let watched = book
            .get("build")
            .and_then(|build| build.get("extra-watch-dirs"))
            .and_then(|dirs| dirs.as_array());
        let listed = watched
            .into_iter()
            .flatten()
            .filter_map(|dir| dir.as_str()?.strip_prefix("../step-"))
            .filter_map(|digits| digits.trim_end_matches('/').parse().ok());
        let place = format!("extra-watch-dirs in {BOOK}");
        compare(course, listed, &place, "\"../step-N\"", report);
    }
    Ok(())
}

/// Reports the steps that a place does not list, and those it makes up.
fn compare(
    course: &Course,
    listed: impl IntoIterator<Item = u32>,
    place: &str,
    entry: &str,
    report: &mut Report,
) {
    let listed: BTreeSet<u32> = listed.into_iter().collect();
    let exist: BTreeSet<u32> = course.steps.iter().copied().collect();
    for number in exist.difference(&listed) {
        let step = Name::Step(*number);
        let entry = entry.replace("step-N", &step.to_string());
        report.finding(format!("{place} lacks {step}: add {entry} for it."));
    }
    for number in listed.difference(&exist) {
        let step = Name::Step(*number);
        report.finding(format!(
            "{place} lists {step}, which does not exist: take it out."
        ));
    }
}

/// The numbers N of each `step-N`.
fn numbers(text: &str) -> impl Iterator<Item = u32> {
    text.split("step-").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    })
}

fn read_if_exists(
    course: &Course,
    path: &str,
    report: &mut Report,
) -> Result<Option<String>> {
    let absolute = course.root.join(path);
    if !absolute.is_file() {
        report.skip(format!("the list of steps in {path}: there is none."));
        return Ok(None);
    }
    fs::read_to_string(&absolute)
        .map(Some)
        .map_err(at(&absolute))
}
