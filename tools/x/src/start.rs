//! `cargo x start`: a folder in which the reader writes a step.

use std::fs;

use course::{
    CODE, Course, Name, TESTS, files, for_tests_of, read, rename, write,
};
use tempfile::Builder;

use crate::error::{Result, at, fail, read_toml};
use crate::say;

pub(crate) const USAGE: &str = "\
Usage: cargo x start STEP

Makes mine/STEP: the code of the step before with the tests of STEP. Red is right
at the start; you write the step until `cargo x test STEP` says that it is done.
It never overwrites anything.

  cargo x start 16
";

/// Makes `mine/<number>`.
pub(crate) fn start(course: &Course, number: u32) -> Result<()> {
    let number = course.step(number)?;
    let Some(before) = course.before(number) else {
        return fail(format!(
            "step-{number} is the first step, no code leads to it. Run it \
             with `cargo run -p step-{number}`, and start with a later one."
        ));
    };
    let (before, step) = (Name::Step(before), Name::Step(number));
    let mine = Name::Mine(number);
    let target = course.folder(mine);
    if target.exists() {
        return fail(format!(
            "{0} exists already, and nothing is overwritten. Go on in it, or \
             move it out of mine/ and start again.",
            mine.folder()
        ));
    }
    make(course, before, step, mine)?;
    explain(course, before, step, mine)
}

/// Builds the crate beside the workspace's members and moves it into place
/// when it is complete: cargo reads each folder in mine/ as a crate, and a
/// half-made one would stop every cargo command.
fn make(course: &Course, before: Name, step: Name, mine: Name) -> Result<()> {
    let draft = Builder::new()
        .prefix(&format!(".{mine}-"))
        .tempdir_in(&course.root)
        .map_err(at(&course.root))?;
    let crate_folder = draft.path().join("crate");
    for (name, parts) in [(before, &CODE[..]), (step, &TESTS[..])] {
        let folder = course.folder(name);
        for file in files(&folder, parts)? {
            let content = rename(read(&folder.join(&file))?, name, mine);
            write(&crate_folder.join(&file), &content)?;
        }
    }
    let text = |name: Name| -> Result<String> {
        let path = course.folder(name).join("Cargo.toml");
        fs::read_to_string(&path).map_err(at(&path))
    };
    let manifest = for_tests_of(&text(before)?, &text(step)?);
    let manifest = rename(manifest.into_bytes(), before, mine);
    write(&crate_folder.join("Cargo.toml"), &manifest)?;

    let target = course.folder(mine);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(at(parent))?;
    }
    fs::rename(&crate_folder, &target).map_err(at(&target))
}

/// Says what to read, to write and to run.
fn explain(
    course: &Course,
    before: Name,
    step: Name,
    mine: Name,
) -> Result<()> {
    let number = mine.number();
    let folder = mine.folder();
    say!("{folder} is ready: the code of {before} with the tests of {step}.\n");
    say!("  read      book/src/{step}.md, in the browser: mdbook serve book");
    say!("  write     {folder}/src, and what else the chapter changes");
    say!("  test      cargo x test {number}           how far you are");
    say!("            cargo test -p {mine}     why a test is red");
    say!("  run       cargo run -p {mine}");
    say!("  compare   cargo x compare {number}        what is still missing");
    say!(
        "\nRed is right at the start. You are done when `cargo x test {number}` \
         says so: the\nRust tests and the page's tests are green. Other code \
         than {step}'s is not wrong."
    );
    let new = new_dependencies(course, before, step)?;
    if !new.is_empty() {
        say!(
            "\n{step} uses more crates than {before}. Add to {folder}/Cargo.toml:"
        );
        say!("\n  [dependencies]");
        for name in new {
            say!("  {name}.workspace = true");
        }
    }
    Ok(())
}

fn new_dependencies(
    course: &Course,
    before: Name,
    step: Name,
) -> Result<Vec<String>> {
    let names = |name: Name| -> Result<Vec<String>> {
        let manifest: toml::Table =
            read_toml(&course.folder(name).join("Cargo.toml"))?;
        let table = manifest.get("dependencies").and_then(|d| d.as_table());
        Ok(table.into_iter().flat_map(|t| t.keys().cloned()).collect())
    };
    let known = names(before)?;
    let mut new = names(step)?;
    new.retain(|name| !known.contains(name));
    Ok(new)
}
