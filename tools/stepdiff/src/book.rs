//! mdBook's side: its protocol, and reading a book without it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use mdbook_preprocessor::book::{self, Book};
use mdbook_preprocessor::{MDBOOK_VERSION, PreprocessorContext, parse_input};
use pulldown_cmark::{Event, Parser, Tag};

use crate::check::{Chapter, Finding, Report, check};
use crate::pages::step_of_page;
use crate::record::Records;
use crate::render::escape;
use course::Steps;

/// What a run for mdBook comes to.
#[derive(Debug)]
pub struct Outcome {
    /// The book to hand back.
    pub book: Book,
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
    let (context, mut book) = parse_input(input.as_bytes()).map_err(|error| {
        format!(
            "this needs the input of mdbook {MDBOOK_VERSION}, as `mdbook build \
             book` sends it: {error:#} (cargo install mdbook --version \
             {MDBOOK_VERSION} --locked)"
        )
    })?;
    let chapters = book.chapters().filter_map(|chapter| {
        let (path, text) = (path_of(chapter)?, chapter.content.clone());
        Some(Chapter { path, text })
    });
    let chapters: Vec<Chapter> = chapters.collect();
    let mut report = check(steps, records, &chapters, false);
    explain_edits(&mut report.findings, &chapters, steps, edited);
    let strict = strict.unwrap_or(!is_served(&context));
    if !strict {
        add_boxes(&mut report);
    }
    let paths = chapters.iter().map(|chapter| chapter.path.clone());
    let mut pages: BTreeMap<_, _> = paths.zip(report.pages).collect();
    book.for_each_chapter_mut(|chapter| {
        if let Some(path) = path_of(chapter)
            && let Some(page) = pages.remove(&path)
        {
            chapter.content = page;
        }
    });
    let problems = texts(&report.findings, &chapters);
    Ok(Outcome {
        book,
        problems,
        strict,
    })
}

/// `mdbook serve` is the one command that sets this.
fn is_served(context: &PreprocessorContext) -> bool {
    let endpoint = "output.html.live-reload-endpoint";
    matches!(context.config.get::<String>(endpoint), Ok(Some(_)))
}

/// The path of a chapter's file, if it has one.
fn path_of(chapter: &book::Chapter) -> Option<String> {
    let path = chapter.source_path.as_ref()?;
    Some(path.to_string_lossy().replace('\\', "/"))
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
        let number = chapter.and_then(|it| step_of_page(&it.path));
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
