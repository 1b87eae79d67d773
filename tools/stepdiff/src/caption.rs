//! The line above a figure: which file, where in it, and how much.

use std::ops::Range;

use crate::diff::{Change, FileDiff, Kind, Row, counts};
use crate::outline::{enclosing, leads};
use crate::render::escape;

/// The caption of lines as they stand; `range` counts from 0.
pub(crate) fn of_lines(
    step: &str,
    path: &str,
    lines: &[&str],
    range: &Range<usize>,
) -> String {
    let caption = name(step, path);
    if *range == (0..lines.len()) {
        return caption;
    }
    let code = range.clone().find(|&at| !leads(lines[at]));
    let within = inside(path, lines, code.unwrap_or(range.start));
    let place = spans(&[(range.start + 1, range.end)]);
    format!("{caption}{within}, {place}")
}

/// The caption of the selected rows of a change.
pub(crate) fn of_change(
    step: &str,
    file: &FileDiff,
    selected: &[usize],
) -> String {
    let caption = name(step, &file.path);
    let is_whole = selected.len() == file.rows.len();
    if file.opaque || (is_whole && file.change != Change::Modified) {
        let what = match file.change {
            Change::Created => "new file",
            Change::Deleted => "removed file",
            Change::Modified => "changed file",
        };
        return format!("{caption} · {what}");
    }
    let (added, removed) = counts(file, selected.iter().copied());
    let kind = if added > 0 {
        Kind::Added
    } else {
        Kind::Removed
    };
    let was = if added > 0 { "" } else { "was " };
    let of = match file.change {
        Change::Created => " of a new file",
        _ => "",
    };
    let places = places(file, selected, kind);
    let within = match places.len() {
        1 => within(file, selected, kind),
        _ => String::new(),
    };
    let count = |n: usize, what: &str| match n {
        0 => String::new(),
        n => format!(" · <span class=\"sd-count\">{n} {what}</span>"),
    };
    format!(
        "{caption}{within}, {was}{}{of}{}{}",
        spans(&places),
        count(added, "added"),
        count(removed, "removed")
    )
}

fn name(step: &str, path: &str) -> String {
    format!("<b>{step}/{}</b>", escape(path))
}

/// The line's number in the version that has lines of this kind.
fn number(row: &Row, kind: Kind) -> Option<usize> {
    if kind == Kind::Added {
        row.new
    } else {
        row.old
    }
}

/// The first and the last line of what is selected in each hunk.
fn places(
    file: &FileDiff,
    selected: &[usize],
    kind: Kind,
) -> Vec<(usize, usize)> {
    let hunks = file.hunks.iter().filter_map(|hunk| {
        let own = selected.iter().filter(|row| hunk.contains(row));
        let mut own = own.filter_map(|&row| number(&file.rows[row], kind));
        let first = own.next()?;
        Some((first, own.next_back().unwrap_or(first)))
    });
    hunks.collect()
}

/// What encloses the first selected line that is code.
fn within(file: &FileDiff, selected: &[usize], kind: Kind) -> String {
    let rows = selected.iter().map(|&row| &file.rows[row]);
    let mut own = rows.filter(|row| row.kind == kind);
    let code = own.clone().find(|row| !leads(&row.text));
    let at = code
        .or_else(|| own.next())
        .and_then(|row| number(row, kind));
    let version = file.rows.iter().filter(|row| number(row, kind).is_some());
    let lines: Vec<&str> = version.map(|row| row.text.trim_end()).collect();
    at.map_or(String::new(), |at| inside(&file.path, &lines, at - 1))
}

fn inside(path: &str, lines: &[&str], at: usize) -> String {
    match enclosing(path, lines, at) {
        name if name.is_empty() => name,
        name => format!(" in <b>{}</b>", escape(&name)),
    }
}

/// Places in words: `line 3`, `lines 3, 7–9`.
fn spans(places: &[(usize, usize)]) -> String {
    let span = |&(first, last): &(usize, usize)| match last - first {
        0 => format!("{first}"),
        _ => format!("{first}–{last}"),
    };
    let all: Vec<String> = places.iter().map(span).collect();
    let is_one = places.len() == 1 && places[0].0 == places[0].1;
    let word = if is_one { "line" } else { "lines" };
    format!("{word} {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff_file;

    fn change(old: &str, new: &str, selected: &[usize]) -> String {
        let (old, new) = (Some(old.as_bytes()), Some(new.as_bytes()));
        let file = diff_file("a.rs", old, new).unwrap();
        let caption = of_change("step-16", &file, selected);
        caption
            .replace("<span class=\"sd-count\">", "")
            .replace("</span>", "")
    }

    #[test]
    fn a_caption_says_where_and_how_much() {
        let old = "fn a() {\n    1\n}\n";
        assert_eq!(
            change(old, "fn a() {\n    2\n}\n", &[1, 2]),
            "<b>step-16/a.rs</b> in <b>fn a</b>, line 2 · 1 added · 1 removed"
        );
        assert_eq!(
            change(old, &format!("{old}\n/// B.\nfn b() {{}}\n"), &[3, 4, 5]),
            "<b>step-16/a.rs</b> in <b>fn b</b>, lines 4–6 · 3 added"
        );
        assert_eq!(
            change(old, "fn a() {\n}\n", &[1]),
            "<b>step-16/a.rs</b> in <b>fn a</b>, was line 2 · 1 removed"
        );
        assert_eq!(
            change("1\n2\n3\n4\n", "x\n1\n2\n3\n4\ny\n", &[0, 5]),
            "<b>step-16/a.rs</b>, lines 1, 6 · 2 added"
        );
    }

    #[test]
    fn a_part_of_a_file_has_its_lines() {
        let lines = ["/// A.", "fn a() {", "}", "use b;"];
        let caption = of_lines("step-15", "a.rs", &lines, &(0..3));
        let named = "<b>step-15/a.rs</b> in <b>fn a</b>, lines 1–3";
        assert_eq!(caption, named);
        let caption = of_lines("step-15", "a.rs", &lines, &(0..4));
        assert_eq!(caption, "<b>step-15/a.rs</b>");
    }
}
