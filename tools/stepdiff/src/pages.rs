//! Chapters of several pages: `step-21.md`, and after it in SUMMARY.md
//! `step-21-yours.md`. They are read as one text, and written as several.

use course::number_of;

use crate::chapter::{Chapter, Finding, step_of};

/// What stands between two pages while they are one text.
const BREAK: &str = "\n\n<!-- the next page -->\n\n";

/// A chapter, with all of its pages in one text.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) chapter: Chapter,
    pages: Vec<Page>,
}

#[derive(Debug)]
struct Page {
    /// Its index in the book.
    index: usize,
    path: String,
    /// How many lines of the text are before it.
    before: usize,
}

/// The step that a page of a chapter belongs to, whether it is the first one or
/// a further one.
pub fn step_of_page(path: &str) -> Option<u32> {
    step_of(path).or_else(|| {
        let file = path.rsplit('/').next()?.strip_suffix(".md")?;
        let (number, name) = file.strip_prefix("step-")?.split_once('-')?;
        let number = number_of(&format!("step-{number}"))?;
        (!name.is_empty()).then_some(number)
    })
}

/// The chapters of a book; and what is wrong with the order of its pages.
pub(crate) fn joined(pages: &[Chapter]) -> (Vec<Whole>, Vec<Finding>) {
    let mut wholes: Vec<Whole> = Vec::new();
    let mut findings = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let number = step_of_page(&page.path);
        let is_further = number.is_some() && step_of(&page.path).is_none();
        let first = wholes
            .iter_mut()
            .find(|it| number.is_some() && step_of(&it.chapter.path) == number);
        match first {
            Some(whole) if is_further => whole.add(index, page),
            _ => wholes.push(Whole::new(index, page)),
        }
        if let Some(number) = number
            && is_further
            && wholes.last().is_some_and(|it| it.pages[0].index == index)
        {
            findings.push(Finding {
                chapter: index,
                line: 1,
                message: format!(
                    "this is a further page of step-{number}.md, which must \
                     come before it in SUMMARY"
                ),
                paste: None,
                file: None,
            });
        }
    }
    (wholes, findings)
}

impl Whole {
    fn new(index: usize, page: &Chapter) -> Self {
        let path = page.path.clone();
        let first = Page {
            index,
            path,
            before: 0,
        };
        Self {
            chapter: page.clone(),
            pages: vec![first],
        }
    }

    fn add(&mut self, index: usize, page: &Chapter) {
        self.chapter.text += BREAK;
        let before = self.chapter.text.matches('\n').count();
        self.chapter.text += &page.text;
        let path = page.path.clone();
        self.pages.push(Page {
            index,
            path,
            before,
        });
    }

    /// The path of the page that has this line of the text.
    pub(crate) fn path_at(&self, line: usize) -> &str {
        &self.page_at(line).path
    }

    fn page_at(&self, line: usize) -> &Page {
        let after = self.pages.iter().rev().find(|it| it.before < line);
        after.unwrap_or(&self.pages[0])
    }

    /// The finding, at its line of its page.
    pub(crate) fn placed(&self, finding: Finding) -> Finding {
        let page = self.page_at(finding.line);
        Finding {
            chapter: page.index,
            line: finding.line - page.before,
            ..finding
        }
    }

    /// The pages of the finished text, each with its index in the book.
    pub(crate) fn split(&self, text: &str) -> Vec<(usize, String)> {
        let indices = self.pages.iter().map(|page| page.index);
        let texts = text.split(BREAK).map(str::to_owned);
        indices.zip(texts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Chapter {
        Chapter {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_page_knows_its_step() {
        assert_eq!(step_of_page("step-16.md"), Some(16));
        assert_eq!(step_of_page("a/step-16-more-of-it.md"), Some(16));
        for path in ["step-.md", "step-16-.md", "step-x-16.md", "16-a.md"] {
            assert_eq!(step_of_page(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_joined_is_split_again_with_its_lines() {
        let pages = [
            page("step-16.md", "one\ntwo\n"),
            page("other.md", "other\n"),
            page("step-16-b.md", "three\nfour"),
            page("step-16-c.md", "five\n"),
        ];

        let (wholes, findings) = joined(&pages);

        assert_eq!(findings, []);
        assert_eq!(wholes.len(), 2);
        let whole = &wholes[0];
        let mut split = whole.split(&whole.chapter.text);
        split.extend(wholes[1].split(&wholes[1].chapter.text));
        split.sort();
        for ((index, text), page) in split.iter().zip(&pages) {
            assert_eq!(*text, pages[*index].text, "{}", page.path);
        }
        for (line, text) in whole.chapter.text.lines().enumerate() {
            let found = Finding {
                chapter: 0,
                line: line + 1,
                message: String::new(),
                paste: None,
                file: None,
            };
            let found = whole.placed(found);
            let own = pages[found.chapter].text.lines().nth(found.line - 1);
            if ["one", "two", "three", "four", "five"].contains(&text) {
                assert_eq!(own, Some(text));
            }
        }
    }

    #[test]
    fn a_further_page_comes_after_the_first() {
        let pages = [page("step-16-b.md", ""), page("step-16.md", "")];

        let (wholes, findings) = joined(&pages);

        assert_eq!(wholes.len(), 2);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].chapter, 0);
    }
}
