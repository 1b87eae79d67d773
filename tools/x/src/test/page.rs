//! The page's half, by `tools/browser`.

use std::process::Command;

use course::{Course, Name};

use crate::error::Result;
use crate::say;

/// What came out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Page {
    Green,
    Red,
    /// Something is missing; what it is has been said.
    Untested,
}

/// Tests the pages of the reader's step in a browser.
pub(super) fn test(course: &Course, mine: Name) -> Result<Page> {
    let browser = course.root.join("tools/browser");
    let status = Command::new("node")
        .args(["mine.mjs", &mine.to_string()])
        .current_dir(browser)
        .status();
    // What mine.mjs ends with.
    match status.map(|status| status.code()) {
        Ok(Some(0)) => Ok(Page::Green),
        Ok(Some(3)) => Ok(Page::Untested),
        Ok(_) => Ok(Page::Red),
        Err(_) => {
            say!("The page's half was not tested: install Node 20 or newer.");
            Ok(Page::Untested)
        }
    }
}
