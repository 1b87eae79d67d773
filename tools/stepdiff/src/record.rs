//! The records of the checkpoints: whether they fit, and what the page says.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use course::{RECORDS, Record, Step, files, is_test, read};
use sha2::{Digest, Sha256};

use crate::render::escape;
use crate::replay::Stop;
use crate::versions::Versions;

/// With a step's number it makes that step's record.
const COMMAND: &str = "cargo book replay";
/// What decides the outcome, beside the steps and the page.
const SHARED: [&str; 4] = [
    "tools/course/src",
    "tools/stepdiff/src/replay.rs",
    "tools/stepdiff/src/trial.rs",
    "tools/testkit/src",
];
/// Where a page gets what came out at a checkpoint.
pub(crate) const OUTCOME: &str = "<!-- what came out -->";
/// More tests than these are folded.
const FEW: usize = 3;

/// All records of a book.
#[derive(Debug, Default)]
pub struct Records {
    /// Whether a record that does not fit is a problem.
    wanted: bool,
    /// A hash of what is the same for all.
    shared: Vec<u8>,
    versions: Versions,
    kept: BTreeMap<u32, Result<Record, String>>,
}

impl Records {
    /// Reads the records of the course in `root`.
    ///
    /// # Errors
    ///
    /// When a file can't be read; the message names it.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut hash = Sha256::new();
        for path in files(root, &SHARED)? {
            feed(&mut hash, path.to_string_lossy().replace('\\', "/"));
            feed(&mut hash, read(&root.join(&path))?);
        }
        let shared = hash.finalize().to_vec();

        let mut kept = BTreeMap::new();
        for path in files(root, &[RECORDS])? {
            let name = path.file_stem().and_then(|name| name.to_str());
            if let Some(number) = name.and_then(course::number_of) {
                let record = Record::read(&root.join(&path));
                kept.insert(number, record.map_err(|error| error.to_string()));
            }
        }
        Ok(Self {
            wanted: true,
            shared,
            versions: Versions::read(root)?,
            kept,
        })
    }

    /// The same, where nothing depends on whether the records fit.
    pub fn unwanted(self) -> Self {
        let wanted = false;
        Self { wanted, ..self }
    }

    /// The steps with a record.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.kept.keys().copied()
    }

    /// The record of a step, if there is one that can be read.
    pub fn get(&self, number: u32) -> Option<&Record> {
        self.kept.get(&number)?.as_ref().ok()
    }

    /// A hash of all that a chapter's outcomes depend on: what its page gives
    /// to type, and not its prose; both steps and what they are built with; the
    /// tools.
    pub fn inputs(&self, old: &Step, new: &Step, stops: &[Stop]) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.shared);
        let names = [old.name(), new.name()];
        for piece in self.versions.of(names.iter().map(String::as_str)) {
            feed(&mut hash, piece);
        }
        for (step, tests_too) in [(old, false), (new, true)] {
            for (path, content) in &step.files {
                if tests_too || !is_test(path) {
                    feed(&mut hash, path);
                    feed(&mut hash, content);
                }
            }
        }
        for stop in stops {
            feed(&mut hash, format!("{stop:?}"));
        }
        let bytes = hash.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The record of a chapter, if it is of what the page has now.
    pub(crate) fn fitting(
        &self,
        old: &Step,
        new: &Step,
        stops: &[Stop],
    ) -> Result<Option<&Record>, String> {
        if !self.wanted {
            return Ok(None);
        }
        let number = new.number;
        let again = format!("run `{COMMAND} {number}`");
        match self.kept.get(&number) {
            None => Err(format!("its checkpoints are not tried yet: {again}")),
            Some(Err(problem)) => {
                Err(format!("its record can't be read ({problem}): {again}"))
            }
            Some(Ok(record))
                if record.inputs != self.inputs(old, new, stops) =>
            {
                Err(format!(
                    "its checkpoints were tried with other code: {again}"
                ))
            }
            Some(Ok(record)) => Ok(Some(record)),
        }
    }
}

/// Adds a piece, and where it ends.
fn feed(hash: &mut Sha256, piece: impl AsRef<[u8]>) {
    let piece = piece.as_ref();
    hash.update((piece.len() as u64).to_le_bytes());
    hash.update(piece);
}

/// The page with the outcomes at its checkpoints.
pub(crate) fn filled(page: &str, record: &Record) -> String {
    let mut parts = page.split(OUTCOME);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        out += &html(record, at);
        out += part;
    }
    out
}

/// What is said at a checkpoint.
fn html(record: &Record, at: usize) -> String {
    let Some(checkpoint) = record.checkpoints.get(at) else {
        return String::new();
    };
    let warnings = match checkpoint.warnings {
        0 => "without a warning".to_owned(),
        1 => "with 1 warning".to_owned(),
        n => format!("with {n} warnings"),
    };
    let (green, tests, number) = (checkpoint.green, record.tests, at + 1);
    format!(
        "<p><b>Checkpoint {number}:</b> it builds, {warnings}; <b>{green} of \
         {tests}</b> tests are green.</p><progress class=\"sd-bar\" \
         max=\"{tests}\" value=\"{green}\" aria-hidden=\"true\"></progress>\
         {}{}",
        list("turned green", &checkpoint.turned_green),
        list("turned red again", &checkpoint.turned_red)
    )
}

/// The tests' names, folded when they are many.
fn list(what: &str, tests: &[String]) -> String {
    let count = match tests.len() {
        0 => return String::new(),
        1 => format!("1 test {what}"),
        n => format!("{n} tests {what}"),
    };
    let names = tests.iter().map(|test| {
        let name = escape(test).replace("::", "::<wbr>");
        format!("<li><code>{name}</code></li>")
    });
    let open = if tests.len() > FEW { "" } else { " open" };
    format!(
        "<details class=\"sd-turned\"{open}><summary>{count}</summary>\
         <ul>{}</ul></details>",
        names.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_tests_are_folded() {
        let names = ["a", "b", "c", "d<e"].map(str::to_owned);
        assert!(list("x", &names[..1]).contains(" open><summary>1 test x<"));
        let html = list("x", &names);
        assert!(html.contains("\"><summary>4 tests x<"), "{html}");
        assert!(html.contains("d&lt;e"), "{html}");
    }
}
