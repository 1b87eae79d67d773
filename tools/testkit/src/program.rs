//! A step's program, run as a reader runs it.

use std::io::ErrorKind;
use std::ops::Deref;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::{Client, soon};

/// A running program; it is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    client: Client,
    child: Child,
    stdout: Option<Lines<BufReader<ChildStdout>>>,
    log: Option<Lines<BufReader<ChildStderr>>>,
}

impl Program {
    /// Starts the program on a free port and waits until it says where.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(path: &str, database: &Path) -> Self {
        Self::run(command(path, database)).await
    }

    /// [`Program::start`] with a log of `level` that [`Program::logged`]
    /// reads.
    ///
    /// # Panics
    /// When the program does not start.
    pub async fn start_logged(
        path: &str,
        database: &Path,
        level: &str,
    ) -> Self {
        Self::start_with(path, database, |command| {
            command.env("RUST_LOG", level).stderr(Stdio::piped());
        })
        .await
    }

    /// [`Program::start`] with a command that is changed before it runs.
    ///
    /// # Panics
    /// When the program does not start.
    pub async fn start_with(
        path: &str,
        database: &Path,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = command(path, database);
        change(&mut command);
        Self::run(command).await
    }

    async fn run(mut command: Command) -> Self {
        let mut child = spawn(command.stdout(Stdio::piped())).await;
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let mut stdout = BufReader::new(stdout).lines();
        let line = soon("the first line", stdout.next_line())
            .await
            .expect("stdout can be read")
            .expect("the program says where it listens");
        let (_, url) = line
            .split_once("http://")
            .expect("the first line has the address");
        Self {
            client: Client::new(&format!("http://{}", url.trim())),
            log: child.stderr.take().map(|log| BufReader::new(log).lines()),
            child,
            stdout: Some(stdout),
        }
    }

    /// Runs a program that must refuse to start, and returns what it says on
    /// stderr. The command can be changed before it runs.
    ///
    /// # Panics
    /// When it does not end, prints on stdout, or has another exit code
    /// than 1.
    pub async fn refused(
        path: &str,
        database: &Path,
        change: impl FnOnce(&mut Command),
    ) -> String {
        let mut command = command(path, database);
        command.env("RUST_LOG", "off");
        change(&mut command);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = spawn(&mut command).await;
        let output = soon("the program to end", child.wait_with_output())
            .await
            .expect("the program can be waited for");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(output.stdout.is_empty(), "{output:?}");
        text
    }

    /// The next line on stdout; `None` at its end.
    ///
    /// # Panics
    /// When none comes, or after [`Program::stop_reading_stdout`].
    pub async fn line(&mut self) -> Option<String> {
        let stdout = self.stdout.as_mut().expect("stdout is being read");
        soon("a line on stdout", stdout.next_line())
            .await
            .expect("stdout can be read")
    }

    /// Hangs up: what the program prints from here on meets a broken pipe.
    pub fn stop_reading_stdout(&mut self) {
        self.stdout = None;
    }

    /// Reads the log until there is a line with `text` in it, and returns that
    /// line.
    ///
    /// # Panics
    /// When it does not come, or the program was started without a log.
    pub async fn logged(&mut self, text: &str) -> String {
        let log = self.log.as_mut().expect("a log");
        loop {
            let line = soon(text, log.next_line()).await;
            let line = line.expect("the log can be read");
            let line = line.expect("the log goes on");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Hangs up: what the program prints and logs from here on meets a broken
    /// pipe.
    pub fn stop_reading(self) -> Unread {
        Unread {
            client: self.client,
            child: self.child,
        }
    }

    /// Ends the program at once: none of its code runs any more.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the program was running");
    }

    /// Waits until the program has ended, and returns what is left of its log.
    ///
    /// # Panics
    /// When it does not end, or was started without a log.
    pub async fn rest_of_log(mut self) -> String {
        let mut log = self.log.take().expect("a log");
        let mut rest = String::new();
        soon(
            "the end of the log",
            log.get_mut().read_to_string(&mut rest),
        )
        .await
        .expect("the log can be read");
        rest
    }

    /// [`Program::kill`]; returns what is left of the log.
    ///
    /// # Panics
    /// When the program was started without a log.
    pub async fn kill_and_read_log(mut self) -> String {
        self.child.start_kill().expect("the program was running");
        self.rest_of_log().await
    }

    /// Sends SIGTERM, or another signal, by its name.
    #[cfg(unix)]
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("the program is running");
        let status = Command::new("kill")
            .args([&format!("-{name}"), &id.to_string()])
            .status()
            .await
            .expect("there is a kill command");
        assert!(status.success(), "kill -{name} failed");
    }

    /// The most memory that the program has had, in MiB.
    ///
    /// # Panics
    /// When the program has ended.
    #[cfg(target_os = "linux")]
    pub fn peak_memory(&self) -> u64 {
        let id = self.child.id().expect("the program is running");
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))
            .expect("Linux tells about each process");
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|value| value.trim().strip_suffix(" kB"))
            .expect("the highest size of what is in memory");
        kib.parse::<u64>().expect("a number") / 1024
    }

    /// Waits until the program has ended.
    pub async fn exit(mut self) -> ExitStatus {
        let mut rest = Vec::new();
        if let Some(stdout) = &mut self.stdout {
            let stdout = stdout.get_mut();
            soon("stdout to close", stdout.read_to_end(&mut rest))
                .await
                .expect("stdout can be read");
        }
        self.exit_unread().await
    }

    /// [`Program::exit`] for a program whose output nobody reads: its pipes stay
    /// open, and as full as they are.
    pub async fn exit_unread(mut self) -> ExitStatus {
        soon("the program to end", self.child.wait())
            .await
            .expect("the program can be waited for")
    }
}

