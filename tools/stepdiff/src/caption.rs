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
        1 => place(file, selected, kind),
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

/// Where lines go, by what a reader has: in what encloses them, or below
/// what is above them.
fn place(file: &FileDiff, selected: &[usize], kind: Kind) -> String {
    let rows = selected.iter().map(|&row| &file.rows[row]);
    let own = rows.filter(|row| row.kind == kind);
    let mut own = own.filter_map(|row| Some((number(row, kind)?, &row.text)));
    let Some(first) = own.clone().next() else {
        return String::new();
    };
    let at = own.find(|(_, text)| !leads(text)).unwrap_or(first).0 - 1;

    let version = file.rows.iter().filter(|row| number(row, kind).is_some());
    let version: Vec<&Row> = version.collect();
    let lines: Vec<&str> = version.iter().map(|r| r.text.trim_end()).collect();
    let found = enclosing(&file.path, &lines, at);
    let is_there = |at: usize| version[at].kind == Kind::Same;
    let replaces = selected.iter().any(|&at| file.rows[at].kind != Kind::Added);
    if let Some((header, name)) = &found
        && (replaces || is_there(*header))
    {
        return format!(" in <b>{}</b>", escape(name));
    }
    let solid = |&i: &usize| is_there(i) && !lines[i].trim().is_empty();
    let above = (0..first.0 - 1).rev().find(solid);
    let is_last = !(first.0..lines.len()).any(|i| solid(&i));
    match above {
        _ if replaces => String::new(),
        None if is_last => String::new(),
        None => " at the top of the file".to_owned(),
        Some(_) if is_last => " at the end of the file".to_owned(),
        Some(above) => match enclosing(&file.path, &lines, above) {
            Some((_, name)) => format!(" below <b>{}</b>", escape(&name)),
            None => {
                // Without the comma that ends an item of a list.
                let line = lines[above].trim().trim_end_matches(',');
                let line = escape(line);
                format!(" below <code>{line}</code>")
            }
        },
    }
}

fn inside(path: &str, lines: &[&str], at: usize) -> String {
    let found = enclosing(path, lines, at);
    let name = found.map(|(_, name)| escape(&name));
    name.map_or(String::new(), |name| format!(" in <b>{name}</b>"))
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
            "<b>step-16/a.rs</b> at the end of the file, lines 4–6 · 3 added"
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
    fn lines_go_below_what_a_reader_has() {
        let old = "use a;\n\nfn a() {\n    1\n}\n\nfn c() {}\n";
        let new = old.replace("fn c", "fn b() {\n    2\n}\n\nfn c");
        let caption = change(old, &new, &[6, 7, 8, 9]);
        assert!(caption.contains("</b> below <b>fn a</b>, lines 7"));
        let caption =
            change(old, &old.replace("\n\nfn a", "\nuse b;\n\nfn a"), &[1]);
        assert!(caption.contains("below <code>use a;</code>, line 2"));
        let caption = change(old, &format!("use _;\n{old}"), &[0]);
        assert!(caption.contains("at the top of the file, line 1"));
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
