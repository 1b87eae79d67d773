use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::course::{Course, assert_in_order, x_command};

/// Step 16 adds a module, loses a file, and changes one of each part.
fn lesson() -> Course {
    let course = Course::new();
    course.write("step-16/src/live.rs", "fn connect() {}\n");
    course.remove("step-16/src/error.rs");
    course.replace("step-16/Cargo.toml", "axum", "socketioxide");
    course.replace("step-16/src/lib.rs", "two", "changed");
    course.replace("step-16/templates/base.html", "Hello", "Live");
    course.write("step-16/static/live.js", "connect();\n");
    course.replace("step-16/tests/it/main.rs", "Tests", "More tests");
    course
}

#[test]
fn diff_shows_the_lesson_in_reading_order_with_the_tests_last() {
    let out = lesson().x(&["diff", "15", "16"]).succeeds();
    assert_in_order(
        &out,
        &[
            "--- step-15/Cargo.toml\n+++ step-16/Cargo.toml\n",
            "-axum.workspace = true\n+socketioxide.workspace = true\n",
            "--- step-15/src/error.rs\n+++ /dev/null\n",
            "--- step-15/src/lib.rs\n+++ step-16/src/lib.rs\n",
            "-fn two() {}\n+fn changed() {}\n",
            "--- /dev/null\n+++ step-16/src/live.rs\n",
            "+++ step-16/templates/base.html\n",
            "+++ step-16/static/live.js\n",
            "+++ step-16/tests/it/main.rs\n",
        ],
    );
}

#[test]
fn diff_leaves_out_the_steps_own_names() {
    let out = Course::new().x(&["diff", "15", "17"]).succeeds();
    assert_eq!(out, "step-15 and step-17 are the same here.\n");
}

#[test]
fn diff_of_one_file_takes_its_path_with_or_without_the_step() {
    let course = lesson();
    for file in ["src/lib.rs", "step-16/src/lib.rs", "./step-15/src/lib.rs"] {
        let out = course.x(&["diff", "15", "16", file]).succeeds();
        assert_in_order(&out, &["+++ step-16/src/lib.rs", "+fn changed"]);
        assert_eq!(out.matches("+++ ").count(), 1, "{out}");
    }
    let out = course.x(&["diff", "15", "16", "static"]).succeeds();
    assert_eq!(out.matches("+++ ").count(), 1, "{out}");
}

#[test]
fn diff_has_no_colours_outside_a_terminal() {
    let out = lesson().x(&["diff", "15", "16"]).succeeds();
    assert!(!out.contains('\u{1b}'), "{out}");
}

#[test]
fn diff_of_an_unknown_file_says_so() {
    let course = Course::new();
    for file in ["src/nothing.rs", "/etc/passwd", "../README.md"] {
        let err = course.x(&["diff", "15", "16", file]).fails_with(1);
        assert!(err.contains("neither step-15 nor step-16 has"), "{err}");
        assert!(err.contains(file), "{err}");
    }
}

#[test]
fn diff_of_an_unknown_step_names_the_steps_there_are() {
    let err = Course::new().x(&["diff", "15", "99"]).fails_with(1);
    assert_eq!(err, "there is no step 99. The steps are: 15, 16, 17.\n");
}

#[test]
fn diff_works_from_any_folder_of_the_course() {
    let out = lesson()
        .x_in("step-17/src", &["diff", "15", "16"])
        .succeeds();
    assert!(out.contains("+fn changed() {}"), "{out}");
}

#[test]
fn diff_ends_quietly_when_nobody_reads_on() {
    let course = lesson();
    // More than a pipe holds.
    course.write("step-16/src/live.rs", &"fn connect() {}\n".repeat(20_000));
    let mut x = x_command()
        .args(["diff", "15", "16"])
        .current_dir(course.root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(x.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);

    let output = x.wait_with_output().unwrap();

    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), err.as_str()), (Some(0), ""));
}

#[test]
fn a_command_line_that_makes_no_sense_shows_the_usage() {
    let course = Course::new();
    for (args, words) in [
        (&["diff", "15"][..], "Usage: cargo x diff"),
        (&["diff", "15", "16", "--stat"], "Usage: cargo x diff"),
        (&["start"], "Usage: cargo x start"),
        (
            &["diff", "15", "sixteen"],
            "`sixteen` is not the number of a step",
        ),
        (&["dif", "15", "16"], "knows no command `dif`"),
    ] {
        let err = course.x(args).fails_with(2);
        assert!(err.contains(words), "{err}");
    }
    assert!(course.x(&[]).succeeds().contains("cargo x start 16"));
    assert!(
        course
            .x(&["start", "-h"])
            .succeeds()
            .contains("never overwrites")
    );
}
