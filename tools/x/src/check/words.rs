//! Each step is true when read alone: it tells no story of other steps.

use course::{Course, Name, files, read};

use super::Report;
use crate::error::Result;

/// Words that make sense only to those who read another step.
const STORIES: [&str; 11] = [
    "now we",
    "we now",
    "as before",
    "previous step",
    "previous lesson",
    "last lesson",
    "next lesson",
    "earlier step",
    "earlier lesson",
    "later step",
    "later lesson",
];

pub(super) fn check(course: &Course, report: &mut Report) -> Result<()> {
    for &number in &course.steps {
        let step = Name::Step(number);
        let folder = course.folder(step);
        for file in files(&folder, &["src", "templates", "static"])? {
            let Ok(text) = String::from_utf8(read(&folder.join(&file))?) else {
                continue;
            };
            let path = format!("{step}/{}", file.display());
            for (line, name) in other_steps(&text, number) {
                report.finding(format!(
                    "{path}:{line} says \"{name}\": name no step here. For \
                     this one's name, use env!(\"CARGO_PKG_NAME\")."
                ));
            }
            for (line, phrase) in stories(&text) {
                report.finding(format!(
                    "{path}:{line} says \"{phrase}\": write what is true for \
                     a reader who knows this step only."
                ));
            }
        }
    }
    Ok(())
}

struct Word<'a> {
    line: usize,
    text: &'a str,
    /// What stands between this word and the next one.
    gap: &'a str,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(start) = rest.find(char::is_alphanumeric) {
        line += rest[..start].matches('\n').count();
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_alphanumeric());
        let (text, tail) = rest.split_at(end.unwrap_or(rest.len()));
        let gap = tail.find(char::is_alphanumeric).unwrap_or(tail.len());
        words.push(Word {
            line,
            text,
            gap: &tail[..gap],
        });
        rest = tail;
    }
    words
}

/// Mentions of a step, except this step's own name as the crate spells it.
fn other_steps(text: &str, own: u32) -> Vec<(usize, String)> {
    let words = words(text);
    words
        .windows(2)
        .filter_map(|pair| {
            let (word, number) = (&pair[0], &pair[1]);
            let step = ["step", "lesson"]
                .iter()
                .any(|it| word.text.eq_ignore_ascii_case(it));
            if !step || !number.text.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let spelling = matches!(word.gap, "-" | "_");
            if !spelling && !is_space(word.gap) {
                return None;
            }
            if spelling && word.text == "step" && number.text == own.to_string()
            {
                return None;
            }
            let gap = if spelling { word.gap } else { " " };
            Some((word.line, format!("{}{gap}{}", word.text, number.text)))
        })
        .collect()
}

fn stories(text: &str) -> Vec<(usize, &'static str)> {
    let words = words(text);
    words
        .windows(2)
        .filter(|pair| is_space(pair[0].gap))
        .filter_map(|pair| {
            let (first, second) = (pair[0].text, pair[1].text);
            let phrase = STORIES.iter().find(|story| {
                story.split_once(' ').is_some_and(|(a, b)| {
                    first.eq_ignore_ascii_case(a)
                        && second.eq_ignore_ascii_case(b)
                })
            });
            phrase.map(|phrase| (pair[0].line, *phrase))
        })
        .collect()
}

/// Only space, or the end of a line and the signs of a comment: a phrase may
/// go on in the next line of its comment.
fn is_space(gap: &str) -> bool {
    let comment = gap.contains('\n');
    gap.chars()
        .all(|c| c.is_whitespace() || comment && "/*!#".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(text: &str) -> Vec<String> {
        other_steps(text, 17)
            .into_iter()
            .map(|(_, name)| name)
            .collect()
    }

    #[test]
    fn other_steps_are_found_in_every_spelling() {
        let text = "step-16 step_18::serve Step 16 lesson\n    // 15";
        let found = ["step-16", "step_18", "Step 16", "lesson 15"];
        assert_eq!(mentions(text), found);
    }

    #[test]
    fn the_crates_own_name_and_other_numbers_are_fine() {
        assert!(
            mentions("step-17 step_17::serve step=\"3\" steps 2").is_empty()
        );
    }

    #[test]
    fn a_story_is_found_across_the_lines_of_a_comment() {
        let text = "// Works as\n    // before, and was before. Now, we";
        assert_eq!(stories(text), [(1, "as before")]);
    }
}
