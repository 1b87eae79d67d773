//! The HTML of a change: one line, so that Markdown takes it as one block.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;

use crate::cache::Cache;
use crate::caption;
use crate::diff::{Change, FileDiff, Kind, Row};
use crate::highlight::{Highlighter, Token};
use crate::typed::Moment;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// Unchanged lines to unfold on each side of what is shown.
const FOLD: usize = 20;

type Lines = Arc<Vec<Vec<Token>>>;

/// A version of a file, by its path and text.
pub type Source = (String, String);

/// Loading the grammars takes a while: once is enough.
static HIGHLIGHTER: LazyLock<Highlighter> = LazyLock::new(Highlighter::default);

/// The highlighted files of earlier builds.
static CACHE: LazyLock<Option<Cache>> = LazyLock::new(Cache::beside_program);

fn highlighted(path: &str, text: &str) -> Vec<Vec<Token>> {
    let cache = CACHE.as_ref();
    if let Some(lines) = cache.and_then(|cache| cache.get(path, text)) {
        return lines;
    }
    let lines = HIGHLIGHTER.lines(path, text);
    if let Some(cache) = cache {
        cache.put(path, text, &lines);
    }
    lines
}

/// Renders figures; each version of a file is highlighted once.
#[derive(Debug, Default)]
pub struct Renderer {
    seen: HashMap<Source, Lines>,
}

/// What the figures of a chapter have in common, and where to link to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The step's folder, `step-16`.
    pub step: &'a str,
    /// The id that the figure is reached by, if any.
    pub id: Option<&'a str>,
}

/// How a row is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Hidden,
    Folded,
    Shown,
}

impl Renderer {
    /// Highlights all that the figures will need, on all processors.
    pub fn new(sources: impl IntoIterator<Item = Source>) -> Self {
        let todo: BTreeSet<Source> = sources.into_iter().collect();
        let todo = Mutex::new(todo);
        let next = || {
            let mut todo = todo.lock().unwrap_or_else(PoisonError::into_inner);
            todo.pop_first()
        };
        let work = || {
            let mut done = Vec::new();
            while let Some((path, text)) = next() {
                let lines = Arc::new(highlighted(&path, &text));
                done.push(((path, text), lines));
            }
            done
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let seen = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..threads).map(|_| scope.spawn(work)).collect();
            let done = threads.into_iter().filter_map(|t| t.join().ok());
            done.flatten().collect()
        });
        Self { seen }
    }

    /// What a box changes in a file, with what is around it by then.
    pub(crate) fn change(
        &self,
        place: Place<'_>,
        whole: &FileDiff,
        now: &Moment,
    ) -> String {
        let versions = sources(whole);
        let tokens = versions.map(|source| match source {
            Some(source) => self.highlight(source),
            None => Lines::default(),
        });
        let file = &now.file;
        let selected = now.selected();
        let view = View {
            file,
            whole,
            origin: &now.origin,
            marks: marks(file, &selected),
            selected: selected.iter().copied().collect(),
            tokens,
        };
        let caption = caption::of_change(place.step, file, &selected);
        let body = view.body();
        let kind = match file.change {
            Change::Created => "created",
            Change::Deleted => "deleted",
            Change::Modified => "modified",
        };
        let data = format!(" data-change=\"{kind}\"");
        figure(place, &file.path, &data, &caption, &body)
    }

    /// Lines of a file as it stands; `lines` counts from 0.
    pub fn show(
        &self,
        place: Place<'_>,
        path: &str,
        text: &str,
        lines: Range<usize>,
    ) -> String {
        let tokens = self.highlight((path.to_owned(), text.to_owned()));
        let all: Vec<&str> = text.lines().collect();
        let caption = caption::of_lines(place.step, path, &all, &lines);
        let mut body = String::from("<pre class=\"sd-pre\">");
        for at in lines {
            let number = format!(" data-n=\"{}\"", at + 1);
            body += &line(&number, &tokens[at], None);
        }
        body += "</pre>";
        figure(place, path, " data-show=\"\"", &caption, &body)
    }

    fn highlight(&self, (path, text): Source) -> Lines {
        let source = (path, text);
        match self.seen.get(&source) {
            Some(lines) => lines.clone(),
            None => Arc::new(highlighted(&source.0, &source.1)),
        }
    }
}

