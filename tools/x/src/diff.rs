//! `cargo x diff` and `cargo x compare`: two crates side by side, by git.

mod moved;

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use course::{CODE, Course, Name, TESTS, files, read, rename, write};
use tempfile::TempDir;

use crate::error::{Result, at, fail};
use crate::git;
use crate::say;

pub(crate) const DIFF_USAGE: &str = "\
Usage: cargo x diff OLD NEW [FILE]

Shows what step NEW changes in step OLD: the manifest, the code, the pages,
and the tests last. The steps' own names read alike, so that only the lesson
differs.

  cargo x diff 15 16
  cargo x diff 15 16 src/lib.rs    one file, or one folder
";

pub(crate) const COMPARE_USAGE: &str = "\
Usage: cargo x compare STEP [FILE]

Shows how to come from your mine/STEP to step-STEP: a line with + is in the
step and not in yours, a line with - is in yours only. A file with the same lines
in another order is not shown so: its blocks in another place are named.

  cargo x compare 16
  cargo x compare 16 src/live.rs   one file, or one folder
";

/// Shows what step `new` changes in step `old`.
pub(crate) fn diff(
    course: &Course,
    old: u32,
    new: u32,
    only: &[&str],
) -> Result<()> {
    let old = Name::Step(course.step(old)?);
    let new = Name::Step(course.step(new)?);
    if old == new {
        return fail(format!("{old} is {new}: name two different steps."));
    }
    let pair = Pair::of_steps(course, old, new, only)?;
    if !pair.show()? {
        say!("{old} and {new} are the same here.");
    }
    Ok(())
}

/// Shows what the reader's own step still lacks of the course's.
pub(crate) fn compare(
    course: &Course,
    number: u32,
    only: &[&str],
) -> Result<()> {
    let step = Name::Step(number);
    let mine = started(course, number)?;
    let mut pair = Pair::new(mine, step, only)?;
    pair.add(course, mine, |content| content)?;
    pair.add(course, step, |content| rename(content, step, mine))?;
    pair.expect_file()?;
    let moved = pair.take_moved()?;
    let differ = pair.show()?;
    if !differ && !moved {
        say!("{} says the same as {step} here.", mine.folder());
    }
    if differ {
        pair.say_moved()?;
    }
    Ok(())
}

/// The reader's own step, once it is started.
pub(crate) fn started(course: &Course, number: u32) -> Result<Name> {
    let step = Name::Step(course.step(number)?);
    let mine = Name::Mine(number);
    if course.before(number).is_none() {
        return fail(format!(
            "{step} is the first step: nobody writes it in mine/."
        ));
    }
    if !course.folder(mine).is_dir() {
        return fail(format!(
            "there is no {} yet: `cargo x start {number}` makes it.",
            mine.folder()
        ));
    }
    Ok(mine)
}

/// Copies of two crates in which both have the same name, in folders that
/// are called as the crates are: their diff reads as one of the crates.
pub(crate) struct Pair {
    copies: TempDir,
    old: Name,
    new: Name,
    /// Only these files or folders of the two; all, if there are none.
    only: Vec<PathBuf>,
    /// How many files were copied.
    files: usize,
}

impl Pair {
    /// Two steps, the old one's name rewritten to the new one's.
    pub(crate) fn of_steps(
        course: &Course,
        old: Name,
        new: Name,
        only: &[&str],
    ) -> Result<Self> {
        let mut pair = Self::new(old, new, only)?;
        pair.add(course, old, |content| rename(content, old, new))?;
        pair.add(course, new, |content| content)?;
        pair.expect_file()?;
        Ok(pair)
    }

    fn new(old: Name, new: Name, only: &[&str]) -> Result<Self> {
        let copies = TempDir::new().map_err(at(&env::temp_dir()))?;
        let only = only.iter().map(|file| inside_step(file, old, new));
        Ok(Self {
            copies,
            old,
            new,
            only: only.collect(),
            files: 0,
        })
    }

