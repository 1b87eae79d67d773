//! Which changed rows a directive's needles mean, and a directive for rows.

use std::ops::Range;

use crate::diff::{FileDiff, Kind};

/// What a `{{#change}}` asks for; nothing means the whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Needles, each for a hunk.
    pub at: Vec<String>,
    /// The needle of a part's first line.
    pub from: Option<String>,
    /// The needle of a part's last line.
    pub to: Option<String>,
}

/// The changed rows that are meant, in order.
///
/// # Errors
///
/// In words, when a needle leads nowhere or to more than one place.
pub fn select(file: &FileDiff, query: &Query) -> Result<Vec<usize>, String> {
    let is_part = query.from.is_some() || query.to.is_some();
    if is_part {
        return part(file, query);
    }
    if query.at.is_empty() {
        return Ok(file.changed(0..file.rows.len()).collect());
    }
    let mut hunks = Vec::new();
    for needle in &query.at {
        let hunk = hunk_of(file, needle)?;
        if hunks.contains(&hunk) {
            return Err(format!("`at` leads twice to one hunk: \"{needle}\""));
        }
        hunks.push(hunk);
    }
    hunks.sort_by_key(|hunk| hunk.start);
    Ok(hunks.into_iter().flat_map(|h| file.changed(h)).collect())
}

fn part(file: &FileDiff, query: &Query) -> Result<Vec<usize>, String> {
    let chosen = match query.at.as_slice() {
        [] if file.hunks.len() == 1 => file.hunks.first().cloned(),
        [] => None,
        [needle] => Some(hunk_of(file, needle)?),
        _ => return Err("a part is of one hunk: give one `at`".to_owned()),
    };
    let all = chosen.clone().unwrap_or(0..file.rows.len());
    let one = |needle: &String| {
        let row = one_row(file, all.clone(), needle)?;
        Ok::<_, String>((row, hunk_with(file, row)))
    };
    let (first, hunk) = match (&query.from, &query.to, chosen) {
        (Some(from), _, _) => one(from)?,
        (None, _, Some(hunk)) => (hunk.start, hunk),
        (None, Some(to), None) => {
            let (_, hunk) = one(to)?;
            (hunk.start, hunk)
        }
        (None, None, None) => (all.start, all),
    };
    let last = match &query.to {
        None => hunk.end - 1,
        Some(to) => {
            let found = matches(file, first..hunk.end, to);
            *found.first().ok_or_else(|| {
                format!("no changed line from there on has to=\"{to}\"")
            })?
        }
    };
    Ok(widened(file, first, last, hunk))
}

/// The part's rows, with the lines that belong to it: those that its first
/// line replaces, and blank ones.
fn widened(
    file: &FileDiff,
    mut first: usize,
    mut last: usize,
    hunk: Range<usize>,
) -> Vec<usize> {
    if file.rows[first].kind == Kind::Added {
        while first > hunk.start && file.rows[first - 1].kind == Kind::Removed {
            first -= 1;
        }
    }
    if file
        .changed(hunk.start..first)
        .all(|i| file.rows[i].blank())
    {
        first = hunk.start;
    }
    while last + 1 < hunk.end
        && file.rows[last + 1].changed()
        && file.rows[last + 1].blank()
    {
        last += 1;
    }
    file.changed(first..last + 1).collect()
}

/// The one hunk with a changed line that the needle means.
fn hunk_of(file: &FileDiff, needle: &str) -> Result<Range<usize>, String> {
    let rows = matches(file, 0..file.rows.len(), needle);
    let mut hunks = hunks_with(file, &rows);
    if hunks.len() > 1 {
        let equal = equal(file, &rows, needle);
        if !equal.is_empty() {
            hunks = hunks_with(file, &equal);
        }
    }
    match hunks.as_slice() {
        [] => Err(nowhere(file, needle)),
        [hunk] => Ok(hunk.clone()),
        _ => Err(format!(
            "\"{needle}\" is in {} hunks, on lines {}: give more of the line",
            hunks.len(),
            numbers(file, &rows)
        )),
    }
}

/// The one changed line that the needle means.
fn one_row(
    file: &FileDiff,
    range: Range<usize>,
    needle: &str,
) -> Result<usize, String> {
    let rows = matches(file, range, needle);
    let equal = equal(file, &rows, needle);
    match (rows.as_slice(), equal.as_slice()) {
        ([], _) => Err(nowhere(file, needle)),
        (&[row], _) | (_, &[row]) => Ok(row),
        _ => Err(format!(
            "\"{needle}\" is on lines {}: give more of the line, \
             or add `at` to choose a hunk",
            numbers(file, &rows)
        )),
    }
}

/// The changed rows in the range that have the needle: added ones, or, for a
/// needle with a minus in front, removed ones.
fn matches(file: &FileDiff, range: Range<usize>, needle: &str) -> Vec<usize> {
    let find = |kind, needle: &str| -> Vec<usize> {
        file.changed(range.clone())
            .filter(|&row| file.rows[row].kind == kind)
            .filter(|&row| has(&file.rows[row].text, needle))
            .collect()
    };
    let added = find(Kind::Added, needle);
    match needle.strip_prefix('-') {
        Some(needle) if added.is_empty() => find(Kind::Removed, needle),
        _ => added,
    }
}

