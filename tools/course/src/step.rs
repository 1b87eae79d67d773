//! Steps with all that counts of them, read at once.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::{CODE, Course, Name, TESTS, files, read, rename};

/// One lesson, with its files.
#[derive(Debug)]
pub struct Step {
    /// The N of `step-N`.
    pub number: u32,
    /// The files that count, by their path in the step, with `/` between.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Step {
    /// The folder's name, `step-N`.
    pub fn name(&self) -> String {
        Name::Step(self.number).to_string()
    }

    /// The file's text, or `None` when there is none or it is not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(path)?).ok()
    }

    /// One of its files with another step's name in place of its own.
    pub fn renamed(&self, path: &str, to: &Self) -> Option<Vec<u8>> {
        let (from, to) = (Name::Step(self.number), Name::Step(to.number));
        let content = self.files.get(path)?.clone();
        Some(rename(content, from, to))
    }
}

/// All steps of the course, lowest first.
#[derive(Debug)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Reads the steps in `root`.
    ///
    /// # Errors
    ///
    /// When a folder or file can't be read; the message names it.
    pub fn read(root: &Path) -> io::Result<Self> {
        let course = Course::read(root)?;
        let read_step = |&number: &u32| {
            let folder = course.folder(Name::Step(number));
            let mut step = Step {
                number,
                files: BTreeMap::new(),
            };
            for path in files(&folder, &[&CODE[..], &TESTS].concat())? {
                let content = read(&folder.join(&path))?;
                let path = path.to_string_lossy().replace('\\', "/");
                step.files.insert(path, content);
            }
            Ok(step)
        };
        let steps: io::Result<_> = course.steps.iter().map(read_step).collect();
        Ok(Self(steps?))
    }

    /// All steps, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = &Step> {
        self.0.iter()
    }

    /// The step of this number.
    pub fn get(&self, number: u32) -> Option<&Step> {
        self.0.iter().find(|step| step.number == number)
    }

    /// The step before the one of this number.
    pub fn before(&self, number: u32) -> Option<&Step> {
        self.0.iter().rfind(|step| step.number < number)
    }
}

/// Whether the file is a test: the book shows those folded, all at once.
pub fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
}
