//! One chapter: what its directives mean.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use crate::coverage;
use crate::diff::{FileDiff, Kind, diff_steps};
use crate::directive::{Directive, Found, Page, scan, words};
use crate::select::{has, select};
use course::{Step, Steps, is_test, number_of};

/// The least words of prose that explain something.
const WORDS: usize = 8;

/// A chapter as mdBook has it.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// Its source file, relative to the book's `src`.
    pub path: String,
    /// Its Markdown.
    pub text: String,
}

/// Something wrong in a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The chapter's index in the book.
    pub chapter: usize,
    /// The line in the chapter, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to paste into the chapter, where that helps.
    pub paste: Option<String>,
    /// The file whose change it is about, if it is about one.
    pub file: Option<String>,
}

/// What a directive or a pair of them stands for.
#[derive(Debug)]
pub(crate) enum Body {
    Summary,
    Tests,
    Checkpoint {
        late: Option<String>,
    },
    Waive {
        file: String,
        reason: String,
    },
    /// The main lines, then those that only follow from them.
    Change(Vec<Part>),
    Show {
        step: u32,
        path: String,
        lines: Range<usize>,
    },
    /// It has a finding; the page says so in its place.
    Broken(String),
}

/// Changed lines of one file that a box shows.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) diff: usize,
    pub(crate) rows: Vec<usize>,
    /// The file's rows that earlier boxes have changed.
    pub(crate) typed: BTreeSet<usize>,
}

/// A directive, or a pair with prose between.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) line: usize,
    /// The directive, or the one that opens the pair.
    pub(crate) open: Range<usize>,
    /// The directives inside of the pair.
    pub(crate) inner: Vec<Range<usize>>,
    /// The directive that closes the pair.
    pub(crate) close: Option<Range<usize>>,
    /// Its name in links, unique in the chapter.
    pub(crate) name: String,
    pub(crate) body: Body,
}

/// A chapter that was read.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) index: usize,
    pub(crate) number: Option<u32>,
    pub(crate) step: Option<&'a Step>,
    /// The step's changes; none in the first step and in other chapters.
    pub(crate) diffs: Vec<FileDiff>,
    /// The chapter is the first step's.
    pub(crate) is_tour: bool,
    pub(crate) page: Page,
    pub(crate) blocks: Vec<Block>,
    pub(crate) findings: Vec<Finding>,
    steps: &'a Steps,
}

impl<'a> Draft<'a> {
    /// Reads a chapter and finds what its directives mean.
    pub(crate) fn read(
        index: usize,
        chapter: &Chapter,
        steps: &'a Steps,
        raw: bool,
    ) -> Self {
        let number = step_of(&chapter.path);
        let step = number.and_then(|number| steps.get(number));
        let before = step.and_then(|step| steps.before(step.number));
        let diffs = match (before, step) {
            (Some(before), Some(step)) => diff_steps(before, step),
            _ => Vec::new(),
        };
        let mut draft = Draft {
            index,
            number,
            step,
            diffs,
            is_tour: step.is_some() && before.is_none(),
            page: scan(&chapter.text, raw),
            blocks: Vec::new(),
            findings: Vec::new(),
            steps,
        };
        for stray in std::mem::take(&mut draft.page.strays) {
            draft.find(stray.line, stray.value);
        }
        draft.read_blocks(&chapter.text);
        if draft.step.is_some() {
            coverage::check(&mut draft);
        }
        draft
    }

    /// Notes something wrong.
    pub(crate) fn find(&mut self, line: usize, message: impl Into<String>) {
        self.find_with(line, message, None);
    }

    /// Notes something wrong, with what to paste.
    pub(crate) fn find_with(
        &mut self,
        line: usize,
        message: impl Into<String>,
        paste: Option<String>,
    ) {
        let (chapter, message) = (self.index, message.into());
        self.findings.push(Finding {
            chapter,
            line,
            message,
            paste,
            file: None,
        });
    }

