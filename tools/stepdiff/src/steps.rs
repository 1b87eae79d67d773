//! The step folders and the files in them that count.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// The folders below a step whose files count, beside its `Cargo.toml`.
const FOLDERS: [&str; 4] = ["src", "static", "templates", "tests"];

/// One lesson: a folder `step-N` with a `Cargo.toml`.
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
        format!("step-{}", self.number)
    }

    /// The file's text, or `None` when there is none or it is not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(path)?).ok()
    }
}

/// All steps of the course, lowest first.
#[derive(Debug)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Reads the folders `step-N` in `root`.
    ///
    /// # Errors
    ///
    /// When a folder or file can't be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut steps = Vec::new();
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(number_of);
            let folder = entry.path();
            if let Some(number) = number
                && folder.join("Cargo.toml").is_file()
            {
                let files = read_files(&folder)?;
                steps.push(Step { number, files });
            }
        }
        steps.sort_by_key(|step| step.number);
        Ok(Self(steps))
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

/// The N of a name like `step-N`.
pub fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("step-")?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Whether the file is a test: shown folded, all at once.
pub fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
}

fn read_files(step: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let manifest = fs::read(step.join("Cargo.toml"))?;
    files.insert("Cargo.toml".to_owned(), manifest);
    for folder in FOLDERS {
        if step.join(folder).is_dir() {
            read_folder(&step.join(folder), folder, &mut files)?;
        }
    }
    Ok(files)
}

fn read_folder(
    folder: &Path,
    name: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        // What editors and desktops leave behind is not part of a lesson.
        if file.starts_with('.') || file.ends_with('~') {
            continue;
        }
        let (path, name) = (entry.path(), format!("{name}/{file}"));
        if path.is_dir() {
            read_folder(&path, &name, files)?;
        } else {
            files.insert(name, fs::read(path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_number() {
        assert_eq!(number_of("step-16"), Some(16));
        assert_eq!(number_of("step-+1"), None);
        assert_eq!(number_of("step-16b"), None);
        assert_eq!(number_of("step-"), None);
    }

    #[test]
    fn only_what_counts_is_read() {
        let root = tempfile::tempdir().unwrap();
        let step = root.path().join("step-15");
        for file in ["src/a/b.rs", "chat.db", "src/.b.rs.swp", "Cargo.toml"] {
            let path = step.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::create_dir(root.path().join("step-16")).unwrap();
        let steps = Steps::read(root.path()).unwrap();
        let found: Vec<_> = steps.get(15).unwrap().files.keys().collect();
        assert_eq!(found, ["Cargo.toml", "src/a/b.rs"]);
        assert!(steps.get(16).is_none());
    }
}
