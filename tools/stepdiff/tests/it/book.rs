//! The book itself: complete, and true to the steps.

use std::path::Path;

use course::Steps;
use mdbook_stepdiff::book::{read_chapters, texts};
use mdbook_stepdiff::check::check;
use mdbook_stepdiff::pages::step_of_page;
use mdbook_stepdiff::record::Records;

use crate::replay::replay;

#[test]
fn the_book_explains_every_change_and_leads_from_step_to_step() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let steps = Steps::read(&root).unwrap();
    let chapters = read_chapters(&root.join("book")).unwrap();
    assert!(!chapters.is_empty(), "book/src/SUMMARY.md lists no chapter");
    let records = Records::read(&root).unwrap();
    let report = check(&steps, &records, &chapters, true);
    let findings = texts(&report.findings, &chapters);
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    for step in steps.iter() {
        let Some(before) = steps.before(step.number) else {
            continue;
        };
        let pages = chapters.iter().zip(&report.pages);
        let own =
            pages.filter(|(it, _)| step_of_page(&it.path) == Some(step.number));
        let text: String = own.map(|(_, page)| page.as_str()).collect();
        let outcome = replay(before, step, &text);
        assert_eq!(outcome, Ok(()), "typing what {} shows", step.name());
    }
}
