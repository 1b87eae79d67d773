//! The command line: mdBook's preprocessor, and the authors' commands.

mod replays;

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use course::{Course, Step, Steps, is_test, number_of};
use mdbook_stepdiff::book::{explain_edits, preprocess, read_chapters, texts};
use mdbook_stepdiff::check::{check, describe};
use mdbook_stepdiff::diff::{FileDiff, diff_steps};
use mdbook_stepdiff::record::Records;
use mdbook_stepdiff::select::directive_for;

const USAGE: &str = "usage:
  cargo book check          check the chapters without mdbook
  cargo book hunks 16       the changes of step-16, with directives
  cargo book replay         try the checkpoints of each chapter that changed
  cargo book replay 16      those of step-16, whether it changed or not
  cargo book replay --all   those of all chapters
  cargo book replay --check compare all that this machine has not tried with
                            what is recorded; with a number, from that step on
(cargo book is cargo run --profile book --package mdbook-stepdiff; without an
argument it is mdBook's preprocessor: mdbook build book)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match *args.as_slice() {
        [] => run_for_mdbook(),
        ["supports", renderer] => Ok(renderer == "html"),
        ["check"] => run_check(),
        ["hunks", step] => run_hunks(step),
        ["replay", ref which @ ..] => replays::run(which),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("stepdiff: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// mdBook runs this in the book's folder; the steps are beside it.
fn run_for_mdbook() -> Result<bool, String> {
    let mut input = String::new();
    let read = io::stdin().read_to_string(&mut input);
    read.map_err(|error| error.to_string())?;
    let steps = read_steps(Path::new(".."))?;
    let edited = edited(Path::new(".."));
    let records = read_records(Path::new(".."))?;
    let strict = strict()?;
    let outcome = preprocess(&input, &steps, &records, &edited, strict)?;
    report(&outcome.problems);
    if outcome.strict && !outcome.problems.is_empty() {
        return Ok(false);
    }
    let book = serde_json::to_string(&outcome.book);
    println!("{}", book.map_err(|error| error.to_string())?);
    Ok(true)
}

/// The files of steps that differ from the last commit; none without git.
fn edited(root: &Path) -> BTreeSet<String> {
    let git = Command::new("git")
        .args(["diff", "-z", "--name-only", "--relative", "HEAD"])
        .args(["--", "step-*"])
        .current_dir(root)
        .output();
    let names = git.map(|output| output.stdout).unwrap_or_default();
    let names = String::from_utf8_lossy(&names);
    names.split_terminator('\0').map(str::to_owned).collect()
}

/// `STEPDIFF_STRICT`, when it is set.
fn strict() -> Result<Option<bool>, String> {
    match std::env::var("STEPDIFF_STRICT").as_deref() {
        Err(_) | Ok("") => Ok(None),
        Ok("true") => Ok(Some(true)),
        Ok("false") => Ok(Some(false)),
        Ok(other) => {
            Err(format!("STEPDIFF_STRICT is \"{other}\": true or false"))
        }
    }
}

fn run_check() -> Result<bool, String> {
    let root = workspace()?;
    let steps = read_steps(&root)?;
    let chapters = read_chapters(&root.join("book"));
    let chapters = chapters.map_err(|error| error.to_string())?;
    let mut found = check(&steps, &read_records(&root)?, &chapters, true);
    explain_edits(&mut found.findings, &chapters, &steps, &edited(&root));
    report(&texts(&found.findings, &chapters));
    if found.findings.is_empty() {
        println!("{} chapters: each change is explained", chapters.len());
    }
    Ok(found.findings.is_empty())
}

fn run_hunks(name: &str) -> Result<bool, String> {
    let steps = read_steps(&workspace()?)?;
    let step = step_named(&steps, name)?;
    let Some(before) = steps.before(step.number) else {
        for (path, _) in step.files.iter().filter(|(path, _)| !is_test(path)) {
            println!("{{{{#show {path}}}}}\n");
        }
        return Ok(true);
    };
    for file in diff_steps(before, step) {
        if !is_test(&file.path) {
            print_hunks(&file);
        }
    }
    println!("{{{{#tests}}}}");
    Ok(true)
}

/// The step of this name, or this number.
fn step_named<'a>(steps: &'a Steps, name: &str) -> Result<&'a Step, String> {
    let number = number_of(name).or_else(|| name.parse().ok());
    let step = number.and_then(|number| steps.get(number));
    step.ok_or_else(|| format!("there is no step {name}"))
}

fn print_hunks(file: &FileDiff) {
    for hunk in &file.hunks {
        let rows: Vec<usize> = file.changed(hunk.clone()).collect();
        let first = rows.iter().map(|&row| file.rows[row].text.trim());
        let first = first.into_iter().find(|text| !text.is_empty());
        println!("{}", describe(file, &rows));
        println!("    {}", first.unwrap_or_default());
        let needle = directive_for(file, &rows);
        println!("{}\n", needle.unwrap_or("no needle finds it".to_owned()));
    }
}

/// The folder of the course that this is run in.
fn workspace() -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let course = Course::find(&here).map_err(|error| error.to_string())?;
    Ok(course.root)
}

fn read_steps(root: &Path) -> Result<Steps, String> {
    let steps = Steps::read(root);
    steps.map_err(|error| format!("the steps can't be read: {error}"))
}

fn read_records(root: &Path) -> Result<Records, String> {
    Records::read(root).map_err(|error| error.to_string())
}

fn report(problems: &[String]) {
    for problem in problems {
        eprintln!("{problem}");
    }
    match problems.len() {
        0 => {}
        1 => eprintln!("stepdiff: 1 problem"),
        count => eprintln!("stepdiff: {count} problems"),
    }
}