/// The version of a file that has no rows of one kind.
fn version(file: &FileDiff, without: Kind) -> Source {
    let rows = file.rows.iter().filter(|row| row.kind != without);
    let text = rows.map(|row| row.text.as_str()).collect();
    let path = if file.opaque { "" } else { &file.path };
    (path.to_owned(), text)
}

/// The old and the new version of a file, where rows are only in the old one
/// or the new one has any.
pub fn sources(file: &FileDiff) -> [Option<Source>; 2] {
    let removed = |row: &Row| row.kind == Kind::Removed;
    let old = file.rows.iter().any(removed);
    let new = !file.rows.iter().all(removed);
    [
        old.then(|| version(file, Kind::Added)),
        new.then(|| version(file, Kind::Removed)),
    ]
}

/// One change as the figure shows it.
struct View<'a> {
    file: &'a FileDiff,
    /// The whole comparison, and where each row is in it: for the colours.
    whole: &'a FileDiff,
    origin: &'a [usize],
    selected: BTreeSet<usize>,
    marks: HashMap<usize, Range<usize>>,
    /// The lines of the old and of the new version.
    tokens: [Lines; 2],
}

impl View<'_> {
    fn body(&self) -> String {
        let looks = self.looks();
        let mut out = String::new();
        let mut start = 0;
        while start < looks.len() {
            let same =
                looks[start..].iter().take_while(|l| **l == looks[start]);
            let end = start + same.count();
            match looks[start] {
                Look::Shown => out += &self.lines(start..end),
                Look::Folded => {
                    let count = end - start;
                    let lines = if count == 1 { "line" } else { "lines" };
                    out += &format!(
                        "<details class=\"sd-fold\"><summary>{count} \
                         unchanged {lines}</summary>{}</details>",
                        self.lines(start..end)
                    );
                }
                Look::Hidden if start > 0 && end < looks.len() => {
                    out += "<div class=\"sd-gap\" aria-hidden=\"true\">⋯</div>";
                }
                Look::Hidden => {}
            }
            start = end;
        }
        out
    }

    /// What is selected is shown with the lines next to it; more unchanged
    /// ones are folded.
    fn looks(&self) -> Vec<Look> {
        let rows = &self.file.rows;
        let mut looks = vec![Look::Hidden; rows.len()];
        for &row in &self.selected {
            looks[row] = Look::Shown;
        }
        for (reach, look) in [(CONTEXT, Look::Shown), (FOLD, Look::Folded)] {
            let before = looks.clone();
            let seen = |at: usize| before[at] != Look::Hidden;
            for at in (0..rows.len()).filter(|&at| seen(at)) {
                let down = at + 1..rows.len().min(at + 1 + reach);
                let up = (at.saturating_sub(reach)..at).rev();
                let is_free = |&i: &usize| !seen(i) && !rows[i].changed();
                let free: Vec<_> = down
                    .take_while(is_free)
                    .chain(up.take_while(is_free))
                    .collect();
                free.into_iter().for_each(|i| looks[i] = look);
            }
        }
        // A fold of a few lines saves nothing.
        for run in looks.chunk_by_mut(|a, b| a == b) {
            if run[0] == Look::Folded && run.len() <= CONTEXT {
                run.fill(Look::Shown);
            }
        }
        looks
    }

    fn lines(&self, rows: Range<usize>) -> String {
        let mut out = String::from("<pre class=\"sd-pre\">");
        let mut kind = Kind::Same;
        for at in rows {
            let row = &self.file.rows[at];
            if row.kind != kind {
                out += close(kind);
                out += open(row.kind);
                kind = row.kind;
            }
            out += &self.row(at, row);
        }
        out += close(kind);
        out + "</pre>"
    }

    fn row(&self, at: usize, row: &Row) -> String {
        let number = |name: &str, n: Option<usize>| match n {
            Some(n) => format!(" data-{name}=\"{n}\""),
            None => String::new(),
        };
        let numbers = number("o", row.old) + &number("n", row.new);
        let [old, new] = &self.tokens;
        let whole = &self.whole.rows[self.origin[at]];
        let tokens = match (whole.kind, whole.old, whole.new) {
            (Kind::Removed, Some(n), _) => old.get(n - 1),
            (_, _, Some(n)) => new.get(n - 1),
            _ => None,
        };
        let plain = [Token {
            class: None,
            text: row.text.clone(),
        }];
        let tokens = tokens.map_or(plain.as_slice(), Vec::as_slice);
        line(&numbers, tokens, self.marks.get(&at))
    }
}

