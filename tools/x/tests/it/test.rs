//! `cargo x test`: real crates, built and run by the real cargo.

use crate::course::{Course, Run, assert_in_order};

const TESTS: &str = "\
const LIB: &str = include_str!(\"../../src/lib.rs\");

#[test]
fn one_is_there() {
    assert_eq!(step_2::one(), 1);
}

#[test]
fn two_is_there() {
    assert!(LIB.contains(\"fn two\"));
}

#[test]
fn three_is_there() {
    assert!(LIB.contains(\"fn three\"));
}
";

const RECORD: &str = r#"{"inputs": "", "tests": 3, "start": 1, "checkpoints": [
    {"warnings": 0, "green": 2, "turned_green": ["two_is_there"],
     "turned_red": []},
    {"warnings": 0, "green": 3, "turned_green": ["three_is_there"],
     "turned_red": []}
]}"#;

const LIB: &str = "mine/2/src/lib.rs";
const DONE: &str = "pub fn one() -> u8 {\n    1\n}\n\npub fn two() {}\n\n\
                    pub fn three() {}\n";

/// A reader who has begun with step 2.
fn started() -> Course {
    let course = Course::that_builds();
    course.write("step-2/src/lib.rs", DONE);
    course.write("step-2/static/page.js", "show();\n");
    course.write("step-2/tests/it/main.rs", TESTS);
    course.write("book/src/checkpoints/step-2.json", RECORD);
    course.x(&["start", "2"]).succeeds();
    course
}

#[test]
fn test_says_at_which_checkpoint_the_reader_is() {
    let course = started();
    let run = course.x(&["test", "2"]);
    assert_eq!(
        run.out,
        "mine/2: 1 of 3 tests are green.\n\
         You are at the start of the chapter: red is right here.\n\
         Next: two_is_there, which turns green at checkpoint 1.\n"
    );
    let err = run.fails_with(1);
    assert!(err.contains("Not done yet: 2 red."), "{err}");
    assert!(err.contains("`cargo test -p mine-2 "), "{err}");

    course.replace(LIB, "pub fn one", "pub fn two() {}\n\npub fn one");
    let run = course.x(&["test", "2"]);
    let parts = ["2 of 3", "at checkpoint 1 of 2", "Next: three_is_there"];
    assert_in_order(&run.out, &parts);
    run.fails_with(1);
}

#[test]
fn test_without_a_record_counts() {
    let course = started();
    course.write("book/src/checkpoints/step-2.json", "{}");
    let run = course.x(&["test", "2"]);
    assert_eq!(run.out, "mine/2: 1 of 3 tests are green.\n");
    run.fails_with(1);
}

#[test]
fn test_of_what_does_not_build_says_so_after_the_compilers_words() {
    let course = started();
    course.write(LIB, "pub fn one() -> u8 { two() }\n");
    let run = course.x(&["test", "2"]);
    assert_eq!(run.out, "");
    let parts = ["cannot find function `two`", "mine/2 does not build"];
    assert_in_order(&run.fails_with(1), &parts);
}

#[test]
fn test_before_start_says_what_to_do() {
    let err = Course::that_builds().x(&["test", "2"]).fails_with(1);
    assert!(err.contains("`cargo x start 2` makes it"), "{err}");
}

/// With a stand-in for Node, whose tests of the page end with this code.
#[cfg(unix)]
fn test_with_page(course: &Course, code: u8) -> Run {
    use std::os::unix::fs::PermissionsExt as _;

    let node = format!("#!/bin/sh\necho \"the page: $*\"\nexit {code}\n");
    course.write("bin/node", &node);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(course.path("bin/node"), mode).unwrap();
    std::fs::create_dir_all(course.path("tools/browser")).unwrap();
    let old = std::env::var("PATH").unwrap();
    let path = format!("{}:{old}", course.path("bin").display());
    let mut x = crate::course::x_command();
    course.run(
        x.current_dir(course.root())
            .args(["test", "2"])
            .env("PATH", path),
    )
}

#[cfg(unix)]
#[test]
fn done_means_that_both_halves_are_green() {
    let course = started();
    course.write(LIB, DONE);

    let run = test_with_page(&course, 0);
    let parts = [
        "mine/2: 3 of 3 tests are green.",
        "at checkpoint 2 of 2",
        "the page: mine.mjs mine-2",
        "Done: the Rust tests and the page's tests are green.",
        "Other code than step-2's is not wrong.",
    ];
    assert_in_order(&run.succeeds(), &parts);

    let err = test_with_page(&course, 1).fails_with(1);
    assert!(
        err.contains("Not done yet: the Rust tests are green"),
        "{err}"
    );
}

#[cfg(unix)]
#[test]
fn a_page_that_can_not_be_tested_is_compared() {
    let course = started();
    course.write(LIB, DONE);
    let run = test_with_page(&course, 3);
    assert_in_order(&run.out, &["the page: ", "compared:", "+show();"]);
    assert!(!run.out.contains("lib.rs") && !run.out.contains("Done"));
    let err = run.fails_with(3);
    assert!(err.contains("the page's half was not tested"), "{err}");
}

#[cfg(unix)]
#[test]
fn the_page_is_left_alone_while_a_rust_test_is_red() {
    let run = test_with_page(&started(), 0);
    assert!(!run.out.contains("the page: "), "{}", run.out);
    run.fails_with(1);
}