    /// The line of its first checkpoint.
    pub(crate) fn first_checkpoint(&self) -> Option<usize> {
        let is_checkpoint =
            |block: &&Block| matches!(block.body, Body::Checkpoint { .. });
        Some(self.blocks.iter().find(is_checkpoint)?.line)
    }

    fn read_blocks(&mut self, text: &str) {
        let directives = std::mem::take(&mut self.page.directives);
        let mut names = Names::new(&directives);
        for (line, name) in std::mem::take(&mut names.twice) {
            self.find(line, format!("the id \"{name}\" is used twice"));
        }
        let mut rest = directives.into_iter().peekable();
        while let Some(found) = rest.next() {
            let (line, open) = (found.line, found.range);
            let mut inner = Vec::new();
            let mut alsos = Vec::new();
            while let Some(also) =
                rest.next_if(|next| is_inside(&found.value, &next.value))
            {
                inner.push(also.range);
                alsos.push((also.line, also.value));
            }
            let next = rest.peek().map_or(text.len(), |next| next.range.start);
            let close = rest.next_if(|next| closes(&found.value, &next.value));
            let mut close = close.map(|close| close.range);
            if let Ok(directive) = &found.value
                && let Some(closing) = directive.closing()
            {
                let close = close.get_or_insert_with(|| {
                    let problem = "is missing before the next directive";
                    self.find(line, format!("`{closing}` {problem}"));
                    next..next
                });
                let starts = [open.end].into_iter();
                let starts = starts.chain(inner.iter().map(|r| r.end));
                let ends = inner.iter().map(|r| r.start).chain([close.start]);
                let prose = starts.zip(ends).map(|(a, b)| &text[a..b]);
                self.check_prose(line, &prose.collect::<String>());
            }
            let body = found.value.and_then(|directive| {
                let name = names.of(&directive);
                Ok((name, self.body(directive)?))
            });
            let mut body = body;
            for (line, also) in alsos {
                let part = also.and_then(|also| self.part(also));
                match (part, &mut body) {
                    (Ok(part), Ok((_, Body::Change(parts)))) => {
                        parts.push(part);
                    }
                    (Ok(_), _) => {}
                    (Err(problem), _) => self.find(line, problem),
                }
            }
            let (name, body) = body.unwrap_or_else(|problem| {
                self.find(line, problem.clone());
                (String::new(), Body::Broken(problem))
            });
            let block = Block {
                line,
                open,
                inner,
                close,
                name,
                body,
            };
            self.blocks.push(block);
        }
        self.mark_typed();
    }

    /// Tells each part what is typed when a reader comes to it.
    fn mark_typed(&mut self) {
        let mut typed = vec![BTreeSet::new(); self.diffs.len()];
        for block in &mut self.blocks {
            let Body::Change(parts) = &mut block.body else {
                continue;
            };
            *parts = joined(&self.diffs, &typed, std::mem::take(parts));
            for part in parts {
                part.typed.clone_from(&typed[part.diff]);
                typed[part.diff].extend(&part.rows);
            }
        }
    }

    fn check_prose(&mut self, line: usize, prose: &str) {
        let count = words(prose);
        if count < WORDS {
            let problem = format!(
                "{count} words explain nothing: \
                 write at least {WORDS} between the two directives"
            );
            self.find(line, problem);
        }
    }

