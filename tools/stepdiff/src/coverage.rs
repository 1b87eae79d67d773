//! What a chapter leaves unexplained, explains twice, or waives for nothing.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use crate::chapter::{Block, Body, Draft, Part};
use crate::diff::{FileDiff, counts};
use crate::select::directive_for;
use course::is_test;

/// The most boxes from one checkpoint to the next.
const BOXES: usize = 5;
/// The most new lines from one checkpoint to the next.
const LINES: usize = 60;

/// Notes what is missing or too much in the chapter of a step.
pub(crate) fn check(draft: &mut Draft<'_>) {
    if draft.is_tour {
        draft.check_tour();
    } else {
        draft.check_changes();
        draft.check_gaps();
    }
    draft.check_tests();
}

impl Draft<'_> {
    /// Each file of the first step is shown or waived.
    fn check_tour(&mut self) {
        let Some(step) = self.step else { return };
        let mut seen: HashSet<&str> = HashSet::new();
        let mut shown: HashMap<(&str, usize), usize> = HashMap::new();
        let mut problems = Vec::new();
        for block in &self.blocks {
            let Body::Show {
                step: number,
                path,
                lines,
            } = &block.body
            else {
                continue;
            };
            if *number != step.number {
                continue;
            }
            seen.insert(path);
            let mut again = None;
            for line in lines.clone() {
                match shown.entry((path, line)) {
                    Entry::Vacant(free) => _ = free.insert(block.line),
                    Entry::Occupied(by) => {
                        again.get_or_insert((line + 1, *by.get()));
                    }
                }
            }
            if let Some((line, by)) = again {
                let problem = format!(
                    "shown already, on line {by}: {path} from line {line} on"
                );
                problems.push((block.line, problem, None));
            }
        }
        let mut waived: HashSet<&str> = HashSet::new();
        for block in &self.blocks {
            if let Body::Waive { file, .. } = &block.body {
                if seen.contains(file.as_str()) {
                    let problem = format!("{file} is shown: no need to waive");
                    problems.push((block.line, problem, None));
                } else if !waived.insert(file) {
                    let problem = format!("{file} is waived twice");
                    problems.push((block.line, problem, None));
                }
            }
        }
        for path in step.files.keys().filter(|path| !is_test(path)) {
            let path = path.as_str();
            if !seen.contains(path) && !waived.contains(path) {
                let problem = format!("{path} is neither shown nor waived");
                let paste = format!(
                    "{{{{#show {path}}}}}\nWhy it is as it is …\n{{{{/show}}}}"
                );
                problems.push((1, problem, Some(paste)));
            }
        }
        for (line, problem, paste) in problems {
            self.find_with(line, problem, paste);
        }
    }

    /// Each changed line is explained once.
    fn check_changes(&mut self) {
        let mut seen: HashMap<(usize, usize), usize> = HashMap::new();
        let mut waived: HashSet<&str> = HashSet::new();
        let mut problems = Vec::new();
        for block in &self.blocks {
            let Body::Change(parts) = &block.body else {
                continue;
            };
            for Part { diff, rows, .. } in parts {
                let mut again: Vec<usize> = Vec::new();
                for &row in rows {
                    match seen.entry((*diff, row)) {
                        Entry::Vacant(free) => _ = free.insert(block.line),
                        Entry::Occupied(_) => again.push(row),
                    }
                }
                if let Some(first) = again.first() {
                    let file = &self.diffs[*diff];
                    let problem = format!(
                        "shown already, on line {1}: {0}",
                        describe(file, &again),
                        seen[&(*diff, *first)]
                    );
                    let path = file.path.clone();
                    problems.push((block.line, problem, None, path));
                }
            }
        }
        for block in &self.blocks {
            let Body::Waive { file, .. } = &block.body else {
                continue;
            };
            let is_shown =
                seen.keys().any(|(diff, _)| self.diffs[*diff].path == *file);
            if is_shown {
                let problem = format!(
                    "{file} is explained, at least in part: \
                     explain the rest and waive nothing"
                );
                problems.push((block.line, problem, None, file.clone()));
            } else if !waived.insert(file) {
                let problem = format!("{file} is waived twice");
                problems.push((block.line, problem, None, file.clone()));
            }
        }
        for (index, file) in self.diffs.iter().enumerate() {
            let is_waived = waived.contains(file.path.as_str());
            if is_test(&file.path) || is_waived {
                continue;
            }
            let is_open = |row: &usize| !seen.contains_key(&(index, *row));
            for rows in gaps(file, is_open) {
                let problem =
                    format!("not explained: {}", describe(file, &rows));
                let (paste, path) = (pair_for(file, &rows), file.path.clone());
                problems.push((1, problem, Some(paste), path));
            }
        }
        for (line, problem, paste, path) in problems {
            self.find_with(line, problem, paste);
            if let Some(finding) = self.findings.last_mut() {
                finding.file = Some(path);
            }
        }
    }

    /// From one checkpoint to the next there is not much to type.
    fn check_gaps(&mut self) {
        if self.first_checkpoint().is_none() {
            return;
        }
        let mut gap = Gap::default();
        let mut problems = Vec::new();
        for block in &self.blocks {
            match &block.body {
                Body::Change(parts) => {
                    gap.boxes += 1;
                    gap.line = block.line;
                    gap.lines += parts
                        .iter()
                        .map(|part| {
                            counts(&self.diffs[part.diff], part.rows.clone()).0
                        })
                        .sum::<usize>();
                }
                Body::Checkpoint { late } => {
                    let problem = match late {
                        _ if gap.boxes == 0 => Some(
                            "nothing is typed since the last checkpoint"
                                .to_owned(),
                        ),
                        None => gap.problem(),
                        Some(_) if gap.problem().is_some() => None,
                        Some(_) => {
                            Some("it is not late: take out `late=`".to_owned())
                        }
                    };
                    problems.extend(problem.map(|it| (block.line, it)));
                    gap = Gap::default();
                }
                _ => {}
            }
        }
        problems.extend(gap.problem().map(|it| (gap.line, it)));
        for (line, problem) in problems {
            self.find(line, problem);
        }
    }

    /// Tests are shown, by one directive, when there is something to show.
    fn check_tests(&mut self) {
        let is_tests = |block: &&Block| matches!(block.body, Body::Tests);
        let shown = self.blocks.iter().filter(is_tests);
        let lines: Vec<usize> = shown.map(|block| block.line).collect();
        let changed = if self.is_tour {
            let step = self.step.map(|step| step.files.keys());
            step.is_some_and(|mut paths| paths.any(|path| is_test(path)))
        } else {
            self.diffs.iter().any(|diff| is_test(&diff.path))
        };
        match lines.as_slice() {
            [] if changed => self.find_with(
                1,
                "the step's tests are not shown",
                Some("{{#tests}}".to_owned()),
            ),
            [first, ..] if !changed => {
                self.find(*first, "no test of this step has changed");
            }
            [_, second, ..] => {
                self.find(*second, "the tests are shown twice");
            }
            _ => {}
        }
    }
}

