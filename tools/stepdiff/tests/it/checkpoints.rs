//! Checkpoints: the rules, the records, and typing a chapter for real.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::course::Course;

/// Two steps that cargo can build, without any dependency.
const FILES: [(&str, &str); 8] = [
    (
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"step-*\"]\n",
    ),
    ("Cargo.lock", "version = 4\n"),
    ("step-1/Cargo.toml", MANIFEST),
    ("step-1/src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n"),
    ("step-2/Cargo.toml", MANIFEST),
    (
        "step-2/src/lib.rs",
        "mod two;\n\npub use two::two;\n\npub fn one() -> u8 {\n    1\n}\n",
    ),
    (
        "step-2/src/two.rs",
        "use std::num::NonZeroU8;\n\npub fn two() -> u8 {\n    \
         NonZeroU8::MIN.get() + 1\n}\n",
    ),
    (
        "step-2/tests/it/main.rs",
        "#[test]\nfn one() {\n    assert_eq!(step_2::one(), 1);\n}\n\n\
         #[test]\nfn two_is_there() {\n    \
         assert!(include_str!(\"../../src/lib.rs\").contains(\"two\"));\n}\n\n\
         #[test]\n#[ignore]\nfn slow() {\n    panic!();\n}\n",
    ),
];

const MANIFEST: &str =
    "[package]\nname = \"step-N\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

const IMPORT: &str = "src/two.rs from=\"use std\" to=\"use std\"}}\n";

