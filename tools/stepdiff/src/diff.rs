//! Two versions of a file as rows, and the rows grouped into hunks.

use std::collections::BTreeSet;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

use course::{Step, is_test};

/// Changed runs with at most this many unchanged lines between are one hunk.
const GAP: usize = 3;

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In both versions.
    Same,
    /// In the old version only.
    Removed,
    /// In the new version only.
    Added,
}

/// One line of the comparison.
#[derive(Clone, Debug)]
pub struct Row {
    /// What happened to it.
    pub kind: Kind,
    /// Its number in the old version, from 1.
    pub old: Option<usize>,
    /// Its number in the new version, from 1.
    pub new: Option<usize>,
    /// The line with its line break.
    pub text: String,
}

impl Row {
    /// Whether the line differs between the versions.
    pub fn changed(&self) -> bool {
        self.kind != Kind::Same
    }

    /// Whether there is nothing on the line.
    pub fn blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// It is gone.
    Deleted,
    /// Its content changed.
    Modified,
}

/// The change of one file between two steps.
#[derive(Clone, Debug)]
pub struct FileDiff {
    /// The file's path in the step.
    pub path: String,
    /// What happened to it.
    pub change: Change,
    /// All lines of both versions, in reading order.
    pub rows: Vec<Row>,
    /// The hunks as ranges of rows; each begins and ends with a changed row.
    pub hunks: Vec<Range<usize>>,
    /// The file is binary or empty: its only row says so.
    pub opaque: bool,
}

