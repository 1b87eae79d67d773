//! Lines that both sides have, in another place.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use course::{CODE, TESTS, files};

use super::Pair;
use crate::error::{Result, at, fail};
use crate::git;
use crate::say;

/// Changed lines that stand together, on one side.
struct Run {
    is_old: bool,
    /// Where it begins.
    line: usize,
    lines: Vec<String>,
}

impl Pair {
    /// Names the blocks of each file that has the same lines on both sides,
    /// in another order, and leaves the file out of what is shown later.
    pub(super) fn take_moved(&self) -> Result<bool> {
        let mut any = false;
        let old = self.copies.path().join(self.old.folder());
        let new = self.copies.path().join(self.new.folder());
        for file in files(&old, &[&CODE[..], &TESTS].concat())? {
            let [before, after] = [old.join(&file), new.join(&file)];
            if !after.is_file() || !is_reordered(&before, &after)? {
                continue;
            }
            let name = file.to_string_lossy().replace('\\', "/");
            let runs = self.runs(&name)?;
            say_blocks(&format!("{}/{name}", self.old.folder()), &runs);
            fs::copy(&after, &before).map_err(at(&before))?;
            any = true;
        }
        Ok(any)
    }

    /// Says how many of the lines that were shown are only moved.
    pub(super) fn say_moved(&self) -> Result<()> {
        let mut old: HashMap<String, usize> = HashMap::new();
        let mut new = Vec::new();
        for part in CODE.iter().chain(&TESTS) {
            for run in self.runs(part)? {
                // A brace alone is no line that somebody has moved.
                let mut lines = run.lines;
                lines.retain(|line| line.contains(char::is_alphanumeric));
                match run.is_old {
                    true => lines.into_iter().for_each(|line| {
                        *old.entry(line).or_default() += 1;
                    }),
                    false => new.extend(lines),
                }
            }
        }
        new.retain(|line| {
            let left = old.get_mut(line).filter(|count| **count > 0);
            left.map(|count| *count -= 1).is_some()
        });
        match new.len() {
            0 => {}
            1 => say!("\n1 line is only moved: it is there with - and with +."),
            count => say!(
                "\n{count} lines are only moved: they are there with - and \
                 with +."
            ),
        }
        Ok(())
    }

    /// The changed lines of a part.
    fn runs(&self, part: &str) -> Result<Vec<Run>> {
        // Whatever the reader's settings say of colours.
        let format = ["--unified=0", "--no-color"];
        let Some(mut git) = self.git_diff(part, &format) else {
            return Ok(Vec::new());
        };
        let output = git.output().map_err(git::cannot_run)?;
        if !matches!(output.status.code(), Some(0 | 1)) {
            return fail(String::from_utf8_lossy(&output.stderr));
        }
        Ok(read_runs(&String::from_utf8_lossy(&output.stdout)))
    }
}

/// Whether two texts differ in the order of their lines only.
fn is_reordered(old: &PathBuf, new: &PathBuf) -> Result<bool> {
    let [old, new] = [old, new].map(|path| fs::read(path).map_err(at(path)));
    let (old, new) = (old?, new?);
    Ok(old != new && sorted(&old) == sorted(&new))
}

fn sorted(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

/// Names each block by its first line in the reader's file.
fn say_blocks(file: &str, runs: &[Run]) {
    let blocks: Vec<_> = runs.iter().filter(|run| run.is_old).collect();
    let count: usize = blocks.iter().map(|block| block.lines.len()).sum();
    let lines = if count == 1 { "line" } else { "lines" };
    say!("{file}: moved, {count} {lines} in another place than the step's:");
    for block in blocks {
        let mut lines = block.lines.iter().zip(block.line..);
        if let Some((text, number)) = lines.find(|(text, _)| !text.is_empty()) {
            say!("  {number}: {}", text.trim());
        }
    }
}

/// Reads git's diff without unchanged lines.
fn read_runs(diff: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut lines = diff.lines();
    while let Some(line) = lines.next() {
        let Some(head) = line.strip_prefix("@@ ") else {
            continue;
        };
        let sides = head.split(' ').take(2).zip([true, false]);
        for (range, is_old) in sides {
            let (line, count) = read_range(range);
            let own = lines.by_ref().filter(|line| !line.starts_with('\\'));
            let own = own.take(count).map(|line| line[1..].to_owned());
            let lines: Vec<_> = own.collect();
            runs.push(Run {
                is_old,
                line,
                lines,
            });
        }
    }
    runs
}

/// Reads `-12,3`: from line 12, 3 lines. One line has no number of lines.
fn read_range(range: &str) -> (usize, usize) {
    let (line, count) =
        range[1..].split_once(',').unwrap_or((&range[1..], "1"));
    (line.parse().unwrap_or(0), count.parse().unwrap_or(0))
}