/// A running program to which nobody listens; it is killed when this is
/// dropped.
#[derive(Debug)]
pub struct Unread {
    client: Client,
    child: Child,
}

impl Unread {
    /// Starts the program at `address` with its standard output on a pipe that
    /// nobody reads, and waits until it answers there.
    ///
    /// # Panics
    /// When it ends.
    pub async fn start(path: &str, database: &Path, address: &str) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = command(path, database);
        let child = spawn(command.env("ADDRESS", address).stdout(writer)).await;
        let client = Client::new(&format!("http://{address}"));
        let mut unread = Self { client, child };
        let connected = async {
            while TcpStream::connect(address).await.is_err() {
                let ended = unread.child.try_wait().expect("its state");
                assert!(ended.is_none(), "it ended: {ended:?}");
                tokio::task::yield_now().await;
            }
        };
        soon("the program to listen", connected).await;
        unread
    }
}

impl Deref for Unread {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Deref for Program {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

fn command(path: &str, database: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .env("ADDRESS", "127.0.0.1:0")
        .env("DATABASE", database)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Starts a program, which a test may just have written. While anybody has a
/// file open for writing, Unix does not run it; and the child that another
/// test starts has all open files of this process until its own program runs.
async fn spawn(command: &mut Command) -> Child {
    let started = async {
        loop {
            match command.spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    tokio::task::yield_now().await;
                }
                child => return child.expect("the program was built"),
            }
        }
    };
    soon("the program's file to be closed", started).await
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_program_that_is_being_written_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("refuses");
        let mut file = File::create(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        file.write_all(b"#!/bin/sh\necho no >&2\nexit 1\n").unwrap();

        let (path, database) =
            (path.to_str().unwrap(), folder.path().join("chat.db"));
        let refused = Program::refused(path, &database, |_| ());
        let closed = async {
            tokio::task::yield_now().await;
            drop(file);
        };

        assert_eq!(tokio::join!(refused, closed).0, "no\n");
    }
}
