//! A reader who types what a finished page shows, box by box.
//!
//! This reads the page's HTML, not what the tool thinks it put there.

use std::collections::BTreeMap;

use course::Step;

/// The files of a step, by their path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a reader comes to in a page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// Code to type.
    Figure(Figure),
    /// A place where what is typed builds.
    Checkpoint,
}

/// A change of one file, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Figure {
    /// The file's path in the step.
    pub file: String,
    /// `created`, `modified` or `deleted`.
    change: String,
    lines: Vec<Line>,
    /// It has no lines to type: the file is binary or empty.
    is_opaque: bool,
}

/// A changed line: its number before the change if it goes, else after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    added: bool,
    number: usize,
    text: String,
}

/// What a page shows, in reading order.
pub fn stops(page: &str) -> Vec<Stop> {
    let mut stops = Vec::new();
    for (at, _) in page.match_indices('<') {
        let html = &page[at..];
        if html.starts_with("<aside class=\"sd-checkpoint\"") {
            stops.push(Stop::Checkpoint);
        } else if html.starts_with("<figure class=\"sd\"") {
            stops.extend(figure(html).map(Stop::Figure));
        }
    }
    stops
}

/// The figure that the text begins with, if it shows a change.
fn figure(html: &str) -> Option<Figure> {
    let html = html.split("</figure>").next()?;
    let head = html.split('>').next()?;
    let change = attribute(head, "data-change")?;
    let file = attribute(head, "data-file")?;
    let mut lines = Vec::new();
    let mut is_opaque = false;
    for (added, open) in [(false, "<del "), (true, "<ins ")] {
        let close = open.replace('<', "</").replace(' ', ">");
        let name = if added { "data-n" } else { "data-o" };
        let runs = html.split(open).skip(1);
        let runs = runs.filter_map(|run| run.split(&close).next());
        let all = runs.flat_map(|it| it.split("<span class=\"sd-l\"").skip(1));
        for (attributes, rest) in all.filter_map(|it| it.split_once('>')) {
            let number = attribute(attributes, name);
            match number.and_then(|number| number.parse().ok()) {
                Some(number) => lines.push(Line {
                    added,
                    number,
                    text: text_of(rest),
                }),
                None => is_opaque = true,
            }
        }
    }
    Some(Figure {
        file,
        change,
        lines,
        is_opaque,
    })
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

/// A reader's copy of the step before, under the new step's name.
#[derive(Debug)]
pub struct Reader<'a> {
    new: &'a Step,
    /// What is typed by now.
    pub files: Files,
}

impl<'a> Reader<'a> {
    /// A reader who has typed nothing yet.
    pub fn new(old: &Step, new: &'a Step) -> Self {
        let paths = old.files.keys();
        let files = paths
            .filter_map(|path| Some((path.clone(), old.renamed(path, new)?)));
        let files = files.collect();
        Self { new, files }
    }

    /// Types what a figure shows, at the lines that it names.
    ///
    /// # Errors
    ///
    /// In words, when that can't be done in what is typed by now.
    pub fn type_in(&mut self, figure: &Figure) -> Result<(), String> {
        let file = &figure.file;
        if figure.is_opaque {
            match self.new.files.get(file) {
                Some(content) => {
                    self.files.insert(file.clone(), content.clone());
                }
                None => _ = self.files.remove(file),
            }
            return Ok(());
        }
        let content = self.files.remove(file).unwrap_or_default();
        let text = String::from_utf8(content)
            .map_err(|_| format!("{file} is binary: nobody can type in it"))?;
        let lines = text.split_inclusive('\n');
        let mut lines: Vec<Option<&str>> = lines.map(Some).collect();
        for line in figure.lines.iter().filter(|line| !line.added) {
            let at = line.number;
            match lines.get_mut(at - 1) {
                Some(found) if *found == Some(&line.text) => *found = None,
                _ => return Err(format!("{file}:{at} can't be removed")),
            }
        }
        let mut lines: Vec<&str> = lines.into_iter().flatten().collect();
        for line in figure.lines.iter().filter(|line| line.added) {
            let at = line.number - 1;
            if at > lines.len() {
                return Err(format!("{file} has no line {at} to type below"));
            }
            lines.insert(at, &line.text);
        }
        if figure.change != "deleted" || !lines.is_empty() {
            self.files.insert(file.clone(), lines.concat().into_bytes());
        }
        Ok(())
    }

    /// Whether the new step is typed, to the last line and in its order.
    ///
    /// # Errors
    ///
    /// In words, where it is not.
    pub fn finish(&self) -> Result<(), String> {
        for path in self.new.files.keys().chain(self.files.keys()) {
            if self.files.get(path) != self.new.files.get(path) {
                return Err(format!("{path} is not what the step has"));
            }
        }
        Ok(())
    }
}
