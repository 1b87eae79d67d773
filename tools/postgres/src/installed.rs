//! Where the programs of PostgreSQL are.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The folder with the programs of a PostgreSQL.
#[derive(Clone, Debug)]
pub struct Installed(PathBuf);

/// There is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotInstalled;

impl std::error::Error for NotInstalled {}

impl std::fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "PostgreSQL is not installed. Debian, Ubuntu: apt install \
             postgresql. Fedora: dnf install postgresql-server. macOS: brew \
             install postgresql@17. Windows: winget install \
             PostgreSQL.PostgreSQL.17",
        )
    }
}

impl Installed {
    /// Looks in `PATH`, and then where systems put what is not in it; of several
    /// versions, the newest is taken.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> Result<Self, NotInstalled> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
        folders.extend(usual_folders());
        let found = folders.into_iter().find(|it| has_programs(it));
        found.map(Self).ok_or(NotInstalled)
    }

    /// A command that runs one of the programs, with nothing to read.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.0.join(program));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// In its own words, when it fails.
    pub(crate) fn run(command: &mut Command) -> io::Result<()> {
        Self::ended(&command.output()?)
    }

    /// What came of a command.
    pub(crate) fn ended(output: &Output) -> io::Result<()> {
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(words.trim().to_owned()))
    }
}

/// All that are needed: some come with the server, and some with the client.
fn has_programs(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| {
        let file = folder.join(program);
        file.with_extension(env::consts::EXE_EXTENSION).is_file()
    })
}

const PROGRAMS: [&str; 6] = [
    "initdb",
    "postgres",
    "createdb",
    "dropdb",
    "pg_isready",
    "psql",
];

/// The newest first.
fn usual_folders() -> Vec<PathBuf> {
    let parents = [
        // Debian, Ubuntu.
        "/usr/lib/postgresql",
        // Fedora, from others' packages: /usr/pgsql-17.
        "/usr",
        // macOS.
        "/opt/homebrew/opt",
        "/usr/local/opt",
        // Windows.
        "C:/Program Files/PostgreSQL",
    ];
    let mut folders: Vec<(u32, PathBuf)> = Vec::new();
    for parent in parents {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if let Some(version) = version(&name.to_string_lossy()) {
                folders.push((version, entry.path().join("bin")));
            }
        }
    }
    folders.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    folders.into_iter().map(|(_, folder)| folder).collect()
}

/// The number in `17`, `pgsql-17` and `postgresql@17`.
fn version(name: &str) -> Option<u32> {
    let number = name.strip_prefix("pgsql-");
    let number = number.or_else(|| name.strip_prefix("postgresql@"));
    number.unwrap_or(name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_version_is_known_by_its_name() {
        for name in ["17", "pgsql-17", "postgresql@17"] {
            assert_eq!(version(name), Some(17), "{name}");
        }
        for name in ["bin", "postgresql", "pgsql-x", "17.2"] {
            assert_eq!(version(name), None, "{name}");
        }
    }
}