    /// Copies one of the two crates, each file through `change`.
    fn add(
        &mut self,
        course: &Course,
        name: Name,
        change: impl Fn(Vec<u8>) -> Vec<u8>,
    ) -> Result<()> {
        let folder = course.folder(name);
        let copy = self.copies.path().join(name.folder());
        // Git compares folders only if both exist.
        for part in CODE.iter().skip(1).chain(&TESTS) {
            let part = copy.join(part);
            fs::create_dir_all(&part).map_err(at(&part))?;
        }
        for file in files(&folder, &[&CODE[..], &TESTS].concat())? {
            let is_meant = self.only.iter().any(|only| file.starts_with(only));
            if !is_meant && !self.only.is_empty() {
                continue;
            }
            let content = change(read(&folder.join(&file))?);
            write(&copy.join(&file), &content)?;
            self.files += 1;
        }
        Ok(())
    }

    /// Fails if a file was asked for that neither crate has.
    fn expect_file(&self) -> Result<()> {
        match self.only.first() {
            Some(only) if self.files == 0 => fail(format!(
                "neither {} nor {} has {}.",
                self.old.folder(),
                self.new.folder(),
                only.display()
            )),
            _ => Ok(()),
        }
    }

    /// Prints the differences, in colour on a terminal; `false`: none.
    fn show(&self) -> Result<bool> {
        let mut differ = false;
        for part in CODE.iter().chain(&TESTS) {
            let Some(mut git) =
                self.git_diff(part, &["--patch", "--color-moved"])
            else {
                continue;
            };
            let status = git.status().map_err(git::cannot_run)?;
            match status.code() {
                Some(0) => {}
                Some(1) => differ = true,
                // Nobody reads on: `cargo x diff 15 16 | head`.
                None => return Ok(true),
                Some(_) => return fail("git can't show the differences."),
            }
        }
        Ok(differ)
    }

    /// How much differs under these parts.
    pub(crate) fn size(&self, parts: &[&str]) -> Result<Size> {
        let mut size = Size::default();
        for part in parts {
            let Some(mut git) = self.git_diff(part, &["--numstat"]) else {
                continue;
            };
            let output = git.output().map_err(git::cannot_run)?;
            if !matches!(output.status.code(), Some(0 | 1)) {
                return fail(String::from_utf8_lossy(&output.stderr));
            }
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let mut fields = line.split('\t');
                let mut lines = || fields.next()?.parse::<usize>().ok();
                // Git counts no lines in a binary file.
                size.added += lines().unwrap_or(0);
                size.removed += lines().unwrap_or(0);
                size.files += 1;
            }
        }
        Ok(size)
    }

    /// The command that compares this part; `None` if only one side, or
    /// none, has it as a file.
    fn git_diff(&self, part: &str, format: &[&str]) -> Option<Command> {
        let side = |name: Name| format!("{}/{part}", name.folder());
        let (old, new) = (side(self.old), side(self.new));
        let exists = |side: &str| self.copies.path().join(side).exists();
        if !exists(&old) || !exists(&new) {
            return None;
        }
        let mut git = git::git(self.copies.path());
        git.args(["diff", "--no-index", "--no-prefix", "--no-ext-diff"]);
        git.args(format);
        if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            git.arg("--no-color");
        }
        git.args(["--", &old, &new]);
        Some(git)
    }
}

#[derive(Default)]
pub(crate) struct Size {
    pub(crate) added: usize,
    pub(crate) removed: usize,
    pub(crate) files: usize,
}

/// The file's path inside a step, with or without the step's folder in front.
fn inside_step(file: &str, old: Name, new: Name) -> PathBuf {
    let path: PathBuf = Path::new(file)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    for name in [old, new] {
        if let Ok(inside) = path.strip_prefix(name.folder()) {
            return inside.to_owned();
        }
    }
    path
}
