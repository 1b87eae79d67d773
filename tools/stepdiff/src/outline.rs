//! The function, rule or section that a line is in, for captions.

/// What encloses line `at` (from 0), by a look at the lines above: the line
/// that says so, and its name.
pub(crate) fn enclosing(
    path: &str,
    lines: &[&str],
    at: usize,
) -> Option<(usize, String)> {
    let header: fn(&str) -> Option<String> = match path.rsplit('.').next() {
        Some("rs") => rust,
        Some("js") => javascript,
        Some("css") => css,
        Some("html") => html,
        Some("toml") => toml,
        _ => return None,
    };
    // Sections and blocks hold lines that are not indented more.
    let flat = matches!(path.rsplit('.').next(), Some("toml" | "html"));
    let line = lines.get(at)?;
    if let Some(name) = header(line) {
        return Some((at, name));
    }
    let mut indent = depth_of(line);
    for (at, line) in lines[..at].iter().enumerate().rev() {
        if line.trim().is_empty() || (!flat && indent_of(line) >= indent) {
            continue;
        }
        if let Some(name) = header(line) {
            return Some((at, name));
        }
        if line.contains("{% endblock") {
            break;
        }
        indent = depth_of(line);
    }
    None
}

/// What encloses a line is indented by less than this.
fn depth_of(line: &str) -> usize {
    // A lone bracket belongs to the line that it closes.
    let closes = line.trim_start().starts_with([')', ']', '}']);
    indent_of(line) + usize::from(closes)
}

/// Whether a line is there for the one after it: a comment, an attribute.
pub(crate) fn leads(line: &str) -> bool {
    let line = line.trim();
    let starts = ["//", "#[", "/*", "*", "<!--", "{#"];
    line.is_empty() || starts.iter().any(|start| line.starts_with(start))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The words up to the first character that can't be in a name.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn rust(line: &str) -> Option<String> {
    let mut rest = line.trim_start();
    loop {
        let (word, after) = rest.split_once([' ', '<'])?;
        match word {
            "pub" | "pub(crate)" | "pub(super)" | "async" | "unsafe" => {
                rest = after;
            }
            "const" if after.starts_with("fn ") => rest = after,
            "mod" if line.trim_end().ends_with(';') => return None,
            "fn" | "struct" | "enum" | "trait" | "mod" | "static" | "const"
            | "macro_rules!" => {
                return Some(format!("{word} {}", name(after)));
            }
            "impl" => {
                let head = rest.trim_end().trim_end_matches('{').trim_end();
                return Some(head.to_owned());
            }
            _ => return None,
        }
    }
}

fn javascript(line: &str) -> Option<String> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line);
    if let Some(rest) = line.strip_prefix("function ") {
        return Some(format!("function {}", name(rest)));
    }
    if let Some(rest) = line.strip_prefix("const ")
        && (line.contains("=>") || line.contains("function"))
    {
        return Some(name(rest).to_owned());
    }
    // socket.on("connect", () => {
    let is_handler = line.contains(".on(") || line.contains("Listener(");
    let event = line.split('"').nth(1)?;
    is_handler.then(|| format!("on \"{event}\""))
}

fn css(line: &str) -> Option<String> {
    let head = line.trim_end().strip_suffix('{')?;
    Some(head.trim().to_owned())
}

fn html(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("{% block ")?;
    Some(format!("block {}", name(rest)))
}

fn toml(line: &str) -> Option<String> {
    let head = line.trim_end();
    (head.starts_with('[') && head.ends_with(']')).then(|| head.to_owned())
}

#[cfg(test)]
mod tests {
    use super::enclosing;

    #[test]
    fn the_nearest_header_above_is_named() {
        let text = "use x;\n\nimpl A {\n    pub async fn b(\n        c: C,\n    \
                    ) {\n        if d {\n            e();\n        }\n    }\n}\n\n\
                    fn f() {}\n";
        let lines: Vec<&str> = text.lines().collect();
        let at = |line: usize| {
            enclosing("x.rs", &lines, line - 1).map_or("".into(), |it| it.1)
        };
        assert_eq!(at(1), "");
        assert_eq!(at(3), "impl A");
        assert_eq!(at(4), "fn b");
        assert_eq!(at(8), "fn b");
        assert_eq!(at(11), "impl A");
        assert_eq!(at(13), "fn f");
    }

    #[test]
    fn other_languages_have_headers_too() {
        let one = |path, text: &str| {
            let lines: Vec<&str> = text.lines().collect();
            let found = enclosing(path, &lines, lines.len() - 1);
            found.map_or("".into(), |it| it.1)
        };
        assert_eq!(one("a.toml", "[dependencies]\nx = 1"), "[dependencies]");
        assert_eq!(one("a.css", "a:hover {\n  color: red;"), "a:hover");
        assert_eq!(one("a.html", "{% block main %}\n<p>\nx"), "block main");
        let closed = "{% block a %}\n{% endblock a %}\n<p>";
        assert_eq!(one("a.html", closed), "");
        assert_eq!(one("a.rs", "fn a() {\n}\nuse b;"), "");
        assert_eq!(one("a.rs", "mod b;"), "");
        let js = "socket.on(\"connect\", () => {\n  x();";
        assert_eq!(one("a.js", js), "on \"connect\"");
        assert_eq!(one("a.js", "const f = (a) => {\n  x();"), "f");
    }
}
