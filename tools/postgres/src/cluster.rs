//! A folder with databases.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Installed, USER};

/// A folder with databases, and the programs for it. Whoever can reach its port
/// on this computer gets in: there is no password.
#[derive(Clone, Debug)]
pub struct Cluster {
    installed: Installed,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// The databases in `folder`, which are made when there are none, to be
    /// served at `port` of this computer alone.
    ///
    /// # Errors
    /// In the words of `initdb`.
    pub fn open(
        installed: Installed,
        folder: &Path,
        port: u16,
    ) -> io::Result<Self> {
        let cluster = Self {
            installed,
            folder: folder.to_owned(),
            port,
        };
        if !folder.join("PG_VERSION").exists() {
            fs::create_dir_all(folder)?;
            owner::give_away(folder)?;
            let mut initdb = cluster.server("initdb")?;
            initdb
                .args(["--username", USER, "--auth", "trust", "--no-sync"])
                .args(["--encoding", "UTF8", "--no-locale", "--pgdata"])
                .arg(folder);
            Installed::run(&mut initdb)?;
        }
        Ok(cluster)
    }

    /// Where the databases are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where they are served.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of one of the databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@{}/{database}", self.address())
    }

    /// The command that serves the databases until it is interrupted.
    ///
    /// # Errors
    /// When the folder is gone.
    pub fn serve(&self) -> io::Result<Command> {
        let mut postgres = self.server("postgres")?;
        postgres
            .arg("-D")
            .arg(&self.folder)
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            // Systems have different folders for it.
            .args(["-c", "unix_socket_directories="]);
        Ok(postgres)
    }

    /// Adds a database while none is served.
    ///
    /// # Errors
    /// In the words of `postgres`.
    pub fn add_database(&self, name: &str) -> io::Result<()> {
        let mut postgres = self.server("postgres")?;
        let mut child = postgres
            .arg("--single")
            .arg("-D")
            .arg(&self.folder)
            .arg("postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            writeln!(stdin, "create database {name}")?;
        }
        Installed::ended(&child.wait_with_output()?)
    }

    /// A program that talks to the server.
    pub fn client(&self, program: &str) -> Command {
        let mut command = self.installed.command(program);
        command
            .args(["--host", "127.0.0.1", "--username", USER])
            .args(["--port", &self.port.to_string()]);
        command
    }

    /// A program that works on the folder.
    fn server(&self, program: &str) -> io::Result<Command> {
        let mut command = self.installed.command(program);
        self.run_as_owner(&mut command)?;
        Ok(command)
    }

    /// Lets a command run as the user to whom the folder belongs.
    pub(crate) fn run_as_owner(&self, command: &mut Command) -> io::Result<()> {
        owner::run_as(command, &self.folder)
    }

    /// The process that serves them, if there is one.
    pub fn process(&self) -> Option<u32> {
        let state = fs::read_to_string(self.folder.join("postmaster.pid"));
        state.ok()?.lines().next()?.parse().ok()
    }
}

/// PostgreSQL does not run as root. For root, the folder belongs to the user
/// whom its package has made, and what works on it runs as that user.
#[cfg(unix)]
mod owner {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    use super::{Command, Path, fs, io};

    pub(super) fn give_away(folder: &Path) -> io::Result<()> {
        if !is_root() {
            return Ok(());
        }
        let users = fs::read_to_string("/etc/passwd")?;
        let ids = |line: &str| {
            let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        };
        let (user, group) = users.lines().find_map(ids).ok_or_else(|| {
            io::Error::other("it does not run as root: be another user")
        })?;
        chown(folder, Some(user), Some(group))
    }

    pub(super) fn run_as(
        command: &mut Command,
        folder: &Path,
    ) -> io::Result<()> {
        if is_root() {
            let owner = fs::metadata(folder)?;
            command.uid(owner.uid()).gid(owner.gid()).current_dir("/");
        }
        Ok(())
    }

    fn is_root() -> bool {
        let id = Command::new("id").arg("-u").output();
        id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
    }
}

#[cfg(not(unix))]
mod owner {
    use super::{Command, Path, io};

    pub(super) fn give_away(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn run_as(_: &mut Command, _: &Path) -> io::Result<()> {
        Ok(())
    }
}
