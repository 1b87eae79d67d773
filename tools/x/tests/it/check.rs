use crate::course::{Course, Run, assert_in_order};

/// Asserts that the check fails, and says each of these.
#[track_caller]
fn assert_finds(course: &Course, findings: &[&str]) {
    let Run { code, out, .. } = course.x(&["check"]);
    assert_eq!(code, Some(1), "{out}");
    for finding in findings {
        assert!(out.contains(finding), "no {finding:?} in:\n{out}");
    }
    let count = out.lines().filter(|line| line.starts_with("- ")).count();
    assert_eq!(count, findings.len(), "{out}");
}

/// Gives steps 16 and 17 the browser client, and node_modules the script.
fn add_client(course: &Course) {
    // The hash is that of the text "client".
    let script = format!(
        "<script src=\"/vendor/socket.io.min.js\" \
         integrity=\"sha384-{HASH}\" defer></script>\n"
    );
    for step in ["step-16", "step-17"] {
        course.write(&format!("{step}/templates/live.html"), &script);
        course.write(
            &format!("{step}/src/live.rs"),
            "const URL: &str = \"https://cdn/socket.io-client@4.8.4/x.js\";\n",
        );
    }
    course.write(
        "package-lock.json",
        r#"{"packages":{"node_modules/socket.io-client":{"version":"4.8.4"}}}"#,
    );
    course.write(
        "node_modules/socket.io-client/dist/socket.io.min.js",
        "client",
    );
}

/// `printf client | openssl dgst -sha384 -binary | base64`
const HASH: &str =
    "3M/iXowNi1s1X+HnFfRms+cCe+MKy/ll9OYWAEXqEabYcRkDBvAPur0JkxoqC+ou";

#[test]
fn a_sound_course_passes_and_its_sizes_are_printed() {
    let course = Course::new();
    add_client(&course);
    course.write("step-17/tests/it/live.rs", "// A test.\n\nfn t() {}\n");
    course.replace(
        "step-17/src/api.rs",
        "//! api\n",
        "//! api\n\nfn api() {}\n\n#[cfg(test)]\nmod tests {}\n",
    );

    let out = course.x(&["check"]).succeeds();

    assert_in_order(
        &out,
        &[
            "step-15      6      1\n",
            "step-16      7      1        2       0     2        0       0     0\n",
            "step-17      8      4        5       0     1        3       0     1\n",
            "3 steps, 3 crates: every rule is kept.",
        ],
    );
}

