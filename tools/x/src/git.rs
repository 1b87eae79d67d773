//! Running git.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result, fail};

/// A git command that runs in `folder`, prints no pages and asks nothing.
pub(crate) fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).arg("--no-pager");
    git
}

/// Runs git and returns what it printed, or fails with git's own words.
pub(crate) fn output(git: &mut Command) -> Result<Vec<u8>> {
    let output = git.output().map_err(cannot_run)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    fail(String::from_utf8_lossy(&output.stderr).trim())
}

/// The names in the output of a git command with `-z`.
pub(crate) fn names(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output)
        .split_terminator('\0')
        .map(str::to_owned)
        .collect()
}

pub(crate) fn cannot_run(error: io::Error) -> Error {
    Error::Failed(format!("can't run git, is it installed? ({error})"))
}
