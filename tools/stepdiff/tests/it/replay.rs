//! A reader who types what the pages show gets the next step.
//!
//! This reads the finished HTML, not what the tool thinks it put there.

use std::collections::BTreeMap;

use course::Step;

use crate::course::Course;

/// A changed line as a page shows it.
struct Line {
    added: bool,
    number: usize,
    text: String,
}

/// One figure of a page.
struct Figure {
    file: String,
    change: String,
    lines: Vec<Line>,
    /// What it says in place of the lines of a binary or empty file.
    note: Option<String>,
}

/// Makes the changes of a page, in reading order, to the old step; says where
/// the outcome differs from the new one.
pub(crate) fn replay(old: &Step, new: &Step, page: &str) -> Result<(), String> {
    let mut typed: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for path in old.files.keys() {
        let content = old.renamed(path, new).unwrap();
        if let Ok(text) = String::from_utf8(content) {
            let lines = text.split_inclusive('\n');
            let lines = lines.map(|line| Some(line.to_owned())).collect();
            typed.insert(path.clone(), lines);
        }
    }
    let mut added: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    let mut copied = Vec::new();
    for figure in figures(page) {
        let file = &figure.file;
        if figure.note.is_some() {
            copied.push(file.clone());
            continue;
        }
        let lines = typed.entry(file.clone()).or_default();
        for line in figure.lines {
            let at = line.number;
            if line.added {
                let all = added.entry(file.clone()).or_default();
                if all.insert(at, line.text).is_some() {
                    return Err(format!("{file}:{at} is added twice"));
                }
            } else if lines.get(at - 1) == Some(&Some(line.text)) {
                lines[at - 1] = None;
            } else {
                return Err(format!("{file}:{at} can't be removed"));
            }
        }
        if figure.change == "deleted" && lines.iter().all(Option::is_none) {
            typed.remove(file);
        }
    }
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (path, lines) in typed {
        let mut lines: Vec<String> = lines.into_iter().flatten().collect();
        for (number, text) in added.remove(&path).unwrap_or_default() {
            let at = (number - 1).min(lines.len());
            lines.insert(at, text);
        }
        files.insert(path, lines.concat().into_bytes());
    }
    for path in new.files.keys().chain(old.files.keys()) {
        let is_binary =
            old.files.contains_key(path) && old.text(path).is_none();
        let want = new.files.get(path);
        if copied.contains(path) || (is_binary && want == old.files.get(path)) {
            continue;
        }
        if files.get(path) != want {
            return Err(format!("{path} is not what the step has"));
        }
    }
    Ok(())
}

/// The figures of changes in a page.
fn figures(page: &str) -> Vec<Figure> {
    let mut figures = Vec::new();
    for html in page.split("<figure class=\"sd\"").skip(1) {
        let html = html.split("</figure>").next().unwrap();
        let head = html.split('>').next().unwrap();
        let Some(change) = attribute(head, "data-change") else {
            continue;
        };
        let mut lines = Vec::new();
        let mut note = None;
        for (added, open) in [(false, "<del "), (true, "<ins ")] {
            let close = open.replace('<', "</").replace(' ', ">");
            for run in html.split(open).skip(1) {
                let run = run.split(&close).next().unwrap();
                for line in run.split("<span class=\"sd-l\"").skip(1) {
                    let (attributes, rest) = line.split_once('>').unwrap();
                    let text = text_of(rest);
                    let name = if added { "data-n" } else { "data-o" };
                    match attribute(attributes, name) {
                        Some(number) => lines.push(Line {
                            added,
                            number: number.parse().unwrap(),
                            text,
                        }),
                        None => note = Some(text),
                    }
                }
            }
        }
        let file = attribute(head, "data-file").unwrap();
        figures.push(Figure {
            file,
            change,
            lines,
            note,
        });
    }
    figures
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// The text that a browser shows for a piece of HTML.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' => in_tag = false,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    let entities = [
        ("&#10;", "\n"),
        ("&#13;", "\r"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    for (entity, c) in entities {
        text = text.replace(entity, c);
    }
    text
}

/// Replays all pages of a course.
fn replay_all(course: &Course) -> Result<(), String> {
    let (steps, report) = (course.steps(), course.check());
    for number in [16, 17] {
        let (old, new) = (steps.before(number), steps.get(number));
        let page = &report.pages[number as usize - 15];
        replay(old.unwrap(), new.unwrap(), page)?;
    }
    Ok(())
}

#[test]
fn the_pages_lead_from_step_to_step() {
    replay_all(&Course::new()).unwrap();
}

#[test]
fn dropping_any_pair_breaks_the_replay() {
    let chapters = Course::new().chapters;
    let mut dropped = 0;
    for (chapter, whole) in chapters.iter().enumerate().skip(1) {
        for (start, _) in whole.text.match_indices("{{#change") {
            let rest = &whole.text[start..];
            let end = rest.find("{{/change}}").unwrap() + "{{/change}}".len();
            let mut course = Course::new();
            course.edit(chapter, &rest[..end], "");
            assert!(replay_all(&course).is_err(), "{}", &rest[..end]);
            assert!(!course.findings().is_empty());
            dropped += 1;
        }
    }
    assert_eq!(dropped, 8);
    let mut course = Course::new();
    course.edit(1, "{{#tests}}", "");
    assert!(replay_all(&course).is_err());
}