    fn body(&self, directive: Directive) -> Result<Body, String> {
        match directive {
            Directive::EndChange | Directive::EndShow => {
                Err("this closes nothing".to_owned())
            }
            Directive::Show { file, from, to, .. } => {
                self.show(file, from.as_deref(), to.as_deref())
            }
            _ if self.step.is_none() => Err(match self.number {
                Some(number) => format!("there is no step-{number}"),
                None => "only the chapter of a step, `step-N.md`, has this"
                    .to_owned(),
            }),
            Directive::Change { .. } => {
                Ok(Body::Change(vec![self.part(directive)?]))
            }
            Directive::Also { .. } => {
                Err("`#also` stands between `#change` and `/change`".to_owned())
            }
            Directive::Waive { file, reason } => {
                if !self.is_tour {
                    self.diff_of(&file)?;
                } else if is_test(&file) || self.file(&file).is_none() {
                    return Err(format!("there is no {file} to waive"));
                }
                Ok(Body::Waive { file, reason })
            }
            Directive::Checkpoint { .. } if self.is_tour => {
                Err("the first step has no changes to stop after".to_owned())
            }
            Directive::Checkpoint { late } => Ok(Body::Checkpoint { late }),
            Directive::Summary => Ok(Body::Summary),
            Directive::Tests => Ok(Body::Tests),
        }
    }

    /// The lines that a `#change` or `#also` means.
    fn part(&self, directive: Directive) -> Result<Part, String> {
        let (Directive::Change { file, query, .. }
        | Directive::Also { file, query }) = directive
        else {
            return Err("this can't stand inside of a change".to_owned());
        };
        let diff = self.diff_of(&file)?;
        let rows = select(&self.diffs[diff], &query)?;
        let typed = BTreeSet::new();
        Ok(Part { diff, rows, typed })
    }

    fn file(&self, path: &str) -> Option<&'a [u8]> {
        self.step?.files.get(path).map(Vec::as_slice)
    }

    fn diff_of(&self, path: &str) -> Result<usize, String> {
        if self.is_tour {
            return Err("the first step has no changes: use `#show`".into());
        }
        if is_test(path) {
            return Err("tests are shown by `{{#tests}}`".to_owned());
        }
        let found = self.diffs.iter().position(|diff| diff.path == path);
        found.ok_or_else(|| match self.file(path) {
            Some(_) => format!("{path} does not change in this step"),
            None => format!("neither this step nor the one before has {path}"),
        })
    }

    fn show(
        &self,
        file: String,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Body, String> {
        let (first, rest) = file.split_once('/').unwrap_or((&file, ""));
        let (step, path) = match number_of(first) {
            Some(number) => {
                let step = self.steps.get(number);
                let step = step.ok_or(format!("there is no {first}"))?;
                (step, rest)
            }
            None => {
                let step = self.step.ok_or("which step? Write step-N/…")?;
                (step, file.as_str())
            }
        };
        if !step.files.contains_key(path) {
            return Err(format!("{} has no {path}", step.name()));
        }
        let text = step.text(path).ok_or_else(|| {
            format!("{path} is binary: waive it, with a reason")
        })?;
        let lines: Vec<&str> = text.lines().collect();
        let find = |start: usize, needle: &str| {
            let found = (start..lines.len()).find(|&i| has(lines[i], needle));
            found.ok_or_else(|| {
                format!("no line of {path} has \"{needle}\" there")
            })
        };
        let start = from.map_or(Ok(0), |needle| find(0, needle))?;
        let last = to.map(|needle| find(start, needle)).transpose()?;
        let end = last.map_or(lines.len(), |last| last + 1);
        let (step, path) = (step.number, path.to_owned());
        Ok(Body::Show {
            step,
            path,
            lines: start..end,
        })
    }
}

/// The number of the step whose chapter the file is.
pub fn step_of(path: &str) -> Option<u32> {
    let file = path.rsplit('/').next().unwrap_or_default();
    file.strip_suffix(".md").and_then(number_of)
}

/// Whether the second directive belongs into the pair that the first opens.
fn is_inside(
    open: &Result<Directive, String>,
    inner: &Result<Directive, String>,
) -> bool {
    let is_change = matches!(open, Ok(Directive::Change { .. }) | Err(_));
    is_change && matches!(inner, Ok(Directive::Also { .. }))
}

