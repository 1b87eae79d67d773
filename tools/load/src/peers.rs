//! The servers that are compared: built, started on a free port and a database
//! of their own, and ended.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::postgres::Postgres;
use crate::usage::Processes;

/// From this step on, users sign in.
const SIGN_IN: u32 = 21;
/// From this step on, the data is in PostgreSQL, for one server or several.
const POSTGRES: u32 = 25;
/// A server may have 10 connections, and PostgreSQL takes 100.
const MOST_SERVERS: usize = 9;
/// What a server prints in front of its address.
const READY: &str = "the chat is at ";

/// A chat that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Step { number: u32, servers: usize },
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

/// A peer whose servers answer. It is ended when this is dropped.
pub(crate) struct Running {
    servers: Vec<Server>,
    postgres: Option<Postgres>,
    _folder: TempDir,
}

/// A server that answers at `url`.
struct Server {
    url: String,
    pid: u32,
    _child: Child,
    /// Open, so that the server can write to it.
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step { number, servers: 1 } => write!(f, "step-{number}"),
            Self::Step { number, servers } => {
                write!(f, "step-{number}x{servers}")
            }
            Self::Node => write!(f, "node"),
            Self::Flask => write!(f, "flask"),
        }
    }
}

impl Peer {
    /// Reads `step-18`, `step-25x2`, `node` or `flask`.
    pub(crate) fn read(word: &str) -> Result<Self> {
        let (step, servers) = match word.rsplit_once('x') {
            Some((step, servers)) if word.starts_with("step-") => {
                (step, servers.parse().ok())
            }
            _ => (word, Some(1)),
        };
        let number = step.strip_prefix("step-").and_then(|it| it.parse().ok());
        match (word, number, servers) {
            ("node", ..) => Ok(Self::Node),
            ("flask", ..) => Ok(Self::Flask),
            (_, Some(number), Some(servers)) if root().join(step).is_dir() => {
                // Delivery is what is measured, and it comes with step-18.
                ensure!(number >= 18, "{word} does not deliver to pages yet");
                ensure!(
                    servers == 1 || number >= POSTGRES,
                    "{word}: {step} keeps its data in a file, which has one \
                     server"
                );
                ensure!(
                    (1..=MOST_SERVERS).contains(&servers),
                    "{word}: 1 to {MOST_SERVERS} servers, for more have more \
                     connections than PostgreSQL takes"
                );
                Ok(Self::Step { number, servers })
            }
            _ => bail!(
                "{word} is no peer: step-18 is one, step-25x2, node, or flask"
            ),
        }
    }

    /// Whether its users sign in; `None` when a setting says so.
    pub(crate) fn signs_in(self) -> Option<bool> {
        match self {
            Self::Step { number, .. } => Some(number >= SIGN_IN),
            Self::Node | Self::Flask => None,
        }
    }

    /// Builds it, or installs what it needs.
    pub(crate) async fn build(self) -> Result<Program> {
        let target = target()?;
        let folder = target.join("load");
        let command = match self {
            Self::Step { number, .. } => build_step(number, &target).await?,
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

async fn build_step(number: u32, target: &Path) -> Result<Vec<OsString>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let name = format!("step-{number}");
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
        let folder = tempfile::tempdir_in(&self.folder)?;
        let (count, postgres) = match self.peer {
            Peer::Step { number, servers } if number >= POSTGRES => {
                (servers, Some(Postgres::start(&self.folder)?))
            }
            _ => (1, None),
        };
        let database = match &postgres {
            Some(postgres) => postgres.url().into(),
            None => folder.path().join("chat.db").into_os_string(),
        };
        let mut servers = Vec::new();
        for _ in 0..count {
            let server = self.serve(folder.path(), &database, signs_in);
            servers.push(server.await?);
        }
        Ok(Running {
            servers,
            postgres,
            _folder: folder,
        })
    }

    /// Starts one server.
    async fn serve(
        &self,
        folder: &Path,
        database: &OsStr,
        signs_in: bool,
    ) -> Result<Server> {
        let peer = self.peer;
        let (program, arguments) =
            self.command.split_first().context("no command")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(folder)
            .env("ADDRESS", "127.0.0.1:0")
            .env("DATABASE", database)
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
        Ok(Server {
            url,
            pid: child.id().context("it has ended")?,
            _child: child,
            _stdout: stdout,
        })
    }
}

impl Running {
    /// Where its servers are.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.servers.iter().map(|it| it.url.clone()).collect()
    }

    /// What it costs: PostgreSQL works for it alone.
    pub(crate) fn processes(&self) -> Result<Processes> {
        let pids: Vec<u32> = self.servers.iter().map(|it| it.pid).collect();
        Processes::new(&pids, self.postgres.as_ref().map(Postgres::pid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: u32, servers: usize) -> Peer {
        Peer::Step { number, servers }
    }

    #[test]
    fn a_peer_is_read_as_it_is_written() {
        for (word, peer) in [
            ("step-18", step(18, 1)),
            ("step-25", step(25, 1)),
            ("step-25x2", step(25, 2)),
            ("node", Peer::Node),
            ("flask", Peer::Flask),
        ] {
            assert_eq!(Peer::read(word).unwrap(), peer);
            assert_eq!(peer.to_string(), word);
        }
        for word in [
            "step-15",
            "step-99",
            "step-x",
            "",
            "../step-18",
            "step-25x",
            "step-25x0",
            "step-25x10",
            "step-25x2x2",
            "nodex2",
        ] {
            assert!(Peer::read(word).is_err(), "{word}");
        }
    }

    #[test]
    fn a_file_has_one_server() {
        let error = Peer::read("step-24x2").unwrap_err().to_string();
        assert!(error.contains("keeps its data in a file"), "{error}");
    }

    #[test]
    fn users_sign_in_from_a_step_on_or_as_a_setting_says() {
        assert_eq!(step(20, 1).signs_in(), Some(false));
        assert_eq!(step(21, 1).signs_in(), Some(true));
        for peer in [Peer::Node, Peer::Flask] {
            assert_eq!(peer.signs_in(), None);
        }
    }
}