/// What is typed from one checkpoint to the next.
#[derive(Default)]
struct Gap {
    boxes: usize,
    lines: usize,
    /// The line of its last box.
    line: usize,
}

impl Gap {
    /// What to do if it is too much. One box can't be parted.
    fn problem(&self) -> Option<String> {
        let Self { boxes, lines, .. } = self;
        let is_much = *boxes > 1 && (*boxes > BOXES || *lines > LINES);
        is_much.then(|| {
            format!(
                "{boxes} boxes with {lines} new lines and no checkpoint: put \
                 `{{{{#checkpoint}}}}` where it builds, after at most {BOXES} \
                 boxes and {LINES} lines, or say late=\"why not\" in the \
                 one that follows"
            )
        })
    }
}

/// Runs of rows that are open, at most one for each run in a hunk.
fn gaps(file: &FileDiff, is_open: impl Fn(&usize) -> bool) -> Vec<Vec<usize>> {
    let mut gaps = Vec::new();
    for hunk in &file.hunks {
        let changed: Vec<usize> = file.changed(hunk.clone()).collect();
        let runs = changed.chunk_by(|a, b| is_open(a) == is_open(b));
        let open = runs.filter(|run| is_open(&run[0]));
        gaps.extend(open.map(<[usize]>::to_vec));
    }
    gaps
}

/// Rows in words: `src/lib.rs:4-9, 6 added and 1 removed lines`.
pub fn describe(file: &FileDiff, rows: &[usize]) -> String {
    let (added, removed) = counts(file, rows.iter().copied());
    let side = |row: &usize| {
        let row = &file.rows[*row];
        if added > 0 { row.new } else { row.old }
    };
    let mut numbers = rows.iter().filter_map(side);
    let place = match (numbers.next(), numbers.next_back()) {
        (Some(first), Some(last)) => format!(":{first}-{last}"),
        (Some(first), None) => format!(":{first}"),
        _ => String::new(),
    };
    let lines = |n: usize| if n == 1 { "line" } else { "lines" };
    let count = match (added, removed) {
        (n, 0) => format!("{n} {} added", lines(n)),
        (0, n) => format!("{n} {} removed (old numbers)", lines(n)),
        (n, removed) => format!("{n} {} added, {removed} removed", lines(n)),
    };
    format!("{}{place}, {count}", file.path)
}

/// A pair of directives to paste that shows these rows.
fn pair_for(file: &FileDiff, rows: &[usize]) -> String {
    match directive_for(file, rows) {
        Some(open) => {
            format!("{open}\nWhy this changes …\n{{{{/change}}}}")
        }
        None => format!(
            "no needle finds only these lines: widen a part of {} \
             that is next to them",
            file.path
        ),
    }
}
