//! Highlighted files, kept on disk: colouring is nearly all of a build's
//! work, and most files are as they were at the build before.
//!
//! The cache lies beside the program, in cargo's target folder. It is only
//! ever a shortcut: what can't be read or written is highlighted again.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::highlight::{CLASS_NAMES, Token};

/// Where the highlighted files are.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache of the running program; none if that can't be found.
    pub(crate) fn beside_program() -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        let built = fs::metadata(&program).ok()?.modified().ok()?;
        let built = built.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        Self::open(&program.with_file_name("stepdiff-cache"), built)
    }

    /// The cache of the program that was built at that time. Those of other
    /// builds, which may have coloured otherwise, are thrown away.
    fn open(caches: &Path, built: u128) -> Option<Self> {
        let folder = caches.join(format!("{built:x}"));
        fs::create_dir_all(&folder).ok()?;
        for other in fs::read_dir(caches).ok()?.flatten() {
            if other.path() != folder {
                fs::remove_dir_all(other.path()).ok();
            }
        }
        Some(Self { folder })
    }

    /// The lines of a file that was highlighted before.
    pub(crate) fn get(
        &self,
        path: &str,
        text: &str,
    ) -> Option<Vec<Vec<Token>>> {
        let kept = fs::read(self.file(path, text)).ok()?;
        let lines: Vec<Vec<(Option<String>, String)>> =
            serde_json::from_slice(&kept).ok()?;
        let lines: Vec<Vec<Token>> = lines
            .into_iter()
            .map(|line| line.into_iter().map(token).collect())
            .collect::<Option<_>>()?;

        // Two texts could have one name; their tokens tell them apart.
        let tokens = lines.iter().flatten();
        let same = tokens.map(|token| token.text.as_str()).collect::<String>();
        (same == text).then_some(lines)
    }

    /// Keeps the lines of a file.
    pub(crate) fn put(&self, path: &str, text: &str, lines: &[Vec<Token>]) {
        let lines: Vec<Vec<(Option<&str>, &str)>> = lines
            .iter()
            .map(|line| line.iter().map(|t| (t.class, &*t.text)).collect())
            .collect();
        let Ok(json) = serde_json::to_vec(&lines) else {
            return;
        };
        // Renamed when it is complete: another build may read meanwhile.
        let file = self.file(path, text);
        let draft = file.with_extension(std::process::id().to_string());
        if fs::write(&draft, json).is_ok() {
            fs::rename(&draft, &file).ok();
        }
    }

    fn file(&self, path: &str, text: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        (path, text).hash(&mut hasher);
        self.folder.join(format!("{:016x}.json", hasher.finish()))
    }
}

fn token((class, text): (Option<String>, String)) -> Option<Token> {
    let class = match class {
        Some(class) => Some(*CLASS_NAMES.iter().find(|name| **name == class)?),
        None => None,
    };
    Some(Token { class, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::highlight::Highlighter;

    #[test]
    fn what_was_put_is_got_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let cache = |built| Cache::open(folder.path(), built).unwrap();
        let text = "async fn f() {\n    \"two\nlines\"\n}\n";
        let lines = Highlighter::default().lines("a.rs", text);

        assert_eq!(cache(1).get("a.rs", text), None);
        cache(1).put("a.rs", text, &lines);

        assert_eq!(cache(1).get("a.rs", text), Some(lines));
        assert_eq!(cache(1).get("a.js", text), None);
        assert_eq!(cache(1).get("a.rs", "fn g() {}"), None);
        assert_eq!(cache(2).get("a.rs", text), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 1).unwrap();
        for damaged in ["", "[[[null,\"other\"]]]", "[[[\"sx-?\",\"x\"]]]"] {
            fs::write(cache.file("a.rs", "x"), damaged).unwrap();
            assert_eq!(cache.get("a.rs", "x"), None);
        }
    }
}
