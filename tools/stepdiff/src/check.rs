//! The whole book: every chapter's findings and pages, and what only shows
//! across chapters.

use std::collections::{HashMap, HashSet};

use crate::chapter::Draft;
pub use crate::chapter::{Chapter, Finding, step_of};
pub use crate::coverage::describe;
use crate::page::{self, Edit, PageOf, spliced};
use crate::pages::{Whole, joined};
use crate::record::{Records, filled};
use crate::render::Renderer;
use crate::replay::stops;
use crate::seq;
use course::Steps;

/// The outcome for a book.
#[derive(Debug)]
pub struct Report {
    /// All that is wrong, in the book's order.
    pub findings: Vec<Finding>,
    /// The chapters' Markdown with HTML in place of the directives.
    pub pages: Vec<String>,
}

/// Checks the chapters of a book against the steps, and renders them.
///
/// `raw` means that mdBook has not yet resolved its own directives.
pub fn check(
    steps: &Steps,
    records: &Records,
    chapters: &[Chapter],
    raw: bool,
) -> Report {
    let (wholes, mut findings) = joined(chapters);
    let read =
        |(i, it): (usize, &Whole)| Draft::read(i, &it.chapter, steps, raw);
    let mut drafts: Vec<_> = wholes.iter().enumerate().map(read).collect();
    check_chapters(steps, &mut drafts);
    let targets = targets(&drafts, &wholes);
    let sources = drafts.iter().flat_map(|draft| page::sources(draft, steps));
    let renderer = Renderer::new(sources);
    let mut pages = Vec::new();
    for (draft, whole) in drafts.iter_mut().zip(&wholes) {
        let chapter = &whole.chapter;
        let prefix = prefix(draft.number, chapter);
        let mut edits = links(draft, whole, &targets);
        edits.extend(drawings(draft, &prefix));
        let page = PageOf {
            draft,
            whole,
            prefix: &prefix,
            steps,
            renderer: &renderer,
        };
        edits.extend(page.edits());
        let page = spliced(&chapter.text, edits);
        let page = with_outcomes(draft, page, steps, records);
        pages.extend(whole.split(&page));
    }
    check_records(records, &mut drafts);
    for (draft, whole) in drafts.into_iter().zip(&wholes) {
        findings.extend(draft.findings.into_iter().map(|it| whole.placed(it)));
    }
    findings.sort_by_key(|finding| (finding.chapter, finding.line));
    pages.sort_unstable_by_key(|(index, _)| *index);
    let pages = pages.into_iter().map(|(_, page)| page).collect();
    Report { findings, pages }
}

/// The page with what came out at its checkpoints, if it has any.
fn with_outcomes(
    draft: &mut Draft<'_>,
    page: String,
    steps: &Steps,
    records: &Records,
) -> String {
    let Some(line) = draft.first_checkpoint() else {
        return page;
    };
    let new = draft.step;
    let old = new.and_then(|step| steps.before(step.number));
    let (Some(old), Some(new)) = (old, new) else {
        return page;
    };
    match records.fitting(old, new, &stops(&page)) {
        Ok(Some(record)) => filled(&page, record),
        Ok(None) => page,
        Err(problem) => {
            draft.find(line, problem);
            page
        }
    }
}

/// Each record has its chapter.
fn check_records(records: &Records, drafts: &mut [Draft<'_>]) {
    for number in records.numbers() {
        let mut own = drafts.iter().filter(|it| it.number == Some(number));
        if own.any(|draft| draft.first_checkpoint().is_some()) {
            continue;
        }
        if let Some(first) = drafts.first_mut() {
            let problem = format!(
                "checkpoints/step-{number}.json is of a chapter without a \
                 checkpoint: delete it"
            );
            first.find(1, problem);
        }
    }
}

/// Each step has one chapter, each chapter of a step its folder.
fn check_chapters(steps: &Steps, drafts: &mut [Draft<'_>]) {
    let mut seen = HashSet::new();
    for draft in drafts.iter_mut() {
        let Some(number) = draft.number else { continue };
        if draft.step.is_none() {
            draft.find(1, format!("there is no folder step-{number}"));
        }
        if !seen.insert(number) {
            draft.find(1, format!("step-{number} has another chapter"));
        }
    }
    let Some(first) = drafts.first_mut() else {
        return;
    };
    for step in steps.iter() {
        let name = step.name();
        if !seen.contains(&step.number) {
            let problem = format!("{name} has no chapter {name}.md in SUMMARY");
            first.find(1, problem);
        }
    }
}

/// What comes before the names of a chapter's blocks to make their ids.
fn prefix(number: Option<u32>, chapter: &Chapter) -> String {
    match number {
        Some(number) => format!("s{number}"),
        None => {
            let name = chapter.path.trim_end_matches(".md");
            let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
            name.chars().map(plain).collect()
        }
    }
}

/// From a chapter's key and a block's name to the chapter's path and the id.
type Targets = HashMap<(String, String), (String, String)>;

fn targets(drafts: &[Draft<'_>], wholes: &[Whole]) -> Targets {
    let mut targets = HashMap::new();
    for (draft, whole) in drafts.iter().zip(wholes) {
        let chapter = &whole.chapter;
        let prefix = prefix(draft.number, chapter);
        for block in draft.blocks.iter().filter(|b| !b.name.is_empty()) {
            let key = (key(draft.number, chapter), block.name.clone());
            let id = format!("{prefix}-{}", block.name);
            targets.insert(key, (whole.path_at(block.line).to_owned(), id));
        }
    }
    targets
}

/// How links name a chapter: by its step, if it has one.
fn key(number: Option<u32>, chapter: &Chapter) -> String {
    match number {
        Some(number) => format!("step-{number}"),
        None => chapter.path.clone(),
    }
}

/// Rewrites the links to hunks.
fn links(draft: &mut Draft<'_>, whole: &Whole, targets: &Targets) -> Vec<Edit> {
    let mut edits = Vec::new();
    for link in std::mem::take(&mut draft.page.links) {
        let own = key(draft.number, &whole.chapter);
        let (of, name) = match link.value.split_once('/') {
            Some((step, name)) => (step.to_owned(), name),
            None => (own, link.value.as_str()),
        };
        match targets.get(&(of, name.to_owned())) {
            Some((path, id)) => {
                let page = relative(whole.path_at(link.line), path);
                edits.push((link.range, format!("{page}#{id}")));
            }
            None => draft.find(
                link.line,
                format!("hunk:{}: there is no such id", link.value),
            ),
        }
    }
    edits
}

/// The way from one page to another; nothing within one.
pub(crate) fn relative(from: &str, to: &str) -> String {
    if from == to {
        return String::new();
    }
    let up = from.matches('/').count();
    "../".repeat(up) + to
}

/// Draws the sequence diagrams.
fn drawings(draft: &mut Draft<'_>, prefix: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    let drawings = std::mem::take(&mut draft.page.drawings);
    for (i, drawing) in drawings.into_iter().enumerate() {
        let (line, text) = drawing.value;
        match seq::parse(&text) {
            Ok(diagram) => {
                let html = diagram.html(&format!("{prefix}-seq-{}", i + 1));
                edits.push((drawing.range, format!("\n{html}\n\n")));
            }
            Err(problems) => {
                for (offset, problem) in problems {
                    draft.find(line + offset, problem);
                }
            }
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn links_lead_from_page_to_page() {
        assert_eq!(relative("step-16.md", "step-16.md"), "");
        assert_eq!(relative("step-16.md", "step-17.md"), "step-17.md");
        assert_eq!(relative("more/a.md", "step-17.md"), "../step-17.md");
    }
}
