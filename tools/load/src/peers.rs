//! The servers that are compared: built, started on a free port and a database
//! of their own, and ended.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// From this step on, users sign in.
const SIGN_IN: u32 = 21;
/// What a server prints in front of its address.
const READY: &str = "the chat is at ";

/// One of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Step(u32),
    Node,
    Flask,
}

/// A peer that can be started.
#[derive(Debug)]
pub(crate) struct Program {
    peer: Peer,
    command: Vec<OsString>,
    /// Where databases are made: on the disk that holds the course.
    folder: PathBuf,
}

/// A peer that answers at `url`. It is ended when this is dropped.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) pid: u32,
    _child: Child,
    /// Open, so that the server can write to it.
    _stdout: Lines<BufReader<ChildStdout>>,
    _database: TempDir,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(number) => write!(f, "step-{number}"),
            Self::Node => write!(f, "node"),
            Self::Flask => write!(f, "flask"),
        }
    }
}

impl Peer {
    /// Reads `step-18`, `node` or `flask`.
    pub(crate) fn read(word: &str) -> Result<Self> {
        let number = word.strip_prefix("step-").and_then(|it| it.parse().ok());
        match (word, number) {
            ("node", _) => Ok(Self::Node),
            ("flask", _) => Ok(Self::Flask),
            (_, Some(number)) if root().join(word).is_dir() => {
                // Delivery is what is measured, and it comes with step-18.
                ensure!(number >= 18, "{word} does not deliver to pages yet");
                Ok(Self::Step(number))
            }
            _ => bail!("{word} is no peer: step-18 is one, node, or flask"),
        }
    }

    /// Whether its users sign in; `None` when a setting says so.
    pub(crate) fn signs_in(self) -> Option<bool> {
        match self {
            Self::Step(number) => Some(number >= SIGN_IN),
            Self::Node | Self::Flask => None,
        }
    }

    /// Builds it, or installs what it needs.
    pub(crate) async fn build(self) -> Result<Program> {
        let target = target()?;
        let folder = target.join("load");
        let command = match self {
            Self::Step(_) => build_step(self, &target).await?,
            Self::Node => build_node(&folder.join("node")).await?,
            Self::Flask => build_flask(&folder.join("flask")).await?,
        };
        fs::create_dir_all(&folder)?;
        Ok(Program {
            peer: self,
            command,
            folder,
        })
    }
}

async fn build_step(step: Peer, target: &Path) -> Result<Vec<OsString>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let name = step.to_string();
    let build = ["build", "--quiet", "--package", &*name];
    let mut command = Command::new(cargo);
    command.args(build).current_dir(root());
    // As this program is.
    let profile = match cfg!(debug_assertions) {
        true => "debug",
        false => {
            command.arg("--release");
            "release"
        }
    };
    finish(&mut command).await?;
    let program = target.join(profile).join(name);
    Ok(vec![
        program.with_extension(env::consts::EXE_EXTENSION).into(),
    ])
}

async fn build_node(folder: &Path) -> Result<Vec<OsString>> {
    copy(&root().join("tools/load/peers/node"), folder)?;
    let lock = folder.join("package-lock.json");
    if is_new(&lock, &folder.join("installed"))? {
        let install = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
        finish(Command::new("npm").args(install).current_dir(folder)).await?;
        fs::copy(lock, folder.join("installed"))?;
    }
    // On some systems the lock file brings a Node along.
    let own = folder.join("node_modules/.bin/node");
    let node = if own.exists() { own } else { "node".into() };
    // What this is for, is in the peers' README.
    let space = "--max-semi-space-size=8";
    Ok(vec![
        node.into(),
        space.into(),
        folder.join("server.js").into(),
    ])
}

async fn build_flask(folder: &Path) -> Result<Vec<OsString>> {
    copy(&root().join("tools/load/peers/flask"), folder)?;
    let python = folder.join("venv/bin/python");
    let lock = folder.join("requirements.txt");
    if is_new(&lock, &folder.join("installed"))? {
        let venv = ["-m", "venv", "venv"];
        finish(Command::new("python3").args(venv).current_dir(folder)).await?;
        let install = ["-m", "pip", "install", "--quiet"];
        let from = ["--disable-pip-version-check", "-r", "requirements.txt"];
        let mut pip = Command::new(&python);
        finish(pip.args(install).args(from).current_dir(folder)).await?;
        fs::copy(lock, folder.join("installed"))?;
    }
    Ok(vec![python.into(), folder.join("app.py").into()])
}

/// Runs a command to its end.
async fn finish(command: &mut Command) -> Result<()> {
    let program = command.as_std().get_program().to_owned();
    let program = program.display();
    let status = command.status().await;
    let status = status.with_context(|| format!("can't run {program}"))?;
    ensure!(status.success(), "{program} has failed");
    Ok(())
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Whether a file is not what its copy is.
fn is_new(file: &Path, copy: &Path) -> Result<bool> {
    Ok(!copy.is_file() || fs::read(file)? != fs::read(copy)?)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder that cargo builds in: this program is in one of its profiles'.
fn target() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).map(Path::to_owned);
    target.context("cargo did not build this")
}

impl Program {
    /// Starts it, and waits until it answers. `signs_in` is whether its users
    /// do, if that is for a setting to say.
    pub(crate) async fn start(&self, signs_in: bool) -> Result<Running> {
        let peer = self.peer;
        let database = tempfile::tempdir_in(&self.folder)?;
        let (program, arguments) =
            self.command.split_first().context("no command")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(database.path())
            .env("ADDRESS", "127.0.0.1:0")
            .env("DATABASE", database.path().join("chat.db"))
            // A line for each request is not what is compared.
            .env("RUST_LOG", "warn")
            .env("LIMITS", "off")
            .env_remove("SIGN_IN")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if signs_in {
            command.env("SIGN_IN", "on");
        }
        let child = command.spawn();
        let mut child = child.with_context(|| format!("can't run {peer}"))?;
        let stdout = child.stdout.take().context("no output")?;
        let mut stdout = BufReader::new(stdout).lines();
        let url = loop {
            let line = stdout.next_line().await?;
            let line =
                line.with_context(|| format!("{peer} does not start"))?;
            if let Some((_, url)) = line.split_once(READY) {
                break url.trim().to_owned();
            }
        };
        Ok(Running {
            url,
            pid: child.id().context("it has ended")?,
            _child: child,
            _stdout: stdout,
            _database: database,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_read_as_it_is_written() {
        for peer in [Peer::Step(18), Peer::Node, Peer::Flask] {
            assert_eq!(Peer::read(&peer.to_string()).unwrap(), peer);
        }
        for word in ["step-15", "step-99", "step-x", "", "../step-18"] {
            assert!(Peer::read(word).is_err(), "{word}");
        }
    }

    #[test]
    fn users_sign_in_from_a_step_on_or_as_a_setting_says() {
        assert_eq!(Peer::Step(20).signs_in(), Some(false));
        assert_eq!(Peer::Step(21).signs_in(), Some(true));
        for peer in [Peer::Node, Peer::Flask] {
            assert_eq!(peer.signs_in(), None);
        }
    }
}