#[test]
fn each_crate_must_inherit_from_the_workspace() {
    let course = Course::new();
    let manifest = "step-16/Cargo.toml";
    course.replace(manifest, "edition.workspace = true", "edition = \"2024\"");
    course.replace(manifest, "axum.workspace = true", "axum = \"0.8\"");
    course.replace(manifest, "[lints]\nworkspace = true\n", "");
    // Lessons are built with the one, and without the other.
    for name in ["testkit", "t"] {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion.workspace = true\n\
             edition.workspace = true\n[lints]\nworkspace = true\n\
             [target.'cfg(unix)'.dependencies]\n\
             tokio = {{ workspace = true, features = [\"full\"] }}\n",
        );
        course.write(&format!("tools/{name}/Cargo.toml"), &manifest);
    }
    assert_finds(
        &course,
        &[
            "step-16/Cargo.toml: write `edition.workspace = true`",
            "step-16/Cargo.toml: write `axum.workspace = true`",
            "step-16/Cargo.toml: write `workspace = true` under [lints]",
            "tools/t/Cargo.toml: write `rust-version.workspace = true`",
            "tools/testkit/Cargo.toml: write `rust-version.workspace = true`",
            "tools/testkit/Cargo.toml: set the features of tokio",
        ],
    );
}

#[test]
fn each_step_has_the_same_files_in_the_same_places() {
    let course = Course::new();
    course.write("step-16/src/live.rs", "");
    course.remove("step-16/src/front.rs");
    course.write("step-15/tests/other.rs", "");
    course.write("step-15/notes.txt", "");
    course.write("step-15/chat.db", "");
    assert_finds(
        &course,
        &[
            "step-16 has no src/front.rs",
            "step-17 lacks src/live.rs, which step-16 has",
            "step-15/tests/other.rs has no place there",
            "step-15/notes.txt has no place there",
        ],
    );
}

/// What each step promises about the chat, unless a test changes it.
const CHAT: &str = "\
//! The chat.

fn helper() {}

/// A promise.
#[tokio::test]
async fn a_message_arrives() {
    helper(step_N::serve);
}

#[test]
fn a_name_is_kept() {}
";

/// Gives each step the same tests of the chat.
fn add_chat(course: &Course) {
    for number in ["15", "16", "17"] {
        course.write(
            &format!("step-{number}/tests/it/chat.rs"),
            &CHAT.replace('N', number),
        );
    }
}

/// Lists a change of one test of the chat.
fn list_change(course: &Course, step: &str, test: &str, reason: &str) {
    let path = "tools/x/tests-that-change.toml";
    let listed = if course.exists(path) {
        course.read(path)
    } else {
        String::new()
    };
    course.write(
        path,
        &format!(
            "{listed}[[change]]\nstep = \"{step}\"\n\
             test = \"chat::{test}\"\n{reason}\n"
        ),
    );
}

#[test]
fn a_step_keeps_the_tests_of_the_step_before_it() {
    let course = Course::new();
    add_chat(&course);
    course.x(&["check"]).succeeds();

    // What is not a test may change, and a step may have tests of its own.
    course.replace("step-16/tests/it/chat.rs", "fn helper", "fn _other");
    course.write("step-15/tests/it/people.rs", "#[test]\nfn ada() {}\n");
    course.write("step-17/tests/it/live.rs", "#[test]\nfn live() {}\n");
    course.x(&["check"]).succeeds();
}

#[test]
fn a_test_that_is_not_in_the_next_step_is_missed() {
    let course = Course::new();
    add_chat(&course);
    let test = "#[test]\nfn a_name_is_kept() {}\n";
    course.replace("step-16/tests/it/chat.rs", test, "");
    course.remove("step-17/tests/it/chat.rs");
    assert_finds(
        &course,
        &[
            "step-16/tests/it/chat.rs lacks the test a_name_is_kept of \
             step-15: carry it with `cargo x propagate 15`, or list it with a \
             reason in tools/x/tests-that-change.toml.",
            "step-17/tests/it/chat.rs lacks the test a_message_arrives of \
             step-16",
        ],
    );
}

#[test]
fn a_test_whose_body_or_attributes_differ_is_another_test() {
    let course = Course::new();
    add_chat(&course);
    for (step, from, to) in [
        (
            "step-15",
            "helper(step_15::serve)",
            "helper(step_15::Store)",
        ),
        ("step-17", "#[test]", "#[ignore]\n#[test]"),
        ("step-17", "/// A promise.", "/// Another promise."),
    ] {
        course.replace(&format!("{step}/tests/it/chat.rs"), from, to);
    }
    assert_finds(
        &course,
        &[
            "step-16/tests/it/chat.rs: the test a_message_arrives is not as \
             in step-15: carry it with `cargo x propagate 15`, or list it \
             with a reason in tools/x/tests-that-change.toml.",
            "step-17/tests/it/chat.rs: the test a_message_arrives is not as \
             in step-16",
            "step-17/tests/it/chat.rs: the test a_name_is_kept is not as in \
             step-16",
        ],
    );
}

#[test]
fn a_test_may_change_where_a_list_says_why() {
    let course = Course::new();
    add_chat(&course);
    course.replace("step-16/tests/it/chat.rs", "helper(", "_other(");
    course.replace("step-16/tests/it/chat.rs", "kept() {}", "kept() { 1; }");
    course.remove("step-17/tests/it/chat.rs");
    let reason = "reason = \"It may.\"";
    list_change(&course, "step-16", "a_message_arrives", reason);
    list_change(&course, "step-17", "a_name_is_kept", reason);
    assert_finds(
        &course,
        &[
            "step-16/tests/it/chat.rs: the test a_name_is_kept is not as",
            "step-17/tests/it/chat.rs lacks the test a_message_arrives",
        ],
    );

    list_change(&course, "step-16", "a_name_is_kept", reason);
    list_change(&course, "step-17", "a_message_arrives", reason);
    course.x(&["check"]).succeeds();
}

#[test]
fn a_change_is_listed_with_its_reason() {
    let course = Course::new();
    add_chat(&course);
    course.remove("step-17/tests/it/chat.rs");
    list_change(&course, "step-17", "a_message_arrives", "reason = \" \"");
    list_change(&course, "step-17", "a_name_is_kept", "");
    assert_finds(
        &course,
        &[
            "tools/x/tests-that-change.toml: the entry for \
             chat::a_message_arrives in step-17 has no reason",
            "tools/x/tests-that-change.toml: the entry for \
             chat::a_name_is_kept in step-17 has no reason",
        ],
    );
}

#[test]
fn a_change_that_is_none_is_not_listed() {
    let course = Course::new();
    add_chat(&course);
    course.replace("step-17/tests/it/chat.rs", "helper(", "_other(");
    for (step, test) in [
        ("step-17", "a_message_arrives"),
        ("step-17", "a_message_arrives"),
        ("step-16", "a_message_arrives"),
        ("step-17", "unknown"),
        ("step-18", "a_name_is_kept"),
    ] {
        list_change(&course, step, test, "reason = \"It may.\"");
    }
    let finding = |entry: &str| {
        format!(
            "tools/x/tests-that-change.toml: the entry for chat::{entry} is \
             not needed: take it out."
        )
    };
    assert_finds(
        &course,
        &[
            &finding("a_message_arrives in step-17"),
            &finding("a_message_arrives in step-16"),
            &finding("unknown in step-17"),
            &finding("a_name_is_kept in step-18"),
        ],
    );
}

#[test]
fn a_misspelt_key_in_the_list_of_changes_is_refused() {
    let course = Course::new();
    add_chat(&course);
    course.remove("step-17/tests/it/chat.rs");
    list_change(&course, "step-17", "a_name_is_kept", "why = \"It may.\"");

    let err = course.x(&["check"]).fails_with(1);

    assert!(err.contains("tests-that-change.toml"), "{err}");
    assert!(err.contains("unknown field `why`"), "{err}");
}

#[test]
fn no_step_names_another_or_tells_what_was_before() {
    let course = Course::new();
    course.write(
        "step-16/src/live.rs",
        "// See step-15.\n// As\n// before.\n",
    );
    course.write("step-17/src/live.rs", "// \"step-17\" is its name.\n");
    course.write("step-17/templates/a.html", "\n<!-- now we lesson 18 -->");
    course.write("step-17/tests/it/live.rs", "// as in step-16\n");
    assert_finds(
        &course,
        &[
            "step-16/src/live.rs:1 says \"step-15\"",
            "step-16/src/live.rs:2 says \"as before\"",
            "step-17/templates/a.html:2 says \"lesson 18\"",
            "step-17/templates/a.html:2 says \"now we\"",
        ],
    );
}

#[test]
fn the_browser_client_is_the_one_in_the_lock_file() {
    let course = Course::new();
    add_client(&course);
    course.replace("step-16/templates/live.html", "sha384-", "sha384-A");
    course.replace("step-17/src/live.rs", "4.8.4", "4.8.3");
    course.write(
        "step-17/templates/second.html",
        "<p>\n<script src=\"/vendor/socket.io.min.js\" defer></script>\n",
    );
    assert_finds(
        &course,
        &[
            "step-16/templates/live.html:1: integrity=",
            "step-17/src/live.rs:1 names socket.io-client@4.8.3",
            "step-17/templates/second.html:2 loads socket.io.min.js with no \
             integrity",
        ],
    );
}

#[test]
fn without_node_modules_the_hashes_are_compared_with_one_another() {
    let course = Course::new();
    add_client(&course);
    course.remove("node_modules/socket.io-client/dist/socket.io.min.js");
    let out = course.x(&["check"]).succeeds();
    assert!(
        out.contains("Not checked: the hash of socket.io.min.js"),
        "{out}"
    );

    course.replace("step-17/templates/live.html", "sha384-", "sha384-A");
    assert_finds(&course, &["step-17/templates/live.html:1: integrity="]);
}

#[test]
fn every_list_of_steps_names_the_steps_there_are() {
    let course = Course::new();
    course.replace("README.md", "| step-16 |", "| step-18 |");
    course.write("book/src/introduction.md", "| step | adds step-17 |\n");
    course.write(
        "book/book.toml",
        "[build]\nextra-watch-dirs = [\"../step-15\", \"../step-17\"]\n",
    );
    assert_finds(
        &course,
        &[
            "the table of steps in README.md lacks step-16",
            "the table of steps in README.md lists step-18",
            "the table of steps in book/src/introduction.md lacks step-15",
            "the table of steps in book/src/introduction.md lacks step-16",
            "the table of steps in book/src/introduction.md lacks step-17",
            "extra-watch-dirs in book/book.toml lacks step-16",
        ],
    );
}
