//! A reader knows where a thing is from its name, in every step.

use course::{CODE, Course, Name, TESTS, entries, files};

use super::Report;
use crate::error::Result;

const ALWAYS: [&str; 7] = [
    "src/main.rs",
    "src/lib.rs",
    "src/api.rs",
    "src/front.rs",
    "src/store.rs",
    "src/error.rs",
    "tests/it/main.rs",
];

pub(super) fn check(course: &Course, report: &mut Report) -> Result<()> {
    for &number in &course.steps {
        let step = Name::Step(number);
        for file in ALWAYS {
            if !course.folder(step).join(file).is_file() {
                report.finding(format!(
                    "{step} has no {file}: every step has one."
                ));
            }
        }
        if let Some(before) = course.before(number) {
            check_modules(course, Name::Step(before), step, report)?;
        }
        check_extras(course, step, report)?;
    }
    Ok(())
}

/// A module, once it is there, stays where it is.
fn check_modules(
    course: &Course,
    before: Name,
    step: Name,
    report: &mut Report,
) -> Result<()> {
    for file in files(&course.folder(before), &["src"])? {
        let always = ALWAYS.iter().any(|known| file.as_os_str() == *known);
        if !always && !course.folder(step).join(&file).is_file() {
            report.finding(format!(
                "{step} lacks {}, which {before} has: keep each file where \
                 it is.",
                file.display()
            ));
        }
    }
    Ok(())
}

/// Nothing else, and one test binary.
fn check_extras(
    course: &Course,
    step: Name,
    report: &mut Report,
) -> Result<()> {
    for (inside, known) in
        [("", [&CODE[..], &TESTS].concat()), ("tests/", vec!["it"])]
    {
        for path in entries(&course.folder(step).join(inside))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // A database, left by a run in this folder, is not the step's.
            let ours = !name.starts_with('.') && !name.contains(".db");
            if ours && !known.contains(&name.as_ref()) {
                report.finding(format!(
                    "{step}/{inside}{name} has no place there: {step}/{inside} \
                     holds {}.",
                    known.join(", ")
                ));
            }
        }
    }
    Ok(())
}