fn open(kind: Kind) -> &'static str {
    match kind {
        Kind::Same => "",
        Kind::Removed => {
            "<del class=\"sd-d\"><span class=\"vh\">removed: </span>"
        }
        Kind::Added => "<ins class=\"sd-i\"><span class=\"vh\">added: </span>",
    }
}

fn close(kind: Kind) -> &'static str {
    match kind {
        Kind::Same => "",
        Kind::Removed => "</del>",
        Kind::Added => "</ins>",
    }
}

fn figure(
    place: Place<'_>,
    path: &str,
    data: &str,
    caption: &str,
    body: &str,
) -> String {
    let (step, path) = (place.step, escape(path));
    let link = place.id.map_or(String::new(), |id| {
        format!(
            "<a class=\"sd-link\" href=\"#{id}\" \
             aria-label=\"Link to this code\">#</a>"
        )
    });
    format!(
        "<figure class=\"sd\" data-step=\"{step}\" data-file=\"{path}\"{data}>\
         <figcaption>{caption}{link}</figcaption>\
         <div class=\"sd-body\" tabindex=\"0\" role=\"group\" \
         aria-label=\"Code of {path}\"><div class=\"sd-in\">{body}</div></div>\
         </figure>"
    )
}

/// One line of code: `numbers` as attributes, its pieces, a marked range.
fn line(
    numbers: &str,
    tokens: &[Token],
    mark: Option<&Range<usize>>,
) -> String {
    let mut out = format!("<span class=\"sd-l\"{numbers}>");
    let mut start = 0;
    for token in tokens {
        let end = start + token.text.len();
        let cuts = match mark {
            Some(mark) => [mark.start, mark.end],
            None => [end, end],
        };
        let [a, b] = cuts.map(|cut| cut.clamp(start, end) - start);
        let (before, rest) = token.text.split_at(a);
        let (marked, after) = rest.split_at(b - a);
        let pieces = [(before, ""), (marked, " sd-w"), (after, "")];
        for (piece, extra) in pieces {
            if !piece.is_empty() {
                out += &piece_html(piece, token.class, extra);
            }
        }
        start = end;
    }
    if !tokens.last().is_some_and(|last| last.text.ends_with('\n')) {
        out += "<span class=\"sd-eof\" title=\"no line break at the end\">\
                </span>";
    }
    out + "</span>"
}

fn piece_html(text: &str, class: Option<&str>, extra: &str) -> String {
    let class = format!("{}{extra}", class.unwrap_or_default());
    let text = escape(text);
    match class.trim_start() {
        "" => text,
        class => format!("<span class=\"{class}\">{text}</span>"),
    }
}

/// Which bytes differ, for lines that replace one another one to one.
fn marks(file: &FileDiff, selected: &[usize]) -> HashMap<usize, Range<usize>> {
    let mut marks = HashMap::new();
    let mut rest = selected;
    while let Some(&first) = rest.first() {
        let run = |rows: &[usize], start: usize, kind| {
            let rows = rows.iter().enumerate();
            let run = rows.take_while(|(i, row)| {
                **row == start + i && file.rows[**row].kind == kind
            });
            run.count()
        };
        let removed = run(rest, first, Kind::Removed);
        let added = run(&rest[removed..], first + removed, Kind::Added);
        if removed == added {
            for old in first..first + removed {
                let new = old + removed;
                let texts = (&file.rows[old].text, &file.rows[new].text);
                if let Some((a, b)) = differing(texts.0, texts.1) {
                    marks.insert(old, a);
                    marks.insert(new, b);
                }
            }
        }
        rest = &rest[(removed + added).max(1)..];
    }
    marks
}

