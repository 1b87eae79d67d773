//! A chapter's page: HTML in place of the directives.

use std::collections::BTreeSet;
use std::ops::Range;

use course::{Step, Steps, is_test};

use crate::chapter::{Block, Body, Draft};
use crate::check::relative;
use crate::diff::FileDiff;
use crate::pages::Whole;
use crate::record::OUTCOME;
use crate::render::{self, Place, Renderer, Source, escape};
use crate::typed::moment;

/// A piece of a chapter and what stands in its place.
pub(crate) type Edit = (Range<usize>, String);

/// The text with all edits made; they do not overlap.
pub(crate) fn spliced(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in edits {
        out.push_str(&text[at..range.start]);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// The files that the chapter's figures show.
pub(crate) fn sources(draft: &Draft<'_>, steps: &Steps) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut add = |file: &FileDiff| {
        sources.extend(render::sources(file).into_iter().flatten());
    };
    for block in &draft.blocks {
        match &block.body {
            Body::Change(parts) => {
                parts.iter().for_each(|part| add(&draft.diffs[part.diff]));
            }
            Body::Waive { file, .. } => {
                let waived = draft.diffs.iter().filter(|f| f.path == *file);
                waived.for_each(&mut add);
            }
            Body::Tests => {
                let tests = draft.diffs.iter().filter(|f| is_test(&f.path));
                tests.for_each(&mut add);
            }
            _ => {}
        }
    }
    for block in &draft.blocks {
        let shown: Vec<(&Step, &str)> = match &block.body {
            Body::Show { step, path, .. } => {
                let step = steps.get(*step);
                step.map(|step| (step, path.as_str())).into_iter().collect()
            }
            Body::Tests if draft.is_tour => {
                let step = draft.step.into_iter();
                let tests = step.flat_map(|step| {
                    step.files.keys().map(move |path| (step, path.as_str()))
                });
                tests.filter(|(_, path)| is_test(path)).collect()
            }
            _ => continue,
        };
        let shown = shown.into_iter().filter_map(|(step, path)| {
            Some((path.to_owned(), step.text(path)?.to_owned()))
        });
        sources.extend(shown);
    }
    sources
}

/// Writes the page of one chapter.
#[derive(Clone, Copy)]
pub(crate) struct PageOf<'a> {
    pub(crate) draft: &'a Draft<'a>,
    pub(crate) whole: &'a Whole,
    /// What its ids begin with.
    pub(crate) prefix: &'a str,
    pub(crate) steps: &'a Steps,
    pub(crate) renderer: &'a Renderer,
}