/// Whether a line has the needle; one with `^` in front has to begin it.
pub fn has(line: &str, needle: &str) -> bool {
    match needle.strip_prefix('^') {
        Some(start) => line.starts_with(start),
        None => line.contains(needle),
    }
}

/// Of these rows those whose line is the needle, indentation aside.
fn equal(file: &FileDiff, rows: &[usize], needle: &str) -> Vec<usize> {
    let is_equal = |row: &usize| {
        let row = &file.rows[*row];
        let needle = match row.kind {
            Kind::Removed => needle.strip_prefix('-').unwrap_or(needle),
            _ => needle,
        };
        match needle.strip_prefix('^') {
            Some(line) => row.text.trim_end() == line,
            None => row.text.trim() == needle.trim(),
        }
    };
    rows.iter().copied().filter(is_equal).collect()
}

fn hunk_with(file: &FileDiff, row: usize) -> Range<usize> {
    let hunk = file.hunks.iter().find(|hunk| hunk.contains(&row));
    hunk.cloned().unwrap_or(row..row + 1)
}

fn hunks_with(file: &FileDiff, rows: &[usize]) -> Vec<Range<usize>> {
    let mut hunks: Vec<_> = rows.iter().map(|&r| hunk_with(file, r)).collect();
    hunks.dedup();
    hunks
}

fn nowhere(file: &FileDiff, needle: &str) -> String {
    let removed = format!("-{needle}");
    let all = 0..file.rows.len();
    let hint = if !matches(file, all.clone(), &removed).is_empty() {
        format!("; a removed line has it: \"{removed}\"")
    } else if all.into_iter().any(|i| has(&file.rows[i].text, needle)) {
        "; it is on unchanged lines only".to_owned()
    } else {
        String::new()
    };
    format!("no changed line of {} has \"{needle}\"{hint}", file.path)
}

fn numbers(file: &FileDiff, rows: &[usize]) -> String {
    let number = |&row: &usize| {
        let row = &file.rows[row];
        row.new.or(row.old).map(|n| n.to_string())
    };
    let numbers: Vec<_> = rows.iter().filter_map(number).collect();
    numbers.join(", ")
}

/// A `{{#change}}` that selects exactly these rows of one hunk, or `None`
/// when no needle can tell them apart.
pub fn directive_for(file: &FileDiff, rows: &[usize]) -> Option<String> {
    let is_added = |row: &&usize| file.rows[**row].kind == Kind::Added;
    let solid = |row: &&usize| !file.rows[**row].blank();
    let lead = rows.iter().filter(is_added).chain(rows).filter(solid);
    let is_sound = |query: &Query| {
        let mut needles = query.at.iter().chain(&query.from).chain(&query.to);
        !needles.any(|needle| ["", "-"].contains(&needle.as_str()))
    };
    let candidates = whole(file)
        .into_iter()
        .chain(lead.map(|&row| at(&needle(file, row))))
        .chain(parts(file, rows));
    candidates.filter(is_sound).find_map(|query| {
        let selected = select(file, &query).ok()?;
        (selected == rows).then(|| format_directive(&file.path, &query))
    })
}

/// The whole file, where that is the natural way: it has no other hunk, and
/// no lines to look for.
fn whole(file: &FileDiff) -> Option<Query> {
    let modified = file.change == crate::diff::Change::Modified;
    (file.opaque || !modified).then(Query::default)
}

fn at(needle: &str) -> Query {
    Query {
        at: vec![needle.to_owned()],
        ..Query::default()
    }
}

fn parts(file: &FileDiff, rows: &[usize]) -> Vec<Query> {
    let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
        return Vec::new();
    };
    let hunk = file.changed(hunk_with(file, first));
    let own: Vec<String> = hunk.map(|row| needle(file, row)).collect();
    let solid = |&&row: &&usize| !file.rows[row].blank();
    let ends = [Some(last), rows.iter().rfind(solid).copied()];
    let starts = [Some(first), rows.iter().find(solid).copied()];
    let mut queries = Vec::new();
    for from in starts.into_iter().flatten() {
        for to in ends.into_iter().flatten() {
            let from = Some(needle(file, from));
            let to = Some(needle(file, to));
            let part = Query {
                at: Vec::new(),
                from,
                to,
            };
            let open = Query {
                to: None,
                ..part.clone()
            };
            let lead = Query {
                from: None,
                ..part.clone()
            };
            for query in [part, open, lead] {
                let within = own.iter().map(|needle| Query {
                    at: vec![needle.clone()],
                    ..query.clone()
                });
                queries.push(query.clone());
                queries.extend(within);
            }
        }
    }
    queries.sort_by_key(|query| query.at.len());
    queries
}

/// The row's line as a needle.
fn needle(file: &FileDiff, row: usize) -> String {
    let row = &file.rows[row];
    let line = row.text.trim();
    match row.kind {
        Kind::Removed => format!("-{line}"),
        _ => line.to_owned(),
    }
}

