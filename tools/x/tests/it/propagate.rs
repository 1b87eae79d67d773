use crate::course::{Course, assert_in_order};

#[test]
fn a_change_reaches_every_later_step() {
    let course = Course::new();
    course.replace("step-16/src/lib.rs", "three", "lesson_of_16");
    course.commit();
    course.replace("step-15/src/lib.rs", "fn one", "/// Fixed.\nfn one");

    let out = course.x(&["propagate", "15"]).succeeds();

    assert_in_order(
        &out,
        &["changed  step-16/src/lib.rs", "changed  step-17/src/lib.rs"],
    );
    assert_eq!(
        course.read("step-16/src/lib.rs"),
        "/// Fixed.\nfn one() {}\n\nfn two() {}\n\nfn lesson_of_16() {}\n"
    );
    assert!(
        course
            .read("step-17/src/lib.rs")
            .starts_with("/// Fixed.\n")
    );
    assert_eq!(
        course.status(),
        " M step-15/src/lib.rs\n M step-16/src/lib.rs\n M step-17/src/lib.rs\n"
    );
}

#[test]
fn staged_changes_are_carried_too_and_nothing_is_staged() {
    let course = Course::new();
    course.replace("step-16/src/lib.rs", "one", "fixed");
    course.git(&["add", "--all"]);

    course.x(&["propagate", "16"]).succeeds();

    let status = "M  step-16/src/lib.rs\n M step-17/src/lib.rs\n";
    assert_eq!(course.status(), status);
}

#[test]
fn what_the_change_became_in_one_step_is_carried_to_the_next() {
    let course = Course::new();
    // Steps 16 and 17 share a line that step 15 does not have.
    for step in ["step-16", "step-17"] {
        let lib = format!("{step}/src/lib.rs");
        course.replace(&lib, "fn three", "fn lesson() {}\n\nfn three");
    }
    course.commit();
    course.replace("step-15/src/lib.rs", "fn one() {}\n\n", "");

    course.x(&["propagate", "15"]).succeeds();

    for step in ["step-16", "step-17"] {
        assert_eq!(
            course.read(&format!("{step}/src/lib.rs")),
            "fn two() {}\n\nfn lesson() {}\n\nfn three() {}\n"
        );
    }
}

#[test]
fn what_the_next_step_has_already_committed_goes_no_further() {
    let course = Course::new();
    course.replace("step-16/src/lib.rs", "one", "better");
    course.commit();
    course.replace("step-15/src/lib.rs", "one", "better");

    let out = course.x(&["propagate", "15"]).succeeds();

    assert_in_order(&out, &["already in  step-16", "Nothing is left"]);
    assert_eq!(course.status(), " M step-15/src/lib.rs\n");
}

#[test]
fn each_step_gets_its_own_name() {
    let course = Course::new();
    course.replace("step-15/src/main.rs", "serve;", "{Store, serve};");
    course.write("step-15/src/new.rs", "// \"step-15\", step_15\n");

    course.x(&["propagate", "15"]).succeeds();

    let main = course.read("step-17/src/main.rs");
    assert_eq!(main, "use step_17::{Store, serve};\n");
    let new = course.read("step-16/src/new.rs");
    assert_eq!(new, "// \"step-16\", step_16\n");
}