impl PageOf<'_> {
    pub(crate) fn edits(&self) -> Vec<Edit> {
        let blocks = self.draft.blocks.iter();
        blocks.flat_map(|block| self.block(block)).collect()
    }

    fn block(&self, block: &Block) -> Vec<Edit> {
        let id = format!("{}-{}", self.prefix, block.name);
        let alone = |html: String| vec![(block.open.clone(), html)];
        match &block.body {
            Body::Change(parts) => {
                let step = self.step_name();
                let figures = parts.iter().enumerate().map(|(i, part)| {
                    let place = Place {
                        step: &step,
                        id: (i == 0).then_some(id.as_str()),
                    };
                    let file = &self.draft.diffs[part.diff];
                    let now = moment(file, &part.typed, &part.rows);
                    self.renderer.change(place, file, &now)
                });
                let figures: String = figures.collect();
                pair(
                    block,
                    &id,
                    &match parts.len() {
                        1 => figures,
                        _ => format!("<div class=\"sd-box\">{figures}</div>"),
                    },
                )
            }
            Body::Show { step, path, lines } => {
                let Some(step) = self.steps.get(*step) else {
                    return vec![];
                };
                let name = step.name();
                let place = Place {
                    step: &name,
                    id: Some(&id),
                };
                let text = step.text(path).unwrap_or_default();
                let lines = lines.clone();
                let figure = self.renderer.show(place, path, text, lines);
                pair(block, &id, &figure)
            }
            Body::Summary => alone(self.summary(block.line, &id)),
            Body::Tests => alone(self.tests(&id)),
            Body::Checkpoint { .. } => alone(format!(
                "\n<aside class=\"sd-checkpoint\" id=\"{id}\">{OUTCOME}\
                 </aside>\n\n"
            )),
            Body::Waive { file, reason } => alone(self.waive(file, reason)),
            Body::Broken(problem) => {
                let html = format!(
                    "\n<p class=\"sd-broken\" role=\"alert\">{}</p>\n\n",
                    escape(problem)
                );
                let close = block.close.clone();
                let inner = block.inner.iter().cloned().chain(close);
                let inner = inner.map(|range| (range, String::new()));
                alone(html).into_iter().chain(inner).collect()
            }
        }
    }

    fn step_name(&self) -> String {
        self.draft.step.map(Step::name).unwrap_or_default()
    }

    /// The files of the step and the commands to run it, as Markdown.
    fn summary(&self, line: usize, id: &str) -> String {
        let Some(step) = self.draft.step else {
            return String::new();
        };
        let name = step.name();
        let before = self.steps.before(step.number);
        let mut commands = vec![
            (format!("cargo run -p {name}"), "try it: it says where"),
            (format!("cargo test -p {name}"), "its tests"),
        ];
        let table = match before {
            None => self.files(line, step),
            Some(before) => {
                let (old, new) = (before.number, step.number);
                let compare = format!("cargo x diff {old} {new}");
                commands.push((compare, "its changes, in the terminal"));
                let start = format!("cargo x start {new}");
                commands.push((start, "write it yourself, in mine/"));
                let test = format!("cargo x test {new}");
                commands.push((test, "how far yours is"));
                self.changes(line)
            }
        };
        let lines = commands
            .into_iter()
            .map(|(command, what)| format!("{command:<22} # {what}\n"));
        let lines: String = lines.collect();
        format!(
            "\n<div class=\"sd-summary\" id=\"{id}\">\n\n{table}\n\
             ```sh\n{lines}```\n\n</div>\n\n"
        )
    }

    fn changes(&self, line: usize) -> String {
        let mut table = String::from("| File | Added | Removed |\n");
        table += "| :--- | ---: | ---: |\n";
        let mut sum = (0, 0);
        let mut tests = (0, 0, 0);
        for (index, file) in self.draft.diffs.iter().enumerate() {
            let (added, removed) = file.counts();
            if is_test(&file.path) {
                tests = (tests.0 + 1, tests.1 + added, tests.2 + removed);
                continue;
            }
            sum = (sum.0 + added, sum.1 + removed);
            let link = self.link(line, &file.path, |body| {
                let Body::Change(parts) = body else {
                    return false;
                };
                parts.iter().any(|part| part.diff == index)
            });
            table += &row(&link, added, removed);
        }
        table += &row("**without the tests**", sum.0, sum.1);
        if tests.0 > 0 {
            let files = if tests.0 == 1 { "file" } else { "files" };
            let name = format!("tests, {} {files}", tests.0);
            let link = self.link_to_tests(line, name);
            table += &row(&link, tests.1, tests.2);
        }
        table
    }

    fn files(&self, line: usize, step: &Step) -> String {
        let mut table = String::from("| File | Lines |\n| :--- | ---: |\n");
        let (mut count, mut sum) = (0, 0);
        for path in step.files.keys() {
            let lines = step.text(path).map_or(0, |text| text.lines().count());
            if is_test(path) {
                (count, sum) = (count + 1, sum + lines);
                continue;
            }
            let link = self.link(
                line,
                path,
                |body| matches!(body, Body::Show { path: p, .. } if p == path),
            );
            table += &format!("| {link} | {lines} |\n");
        }
        if count > 0 {
            let files = if count == 1 { "file" } else { "files" };
            let name = format!("tests, {count} {files}");
            let link = self.link_to_tests(line, name);
            table += &format!("| {link} | {sum} |\n");
        }
        table
    }

    /// The text, with a link to the tests if the chapter shows them.
    fn link_to_tests(&self, line: usize, text: String) -> String {
        let mut blocks = self.draft.blocks.iter();
        match blocks.find(|block| matches!(block.body, Body::Tests)) {
            Some(block) => {
                let page = self.way(line, block);
                format!("[{text}]({page}#{}-tests)", self.prefix)
            }
            None => text,
        }
    }

    /// The file's name, with a link to the first block that shows it.
    fn link(
        &self,
        line: usize,
        path: &str,
        shows: impl Fn(&Body) -> bool,
    ) -> String {
        let found = self.draft.blocks.iter().find(|b| shows(&b.body));
        match found {
            Some(block) => {
                let (page, prefix) = (self.way(line, block), self.prefix);
                format!("[`{path}`]({page}#{prefix}-{})", block.name)
            }
            None => format!("`{path}`"),
        }
    }

    /// The way from a line of the chapter to the page of a block.
    fn way(&self, line: usize, block: &Block) -> String {
        let from = self.whole.path_at(line);
        relative(from, self.whole.path_at(block.line))
    }

    fn tests(&self, id: &str) -> String {
        let Some(step) = self.draft.step else {
            return String::new();
        };
        let name = step.name();
        let place = Place {
            step: &name,
            id: None,
        };
        let mut html = format!("\n<div class=\"sd-tests\" id=\"{id}\">");
        if self.draft.is_tour {
            for path in step.files.keys().filter(|path| is_test(path)) {
                let text = step.text(path).unwrap_or_default();
                let all = 0..text.lines().count();
                let count = format!("{} lines", all.len());
                let figure = self.renderer.show(place, path, text, all);
                html += &folded(path, &count, &figure);
            }
        } else {
            for file in self.draft.diffs.iter().filter(|f| is_test(&f.path)) {
                html += &self.folded_change(file);
            }
        }
        html + "</div>\n\n"
    }

    fn folded_change(&self, file: &FileDiff) -> String {
        let name = self.step_name();
        let place = Place {
            step: &name,
            id: None,
        };
        let all: Vec<usize> = file.changed(0..file.rows.len()).collect();
        let now = moment(file, &BTreeSet::new(), &all);
        let figure = self.renderer.change(place, file, &now);
        let (added, removed) = file.counts();
        folded(&file.path, &format!("+{added} −{removed}"), &figure)
    }

    fn waive(&self, path: &str, reason: &str) -> String {
        let found = self.draft.diffs.iter().find(|file| file.path == path);
        let fold = match found {
            Some(file) => self.folded_change(file),
            None => String::new(),
        };
        format!(
            "\n<div class=\"sd-waive\"><p><b>{}</b> is not explained: {}.</p>\
             {fold}</div>\n\n",
            escape(path),
            escape(reason.trim_end_matches('.'))
        )
    }
}

