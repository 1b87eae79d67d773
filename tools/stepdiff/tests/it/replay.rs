//! A reader who types what the pages show gets the next step.

use course::Step;
use mdbook_stepdiff::replay::{Reader, Stop, stops};

use crate::course::Course;

/// Makes the changes of a page, in reading order, to the old step; says where
/// the outcome differs from the new one.
pub(crate) fn replay(old: &Step, new: &Step, page: &str) -> Result<(), String> {
    let mut reader = Reader::new(old, new);
    for stop in stops(page) {
        if let Stop::Figure(figure) = stop {
            reader.type_in(&figure)?;
        }
    }
    reader.finish()
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