const CHAPTER: &str = "\
{{#change src/two.rs from=\"pub fn\"}}
This is the function for the number that comes next.
{{#also src/two.rs from=\"use std\" to=\"use std\"}}
{{/change}}

{{#checkpoint}}

{{#change src/lib.rs}}
The new file must be named to be a part of the crate.
{{/change}}

{{#checkpoint}}

{{#tests}}
";

struct Book {
    folder: tempfile::TempDir,
}

impl Book {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let book = Self { folder };
        for (path, text) in FILES {
            let step = path.split('/').next().unwrap();
            book.write(path, &text.replace("step-N", step));
        }
        let summary = "[1](step-1.md)\n\n[2](step-2.md)\n";
        book.write("book/src/SUMMARY.md", summary);
        let words = "All that there is to say of this number is here.";
        let tour = ["Cargo.toml", "src/lib.rs"].map(|file| {
            format!("{{{{#show {file}}}}}\n{words}\n{{{{/show}}}}\n")
        });
        book.write("book/src/step-1.md", &tour.concat());
        book.write("book/src/step-2.md", CHAPTER);
        book
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        course::write(&self.path(path), text).unwrap();
    }

    fn edit(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(old), "{path} has no {old}");
        self.write(path, &text.replacen(old, new, 1));
    }

    fn run(&self, args: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_mdbook-stepdiff"))
            .args(args)
            .env("CARGO_TARGET_DIR", self.path("target"))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let Output { stdout, stderr, .. } = &output;
        let text = String::from_utf8_lossy(&[&stdout[..], stderr].concat())
            .into_owned();
        (output.status.success(), text)
    }

    #[track_caller]
    fn fails(&self, args: &[&str], why: &str) {
        let (success, text) = self.run(args);
        assert!(!success && text.contains(why), "no `{why}` in: {text}");
    }

    #[track_caller]
    fn succeeds(&self, args: &[&str]) -> String {
        let (success, text) = self.run(args);
        assert!(success, "{text}");
        text
    }
}

const RECORD: &str = "book/src/checkpoints/step-2.json";

#[test]
fn a_chapter_is_typed_and_what_comes_out_is_recorded() {
    let book = Book::new();
    book.fails(&["check"], "step-2.md:6: its checkpoints are not tried yet");

    let text = book.succeeds(&["replay"]);

    assert!(text.contains("at the start: 0 warnings, 1 of 2"), "{text}");
    assert!(text.contains("checkpoint 1: 0 warnings, 1 of 2"), "{text}");
    assert!(text.contains("checkpoint 2: 0 warnings, 2 of 2"), "{text}");
    let record = fs::read_to_string(book.path(RECORD)).unwrap();
    assert!(record.contains("\"two_is_there\""), "{record}");
    book.succeeds(&["check"]);
    assert!(book.succeeds(&["replay"]).contains("as recorded"));

    // Prose decides nothing, code does.
    book.edit("book/src/step-2.md", "This is the", "Here is our");
    book.succeeds(&["check"]);
    book.edit("step-2/src/two.rs", "+ 1", "+ 2");
    book.fails(
        &["check"],
        "tried with other code: run `cargo book replay 2`",
    );
    book.edit("step-2/src/two.rs", "+ 2", "+ 1");

    // What was tried here is known, what somebody wrote is not.
    assert!(
        book.succeeds(&["replay", "--check"])
            .contains("as recorded")
    );
    book.edit(RECORD, "\"warnings\": 0", "\"warnings\": 7");
    let why = "step-2, checkpoint 1: 0 warnings, recorded 7";
    book.fails(&["replay", "--check"], why);
    book.succeeds(&["replay", "2"]);
    book.edit(RECORD, "\"two_is_there\"", "\"none\"");
    let why = "step-2, checkpoint 2: none did not turn green";
    book.fails(&["replay", "--check"], why);
    book.succeeds(&["replay", "2"]);
    book.succeeds(&["replay", "--check"]);
}

#[test]
fn a_box_that_comes_too_early_does_not_build() {
    let book = Book::new();
    let (first, rest) = CHAPTER.split_once("{{#checkpoint}}\n\n").unwrap();
    let (second, rest) = rest.split_once("{{#checkpoint}}\n").unwrap();
    let moved = [second, "{{#checkpoint}}\n\n", first, "{{#checkpoint}}\n"];
    book.write("book/src/step-2.md", &(moved.concat() + rest));
    book.fails(&["replay"], "checkpoint 1: what is typed by then does not");
    assert!(!book.path(RECORD).exists());
}

#[test]
fn an_import_that_comes_too_late_does_not_build() {
    let book = Book::new();
    let chapter = "book/src/step-2.md";
    book.edit(chapter, &format!("{{{{#also {IMPORT}"), "");
    book.fails(&["replay"], "not explained: src/two.rs:1");
    let last = format!(
        "{{{{#change {IMPORT}The import of the type that is never nothing \
         at all.\n{{{{/change}}}}\n\n{{{{#checkpoint}}}}\n\n{{{{#tests}}}}"
    );
    book.edit(chapter, "{{#tests}}", &last);
    book.fails(&["replay"], "cannot find type `NonZeroU8`");
}

#[test]
fn a_test_that_stays_red_is_no_lesson() {
    let book = Book::new();
    book.edit("step-2/tests/it/main.rs", "one(), 1", "one(), 2");
    book.fails(&["replay"], "step-2 has red tests: one");
}

#[test]
fn a_warning_is_counted() {
    let book = Book::new();
    book.edit("step-2/src/lib.rs", "pub use two::two;\n\n", "");
    let text = book.succeeds(&["replay"]);
    assert!(text.contains("checkpoint 2: 1 warnings, 2 of 2"), "{text}");
}

/// The findings of the small course that is never built.
#[track_caller]
fn finds(course: &Course, why: &str) {
    let found = course.findings();
    assert!(found.iter().any(|it| it.contains(why)), "{found:#?}");
}

#[test]
fn there_is_not_much_from_one_checkpoint_to_the_next() {
    let mut course = Course::new();
    let lines: String = (0..70).map(|n| format!("{n}();\n")).collect();
    course.write("step-16/src/live.rs", format!("{LIVE}{lines}}}\n"));
    course.edit(1, "{{#waive", "{{#checkpoint}}\n\n{{#waive");
    finds(&course, "1:21 4 boxes with 83 new lines and no checkpoint");
    course.edit(1, "{{#checkpoint}}", "{{#checkpoint late=\"all or none\"}}");
    assert_eq!(course.findings().len(), 1, "{:?}", course.findings());

    // Nor after the last.
    course.edit(1, "{{#checkpoint late=\"all or none\"}}\n", "");
    course.edit(1, "{{/change}}\n", "{{/change}}\n\n{{#checkpoint}}\n");
    finds(&course, "3 boxes with 80 new lines and no checkpoint");
}

const LIVE: &str = "//! Live.\n\npub fn layer() {\n    socket();\n}\n\n\
                    fn socket() {\n";

#[test]
fn a_checkpoint_has_something_before_it_and_a_reason_only_if_late() {
    let mut course = Course::new();
    course.edit(1, "{{#summary}}", "{{#checkpoint}}\n{{#summary}}");
    finds(&course, "1:3 nothing is typed since");
    let mut course = Course::new();
    let late = "{{#checkpoint late=\"x\"}}\n{{#waive";
    course.edit(1, "{{#waive", late);
    finds(&course, "1:21 it is not late");
    course.edit(0, "{{#tests}}", "{{#checkpoint}}\n{{#tests}}");
    finds(&course, "0:14 the first step has no changes to stop after");
}

#[test]
fn a_record_has_its_chapter_and_can_be_read() {
    let mut course = Course::new();
    course.write("book/src/checkpoints/step-16.json", "{}");
    finds(
        &course,
        "0:1 checkpoints/step-16.json is of a chapter without",
    );
    course.edit(1, "{{#waive", "{{#checkpoint}}\n{{#waive");
    finds(&course, "its record can't be read");
}

#[test]
fn the_page_says_what_came_out() {
    let book = Book::new();
    book.succeeds(&["replay"]);
    let root = book.folder.path();
    let page = page_of(root);
    let parts = [
        "id=\"s2-checkpoint-1\"><p><b>Checkpoint 1:</b> it builds, without a \
         warning; <b>1 of 2</b> tests are green.</p><progress",
        "id=\"s2-checkpoint-2\">",
        "<summary>1 test turned green</summary>",
    ];
    for part in parts {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

fn page_of(root: &Path) -> String {
    let steps = course::Steps::read(root).unwrap();
    let records = mdbook_stepdiff::record::Records::read(root).unwrap();
    let chapters = mdbook_stepdiff::book::read_chapters(&root.join("book"));
    let chapters = chapters.unwrap();
    let report =
        mdbook_stepdiff::check::check(&steps, &records, &chapters, true);
    report.pages[1].clone()
}
