//! The course on disk: where it is, which steps it has, what is in a step.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result, at, fail};

/// What a step is made of, in the order in which a reader meets it.
pub(crate) const CODE: [&str; 4] = ["Cargo.toml", "src", "templates", "static"];
pub(crate) const TESTS: [&str; 1] = ["tests"];

/// The name of a crate: `step-16`, or the reader's own `mine-16`. Rust code
/// spells it `step_16`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Name {
    Step(u32),
    Mine(u32),
}

impl Name {
    /// The crate's folder, from the root of the workspace.
    pub(crate) fn folder(self) -> String {
        match self {
            Self::Step(number) => format!("step-{number}"),
            Self::Mine(number) => format!("mine/{number}"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(number) => write!(f, "step-{number}"),
            Self::Mine(number) => write!(f, "mine-{number}"),
        }
    }
}

pub(crate) struct Course {
    pub(crate) root: PathBuf,
    /// The numbers of the steps, in order.
    pub(crate) steps: Vec<u32>,
}

impl Course {
    /// Finds the course around the current folder.
    pub(crate) fn find() -> Result<Self> {
        let here = env::current_dir().map_err(at(Path::new(".")))?;
        for folder in here.ancestors() {
            if is_workspace(&folder.join("Cargo.toml"))? {
                let root = folder.to_owned();
                let steps = steps_in(&root)?;
                return Ok(Self { root, steps });
            }
        }
        fail(
            "no Cargo.toml with [workspace] in this folder or above it: run \
             `cargo x` inside the course.",
        )
    }

    pub(crate) fn folder(&self, name: Name) -> PathBuf {
        self.root.join(name.folder())
    }

    /// The number itself, if there is such a step.
    pub(crate) fn step(&self, number: u32) -> Result<u32> {
        if self.steps.contains(&number) {
            return Ok(number);
        }
        let steps: Vec<_> = self.steps.iter().map(u32::to_string).collect();
        fail(format!(
            "there is no step {number}. The steps are: {}.",
            steps.join(", ")
        ))
    }

    /// The step that `number` builds on; the first one builds on none.
    pub(crate) fn before(&self, number: u32) -> Option<u32> {
        self.steps.iter().copied().rfind(|step| *step < number)
    }

    /// The steps that follow `number`, in order.
    pub(crate) fn after(&self, number: u32) -> impl Iterator<Item = u32> {
        self.steps
            .iter()
            .copied()
            .filter(move |step| *step > number)
    }
}

fn is_workspace(manifest: &Path) -> Result<bool> {
    if !manifest.is_file() {
        return Ok(false);
    }
    let manifest: toml::Table = read_toml(manifest)?;
    Ok(manifest.contains_key("workspace"))
}

fn steps_in(root: &Path) -> Result<Vec<u32>> {
    let mut steps: Vec<u32> = entries(root)?
        .iter()
        .filter(|path| path.is_dir())
        .filter_map(|path| path.file_name()?.to_str()?.strip_prefix("step-"))
        .filter_map(|digits| digits.parse().ok())
        .collect();
    steps.sort_unstable();
    Ok(steps)
}

pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    toml::from_str(&text)
        .map_err(|error| Error::Failed(format!("{}: {error}", path.display())))
}

/// What is in a folder, sorted; nothing when there is no such folder.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
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

/// The files of a crate under these `parts`, as paths from its folder.
pub(crate) fn files(folder: &Path, parts: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in parts {
        collect(&folder.join(part), &mut files)?;
    }
    Ok(files
        .iter()
        .filter_map(|path| path.strip_prefix(folder).ok())
        .map(Path::to_owned)
        .collect())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
    }
    for entry in entries(path)? {
        collect(&entry, files)?;
    }
    Ok(())
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(at(path))
}

/// Writes a file, and makes the folders above it.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    fs::write(path, content).map_err(at(path))
}

/// Rewrites one crate's name, in both spellings, to another's. What is not
/// text stays as it is.
pub(crate) fn rename(content: Vec<u8>, from: Name, to: Name) -> Vec<u8> {
    let text = match String::from_utf8(content) {
        Ok(text) => text,
        Err(binary) => return binary.into_bytes(),
    };
    let (from, to) = (from.to_string(), to.to_string());
    let text = replace_token(&text, &from, &to);
    let (from, to) = (from.replace('-', "_"), to.replace('-', "_"));
    replace_token(&text, &from, &to).into_bytes()
}

/// Replaces `from` where it stands alone: `step-1` is not in `step-15`.
fn replace_token(text: &str, from: &str, to: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(from) {
        let (before, tail) = rest.split_at(start);
        let tail = &tail[from.len()..];
        let alone = !before.ends_with(char::is_alphanumeric)
            && !tail.starts_with(|c: char| c.is_ascii_digit());
        result.push_str(before);
        result.push_str(if alone { to } else { from });
        rest = tail;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(text: &str) -> String {
        let bytes = rename(text.into(), Name::Step(1), Name::Mine(2));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn both_spellings_are_renamed() {
        assert_eq!(renamed("step-1 step_1::serve"), "mine-2 mine_2::serve");
    }

    #[test]
    fn a_longer_number_or_word_is_another_name() {
        let text = "step-15 footstep-1 step_10";
        assert_eq!(renamed(text), text);
    }
}
