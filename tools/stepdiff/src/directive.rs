//! Finds and parses what a chapter's author wrote for this tool.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::select::Query;

/// mdBook's own directives, resolved before this tool runs.
const MDBOOK: [&str; 6] = [
    "include",
    "playground",
    "playpen",
    "rustdoc_include",
    "template",
    "title",
];

/// One directive, a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// `{{#summary}}`
    Summary,
    /// `{{#tests}}`
    Tests,
    /// `{{#waive FILE "reason"}}`
    Waive {
        /// The file that is not explained.
        file: String,
        /// Why.
        reason: String,
    },
    /// `{{#change FILE …}}`
    Change {
        /// The file that changed.
        file: String,
        /// Which of its changes.
        query: Query,
        /// The name for links.
        id: Option<String>,
    },
    /// `{{#also FILE …}}`, inside of a change.
    Also {
        /// The file that changed.
        file: String,
        /// Which of its changes.
        query: Query,
    },
    /// `{{#show FILE …}}`
    Show {
        /// The file, with or without `step-N/` in front.
        file: String,
        /// The needle of the first line.
        from: Option<String>,
        /// The needle of the last line.
        to: Option<String>,
        /// The name for links.
        id: Option<String>,
    },
    /// `{{#checkpoint}}`
    Checkpoint {
        /// Why it comes later than it should.
        late: Option<String>,
    },
    /// `{{/change}}`
    EndChange,
    /// `{{/show}}`
    EndShow,
}

impl Directive {
    /// What closes it, if it opens a pair.
    pub fn closing(&self) -> Option<&'static str> {
        match self {
            Self::Change { .. } => Some("{{/change}}"),
            Self::Show { .. } => Some("{{/show}}"),
            _ => None,
        }
    }
}

/// Something found in a chapter, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// Its line in the chapter, from 1.
    pub line: usize,
    /// Its bytes in the chapter.
    pub range: Range<usize>,
    /// What it is.
    pub value: T,
}

/// All that a chapter has for this tool.
#[derive(Debug, Default)]
pub struct Page {
    /// The directives, or what is wrong with them, in reading order.
    pub directives: Vec<Found<Result<Directive, String>>>,
    /// The targets of links to `hunk:…`.
    pub links: Vec<Found<String>>,
    /// The text of `seq` fences and the line it begins on.
    pub drawings: Vec<Found<(usize, String)>>,
    /// What is wrong elsewhere in the text.
    pub strays: Vec<Found<String>>,
}

/// Finds everything in a chapter. `raw` means that mdBook has not yet resolved
/// its own directives.
pub fn scan(text: &str, raw: bool) -> Page {
    let mut page = Page::default();
    let code = code_blocks(text);
    let mut rest = text.to_owned();
    let mut start = 0;
    for (i, full) in text.split_inclusive('\n').enumerate() {
        let line = full.trim_end();
        let range = start..start + line.len();
        start += full.len();
        let Some(directive) = directive_on(line, raw) else {
            continue;
        };
        if code
            .iter()
            .any(|c| c.start < range.end && range.start < c.end)
        {
            continue;
        }
        // To Markdown a directive is a blank line, whatever its needles hold.
        rest.replace_range(range.clone(), &" ".repeat(range.len()));
        let value = parse(directive);
        page.directives.push(Found {
            line: i + 1,
            range,
            value,
        });
    }
    scan_markdown(text, &rest, raw, &mut page);
    page
}

/// How many words of prose there are in a piece of Markdown.
pub fn words(text: &str) -> usize {
    let mut in_code = false;
    let mut words = 0;
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) | Event::Code(text) if !in_code => {
                words += text.split_whitespace().count();
            }
            _ => {}
        }
    }
    words
}

/// The extensions that mdBook reads Markdown with.
fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_GFM
}

fn code_blocks(text: &str) -> Vec<Range<usize>> {
    let events = Parser::new_ext(text, options()).into_offset_iter();
    let block = |(event, range)| match event {
        Event::Start(Tag::CodeBlock(_)) => Some(range),
        _ => None,
    };
    events.filter_map(block).collect()
}

/// The inside of a line that is a directive and nothing else.
fn directive_on(line: &str, raw: bool) -> Option<&str> {
    let inside = line.trim_start().strip_prefix("{{")?.strip_suffix("}}")?;
    let is_ours = inside.starts_with('#') || inside.starts_with('/');
    (is_ours && !(raw && is_mdbook(inside))).then_some(inside)
}

fn is_mdbook(inside: &str) -> bool {
    let name = inside.trim_start_matches('#').split_whitespace().next();
    name.is_some_and(|name| MDBOOK.contains(&name))
}