/// Whether the second directive closes the first, be it a broken one.
fn closes(
    open: &Result<Directive, String>,
    close: &Result<Directive, String>,
) -> bool {
    use Directive::{Change, EndChange, EndShow, Show};
    matches!(
        (open, close),
        (Ok(Change { .. }), Ok(EndChange))
            | (Ok(Show { .. }), Ok(EndShow))
            | (Err(_), Ok(EndChange | EndShow))
    )
}

/// The parts of a box, where those that touch by then are one: a function whose
/// middle comes later reads as what it is.
fn joined(
    diffs: &[FileDiff],
    typed: &[BTreeSet<usize>],
    parts: Vec<Part>,
) -> Vec<Part> {
    let mut whole: Vec<Part> = Vec::new();
    for part in parts {
        let (file, typed) = (&diffs[part.diff], &typed[part.diff]);
        let is_gone = |row: usize| match file.rows[row].kind {
            Kind::Same => false,
            Kind::Removed => typed.contains(&row),
            Kind::Added => !typed.contains(&row),
        };
        let between = |above: &[usize], below: &[usize]| {
            let (last, first) = (above.last()?, below.first()?);
            (last < first).then_some(last + 1..*first)
        };
        let touches = |other: &&mut Part| {
            let (a, b) = (&other.rows, &part.rows);
            let gap = between(a, b).or_else(|| between(b, a));
            other.diff == part.diff && gap.is_some_and(|mut r| r.all(is_gone))
        };
        match whole.iter_mut().find(touches) {
            Some(other) => {
                other.rows.extend(part.rows);
                other.rows.sort_unstable();
            }
            None => whole.push(part),
        }
    }
    whole
}

/// Gives each pair its name.
struct Names {
    taken: HashSet<String>,
    twice: Vec<(usize, String)>,
}

impl Names {
    fn new(directives: &[Found<Result<Directive, String>>]) -> Self {
        let reserved = ["summary", "tests"].map(str::to_owned);
        let mut names = Self {
            taken: reserved.into(),
            twice: Vec::new(),
        };
        for found in directives {
            if let Ok(
                Directive::Change { id: Some(id), .. }
                | Directive::Show { id: Some(id), .. },
            ) = &found.value
                && !names.taken.insert(id.clone())
            {
                names.twice.push((found.line, id.clone()));
            }
        }
        names
    }

    /// The directive's id, or a name made from its file's; none for what
    /// nothing links to.
    fn of(&mut self, directive: &Directive) -> String {
        let file = match directive {
            Directive::Change { id: Some(id), .. }
            | Directive::Show { id: Some(id), .. } => return id.clone(),
            Directive::Change { file, .. } | Directive::Show { file, .. } => {
                file
            }
            Directive::Summary => return "summary".to_owned(),
            Directive::Tests => return "tests".to_owned(),
            Directive::Checkpoint { .. } => "checkpoint-1",
            _ => return String::new(),
        };
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let base: String = file.chars().map(plain).collect();
        let mut name = base.to_lowercase();
        let base = name.trim_end_matches("-1").to_owned();
        let mut count = 1;
        while !self.taken.insert(name.clone()) {
            count += 1;
            name = format!("{base}-{count}");
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff_file;

    #[test]
    fn parts_that_touch_by_then_are_one() {
        let new = b"fn f() {\n    later\n}\n";
        let diffs = [diff_file("a.rs", None, Some(new)).unwrap()];
        let parts = || {
            [vec![2], vec![0]].map(|rows| Part {
                diff: 0,
                rows,
                typed: BTreeSet::new(),
            })
        };
        let rows = |typed: &[usize]| {
            let typed = [typed.iter().copied().collect()];
            let parts = joined(&diffs, &typed, parts().into());
            parts.into_iter().map(|part| part.rows).collect::<Vec<_>>()
        };
        assert_eq!(rows(&[]), [[0, 2]]);
        assert_eq!(rows(&[1]), [[2], [0]]);
    }
}
