//! Tests accumulate: what a step promises, each later step keeps.

use course::{Course, Name, entries, read, rename};
use serde::Deserialize;

use super::Report;
use crate::error::{Result, read_toml};

/// The tests that change from one step to the next, and why.
const CHANGES: &str = "tools/x/tests-that-change.toml";
const FOLDER: &str = "tests/it";
/// How a step is spoken to: what it asks of a client may differ.
const MAY_DIFFER: &str = "people.rs";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default)]
    change: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// The step whose test is not that of the step before it.
    step: String,
    /// `module::name`, as the test binary spells it.
    test: String,
    #[serde(default)]
    reason: String,
    /// Whether there is such a difference.
    #[serde(skip)]
    needed: bool,
}

/// A test that a step has not kept as it was.
struct Difference {
    step: Name,
    test: String,
    words: String,
}

pub(super) fn check(course: &Course, report: &mut Report) -> Result<()> {
    let path = course.root.join(CHANGES);
    let Changes { mut change } = if path.is_file() {
        read_toml(&path)?
    } else {
        Changes::default()
    };
    for Difference { step, test, words } in differences(course)? {
        let step = step.to_string();
        match change
            .iter_mut()
            .find(|it| it.step == step && it.test == test)
        {
            Some(listed) => listed.needed = true,
            None => report.finding(words),
        }
    }
    for Change {
        step,
        test,
        reason,
        needed,
    } in change
    {
        if !needed {
            report.finding(format!(
                "{CHANGES}: the entry for {test} in {step} is not needed: \
                 take it out."
            ));
        } else if reason.trim().is_empty() {
            report.finding(format!(
                "{CHANGES}: the entry for {test} in {step} has no reason: \
                 write why the test can't stay as it was."
            ));
        }
    }
    Ok(())
}

fn differences(course: &Course) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for &number in &course.steps {
        let Some(before) = course.before(number) else {
            continue;
        };
        let folder = course.folder(Name::Step(before)).join(FOLDER);
        for path in entries(&folder)? {
            let Some(file) = path.file_name().and_then(|it| it.to_str()) else {
                continue;
            };
            if file != MAY_DIFFER
                && let Some(module) = file.strip_suffix(".rs")
            {
                differences.extend(compare(course, before, number, module)?);
            }
        }
    }
    Ok(differences)
}

/// Looks for each test of this module of the step `before` in the step after
/// it.
fn compare(
    course: &Course,
    before: u32,
    after: u32,
    module: &str,
) -> Result<Vec<Difference>> {
    let (old, step) = (Name::Step(before), Name::Step(after));
    let file = format!("{FOLDER}/{module}.rs");
    let expected = read(&course.folder(old).join(&file))?;
    let expected = text(rename(expected, old, step));
    let path = course.folder(step).join(&file);
    let found = if path.is_file() {
        text(read(&path)?)
    } else {
        String::new()
    };
    let found = tests_in(&found);
    let mut differences = Vec::new();
    for test in tests_in(&expected) {
        if found.contains(&test) {
            continue;
        }
        let name = &test.name;
        let problem = if found.iter().any(|it| it.name == *name) {
            format!("{step}/{file}: the test {name} is not as in {old}")
        } else {
            format!("{step}/{file} lacks the test {name} of {old}")
        };
        differences.push(Difference {
            step,
            test: format!("{module}::{name}"),
            words: format!(
                "{problem}: carry it with `cargo x propagate {before}`, or \
                 list it with a reason in {CHANGES}."
            ),
        });
    }
    Ok(differences)
}

fn text(content: Vec<u8>) -> String {
    String::from_utf8_lossy(&content).into_owned()
}

#[derive(Debug, PartialEq)]
struct Test {
    name: String,
    /// The whole function, from its first doc comment or attribute on.
    text: String,
}

/// The tests in a file as rustfmt writes it: a function that starts at the
/// margin ends with the first `}` there.
fn tests_in(text: &str) -> Vec<Test> {
    let lines: Vec<&str> = text.lines().collect();
    let mut tests = Vec::new();
    // Where the item starts that the next line may belong to.
    let mut start = None;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if let Some(name) = function(line) {
            let end = at + length(&lines[at..]);
            let start = start.take().unwrap_or(at);
            if lines[start..at].iter().copied().any(is_test) {
                tests.push(Test {
                    name: name.to_owned(),
                    text: lines[start..end].join("\n"),
                });
            }
            at = end;
            continue;
        }
        if line.starts_with("///") || line.starts_with("#[") {
            start.get_or_insert(at);
        } else if !belongs_to_head(line) {
            start = None;
        }
        at += 1;
    }
    tests
}

/// The name of the function whose first line this is.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    let name = line.strip_prefix("fn ")?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// How many of these lines the function takes that they start with.
fn length(lines: &[&str]) -> usize {
    // An empty body is in the function's first line, or after its arguments.
    let is_empty = |at: usize, line: &str| {
        (at == 0 || line.starts_with(')')) && line.ends_with("{}")
    };
    let mut numbered = lines.iter().enumerate();
    numbered
        .find(|(at, line)| **line == "}" || is_empty(*at, line))
        .map_or(lines.len(), |(at, _)| at + 1)
}

fn is_test(line: &str) -> bool {
    line == "#[test]"
        || line == "#[tokio::test]"
        || line.starts_with("#[tokio::test(")
}

/// What may stand between an item's first attribute and the item: a comment,
/// and the rest of an attribute that takes several lines.
fn belongs_to_head(line: &str) -> bool {
    let rest = line.starts_with(' ') || line == ")]";
    line.is_empty() || rest || line.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        tests_in(text).into_iter().map(|test| test.name).collect()
    }

    #[test]
    fn a_test_is_known_by_its_attribute() {
        let text = "\
fn helper() {
    go();
}

#[cfg(unix)]
#[test]
fn plain() {}

#[tokio::test]
async fn with_tokio() {
    go().await;
}

#[tokio::test(
    flavor = \"multi_thread\",
    worker_threads = 2
)]
// Why.
async fn with_arguments() -> Result<()> {
    go().await
}

#[cfg(test)]
fn no_test() {
    \"
#[test]
\";
}
";
        assert_eq!(names(text), ["plain", "with_tokio", "with_arguments"]);
    }

    #[test]
    fn a_test_is_its_function_with_what_stands_before_it() {
        let test = "/// Why.\n#[test]\nfn one() {\n    two();\n\n    {}\n}";
        let text = format!("/// Of a.\nconst A: u8 =\n    1;\n{test}\n// b\n");
        let found = tests_in(&text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, test);
    }

    #[test]
    fn a_function_with_an_empty_body_ends_where_it_starts() {
        let text = "fn a() {}\n#[test]\nfn b() {}\n\
                    fn c(\n    d: u8,\n) {}\n#[test]\nfn e() {}\n";
        assert_eq!(names(text), ["b", "e"]);
    }
}
