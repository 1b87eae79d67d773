//! What mdBook sees: strict under build, patient under serve.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::course::Course;

/// Runs the tool as mdBook does, with a context of `build` or of `serve`.
fn run(course: &Course, html: &str, strict: Option<&str>) -> Output {
    let chapters = course.chapters.iter().map(|chapter| {
        let (path, text) = (&chapter.path, &chapter.text);
        format!(
            "{{\"Chapter\":{{\"name\":\"\",\"content\":{text:?},\
             \"number\":null,\"sub_items\":[],\"path\":{path:?},\
             \"source_path\":{path:?},\"parent_names\":[]}}}},\"Separator\""
        )
    });
    let chapters: Vec<String> = chapters.collect();
    let input = format!(
        "[{{\"root\":\"book\",\"renderer\":\"html\",\
         \"mdbook_version\":\"0.5.4\",\"config\":{{\"output\":{{\"html\":\
         {html}}}}}}},{{\"items\":[{}]}}]",
        chapters.join(",")
    );
    send(course, &input, strict)
}

fn send(course: &Course, input: &str, strict: Option<&str>) -> Output {
    course.write("book/book.toml", "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mdbook-stepdiff"));
    command.env_remove("STEPDIFF_STRICT");
    if let Some(strict) = strict {
        command.env("STEPDIFF_STRICT", strict);
    }
    let mut child = command
        .current_dir(course.path().join("book"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const BUILD: &str = "{}";
const SERVE: &str = "{\"live-reload-endpoint\":\"__livereload\"}";

fn broken() -> Course {
    let course = Course::new();
    course.write("step-16/src/extra.rs", "extra\n");
    course.write("step-17/src/extra.rs", "extra\n");
    course
}

#[test]
fn a_sound_book_comes_back_with_its_pages() {
    let output = run(&Course::new(), BUILD, None);
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).starts_with("{\"items\":[{\"Chapter\""));
    assert!(out(&output).contains("s16-mount"));
}

#[test]
fn a_build_fails_and_names_chapter_file_and_line() {
    let output = run(&broken(), BUILD, None);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(&output), "");
    let text = "step-16.md:1: not explained: src/extra.rs:1, 1 line added";
    assert!(err(&output).contains(text), "{}", err(&output));
    assert!(err(&output).contains("    {{#change src/extra.rs}}"));
}

#[test]
fn serve_shows_the_findings_in_the_page() {
    let output = run(&broken(), SERVE, None);
    assert!(output.status.success(), "{}", err(&output));
    let text = out(&output);
    assert_eq!(text.matches("sd-problems").count(), 1);
    assert!(text.contains("not explained: src/extra.rs:1"));
}

#[test]
fn an_edit_of_the_step_before_is_named_as_the_cause() {
    let course = Course::new();
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        let git = git.args(["-c", "user.name=T", "-c", "user.email=t@x"]);
        let done = git.args(args).current_dir(course.path()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message=x"]);
    let live = fs::read_to_string(course.path().join("step-16/src/lib.rs"));
    let live = live.unwrap().replace("mod live;", "mod live; // mine");
    course.write("step-16/src/lib.rs", live);

    let text = out(&run(&course, SERVE, None));

    let cause = "You have changed <code>step-16/src/lib.rs</code> itself";
    let places: Vec<_> = text.match_indices(cause).collect();
    assert_eq!(places.len(), 1, "{text}");
    let chapter = text.find("# Last").unwrap();
    assert!(
        text[..chapter].contains(cause),
        "at step-17's chapter: {text}"
    );
    assert!(text.contains("cargo x propagate 16"));
}

#[test]
fn the_environment_overrides_both() {
    let output = run(&broken(), BUILD, Some("false"));
    assert!(output.status.success());
    let output = run(&broken(), SERVE, Some("true"));
    assert_eq!(output.status.code(), Some(1));
    let output = run(&broken(), SERVE, Some("maybe"));
    assert!(err(&output).contains("true or false"));
}

#[test]
fn an_old_mdbook_gets_a_clear_message() {
    let input = "[{\"root\":\"book\",\"renderer\":\"html\",\
        \"mdbook_version\":\"0.4.52\",\"config\":{}},{\"sections\":[]}]";
    let output = send(&Course::new(), input, None);
    assert_eq!(output.status.code(), Some(1));
    let text = err(&output);
    for part in ["missing field `items`", "cargo install mdbook"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!send(&Course::new(), "", None).status.success());
}

#[test]
fn authors_get_directives_that_work() {
    let course = broken();
    course.write("Cargo.toml", "[workspace]\n");
    let output = Command::new(env!("CARGO_BIN_EXE_mdbook-stepdiff"))
        .args(["hunks", "step-16"])
        .current_dir(course.path().join("step-16/src"))
        .output()
        .unwrap();
    let text = out(&output);
    assert!(text.contains("src/lib.rs:3-6, 3 lines added"), "{text}");
    assert!(
        text.contains("{{#change src/lib.rs at=\"mod live;\"}}"),
        "{text}"
    );
    assert!(text.contains("{{#change src/extra.rs}}"), "{text}");
}
