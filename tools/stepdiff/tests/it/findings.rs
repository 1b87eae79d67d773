//! Each thing that can be wrong is found, and nothing else is.

use mdbook_stepdiff::check::Chapter;

use crate::course::Course;

/// The one finding after an edit of a chapter.
fn after(chapter: usize, old: &str, new: &str) -> String {
    let mut course = Course::new();
    course.edit(chapter, old, new);
    one(course.findings())
}

fn one(mut findings: Vec<String>) -> String {
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

const MOUNT: &str = "{{#change src/lib.rs at=\"mod live\" id=mount}}";

#[test]
fn a_sound_course_has_no_findings() {
    assert_eq!(Course::new().findings(), [""; 0]);
}

#[test]
fn an_unexplained_line_is_found_with_a_directive_that_mends_it() {
    let mut course = Course::new();
    course.write("step-15/src/main.rs", "a\nb\nc\nd\ne\n");
    course.write("step-16/src/main.rs", "a\nb\nc\nd\ne\nnew \"line\"\n");
    course.write("step-17/src/main.rs", "a\nb\nc\nd\ne\nnew \"line\"\n");
    course.edit(0, "{{#tests}}", "{{#tests}}\n{{#waive src/main.rs \"x\"}}");
    let found = one(course.findings());
    let paste = "{{#change src/main.rs at='new \"line\"'}}";
    let line = "not explained: src/main.rs:6, 1 line added";
    assert_has(&found, &["1:1 ", line, paste, "{{/change}}"]);
    let mended = format!(
        "{paste}\nEight words that explain what the line is for.\n\
         {{{{/change}}}}\n\n{{{{#tests}}}}"
    );
    course.edit(1, "{{#tests}}", &mended);
    assert_eq!(course.findings(), [""; 0]);
}

#[test]
fn a_part_that_is_missing_is_found_with_its_part() {
    let mut course = Course::new();
    let part = "{{#change src/live.rs from=\"fn socket\"}}";
    course.edit(1, part, "{{#show src/live.rs}}");
    course.edit(1, "has not got.\n{{/change}}", "has not got.\n{{/show}}");
    let found = one(course.findings());
    assert_has(
        &found,
        &["src/live.rs:7-9, 3 lines added", "from=", "socket"],
    );
}

#[test]
fn a_line_that_is_explained_twice_is_found() {
    let again = "{{#change src/live.rs}}";
    let found = after(1, "{{#change src/live.rs to=\"^}\"}}", again);
    assert_has(&found, &["1:13 shown already, on line 9", ":7-9"]);
}

#[test]
fn lines_that_follow_from_others_stand_in_their_box() {
    let mut course = Course::new();
    let old = "{{#change src/lib.rs at=\"-old\"}}\nWhat was old is replaced \
               by two things that are new.\n{{/change}}";
    course.edit(1, old, "");
    let also = "{{#also src/lib.rs at=\"-old\"}}\n{{/change}}";
    course.edit(1, "{{/change}}", also);
    assert_eq!(course.findings(), [""; 0]);
    let page = &course.check().pages[1];
    let section = page.split("<section").nth(1).unwrap();
    assert_eq!(section.matches("<figure").count(), 2, "{section}");
    assert!(!section.contains("{{"), "{section}");

    course.edit(1, "at=\"-old\"}}\n{{/", "at=\"mod live\"}}\n{{/");
    let found = course.findings().join("\n");
    assert_has(&found, &["1:5 shown already, on line 5"]);
    assert_has(&found, &["not explained: src/lib.rs:15"]);
    course.edit(1, "{{#summary}}", "{{#also src/lib.rs}}");
    let found = course.findings().join("\n");
    assert_has(&found, &["1:3 `#also` stands between"]);
}

#[test]
fn the_words_of_an_inner_directive_are_no_prose() {
    let also = "Two words.\n{{#also src/lib.rs at=\"-old\"}}\n{{/change}}";
    let mut course = Course::new();
    course.edit(
        1,
        "The layer has one handler, which does not much yet.\n{{/change}}",
        also,
    );
    let found = course.findings().join("\n");
    assert_has(&found, &["1:9 2 words explain nothing"]);
}

#[test]
fn a_tour_shows_each_line_once() {
    let mut course = Course::new();
    let show = "{{#show src/lib.rs from=\"routes();\" to=\"^}\"}}\nThis is \
                what calls the function with all of the routes.\n{{/show}}";
    course.edit(0, "{{#tests}}", &format!("{show}\n{{{{#tests}}}}"));
    let found = one(course.findings());
    assert_has(
        &found,
        &["shown already, on line 9: src/lib.rs from line 4"],
    );
}

#[test]
fn unknown_things_are_named() {
    let mut course = Course::new();
    course.edit(0, "{{#tests}}", "{{#tests}}\n{{#show step-9/x}}\n{{/show}}");
    course.edit(0, "{{#tests}}", "{{#tests}}\n{{#show src/x}}\n{{/show}}");
    course.edit(0, "{{#tests}}", "{{#tests}}\n{{#waive src/x \"y\"}}");
    course.edit(
        0,
        "{{#tests}}",
        "{{#tests}}\n{{#change src/x}}\n{{/change}}",
    );
    let found = course.findings().join("\n");
    assert_has(&found, &["there is no step-9", "step-15 has no src/x"]);
    assert_has(&found, &["no src/x to waive", "use `#show`"]);
}

#[test]
fn stale_and_ambiguous_needles_are_found() {
    let mut course = Course::new();
    course.edit(1, "at=\"mod live\"", "at=\"mod lively\"");
    course.edit(1, "at=\"-old\"", "at=\"();\"");
    course.edit(0, "to=\"^}\"", "to=\"^)\"");
    let found = course.findings().join("\n");
    assert_has(
        &found,
        &["1:5 no changed line of src/lib.rs has \"mod lively\""],
    );
    assert_has(&found, &["is in 2 hunks"]);
    assert_has(&found, &["0:9 no line of src/lib.rs has \"^)\" there"]);
}

#[test]
fn pairs_are_closed() {
    let found = after(1, "not much yet.\n{{/change}}", "not much yet.\n");
    assert_has(&found, &["1:9 `{{/change}}` is missing"]);
}

#[test]
fn a_closing_directive_closes_something() {
    let found = after(1, "{{#tests}}", "{{#tests}}\n{{/change}}");
    assert_has(&found, &["closes nothing"]);
}

#[test]
fn unknown_and_misplaced_directives_are_found() {
    let found = after(1, "{{#tests}}", "{{#tests}}\n{{#include x.md}}");
    assert_has(&found, &["1:30 unknown directive"]);
    let found = after(1, "# Live", "# Live {{#tests}}");
    assert_has(&found, &["1:1 unresolved directive", "line of its own"]);
    let found = after(1, "# Live", "# Live `{{#tests}}` {{#x");
    assert_has(&found, &["1:1 unresolved directive `{{#x`"]);
}

#[test]
fn ids_are_unique_and_links_lead_somewhere() {
    let same = "{{#change src/lib.rs at=\"-old\" id=mount}}";
    let found = after(1, "{{#change src/lib.rs at=\"-old\"}}", same);
    assert_has(&found, &["1:17 the id \"mount\" is used twice"]);
    let found = after(1, "hunk:step-15/serve", "hunk:step-15/server");
    assert_has(&found, &["1:14 hunk:step-15/server: there is no such id"]);
}

#[test]
fn prose_is_more_than_a_few_words() {
    let found = after(1, "What was old is replaced by two", "Two");
    assert_has(&found, &["1:17 5 words explain nothing"]);
}

#[test]
fn waivers_are_needed() {
    let found =
        after(1, "{{#tests}}", "{{#waive src/live.rs \"x\"}}\n{{#tests}}");
    assert_has(&found, &["1:29 src/live.rs is explained"]);
    let found =
        after(0, "{{#tests}}", "{{#waive src/lib.rs \"x\"}}\n{{#tests}}");
    assert_has(&found, &["0:14 src/lib.rs is shown"]);
    let found =
        after(1, "{{#tests}}", "{{#waive Cargo.toml \"x\"}}\n{{#tests}}");
    assert_has(&found, &["Cargo.toml does not change in this step"]);
    let found = after(1, "{{#waive static/icon.svg \"a picture\"}}", "");
    assert_has(&found, &["not explained: static/icon.svg"]);
}

#[test]
fn the_first_steps_files_are_shown_or_waived() {
    let found = after(0, "{{#waive static/icon.svg \"a picture\"}}", "");
    assert_has(
        &found,
        &["0:1 static/icon.svg is neither", "{{#show static/"],
    );
}

#[test]
fn tests_are_shown_once_when_they_changed() {
    let found = after(1, "{{#tests}}", "");
    assert_has(&found, &["1:1 the step's tests are not shown {{#tests}}"]);
    let found = after(1, "{{#tests}}", "{{#tests}}\n\n{{#tests}}");
    assert_has(&found, &["shown twice"]);
    let found = after(2, "# Last", "# Last\n\n{{#tests}}");
    assert_has(&found, &["2:3 no test of this step has changed"]);
}

#[test]
fn steps_and_chapters_belong_together() {
    let mut course = Course::new();
    let last = course.chapters.pop();
    let found = one(course.findings());
    assert_has(&found, &["0:1 step-17 has no chapter step-17.md"]);
    course
        .chapters
        .extend([last.clone().unwrap(), last.unwrap()]);
    assert_has(&course.findings()[0], &["step-17 has another chapter"]);
    course.chapters.pop();
    course.chapters[2].path = "step-18.md".to_owned();
    let found = course.findings().join("\n");
    assert_has(&found, &["2:1 there is no folder step-18"]);
}

#[test]
fn a_drawings_bad_line_is_found() {
    let found = after(1, "A -> B: hi", "A -> C: hi");
    assert_has(&found, &["1:26 \"C\" is not one of the participants"]);
    let found = after(1, "A -> B: hi", "A -> B: hi\nparticipants: A");
    assert_has(&found, &["1:27 a second list of participants"]);
}

#[test]
fn all_problems_come_at_once() {
    let mut course = Course::new();
    course.edit(1, MOUNT, "{{#change src/lib.rs at=zzz}}");
    course.edit(1, "{{#tests}}", "");
    course.write("step-16/src/new.rs", "new\n");
    assert_eq!(course.findings().len(), 5);
}

#[test]
fn removing_an_explained_file_is_found() {
    let course = Course::new();
    course.remove("step-16/src/live.rs");
    let found = course.findings().join("\n");
    assert_has(
        &found,
        &["neither this step nor the one before has src/live.rs"],
    );
}

#[test]
fn the_page_has_the_code_and_the_links() {
    let report = Course::new().check();
    let page = &report.pages[1];
    assert_has(page, &["(#s16-src-live-rs)", "(step-15.md#s15-serve)"]);
    assert_has(page, &["<section class=\"sd-pair\" id=\"s16-mount\">"]);
    assert_has(page, &["cargo x diff 15 16", "[`src/lib.rs`](#s16-mount)"]);
    assert_has(page, &["id=\"s16-seq-1\"", "id=\"s16-tests\""]);
    assert!(!page.contains("\n{{"), "{page}");
}

/// A course whose chapter 16 has a second page, from what explains the layer on.
fn two_pages() -> Course {
    let mut course = Course::new();
    let text = course.chapters[1].text.clone();
    let at = text.find("{{#change src/live.rs to").unwrap();
    course.chapters[1].text = text[..at].to_owned();
    let path = "step-16-more.md".to_owned();
    let text = text[at..].to_owned();
    course.chapters.insert(2, Chapter { path, text });
    course
}

#[test]
fn a_chapter_may_have_two_pages() {
    let course = two_pages();

    let report = course.check();

    assert_eq!(course.findings(), [""; 0]);
    let [_, first, second, _] = &report.pages[..] else {
        panic!("{} pages", report.pages.len());
    };
    assert!(first.contains(r#"id="s16-mount""#), "{first}");
    assert!(second.contains(r#"id="s16-src-live-rs""#), "{second}");
    // The table of files, and a link in the prose.
    let live = "](step-16-more.md#s16-src-live-rs)";
    assert_eq!(first.matches(live).count(), 2, "{first}");
    assert!(first.contains("](#s16-mount)"), "{first}");
    assert!(first.contains("](step-16-more.md#s16-tests)"), "{first}");
    assert!(!second.contains("next page"), "{second}");
}

#[test]
fn what_is_wrong_in_a_second_page_is_said_of_that_page() {
    let mut course = two_pages();
    let own = "# More\n\nSee [what](hunk:nothing).\n\n";
    course.chapters[2].text.insert_str(0, own);
    course.edit(1, "at=\"mod live\"", "at=\"mod lively\"");

    let findings = course.findings();

    assert_eq!(findings.len(), 3, "{findings:#?}");
    assert!(findings.iter().any(|f| f.starts_with("2:3 hunk:nothing")));
    // The directive, and the change that nobody explains.
    assert_eq!(findings.iter().filter(|f| f.starts_with("1:")).count(), 2);
}