fn format_directive(path: &str, query: &Query) -> String {
    let mut text = format!("{{{{#change {path}");
    let mut add = |key: &str, needle: &String| {
        text.push_str(&format!(" {key}={}", quoted(needle)));
    };
    query.at.iter().for_each(|needle| add("at", needle));
    query.from.iter().for_each(|needle| add("from", needle));
    query.to.iter().for_each(|needle| add("to", needle));
    text + "}}"
}

fn quoted(needle: &str) -> String {
    if needle.contains('"') && !needle.contains('\'') {
        return format!("'{needle}'");
    }
    format!("\"{}\"", needle.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff_file;

    fn diff(old: &str, new: &str) -> FileDiff {
        diff_file("a.rs", Some(old.as_bytes()), Some(new.as_bytes())).unwrap()
    }

    fn query(at: &[&str], from: &str, to: &str) -> Query {
        let some = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        Query {
            at: at.iter().map(|s| s.to_string()).collect(),
            from: some(from),
            to: some(to),
        }
    }

    fn lines(file: &FileDiff, q: &Query) -> Vec<String> {
        let rows = select(file, q).unwrap();
        let text = |&row: &usize| file.rows[row].text.trim_end().to_owned();
        rows.iter().map(text).collect()
    }

    const OLD: &str = "a\nb\n1\n2\n3\n4\nold\n5\n";
    const NEW: &str = "a\nB one\n1\n2\n3\n4\nnew one\nnew two\n5\n";

    #[test]
    fn at_finds_the_hunk_of_a_changed_line() {
        let file = diff(OLD, NEW);
        let all = ["b", "B one", "old", "new one", "new two"];
        assert_eq!(lines(&file, &query(&[], "", "")), all);
        assert_eq!(lines(&file, &query(&["B"], "", "")), all[..2]);
        assert_eq!(lines(&file, &query(&["-old"], "", "")), all[2..]);
        assert_eq!(lines(&file, &query(&["two", "B"], "", "")), all);
    }

    #[test]
    fn needles_that_do_not_lead_to_one_place_say_why() {
        let file = diff(OLD, NEW);
        let error = |at: &[&str], from, to| {
            select(&file, &query(at, from, to)).unwrap_err()
        };
        assert!(error(&["one"], "", "").contains("2 hunks, on lines 2, 7"));
        assert!(error(&["old"], "", "").contains("\"-old\""));
        assert!(error(&["3"], "", "").contains("unchanged lines only"));
        assert!(error(&["zzz"], "", "").contains("no changed line"));
        assert!(error(&["two", "new"], "", "").contains("twice"));
        assert!(error(&[], "new", "").contains("lines 7, 8"));
        assert!(error(&[], "two", "B").contains("from there on"));
        assert!(error(&["two", "B"], "new", "").contains("one `at`"));
    }

    #[test]
    fn a_line_that_equals_the_needle_wins() {
        let file = diff("", "  } else {\n  }\n");
        assert_eq!(lines(&file, &query(&[], "}", "")), ["  }"]);
        let file = diff("1\n2\n3\n4\n", "axum\n1\n2\n3\n4\naxum = 1\n");
        assert_eq!(lines(&file, &query(&["axum"], "", "")), ["axum"]);
    }

    #[test]
    fn parts_take_blank_and_replaced_lines_with_them() {
        let new = "\nfn a() {\n  1\n}\n\nfn b() {\n  2\n}\n";
        let file = diff("", new);
        let first = ["", "fn a() {", "  1", "}", ""];
        assert_eq!(lines(&file, &query(&[], "", "^}")), first);
        assert_eq!(lines(&file, &query(&[], "fn a", "^}")), first);
        let second = ["fn b() {", "  2", "}"];
        assert_eq!(lines(&file, &query(&[], "fn b", "")), second);
        let file = diff("x\na\n", "y\nb\n");
        assert_eq!(lines(&file, &query(&[], "y", "y")), ["x", "a", "y"]);
    }

    #[test]
    fn a_lone_to_must_be_unambiguous_unless_at_chooses_the_hunk() {
        let file = diff(OLD, NEW);
        assert!(select(&file, &query(&[], "", "one")).is_err());
        let part = lines(&file, &query(&["two"], "", "one"));
        assert_eq!(part, ["old", "new one"]);
    }

    #[test]
    fn a_directive_can_be_given_for_rows() {
        let file = diff(OLD, NEW);
        let text = |rows: &[usize]| directive_for(&file, rows).unwrap();
        assert_eq!(text(&[1, 2]), "{{#change a.rs at=\"B one\"}}");
        let part = "{{#change a.rs from=\"-old\" to=\"new one\"}}";
        assert_eq!(text(&[7, 8]), part);
        assert_eq!(
            text(&[9]),
            "{{#change a.rs from=\"new two\" to=\"new two\"}}"
        );
    }

    #[test]
    fn needles_are_quoted() {
        assert_eq!(quoted("a b"), "\"a b\"");
        assert_eq!(quoted("say \"x\""), "'say \"x\"'");
        assert_eq!(quoted("'\"\\"), "\"'\\\"\\\\\"");
    }
}