/// The differing middles of two lines that have a good part in common.
fn differing(old: &str, new: &str) -> Option<(Range<usize>, Range<usize>)> {
    let equal = |pair: &(char, char)| pair.0 == pair.1;
    let start: usize = old
        .chars()
        .zip(new.chars())
        .take_while(equal)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let end: usize = old[start..]
        .chars()
        .rev()
        .zip(new[start..].chars().rev())
        .take_while(equal)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let shared =
        old[..start].trim().len() + old[old.len() - end..].trim().len();
    let enough = shared * 3 >= old.trim().len().max(new.trim().len());
    let ranges = (start..old.len() - end, start..new.len() - end);
    enough.then_some(ranges)
}

/// Text for HTML, in one line.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff_file;
    use crate::typed::moment;

    fn render(path: &str, old: &str, new: &str, rows: &[usize]) -> String {
        let (old, new) = (Some(old.as_bytes()), Some(new.as_bytes()));
        let file = diff_file(path, old, new).unwrap();
        let place = Place {
            step: "step-16",
            id: Some("s16-x"),
        };
        let now = moment(&file, &BTreeSet::new(), rows);
        Renderer::default().change(place, &file, &now)
    }

    #[test]
    fn a_change_is_one_line_with_signs_and_numbers() {
        let html = render("a.txt", "a\n<b>\n", "a\n<c>\n", &[1, 2]);
        assert!(!html.contains('\n'));
        assert!(html.contains("<b>step-16/a.txt</b>, line 2"));
        assert!(html.contains("1 added</span>"));
        assert!(html.contains(
            "<span class=\"sd-l\" data-o=\"1\" data-n=\"1\">a&#10;</span>\
             <del class=\"sd-d\"><span class=\"vh\">removed: </span>\
             <span class=\"sd-l\" data-o=\"2\">&lt;<span class=\"sd-w\">b</span>"
        ));
        assert!(html.contains("<ins class=\"sd-i\">"));
        assert!(html.contains("href=\"#s16-x\""));
    }

    #[test]
    fn far_lines_are_folded_and_other_changes_hidden() {
        let old: String = (0..60).map(|n| format!("{n}\n")).collect();
        let new = format!("first\n{}", old.replace("59\n", "last\n"));
        let html = render("a.txt", &old, &new, &[0]);
        assert!(html.contains("20 unchanged lines"));
        assert!(html.contains("first") && !html.contains("last"));
        let all: Vec<usize> = vec![0, 60, 61];
        let html = render("a.txt", &old, &new, &all);
        assert_eq!(html.matches("20 unchanged lines").count(), 2);
        assert_eq!(html.matches("sd-gap").count(), 1);
        let html = render("a.txt", &old[..60], &new[..60], &[0]);
        assert!(!html.contains("sd-gap"));
    }

    #[test]
    fn lines_that_have_little_in_common_are_not_marked() {
        assert_eq!(
            differing("let a = 1;\n", "let bc = 1;\n"),
            Some((4..5, 4..6))
        );
        assert_eq!(differing("abc\n", "xyz\n"), None);
        assert_eq!(differing("äb\n", "äc\n"), Some((2..3, 2..3)));
    }

    #[test]
    fn shown_code_has_its_line_numbers() {
        let renderer = Renderer::default();
        let place = Place {
            step: "step-15",
            id: None,
        };
        let text = "fn a() {\n    1\n}\nfn b() {}\n";
        let html = renderer.show(place, "src/x.rs", text, 0..3);
        assert!(html.contains("in <b>fn a</b>, lines 1–3"), "{html}");
        assert!(html.contains("data-n=\"3\">}&#10;"), "{html}");
        let html = renderer.show(place, "src/x.rs", text, 0..4);
        assert!(html.contains("<b>step-15/src/x.rs</b></figcaption>"));
    }
}