impl FileDiff {
    /// The numbers of the changed rows in a range of rows.
    pub fn changed(
        &self,
        range: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = usize> {
        range.filter(|&row| self.rows[row].changed())
    }

    /// How many lines were added and how many removed.
    pub fn counts(&self) -> (usize, usize) {
        counts(self, 0..self.rows.len())
    }
}

/// How many of these rows are added and how many removed.
pub fn counts(
    file: &FileDiff,
    rows: impl IntoIterator<Item = usize>,
) -> (usize, usize) {
    let (mut added, mut removed) = (0, 0);
    for row in rows {
        match file.rows[row].kind {
            Kind::Added => added += 1,
            Kind::Removed => removed += 1,
            Kind::Same => {}
        }
    }
    (added, removed)
}

/// The files that differ between two steps, tests last.
pub fn diff_steps(old: &Step, new: &Step) -> Vec<FileDiff> {
    let paths: BTreeSet<_> = old.files.keys().chain(new.files.keys()).collect();
    let mut diffs: Vec<_> = paths
        .into_iter()
        .filter_map(|path| {
            let before = old.renamed(path, new);
            let after = new.files.get(path).cloned();
            diff_file(path, before.as_deref(), after.as_deref())
        })
        .collect();
    diffs.sort_by_key(|diff| is_test(&diff.path));
    diffs
}

/// Compares two versions of a file; `None` when they are equal.
pub fn diff_file(
    path: &str,
    before: Option<&[u8]>,
    after: Option<&[u8]>,
) -> Option<FileDiff> {
    if before == after {
        return None;
    }
    let change = match (before, after) {
        (None, _) => Change::Created,
        (_, None) => Change::Deleted,
        _ => Change::Modified,
    };
    let old = std::str::from_utf8(before.unwrap_or_default());
    let new = std::str::from_utf8(after.unwrap_or_default());
    let rows = match (old, new) {
        (Ok(old), Ok(new)) => rows(old, new),
        _ => Vec::new(),
    };
    let opaque = rows.is_empty();
    let rows = if opaque {
        vec![note(before, after)]
    } else {
        rows
    };
    let hunks = hunks(&rows);
    let path = path.to_owned();
    Some(FileDiff {
        path,
        change,
        rows,
        hunks,
        opaque,
    })
}

/// The one row of a file that has no lines to show.
fn note(before: Option<&[u8]>, after: Option<&[u8]>) -> Row {
    let text = match (before.unwrap_or_default(), after.unwrap_or_default()) {
        ([], []) => "an empty file\n".to_owned(),
        (old, []) => format!("a binary file of {} bytes\n", old.len()),
        (_, new) => format!("a binary file of {} bytes\n", new.len()),
    };
    let gone = after.is_none();
    let kind = if gone { Kind::Removed } else { Kind::Added };
    Row {
        kind,
        old: None,
        new: None,
        text,
    }
}

fn rows(old: &str, new: &str) -> Vec<Row> {
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let before: Vec<&str> = old.split_inclusive('\n').collect();
    let after: Vec<&str> = new.split_inclusive('\n').collect();
    let mut rows = Vec::with_capacity(before.len() + after.len());
    let (mut i, mut j) = (0, 0);
    while i < before.len() || j < after.len() {
        let removed = i < before.len() && diff.is_removed(i as u32);
        let added = j < after.len() && diff.is_added(j as u32);
        let (kind, line) = if removed {
            (Kind::Removed, before[i])
        } else if added {
            (Kind::Added, after[j])
        } else {
            (Kind::Same, after[j])
        };
        i += usize::from(kind != Kind::Added);
        j += usize::from(kind != Kind::Removed);
        rows.push(Row {
            kind,
            old: (kind != Kind::Added).then_some(i),
            new: (kind != Kind::Removed).then_some(j),
            text: line.to_owned(),
        });
    }
    keep_functions_closed(&mut rows);
    rows
}

/// Where lines of a function are replaced and others follow below it, the
/// bracket that closes it is its own, and not the last one that is added. So a
/// reader who types the others first has two whole functions.
fn keep_functions_closed(rows: &mut [Row]) {
    for end in 0..rows.len() {
        if rows[end].changed() || !rows[end].text.starts_with('}') {
            continue;
        }
        let added = |row: &&Row| row.kind == Kind::Added;
        let start = end - rows[..end].iter().rev().take_while(added).count();
        let replaces = start > 0 && rows[start - 1].kind == Kind::Removed;
        let is_equal = |&at: &usize| rows[at].text == rows[end].text;
        if let Some(own) = (start..end).find(is_equal)
            && replaces
        {
            swap(rows, own, end);
            // The blank line below it as well.
            if end + 1 < rows.len()
                && rows[end + 1].kind == Kind::Same
                && rows[end + 1].text == rows[own + 1].text
            {
                swap(rows, own + 1, end + 1);
            }
        }
    }
}

/// An added row takes the place of an equal one in both versions.
fn swap(rows: &mut [Row], added: usize, same: usize) {
    rows[added].kind = Kind::Same;
    rows[added].old = rows[same].old.take();
    rows[same].kind = Kind::Added;
}

pub(crate) fn hunks(rows: &[Row]) -> Vec<Range<usize>> {
    let mut hunks: Vec<Range<usize>> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        if !row.changed() {
            continue;
        }
        match hunks.last_mut() {
            Some(last) if i - last.end <= GAP => last.end = i + 1,
            _ => hunks.push(i..i + 1),
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> FileDiff {
        diff_file("a", Some(old.as_bytes()), Some(new.as_bytes())).unwrap()
    }

    #[test]
    fn rows_hold_both_versions() {
        let file = diff("a\nb\nc\n", "a\nB\nc\nd");
        let shown: Vec<_> = file
            .rows
            .iter()
            .map(|r| (r.kind, r.old, r.new, r.text.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (Kind::Same, Some(1), Some(1), "a\n"),
                (Kind::Removed, Some(2), None, "b\n"),
                (Kind::Added, None, Some(2), "B\n"),
                (Kind::Same, Some(3), Some(3), "c\n"),
                (Kind::Added, None, Some(4), "d"),
            ]
        );
        assert_eq!(format!("{:?}", file.hunks), "[1..5]");
        assert_eq!(file.counts(), (2, 1));
    }

    #[test]
    fn four_unchanged_lines_part_two_hunks() {
        let file = diff("1\n2\n3\n4\n", "x\n1\n2\n3\n4\ny\n");
        assert_eq!(file.hunks, [0..1, 5..6]);
        let file = diff("1\n2\n3\n", "x\n1\n2\n3\ny\n");
        assert_eq!(format!("{:?}", file.hunks), "[0..5]");
    }

    #[test]
    fn files_without_lines_have_one_row() {
        let file = diff_file("a", None, Some(b"")).unwrap();
        assert!(file.opaque && file.change == Change::Created);
        assert_eq!(file.rows[0].text, "an empty file\n");
        let file = diff_file("a", Some(&[0xff]), Some(b"text")).unwrap();
        assert_eq!(file.rows[0].text, "a binary file of 4 bytes\n");
        assert_eq!(format!("{:?}", file.hunks), "[0..1]");
        assert!(diff_file("a", Some(b"x"), Some(b"x")).is_none());
    }

    #[test]
    fn what_comes_below_a_changed_function_is_not_in_it() {
        let file =
            diff("f {\n  1\n}\n\nh\n", "f {\n  2\n}\n\ng {\n  3\n}\n\nh\n");
        let kinds = file.rows.iter().map(|row| match row.kind {
            Kind::Same => ' ',
            Kind::Removed => '-',
            Kind::Added => '+',
        });
        assert_eq!(kinds.collect::<String>(), " -+  ++++ ");
        assert_eq!((file.rows[3].old, file.rows[3].new), (Some(3), Some(3)));
    }

    #[test]
    fn a_missing_last_line_break_is_a_change() {
        assert_eq!(diff("a", "a\n").counts(), (1, 1));
    }
}
