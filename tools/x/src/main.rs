//! `cargo x`: compare two lessons, write one yourself and test it, carry a fix
//! through all of them, and check that the course is sound.

mod check;
mod diff;
mod error;
mod git;
mod postgres;
mod propagate;
mod start;
mod test;

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use course::Course;
use error::{Error, Result};

const USAGE: &str = "\
Usage:
  cargo x diff 15 16 [FILE]   what step-16 changes in step-15
  cargo x start 16            write step-16 yourself, in mine/16
  cargo x test 16             how far your mine/16 is, and whether it is done
  cargo x compare 16 [FILE]   what your mine/16 still lacks of step-16
  cargo x postgres            run a PostgreSQL for step-25, until Ctrl-C

For those who work on the course:
  cargo x propagate 15 [--commit REV]
                              carry a change of step-15 to 16, 17, ...
  cargo x check               the rules that every step keeps, and its size

FILE is a file or folder of a step: src/live.rs, or step-16/src/live.rs.
`cargo x COMMAND --help` says more about one command.
";

/// Prints a line. A reader who went away (`cargo x diff 15 16 | head`) is no
/// reason to panic, nor to stop half-way.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    match *args {
        [] | ["help" | "--help" | "-h"] => help(USAGE),
        [command, ref rest @ ..]
            if rest.iter().any(|arg| matches!(*arg, "--help" | "-h")) =>
        {
            help(usage_of(command)?)
        }
        ["diff", old, new] => {
            diff::diff(&course()?, number(old)?, number(new)?, &[])
        }
        ["diff", old, new, file] if !file.starts_with('-') => {
            diff::diff(&course()?, number(old)?, number(new)?, &[file])
        }
        ["start", step] => start::start(&course()?, number(step)?),
        ["test", step] => test::test(&course()?, number(step)?),
        ["compare", step] => diff::compare(&course()?, number(step)?, &[]),
        ["compare", step, file] if !file.starts_with('-') => {
            diff::compare(&course()?, number(step)?, &[file])
        }
        ["postgres"] => postgres::run(&course()?),
        ["propagate", step] => {
            propagate::propagate(&course()?, number(step)?, None)
        }
        ["propagate", step, "--commit", revision]
        | ["propagate", "--commit", revision, step] => {
            let course = course()?;
            propagate::propagate(&course, number(step)?, Some(revision))
        }
        ["check"] => check::check(&course()?),
        [command, ..] => Err(Error::Usage(usage_of(command)?.to_owned())),
    }
}

fn course() -> Result<Course> {
    let here = env::current_dir().map_err(error::at(Path::new(".")))?;
    Ok(Course::find(&here)?)
}

fn help(text: &str) -> Result<()> {
    say!("{}", text.trim_end());
    Ok(())
}

fn usage_of(command: &str) -> Result<&'static str> {
    match command {
        "diff" => Ok(diff::DIFF_USAGE),
        "compare" => Ok(diff::COMPARE_USAGE),
        "start" => Ok(start::USAGE),
        "test" => Ok(test::USAGE),
        "postgres" => Ok(postgres::USAGE),
        "propagate" => Ok(propagate::USAGE),
        "check" => Ok(check::USAGE),
        _ => Err(Error::Usage(format!(
            "cargo x knows no command `{command}`.\n\n{USAGE}"
        ))),
    }
}

/// Reads the number of a step, written as `16` or as `step-16`.
fn number(arg: &str) -> Result<u32> {
    let digits = arg.trim_end_matches('/');
    let digits = digits.strip_prefix("step-").unwrap_or(digits);
    digits.parse().map_err(|_| {
        Error::Usage(format!(
            "`{arg}` is not the number of a step: write 16 for step-16."
        ))
    })
}
