//! Syntax colours: the lines of a file as classed pieces of text.

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

/// A piece of a line with the CSS class of its colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// A class of the style sheet, or none for plain text.
    pub class: Option<&'static str>,
    /// The text itself.
    pub text: String,
}

/// All classes that a token can have.
pub(crate) const CLASS_NAMES: [&str; 8] = [
    "sx-a", "sx-c", "sx-f", "sx-j", "sx-k", "sx-n", "sx-s", "sx-t",
];

/// Which scope gets which class; the longest prefix wins.
const CLASSES: [(&str, Option<&str>); 35] = [
    ("comment", Some("sx-c")),
    ("string", Some("sx-s")),
    ("punctuation.definition.string", Some("sx-s")),
    ("constant.character.escape", Some("sx-n")),
    ("constant.other.placeholder", Some("sx-n")),
    ("constant", Some("sx-n")),
    ("keyword", Some("sx-k")),
    ("keyword.operator", None),
    ("keyword.other.unit", Some("sx-n")),
    ("storage", Some("sx-k")),
    ("storage.type.rust", Some("sx-t")),
    ("storage.modifier.lifetime", Some("sx-a")),
    ("variable.language", Some("sx-k")),
    ("entity.name.function", Some("sx-f")),
    ("entity.name.macro", Some("sx-f")),
    ("support.function", Some("sx-f")),
    ("support.macro", Some("sx-f")),
    ("variable.function", Some("sx-f")),
    ("entity.name.struct", Some("sx-t")),
    ("entity.name.enum", Some("sx-t")),
    ("entity.name.trait", Some("sx-t")),
    ("entity.name.impl", Some("sx-t")),
    ("entity.name.table", Some("sx-t")),
    ("entity.name.type", Some("sx-t")),
    ("support.type.rust", Some("sx-t")),
    ("entity.name.tag", Some("sx-k")),
    ("entity.name.tag.toml", Some("sx-a")),
    ("entity.other.attribute-name", Some("sx-a")),
    ("support.type.property-name", Some("sx-a")),
    ("support.type.custom-property", Some("sx-a")),
    ("variable.annotation", Some("sx-a")),
    ("meta.scope.jinja2", Some("sx-j")),
    ("meta.interpolation", None),
    ("entity.other.jinja2", Some("sx-j")),
    ("entity.other.jinja2.delimiter.comment", Some("sx-c")),
];

/// Words of Rust that the grammar has no rule for, or takes for types.
const RUST_KEYWORDS: [&str; 7] =
    ["async", "await", "dyn", "enum", "let", "struct", "type"];

/// The grammars, and the classes of their scopes.
pub struct Highlighter {
    grammars: SyntaxSet,
    classes: Vec<(Scope, Option<&'static str>)>,
}

impl std::fmt::Debug for Highlighter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Highlighter")
    }
}

impl Default for Highlighter {
    fn default() -> Self {
        let classes = CLASSES
            .iter()
            .filter_map(|&(name, class)| Some((Scope::new(name).ok()?, class)));
        let mut classes: Vec<_> = classes.collect();
        classes.sort_by_key(|(scope, _)| std::cmp::Reverse(scope.len()));
        Self {
            grammars: two_face::syntax::extra_newlines(),
            classes,
        }
    }
}

impl Highlighter {
    /// The file's lines, line breaks included; plain for unknown languages.
    pub fn lines(&self, path: &str, text: &str) -> Vec<Vec<Token>> {
        let extension = match path.rsplit('.').next().unwrap_or_default() {
            "html" => "html.j2",
            "mjs" => "js",
            other => other,
        };
        let grammar = self.grammars.find_syntax_by_extension(extension);
        let Some(grammar) = grammar else {
            return text.split_inclusive('\n').map(plain).collect();
        };
        let mut state = ParseState::new(grammar);
        let mut stack = ScopeStack::new();
        text.split_inclusive('\n')
            .map(|line| match state.parse_line(line, &self.grammars) {
                Ok(ops) => self.line(line, &ops, &mut stack),
                Err(_) => plain(line),
            })
            .map(|line| match extension {
                "rs" => rust(line),
                "html.j2" => tera(line),
                _ => line,
            })
            .collect()
    }

    fn line(
        &self,
        line: &str,
        ops: &[(usize, syntect::parsing::ScopeStackOp)],
        stack: &mut ScopeStack,
    ) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut start = 0;
        for (end, op) in ops {
            push(&mut tokens, self.class(stack), &line[start..*end]);
            start = *end;
            // A grammar that pops too much loses its colours, no more.
            let _ = stack.apply(op);
        }
        push(&mut tokens, self.class(stack), &line[start..]);
        tokens
    }

    fn class(&self, stack: &ScopeStack) -> Option<&'static str> {
        let mut scopes = stack.as_slice().iter().rev();
        let of = |scope: &Scope| {
            let mut longest_first = self.classes.iter();
            longest_first.find(|(prefix, _)| prefix.is_prefix_of(*scope))
        };
        scopes.find_map(of).and_then(|(_, class)| *class)
    }
}

fn plain(line: &str) -> Vec<Token> {
    vec![Token {
        class: None,
        text: line.to_owned(),
    }]
}

