//! What came out at the checkpoints of a chapter, as the book has it.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::read;

/// The records' folder, from the root of the course.
pub const RECORDS: &str = "book/src/checkpoints";

/// The outcomes of one chapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// A hash of all that the outcomes depend on.
    pub inputs: String,
    /// How many tests the step has.
    pub tests: usize,
    /// How many are green before anything is typed.
    pub start: usize,
    /// One for each checkpoint.
    pub checkpoints: Vec<Checkpoint>,
}

/// The outcome at one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// How many warnings the compiler gives for the code.
    pub warnings: usize,
    /// How many tests are green.
    pub green: usize,
    /// Those that were red at the checkpoint before.
    pub turned_green: Vec<String>,
    /// Those that were green there.
    pub turned_red: Vec<String>,
}

impl Record {
    /// Where the record of a step is.
    pub fn path(root: &Path, number: u32) -> PathBuf {
        root.join(RECORDS).join(format!("step-{number}.json"))
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// When there is none, or it can't be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&read(path)?)?)
    }
}