/// Links, drawings and stray directives in the text without directive lines.
fn scan_markdown(text: &str, rest: &str, raw: bool, page: &mut Page) {
    let line_at = |at: usize| text[..at].matches('\n').count() + 1;
    let found = |range: Range<usize>, value| {
        let line = line_at(range.start);
        Found { line, range, value }
    };
    let mut code = Vec::new();
    for (event, range) in Parser::new_ext(rest, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language)))
                if language.split([',', ' ']).next() == Some("seq") =>
            {
                code.push(range.clone());
                let (before, block) =
                    (&text[..range.start], &text[range.clone()]);
                if !before.is_empty() && !before.ends_with('\n') {
                    let problem = "a `seq` fence begins at the left margin";
                    page.strays.push(found(range, problem.to_owned()));
                    continue;
                }
                let body = block.split_inclusive('\n').skip(1);
                let body = body.filter(|line| !line.starts_with("```"));
                let drawing = (line_at(range.start) + 1, body.collect());
                page.drawings.push(Found {
                    line: drawing.0,
                    range,
                    value: drawing,
                });
            }
            Event::Start(Tag::CodeBlock(_)) | Event::Code(_) => {
                code.push(range);
            }
            Event::Start(Tag::Link { dest_url, .. })
                if dest_url.starts_with("hunk:") =>
            {
                let target = dest_url["hunk:".len()..].to_owned();
                match text[range.clone()].rfind(dest_url.as_ref()) {
                    Some(at) => {
                        let start = range.start + at;
                        let url = start..start + dest_url.len();
                        page.links.push(found(url, target));
                    }
                    None => page.strays.push(found(
                        range,
                        "write a link to a hunk as [text](hunk:name)".into(),
                    )),
                }
            }
            _ => {}
        }
    }
    for mark in ["{{#", "{{/"] {
        for (at, _) in rest.match_indices(mark) {
            let inside = &rest[at + 2..];
            let is_code = code.iter().any(|range| range.contains(&at));
            // An include that mdBook can't read stays, in code too.
            let is_mdbook = is_mdbook(inside);
            if (is_mdbook && raw) || (is_code && !is_mdbook) {
                continue;
            }
            let line = inside.lines().next().unwrap_or_default();
            let why = if is_mdbook {
                "mdBook can't read that file"
            } else {
                "a directive is a line of its own and ends with `}}`"
            };
            let problem = format!("unresolved directive `{{{{{line}`: {why}");
            page.strays.push(found(at..at + 3, problem));
        }
    }
}

/// Parses the inside of `{{…}}`.
fn parse(inside: &str) -> Result<Directive, String> {
    let inside = inside.trim();
    let (name, rest) = inside.split_once(' ').unwrap_or((inside, ""));
    let mut args = Args::read(rest)?;
    let directive = match name {
        "#summary" => Directive::Summary,
        "#tests" => Directive::Tests,
        "#checkpoint" => Directive::Checkpoint {
            late: args.one("late")?,
        },
        "/change" => Directive::EndChange,
        "/show" => Directive::EndShow,
        "#waive" => Directive::Waive {
            file: args.word("a file")?,
            reason: args.word("a reason in quotes")?,
        },
        "#change" => Directive::Change {
            file: args.word("a file")?,
            query: args.query()?,
            id: args.id()?,
        },
        "#also" => Directive::Also {
            file: args.word("a file")?,
            query: args.query()?,
        },
        "#show" => Directive::Show {
            file: args.word("a file")?,
            from: args.one("from")?,
            to: args.one("to")?,
            id: args.id()?,
        },
        _ => return Err(format!("unknown directive `{{{{{name}}}}}`")),
    };
    match args.0.first() {
        None => Ok(directive),
        Some((None, word)) => Err(format!("`{name}`: what is \"{word}\"?")),
        Some((Some(key), _)) => Err(format!("`{name}` takes no `{key}=`")),
    }
}

/// A directive's arguments: words, and values with a key.
struct Args(Vec<(Option<String>, String)>);

impl Args {
    fn read(text: &str) -> Result<Self, String> {
        let mut args = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let key_end = rest.find(|c: char| !c.is_ascii_lowercase());
            let key = match key_end {
                Some(end) if rest[end..].starts_with('=') => {
                    let key = rest[..end].to_owned();
                    rest = &rest[end + 1..];
                    Some(key)
                }
                _ => None,
            };
            let (value, after) = value(rest)?;
            args.push((key, value));
            rest = after.trim_start();
        }
        Ok(Self(args))
    }

    fn word(&mut self, what: &str) -> Result<String, String> {
        let at = self.0.iter().position(|(key, _)| key.is_none());
        let at = at.ok_or_else(|| format!("{what} is missing"))?;
        Ok(self.0.remove(at).1)
    }

    fn all(&mut self, key: &str) -> Vec<String> {
        let is_key =
            |arg: &mut (Option<String>, String)| arg.0.as_deref() == Some(key);
        self.0
            .extract_if(.., is_key)
            .map(|(_, value)| value)
            .collect()
    }

    fn one(&mut self, key: &str) -> Result<Option<String>, String> {
        let mut values = self.all(key);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(format!("`{key}=` is given twice")),
        }
    }

    fn query(&mut self) -> Result<Query, String> {
        Ok(Query {
            at: self.all("at"),
            from: self.one("from")?,
            to: self.one("to")?,
        })
    }

    fn id(&mut self) -> Result<Option<String>, String> {
        let id = self.one("id")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        match id {
            Some(id) if id.is_empty() || !id.chars().all(plain) => {
                Err(format!("id=\"{id}\": letters, digits and dashes only"))
            }
            id => Ok(id),
        }
    }
}

