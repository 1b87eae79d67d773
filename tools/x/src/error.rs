//! What can go wrong, in words that say what to do.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug)]
pub(crate) enum Error {
    /// The command line can't be understood.
    Usage(String),
    /// The command was understood and can't be done.
    Failed(String),
    /// A part of what was asked could not be looked at.
    Untested(String),
}

impl Error {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::Untested(_) => 3,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(words)
            | Self::Failed(words)
            | Self::Untested(words) => f.write_str(words.trim_end()),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// `Err(Failed)` with these words.
pub(crate) fn fail<T>(words: impl Into<String>) -> Result<T> {
    Err(Error::Failed(words.into()))
}

/// Reads a TOML file.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    toml::from_str(&text)
        .map_err(|error| Error::Failed(format!("{}: {error}", path.display())))
}

/// Turns an I/O error into one that names the file.
pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |error| Error::Failed(format!("{}: {error}", path.display()))
}