#[test]
fn new_and_deleted_files_are_carried_and_ignored_ones_are_not() {
    let course = Course::new();
    course.write("step-15/static/new.css", "body {}\n");
    course.write("step-15/chat.db", "data");
    course.remove("step-15/src/error.rs");

    let out = course.x(&["propagate", "15"]).succeeds();

    assert_in_order(&out, &["deleted  step-16", "new  step-16"]);
    for step in ["step-16", "step-17"] {
        assert_eq!(course.read(&format!("{step}/static/new.css")), "body {}\n");
        assert!(!course.exists(&format!("{step}/src/error.rs")));
        assert!(!course.exists(&format!("{step}/chat.db")));
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let course = Course::new();
    course.replace("step-15/src/lib.rs", "one", "fixed");
    course.write("step-15/static/new.css", "body {}\n");
    course.remove("step-15/src/error.rs");
    course.x(&["propagate", "15"]).succeeds();
    let status = course.status();
    let lib = course.read("step-17/src/lib.rs");

    let out = course.x(&["propagate", "15"]).succeeds();

    assert_eq!(out.matches("already in").count(), 6, "{out}");
    assert_eq!(course.status(), status);
    assert_eq!(course.read("step-17/src/lib.rs"), lib);
}

#[test]
fn a_conflict_stops_before_its_step_and_says_where() {
    let course = Course::new();
    course.replace("step-17/src/lib.rs", "one() {}", "one() { lesson() }");
    course.commit();
    course.replace("step-15/src/lib.rs", "one() {}", "one() { fixed() }");
    course.replace("step-15/src/store.rs", "fn s", "/// Fixed.\nfn s");

    let err = course.x(&["propagate", "15"]).fails_with(1);

    assert_in_order(
        &err,
        &[
            "step-17: conflict. Nothing is written in step-17",
            "step-17/src/lib.rs: both steps change the same lines",
            "fn one() { lesson() }",
            "fn one() { fixed() }",
            "Make the change in step-17 by hand",
        ],
    );
    assert!(course.read("step-16/src/lib.rs").contains("fixed"));
    assert!(!course.status().contains("step-17"), "{}", course.status());
}

#[test]
fn after_a_conflict_the_change_goes_on_from_the_step_mended_by_hand() {
    let course = Course::new();
    course.replace("step-16/src/lib.rs", "one() {}", "one() { lesson() }");
    course.commit();
    course.replace("step-15/src/lib.rs", "one() {}", "one(fixed: u8) {}");
    let err = course.x(&["propagate", "15"]).fails_with(1);
    assert!(err.contains("then: cargo x propagate 16"), "{err}");

    // As step 17 has it too: the lesson of 16, with the fix.
    course.replace("step-16/src/lib.rs", "one()", "one(fixed: u8)");
    course.replace("step-17/src/lib.rs", "one() {}", "one() { lesson() }");
    course.x(&["propagate", "16"]).succeeds();

    let lib = course.read("step-17/src/lib.rs");
    assert!(lib.starts_with("fn one(fixed: u8) { lesson() }"), "{lib}");
}

#[test]
fn a_run_after_a_conflict_still_reaches_the_steps_behind_it() {
    let course = Course::new();
    let lib = "step-17/src/lib.rs";
    course.replace(lib, "one() {}", "one() { unfinished() }");
    course.replace("step-15/src/lib.rs", "one() {}", "one() { fixed() }");
    course.x(&["propagate", "15"]).fails_with(1);
    course.replace(lib, "one() { unfinished() }", "one() {}");

    course.x(&["propagate", "15"]).succeeds();

    assert!(course.read(lib).starts_with("fn one() { fixed() }"));
}

#[test]
fn a_deleted_file_that_a_later_step_has_changed_is_a_conflict() {
    let course = Course::new();
    course.replace("step-16/src/error.rs", "error", "errors of 16");
    course.commit();
    course.remove("step-15/src/error.rs");

    let err = course.x(&["propagate", "15"]).fails_with(1);

    assert!(err.contains("step-15/src/error.rs is deleted"), "{err}");
    assert!(course.exists("step-16/src/error.rs"));
    assert!(course.exists("step-17/src/error.rs"));
}

#[test]
fn a_new_file_that_a_later_step_has_otherwise_is_a_conflict() {
    let course = Course::new();
    course.write("step-16/src/live.rs", "lesson of 16\n");
    course.write("step-15/src/live.rs", "new in 15\n");

    let err = course.x(&["propagate", "15"]).fails_with(1);

    assert!(err.contains("step-16/src/live.rs exists already"), "{err}");
    assert_eq!(course.read("step-16/src/live.rs"), "lesson of 16\n");
}

#[test]
fn a_picture_is_replaced_where_it_is_the_same_and_a_conflict_elsewhere() {
    let course = Course::new();
    for step in ["step-15", "step-16", "step-17"] {
        course.write_bytes(&format!("{step}/static/a.png"), b"\x89\0old");
    }
    course.commit();
    course.write_bytes("step-15/static/a.png", b"\x89\0new");
    course.write_bytes("step-17/static/a.png", b"\x89\0other");

    let err = course.x(&["propagate", "15"]).fails_with(1);

    assert!(err.contains("step-17/static/a.png is binary"), "{err}");
    assert!(course.bytes("step-16/static/a.png").ends_with(b"new"));
    assert!(course.bytes("step-17/static/a.png").ends_with(b"other"));
}

#[test]
fn uncommitted_work_in_a_later_step_is_kept() {
    let course = Course::new();
    course.replace("step-16/src/lib.rs", "three", "unfinished");
    course.replace("step-15/src/lib.rs", "one", "fixed");

    course.x(&["propagate", "15"]).succeeds();

    let sixteen = course.read("step-16/src/lib.rs");
    assert!(sixteen.contains("fixed") && sixteen.contains("unfinished"));
    let seventeen = course.read("step-17/src/lib.rs");
    assert!(seventeen.contains("fixed") && !seventeen.contains("unfinished"));
}

#[test]
fn a_committed_change_is_carried_by_its_name() {
    let course = Course::new();
    course.replace("step-15/src/lib.rs", "one", "fixed");
    course.write("step-15/static/new.css", "body {}\n");
    course.commit();
    course.replace("step-15/src/lib.rs", "three", "unfinished");
    course.commit();

    course
        .x(&["propagate", "15", "--commit", "HEAD~1"])
        .succeeds();

    let lib = course.read("step-17/src/lib.rs");
    assert!(
        lib.contains("fixed") && !lib.contains("unfinished"),
        "{lib}"
    );
    assert!(course.exists("step-17/static/new.css"));
}

#[test]
fn the_first_commit_of_all_can_be_carried() {
    let course = Course::new();
    course.remove("step-16/src/api.rs");

    course
        .x(&["propagate", "15", "--commit", "HEAD"])
        .succeeds();

    assert_eq!(course.read("step-16/src/api.rs"), "//! api\n");
}

#[test]
fn nothing_to_carry_is_said() {
    let course = Course::new();
    for (args, words) in [
        (
            &["propagate", "15"][..],
            "step-15 has no uncommitted change",
        ),
        (&["propagate", "17"], "step-17 is the last step"),
        (&["propagate", "14"], "there is no step 14"),
        (
            &["propagate", "15", "--commit", "nothing"],
            "git knows no commit `nothing`",
        ),
    ] {
        let err = course.x(args).fails_with(1);
        assert!(err.contains(words), "{err}");
    }
}
