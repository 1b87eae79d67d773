//! mdBook's side: its protocol, and reading a book without it.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use pulldown_cmark::{Event, Parser, Tag};
use serde_json::Value;

use crate::chapter::step_of;
use crate::check::{Chapter, Finding, Report, check};
use crate::record::Records;
use crate::render::escape;
use course::Steps;

/// What a run for mdBook comes to.
#[derive(Debug)]
pub struct Outcome {
    /// The book to hand back, as JSON.
    pub book: Value,
    /// All findings, as text for the terminal.
    pub problems: Vec<String>,
    /// Whether findings fail the build.
    pub strict: bool,
}

/// Handles what mdBook sends to a preprocessor: `[context, book]`.
///
/// `strict` overrides what the context says; `edited` are the files of steps
/// that are not committed as they are.
///
/// # Errors
///
/// In words, when the input is not what mdBook 0.5 sends.
pub fn preprocess(
    input: &str,
    steps: &Steps,
    records: &Records,
    edited: &BTreeSet<String>,
    strict: Option<bool>,
) -> Result<Outcome, String> {
    let (context, mut book) = read_input(input)?;
    let mut chapters = Vec::new();
    each_chapter(&mut book["items"], &mut |path, content| {
        let (path, text) = (path.to_owned(), content.clone());
        chapters.push(Chapter { path, text });
    });
    let mut report = check(steps, records, &chapters, false);
    explain_edits(&mut report.findings, &chapters, steps, edited);
    let strict = strict.unwrap_or(!is_served(&context));
    if !strict {
        add_boxes(&mut report);
    }
    let mut pages = report.pages.into_iter();
    each_chapter(&mut book["items"], &mut |_, content| {
        *content = pages.next().unwrap_or_default();
    });
    let problems = texts(&report.findings, &chapters);
    Ok(Outcome {
        book,
        problems,
        strict,
    })
}

fn read_input(input: &str) -> Result<(Value, Value), String> {
    let no_book = "mdBook's input expected: run `mdbook build book`";
    let input: Value = serde_json::from_str(input)
        .map_err(|error| format!("{no_book} ({error})"))?;
    let Value::Array(parts) = input else {
        return Err(no_book.to_owned());
    };
    let Ok([context, book]) = <[Value; 2]>::try_from(parts) else {
        return Err(no_book.to_owned());
    };
    let version = context["mdbook_version"].as_str().unwrap_or("unknown");
    if !book["items"].is_array() {
        return Err(format!(
            "this book needs mdbook 0.5, and this is {version}: \
             cargo install mdbook --version 0.5.4 --locked"
        ));
    }
    Ok((context, book))
}

/// `mdbook serve` is the one command that sets this.
fn is_served(context: &Value) -> bool {
    let html = &context["config"]["output"]["html"];
    html["live-reload-endpoint"].is_string()
}

/// Calls `f` with the path and the content of each chapter that has a file.
fn each_chapter(items: &mut Value, f: &mut impl FnMut(&str, &mut String)) {
    let items = items.as_array_mut().map_or(&mut [][..], Vec::as_mut_slice);
    for item in items {
        let Some(Value::Object(chapter)) = item.get_mut("Chapter") else {
            continue;
        };
        let source = chapter.get("source_path").and_then(Value::as_str);
        let path = source.map(|path| path.replace('\\', "/"));
        if let Some(path) = path
            && let Some(Value::String(content)) = chapter.get_mut("content")
        {
            f(&path, content);
        }
        if let Some(items) = chapter.get_mut("sub_items") {
            each_chapter(items, f);
        }
    }
}

/// The findings as `chapter.md:line: message`, with what to paste.
pub fn texts(findings: &[Finding], chapters: &[Chapter]) -> Vec<String> {
    let text = |finding: &Finding| {
        let path = chapters.get(finding.chapter).map(|c| c.path.as_str());
        let path = path.unwrap_or("SUMMARY.md");
        let mut text = format!("{path}:{}: {}", finding.line, finding.message);
        for line in finding.paste.iter().flat_map(|paste| paste.lines()) {
            text += &format!("\n    {line}");
        }
        text
    };
    findings.iter().map(text).collect()
}

/// An edit of step-17 is a change of step-18 as well, which would seem to be
/// at fault: says so where the finding is about an edited file.
pub fn explain_edits(
    findings: &mut [Finding],
    chapters: &[Chapter],
    steps: &Steps,
    edited: &BTreeSet<String>,
) {
    for finding in findings {
        let chapter = chapters.get(finding.chapter);
        let number = chapter.and_then(|it| step_of(&it.path));
        let Some(before) = number.and_then(|number| steps.before(number))
        else {
            continue;
        };
        let Some(file) = &finding.file else { continue };
        let file = format!("{}/{file}", before.name());
        if edited.contains(&file) {
            let (old, number) = (before.name(), before.number);
            finding.message += &format!(
                ". You have changed `{file}` itself, and this step still has \
                 {old}'s old lines: `cargo x propagate {number}` carries the \
                 change on"
            );
        }
    }
}

/// Puts each chapter's findings at the top of its page.
fn add_boxes(report: &mut Report) {
    for (chapter, page) in report.pages.iter_mut().enumerate() {
        let own = report.findings.iter().filter(|f| f.chapter == chapter);
        let items: String = own.map(item).collect();
        if items.is_empty() {
            continue;
        }
        *page = format!(
            "<div class=\"sd-problems\" role=\"alert\"><p><b>This chapter and \
             its step do not agree.</b> That is fine while you edit a lesson; \
             <code>mdbook build</code> would fail.</p><ul>{items}</ul></div>\
             \n\n{page}"
        );
    }
}

fn item(finding: &Finding) -> String {
    let paste = match &finding.paste {
        Some(paste) => format!("<pre>{}</pre>", escape(paste)),
        None => String::new(),
    };
    let (line, message) = (finding.line, with_code(&finding.message));
    format!("<li>line {line}: {message}{paste}</li>")
}

/// The text as HTML, with code for what stands between backticks.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(i, part)| match i % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    parts.collect()
}

/// Reads the chapters that a book's `src/SUMMARY.md` lists.
///
/// # Errors
///
/// When the summary or a chapter can't be read; the message names it.
pub fn read_chapters(book: &Path) -> io::Result<Vec<Chapter>> {
    let src = book.join("src");
    let summary = read(&src.join("SUMMARY.md"))?;
    let links = Parser::new(&summary).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    });
    links
        .filter(|path| path.ends_with(".md"))
        .map(|path| {
            let path = path.trim_start_matches("./").to_owned();
            let text = read(&src.join(&path))?;
            Ok(Chapter { path, text })
        })
        .collect()
}

fn read(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    })
}