/// The prose and its figure, side by side where there is room.
fn pair(block: &Block, id: &str, figure: &str) -> Vec<Edit> {
    let open = format!(
        "\n<section class=\"sd-pair\" id=\"{id}\"><div class=\"sd-why\">\n\n"
    );
    let close = format!("\n\n</div>\n{figure}</section>\n\n");
    let end = block.close.clone().unwrap_or(block.open.clone());
    let inner = block.inner.iter().map(|at| (at.clone(), String::new()));
    let mut edits: Vec<Edit> = inner.collect();
    edits.extend([(block.open.clone(), open), (end, close)]);
    edits
}

fn row(name: &str, added: usize, removed: usize) -> String {
    let sign = |sign: &str, n: usize| match n {
        0 => String::new(),
        n => format!("{sign}{n}"),
    };
    format!(
        "| {name} | {} | {} |\n",
        sign("+", added),
        sign("−", removed)
    )
}

fn folded(path: &str, count: &str, figure: &str) -> String {
    format!(
        "<details class=\"sd-file\"><summary><b>{}</b> \
         <span class=\"sd-count\">{count}</span></summary>{figure}</details>",
        escape(path)
    )
}

#[cfg(test)]
mod tests {
    use super::spliced;

    #[test]
    fn edits_are_made_in_order_of_place() {
        let edits = vec![(4..5, "E".into()), (0..1, "A".into())];
        assert_eq!(spliced("abcde", edits), "AbcdE");
    }
}
