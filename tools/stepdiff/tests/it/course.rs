//! A tiny course of three steps, sound until a test breaks it.

use std::fs;
use std::path::Path;

use course::Steps;
use mdbook_stepdiff::check::{Chapter, Report, check};
use mdbook_stepdiff::record::Records;
use tempfile::TempDir;

/// The files of the steps.
const FILES: [(&str, &str); 16] = [
    ("step-15/Cargo.toml", "[package]\nname = \"step-15\"\n"),
    ("step-15/src/lib.rs", LIB_15),
    ("step-15/static/icon.svg", "<svg/>\n"),
    ("step-15/tests/a.rs", "use step_15::serve;\n"),
    ("step-16/Cargo.toml", "[package]\nname = \"step-16\"\n"),
    ("step-16/src/lib.rs", LIB_16),
    ("step-16/src/live.rs", LIVE),
    ("step-16/static/icon.svg", "<svg></svg>\n"),
    (
        "step-16/tests/a.rs",
        "use step_16::serve;\n\nfn more() {}\n",
    ),
    ("step-16/chat.db", "nobody's business"),
    (
        "step-17/Cargo.toml",
        "[package]\nname = \"step-17\"\nlast = 1\n",
    ),
    ("step-17/src/lib.rs", LIB_16),
    ("step-17/static/icon.svg", "<svg></svg>"),
    ("step-17/static/empty.css", ""),
    (
        "step-17/tests/a.rs",
        "use step_17::serve;\n\nfn more() {}\n",
    ),
    ("mine/16/Cargo.toml", "not a step"),
];

const LIB_15: &str = "\
//! Serves.

pub fn serve() {
    routes();
}

fn routes() {
    one();
    two();
    three();
    four();
    old();
}
";

const LIB_16: &str = "\
//! Serves.

mod live;

pub fn serve() {
    live::layer();
    routes();
}

fn routes() {
    one();
    two();
    three();
    four();
    new();
    new();
}
";

const LIVE: &str = "\
//! Live.

pub fn layer() {
    socket();
}

fn socket() {
    // {{#tests}} in code is code
}
";

pub(crate) const CHAPTER_15: &str = "\
# Start

{{#summary}}

{{#show Cargo.toml}}
This is where the name of the package is.
{{/show}}

{{#show src/lib.rs from=\"pub fn\" to=\"^}\" id=serve}}
This is the function that serves all the routes.
{{/show}}

{{#waive static/icon.svg \"a picture\"}}
{{#tests}}
";

pub(crate) const CHAPTER_16: &str = "\
# Live

{{#summary}}

{{#change src/lib.rs at=\"mod live\" id=mount}}
The layer is put around the routes, see [live](hunk:src-live-rs).
{{/change}}

{{#change src/live.rs to=\"^}\"}}
The layer has one handler, which does not much yet.
{{/change}}

{{#change src/live.rs from=\"fn socket\"}}
The handler itself, which [serve](hunk:step-15/serve) has not got.
{{/change}}

{{#change src/lib.rs at=\"-old\"}}
What was old is replaced by two things that are new.
{{/change}}

{{#waive static/icon.svg \"a picture\"}}

```seq
title: Hello
participants: A, B
A -> B: hi
```

{{#tests}}
";

pub(crate) const CHAPTER_17: &str = "\
# Last

{{#change Cargo.toml at=\"last\"}}
The last step has a line in its manifest, and no live.
{{/change}}
{{#change src/live.rs}}
It is gone, since nobody in this course needs it.
{{/change}}
{{#change static/icon.svg}}
The line break at the end of the picture is gone.
{{/change}}
{{#change static/empty.css}}
An empty file, which is a file all the same.
{{/change}}
";

/// A course in a folder of its own.
pub(crate) struct Course {
    pub(crate) root: TempDir,
    pub(crate) chapters: Vec<Chapter>,
}

impl Course {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let chapter = |path: &str, text: &str| Chapter {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let chapters = vec![
            chapter("step-15.md", CHAPTER_15),
            chapter("step-16.md", CHAPTER_16),
            chapter("step-17.md", CHAPTER_17),
        ];
        let course = Self { root, chapters };
        for (path, text) in FILES {
            course.write(path, text);
        }
        course
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path().join(path)).unwrap();
    }

    /// Replaces what must be in the chapter.
    pub(crate) fn edit(&mut self, chapter: usize, old: &str, new: &str) {
        let text = &mut self.chapters[chapter].text;
        assert!(text.contains(old), "{old} is not in the chapter");
        *text = text.replacen(old, new, 1);
    }

    pub(crate) fn steps(&self) -> Steps {
        Steps::read(self.path()).unwrap()
    }

    pub(crate) fn check(&self) -> Report {
        let records = Records::read(self.path()).unwrap();
        check(&self.steps(), &records, &self.chapters, false)
    }

    /// The findings, as `chapter:line message`, with what to paste.
    pub(crate) fn findings(&self) -> Vec<String> {
        let report = self.check();
        let text = |f: &mdbook_stepdiff::check::Finding| {
            let paste = f.paste.as_deref().unwrap_or_default();
            format!("{}:{} {} {paste}", f.chapter, f.line, f.message)
        };
        report.findings.iter().map(text).collect()
    }
}