/// The value at the start of the text, and what follows it.
fn value(text: &str) -> Result<(String, &str), String> {
    let Some(quote) = text.chars().next().filter(|c| "\"'".contains(*c)) else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        if end == 0 {
            return Err("a value is missing after `=`".to_owned());
        }
        return Ok((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            if value.is_empty() {
                return Err("an empty value".to_owned());
            }
            return Ok((value, &text[at + 1..]));
        }
        let escaped = quote == '"' && c == '\\';
        match escaped.then(|| chars.next()).flatten() {
            Some((_, next)) if "\"\\".contains(next) => value.push(next),
            Some((_, next)) => value.extend([c, next]),
            None => value.push(c),
        }
    }
    Err(format!("a quote is not closed: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(file: &str, at: &[&str]) -> Directive {
        Directive::Change {
            file: file.to_owned(),
            query: Query {
                at: at.iter().map(|s| s.to_string()).collect(),
                ..Query::default()
            },
            id: None,
        }
    }

    #[test]
    fn arguments_are_words_and_values() {
        assert_eq!(
            parse(r#"#change a.html at="{{ x }}" at='say "hi"'"#),
            Ok(change("a.html", &["{{ x }}", "say \"hi\""]))
        );
        assert_eq!(
            parse(r#"#change a at="\"\\\n" at=b=c"#),
            Ok(change("a", &["\"\\\\n", "b=c"]))
        );
        let waive = parse("#waive a \"a picture\"").unwrap();
        let (file, reason) = ("a".to_owned(), "a picture".to_owned());
        assert_eq!(waive, Directive::Waive { file, reason });
    }

    #[test]
    fn wrong_arguments_say_what_is_wrong() {
        let error = |text| parse(text).unwrap_err();
        assert!(error("#change").contains("a file is missing"));
        assert!(error("#waive a").contains("a reason"));
        assert!(error("#change a at=").contains("missing after"));
        assert!(error("#change a at=\"").contains("not closed"));
        assert!(error("#change a at=\"\"").contains("empty"));
        assert!(error("#show a at=b").contains("takes no `at=`"));
        assert!(error("#show a b").contains("what is \"b\""));
        assert!(error("#show a from=b from=c").contains("twice"));
        assert!(error("#show a id=ä").contains("letters"));
        assert!(error("#chnge a").contains("unknown directive"));
    }

    #[test]
    fn code_is_left_alone() {
        let text = "```md\n{{#tests}}\n```\n\n    {{#tests}}\n\n\
                    Write `{{#tests}}`.\n\n{{#tests}}\n";
        let page = scan(text, false);
        assert!(page.strays.is_empty(), "{:?}", page.strays);
        assert_eq!(page.directives.len(), 1);
        assert_eq!(page.directives[0].line, 9);
        assert_eq!(page.directives[0].value, Ok(Directive::Tests));
    }

    #[test]
    fn needles_do_not_disturb_the_markdown() {
        let text = "{{#change a at=\"`<b\"}}\nProse, `code` and \
                    [a link](hunk:x).\n{{/change}}\n";
        let page = scan(text, false);
        assert_eq!(page.directives.len(), 2);
        assert_eq!(page.links.len(), 1);
        assert_eq!(&text[page.links[0].range.clone()], "hunk:x");
    }

    #[test]
    fn strays_are_found() {
        let page = scan("See {{#tests}} here.\n\n{{#include x}}\n", false);
        assert_eq!(page.strays.len(), 1);
        assert!(page.directives[0].value.is_err());
        let fence = "```\n{{#include x}}\n```\n";
        assert_eq!(scan(fence, false).strays[0].line, 2);
        assert!(scan(fence, true).strays.is_empty());
        let page = scan("{{#include x}}\n{{#title y}} z\n", true);
        assert!(page.strays.is_empty() && page.directives.is_empty());
    }

    #[test]
    fn drawings_are_found_with_their_line() {
        let page = scan("Text\n\n```seq\na\nb\n```\n", false);
        assert_eq!(page.drawings[0].value, (4, "a\nb\n".to_owned()));
    }

    #[test]
    fn words_are_counted_without_code_blocks() {
        assert_eq!(words("One `two` **three**.\n\n```\nno\n```\n"), 3 + 1);
    }
}
