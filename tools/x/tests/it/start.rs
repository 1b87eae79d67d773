use std::fs;
use std::path::Path;

use crate::course::{Course, assert_in_order, x_command};

#[test]
fn start_makes_the_code_of_the_step_before_with_the_tests_of_the_step() {
    let course = Course::new();
    course.replace("step-15/src/lib.rs", "one", "code_of_15");
    course.replace("step-16/tests/it/main.rs", "Tests", "Tests of 16");

    course.x(&["start", "16"]).succeeds();

    assert!(course.read("mine/16/src/lib.rs").contains("code_of_15"));
    assert_eq!(course.read("mine/16/src/main.rs"), "use mine_16::serve;\n");
    assert!(course.read("mine/16/src/store.rs").contains("\"mine-16\""));
    assert_eq!(
        course.read("mine/16/tests/it/main.rs"),
        "//! Tests of 16.\n\nuse mine_16::serve;\n"
    );
    assert!(course.exists("mine/16/static/messages.js"));
}

#[test]
fn the_new_crate_has_the_tests_dependencies_but_not_yet_the_lessons() {
    let course = Course::new();
    let manifest = "step-16/Cargo.toml";
    course.replace(manifest, "[dev-", "socketioxide.workspace = true\n\n[dev-");
    course.replace(manifest, "testkit", "reqwest");

    let out = course.x(&["start", "16"]).succeeds();

    let expected = course
        .read("step-15/Cargo.toml")
        .replace("step-15", "mine-16")
        .replace("testkit", "reqwest");
    assert_eq!(course.read("mine/16/Cargo.toml"), expected);
    assert_in_order(&out, &["[dependencies]", "socketioxide.workspace = true"]);
}

#[test]
fn start_says_what_to_read_and_run_and_git_sees_nothing_new() {
    let course = Course::new();

    let out = course.x(&["start", "16"]).succeeds();

    assert_in_order(
        &out,
        &[
            "mine/16 is ready",
            "book/src/step-16.md",
            "mdbook serve book",
            "cargo x test 16",
            "cargo test -p mine-16",
            "cargo run -p mine-16",
            "cargo x compare 16",
            "Red is right at the start",
            "the\nRust tests and the page's tests are green",
        ],
    );
    assert_eq!(course.status(), "");
}

#[test]
fn start_overwrites_nothing() {
    let course = Course::new();
    course.write("mine/16/src/lib.rs", "my work\n");

    let err = course.x(&["start", "16"]).fails_with(1);

    assert!(err.contains("mine/16 exists already"), "{err}");
    assert_eq!(course.read("mine/16/src/lib.rs"), "my work\n");
    assert!(!course.exists("mine/16/Cargo.toml"));
}

#[test]
fn a_failed_start_leaves_nothing_behind() {
    let course = Course::new();
    course.remove("step-16/Cargo.toml");
    let before = names(course.root());

    course.x(&["start", "16"]).fails_with(1);

    assert_eq!(names(course.root()), before);
}

#[test]
fn start_refuses_the_first_step_and_unknown_ones() {
    let course = Course::new();
    let err = course.x(&["start", "15"]).fails_with(1);
    assert!(err.contains("step-15 is the first step"), "{err}");
    let err = course.x(&["start", "18"]).fails_with(1);
    assert!(err.contains("The steps are: 15, 16, 17"), "{err}");
}

#[test]
fn compare_shows_what_is_still_missing() {
    let course = Course::new();
    let lib = "step-16/src/lib.rs";
    course.replace(lib, "two() {}", "two() { 2 }");
    course.write("step-16/src/live.rs", "fn connect() {}\n");
    course.x(&["start", "16"]).succeeds();

    let out = course.x(&["compare", "16"]).succeeds();

    assert_in_order(
        &out,
        &[
            "--- mine/16/src/lib.rs\n+++ step-16/src/lib.rs\n",
            "-fn two() {}\n+fn two() { 2 }\n",
            "+++ step-16/src/live.rs\n",
        ],
    );
    assert_eq!(out.matches("+++ ").count(), 2, "{out}");

    course.replace("mine/16/src/lib.rs", "{}\n\nfn three", "{ 2 }\n\nfn three");
    course.write("mine/16/src/live.rs", "fn connect() {}\n");
    let out = course.x(&["compare", "16"]).succeeds();
    assert_eq!(out, "mine/16 says the same as step-16 here.\n");
}

#[test]
fn compare_names_the_blocks_of_a_file_that_are_only_moved() {
    let course = Course::new();
    course.x(&["start", "16"]).succeeds();
    let lib = "fn two() {}\n\nfn three() {}\n\nfn one() {}\n";
    course.write("mine/16/src/lib.rs", lib);

    let out = course.x(&["compare", "16"]).succeeds();

    assert_eq!(
        out,
        "mine/16/src/lib.rs: moved, 2 lines in another place than the \
         step's:\n  5: fn one() {}\n"
    );
}

#[test]
fn compare_says_how_many_lines_of_a_difference_are_only_moved() {
    let course = Course::new();
    course.x(&["start", "16"]).succeeds();
    let lib = "fn two() {}\n\nfn three() {}\n\nfn one() {}\n\nfn more() {}\n";
    course.write("mine/16/src/lib.rs", lib);

    let out = course.x(&["compare", "16"]).succeeds();

    assert_in_order(&out, &["+fn one() {}", "-fn one() {}", "-fn more() {}"]);
    let last = "\n1 line is only moved: it is there with - and with +.\n";
    assert!(out.ends_with(last), "{out}");
}

#[test]
fn compare_shows_moved_lines_in_another_colour() {
    let course = Course::new();
    course.x(&["start", "16"]).succeeds();
    let moved = "fn a_name_that_is_long_enough() {}\n";
    let lib = "step-16/src/lib.rs";
    course.write(lib, &(course.read(lib) + moved));
    let mine = "mine/16/src/lib.rs";
    course.write(mine, &format!("{moved}{}// mine\n", course.read(mine)));

    let mut x = x_command();
    x.args(["compare", "16"]).current_dir(course.root());
    // As on a terminal.
    x.env("GIT_CONFIG_COUNT", "1").env_remove("NO_COLOR");
    x.env("GIT_CONFIG_KEY_0", "color.ui");
    x.env("GIT_CONFIG_VALUE_0", "always");
    let out = course.run(&mut x).succeeds();

    // Git's own colours: bold magenta and bold cyan, not red and green.
    assert_in_order(&out, &["\u{1b}[1;35m-fn a_name", "\u{1b}[31m-// mine"]);
    assert!(
        out.contains("\u{1b}[1;36m+\u{1b}[m\u{1b}[1;36mfn a_name"),
        "{out}"
    );
}

#[test]
fn compare_before_start_says_what_to_do() {
    let course = Course::new();
    let err = course.x(&["compare", "16"]).fails_with(1);
    assert!(err.contains("`cargo x start 16` makes it"), "{err}");
    let err = course.x(&["compare", "15"]).fails_with(1);
    assert!(err.contains("step-15 is the first step"), "{err}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