fn push(tokens: &mut Vec<Token>, class: Option<&'static str>, text: &str) {
    if text.is_empty() {
        return;
    }
    match tokens.last_mut() {
        Some(last) if last.class == class => last.text.push_str(text),
        _ => tokens.push(Token {
            class,
            text: text.to_owned(),
        }),
    }
}

/// Names what the Rust grammar leaves plain: `async`, `await` and types.
fn rust(line: Vec<Token>) -> Vec<Token> {
    let mut tokens = Vec::new();
    for token in line {
        match token.class {
            None | Some("sx-t") => {
                for word in words(&token.text) {
                    push(&mut tokens, rust_word(word, token.class), word);
                }
            }
            class => push(&mut tokens, class, &token.text),
        }
    }
    tokens
}

/// Gives Tera's tags one colour, in attributes too, where the grammar sees
/// text.
fn tera(line: Vec<Token>) -> Vec<Token> {
    let text: String = line.iter().map(|token| token.text.as_str()).collect();
    let mut tokens = Vec::new();
    let (mut start, mut tag_end) = (0, 0);
    for token in line {
        let end = start + token.text.len();
        while start < end {
            if start >= tag_end
                && let Some(tag) = tag_at(&text[start..])
                && token.class != Some("sx-c")
            {
                tag_end = start + tag;
            }
            let in_tag = start < tag_end;
            let next = if in_tag {
                tag_end.min(end)
            } else {
                let rest = text[start..end].char_indices().skip(1);
                let mut tags = rest.filter(|(_, c)| *c == '{');
                tags.next().map_or(end, |(at, _)| start + at)
            };
            let class = if in_tag { Some("sx-j") } else { token.class };
            push(&mut tokens, class, &text[start..next]);
            start = next;
        }
    }
    tokens
}

/// The length of the tag that the text begins with.
fn tag_at(text: &str) -> Option<usize> {
    let close = match text.get(..2)? {
        "{{" => "}}",
        "{%" => "%}",
        _ => return None,
    };
    Some(text.find(close)? + 2)
}

fn rust_word(word: &str, class: Option<&'static str>) -> Option<&'static str> {
    if RUST_KEYWORDS.contains(&word) {
        Some("sx-k")
    } else if word.starts_with(|c: char| c.is_ascii_uppercase()) {
        Some("sx-t")
    } else {
        class
    }
}

/// Splits into words and what is between them.
fn words(text: &str) -> Vec<&str> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_end = |c: char| in_word(c) != in_word(first);
        let end = rest.find(is_end).unwrap_or(rest.len());
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of the class in the file's text.
    fn classed(path: &str, text: &str, class: &str) -> Vec<String> {
        let lines = Highlighter::default().lines(path, text);
        let whole: String =
            lines.iter().flatten().map(|t| t.text.as_str()).collect();
        assert_eq!(whole, text);
        let tokens = lines.into_iter().flatten();
        let tokens = tokens.filter(|token| token.class == Some(class));
        tokens.map(|token| token.text.trim().to_owned()).collect()
    }

    #[test]
    fn rust_knows_async_and_await() {
        let text = "pub async fn f(x: &str) -> Result<Socket> {\n    \
                    let y = g(x).await?;\n    tokio::spawn(async move { 1 })\n}\n";
        let keywords = classed("a.rs", text, "sx-k");
        assert_eq!(
            keywords.join(" ").split_whitespace().collect::<Vec<_>>(),
            ["pub", "async", "fn", "let", "await", "async", "move"]
        );
        assert_eq!(classed("a.rs", text, "sx-t"), ["str", "Result", "Socket"]);
    }

    #[test]
    fn rust_strings_and_comments_are_not_searched_for_words() {
        let text = "let s = \"async Socket\"; // await\n";
        assert_eq!(classed("a.rs", text, "sx-s"), ["\"async Socket\""]);
        assert_eq!(classed("a.rs", text, "sx-c"), ["// await"]);
    }

    #[test]
    fn tera_tags_differ_from_html() {
        let text =
            "<p class=\"x\">{{ name }}{% if a %}b{% endif %}{# c #}</p>\n";
        let tera = classed("a.html", text, "sx-j").join("");
        assert!(tera.contains("{{ name }}"), "{tera}");
        assert!(tera.contains("{%"), "{tera}");
        assert_eq!(classed("a.html", text, "sx-c"), ["{# c #}"]);
        assert_eq!(classed("a.html", text, "sx-a"), ["class"]);
        let text = "<a href=\"/x/{{ id }}\">";
        let tera = classed("a.html", text, "sx-j").join("");
        assert!(tera.contains("{{ id }}"), "{tera}");
    }

    #[test]
    fn the_other_languages_have_colours() {
        let css = ".a { color: #fff; }\n";
        assert_eq!(classed("a.css", css, "sx-a"), [".a", "color"]);
        let js = "const f = async () => await g(\"x\");\n";
        assert!(classed("a.js", js, "sx-k").contains(&"await".to_owned()));
        assert_eq!(classed("a.js", js, "sx-s"), ["\"x\""]);
        let toml = "[package]\nname = \"x\"\n";
        assert_eq!(classed("Cargo.toml", toml, "sx-a"), ["name"]);
        assert!(classed("a.unknown", "x\n", "sx-k").is_empty());
    }
}
