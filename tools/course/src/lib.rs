//! The course on disk, for all tools: which folders are steps, which files of
//! a step count, how one step's name is rewritten to another's, how its tests
//! are run, and what came out at a chapter's checkpoints.

mod manifest;
mod name;
mod record;
mod step;
mod trial;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use manifest::for_tests_of;
pub use name::{Name, number_of, rename};
pub use record::{Checkpoint, RECORDS, Record};
pub use step::{Step, Steps, is_test};
pub use trial::{Known, Tests};

/// The code of a step, in the order in which a reader meets it. With
/// [`TESTS`] it is all that counts of a step.
pub const CODE: [&str; 4] = ["Cargo.toml", "src", "templates", "static"];
/// The tests of a step.
pub const TESTS: [&str; 1] = ["tests"];

/// Where the course is, and which steps it has.
#[derive(Debug)]
pub struct Course {
    /// The folder of the workspace.
    pub root: PathBuf,
    /// The numbers of the steps, in order.
    pub steps: Vec<u32>,
}

impl Course {
    /// Finds the course around a folder.
    ///
    /// # Errors
    ///
    /// In words, when there is none or it can't be read.
    pub fn find(folder: &Path) -> io::Result<Self> {
        for root in folder.ancestors() {
            let manifest = root.join("Cargo.toml");
            let text = match manifest.is_file() {
                true => fs::read_to_string(&manifest).map_err(at(&manifest))?,
                false => continue,
            };
            if text.lines().any(|line| line.trim() == "[workspace]") {
                return Self::read(root);
            }
        }
        Err(io::Error::other(
            "no Cargo.toml with [workspace] in this folder or above it: run \
             this inside the course.",
        ))
    }

    /// The course in this folder. Each folder `step-N` is a step.
    ///
    /// # Errors
    ///
    /// When the folder can't be read; the message names it.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut steps: Vec<u32> = entries(root)?
            .iter()
            .filter(|path| path.is_dir())
            .filter_map(|path| number_of(path.file_name()?.to_str()?))
            .collect();
        steps.sort_unstable();
        let root = root.to_owned();
        Ok(Self { root, steps })
    }

    /// The folder of a crate.
    pub fn folder(&self, name: Name) -> PathBuf {
        self.root.join(name.folder())
    }

    /// The number itself, if there is such a step.
    ///
    /// # Errors
    ///
    /// In words, when there is none.
    pub fn step(&self, number: u32) -> io::Result<u32> {
        if self.steps.contains(&number) {
            return Ok(number);
        }
        let steps: Vec<_> = self.steps.iter().map(u32::to_string).collect();
        Err(io::Error::other(format!(
            "there is no step {number}. The steps are: {}.",
            steps.join(", ")
        )))
    }

    /// The step that `number` builds on; the first one builds on none.
    pub fn before(&self, number: u32) -> Option<u32> {
        self.steps.iter().copied().rfind(|step| *step < number)
    }

    /// The steps that follow `number`, in order.
    pub fn after(&self, number: u32) -> impl Iterator<Item = u32> {
        let steps = self.steps.iter().copied();
        steps.filter(move |step| *step > number)
    }
}

/// The files of a crate that count under these `parts`, as paths from its
/// folder. What editors and desktops leave behind, `.name` and `name~`, is
/// no part of a lesson.
///
/// # Errors
///
/// When a folder can't be read; the message names it.
pub fn files(folder: &Path, parts: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in parts {
        collect(folder, Path::new(part), &mut files)?;
    }
    Ok(files)
}

fn collect(
    folder: &Path,
    path: &Path,
    files: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let absolute = folder.join(path);
    if absolute.is_file() {
        files.push(path.to_owned());
    }
    for entry in entries(&absolute)? {
        let name = entry.file_name().unwrap_or_default();
        let text = name.to_string_lossy();
        if !text.starts_with('.') && !text.ends_with('~') {
            collect(folder, &path.join(name), files)?;
        }
    }
    Ok(())
}

/// What is in a folder, sorted; nothing when there is no such folder.
///
/// # Errors
///
/// When it can't be read; the message names it.
pub fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        paths.push(entry.map_err(at(folder))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Reads a file.
///
/// # Errors
///
/// When it can't be read; the message names it.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(at(path))
}

/// Writes a file, and makes the folders above it.
///
/// # Errors
///
/// When that can't be done; the message names the path.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    fs::write(path, content).map_err(at(path))
}

/// Turns an I/O error into one that names the file.
pub fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            write(&root.path().join(file), "[workspace]\n").unwrap();
        }
        root
    }

    #[test]
    fn the_course_is_found_from_inside_a_step() {
        let root = course(&["Cargo.toml", "step-9/src/x", "step-10/x"]);
        let inside = root.path().join("step-9/src");
        let found = Course::find(&inside).unwrap();
        assert_eq!(found.root, root.path());
        assert_eq!(found.steps, [9, 10]);
        assert_eq!((found.before(10), found.before(9)), (Some(9), None));
        assert!(found.step(11).unwrap_err().to_string().contains("9, 10"));
    }

    #[test]
    fn only_what_counts_is_a_file_of_a_step() {
        let kept = ["src/a/b.rs", "Cargo.toml"];
        let left = ["chat.db", "src/.b.rs.swp", "src/b.rs~", "tests/t.rs"];
        let root = course(&[&kept[..], &left].concat());
        let found = files(root.path(), &CODE).unwrap();
        assert_eq!(found, [Path::new("Cargo.toml"), Path::new("src/a/b.rs")]);
    }
}
