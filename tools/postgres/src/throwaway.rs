//! A PostgreSQL for tests.

#![allow(clippy::panic)] // How a test helper fails a test.

use std::fs::{Permissions, set_permissions};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Cluster, Installed};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A PostgreSQL in a folder of its own, which goes with it. What it commits is
/// not safe from a power cut.
#[derive(Debug)]
pub struct Throwaway {
    cluster: Cluster,
    server: Option<Child>,
    _folder: TempDir,
}

/// A database, which is dropped with this.
#[derive(Debug)]
pub struct Database {
    name: String,
    cluster: Cluster,
}

impl Throwaway {
    /// Starts one. Ends the process when PostgreSQL is not installed: each other
    /// test would say the same.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Self {
        let installed = Installed::find().unwrap_or_else(|none| {
            // Not `eprintln`, which a test's harness keeps to itself.
            writeln!(io::stderr(), "{none}").ok();
            std::process::exit(1);
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        // PostgreSQL's user may be another one.
        let everybody = Permissions::from_mode(0o755);
        set_permissions(folder.path(), everybody).expect("it is ours");
        let data = folder.path().join("data");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = port.expect("a free port").port();
        let cluster = Cluster::open(installed, &data, port)
            .unwrap_or_else(|error| panic!("initdb: {error}"));
        let mut throwaway = Self {
            cluster,
            server: None,
            _folder: folder,
        };
        throwaway.start_again();
        throwaway
    }

    /// One for all tests of a program that do it no harm.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Throwaway> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts it after it has ended, at the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        // What a killed one has left behind ends by itself, but not at once.
        while !self.try_start(deadline) {}
    }

    fn try_start(&mut self, deadline: Instant) -> bool {
        assert!(Instant::now() < deadline, "PostgreSQL does not start");
        let mut serve = self.cluster.serve().expect("there is a folder");
        serve
            .args(["-c", "max_connections=200", "-c", "fsync=off"])
            .args(["-c", "autovacuum=off"]);
        let mut watched = watched(serve);
        let owner = self.cluster.run_as_owner(&mut watched);
        owner.expect("there is a folder");
        let mut server = watched.spawn().expect("there is sh");
        while server.try_wait().expect("its state").is_none()
            && Instant::now() < deadline
        {
            if self
                .cluster
                .client("pg_isready")
                .output()
                .is_ok_and(is_success)
            {
                self.server = Some(server);
                return true;
            }
        }
        false
    }

    /// Ends it by a signal: INT ends its connections, QUIT does not even write
    /// down what it has in memory, KILL does nothing at all.
    ///
    /// # Panics
    /// When it is not running.
    pub fn end(&mut self, signal: &str) {
        let mut server = self.server.take().expect("it is running");
        self.signal(signal);
        server.wait().expect("it can be waited for");
    }

    /// Sends it a signal: STOP, and CONT.
    ///
    /// # Panics
    /// When it is not running.
    pub fn signal(&self, signal: &str) {
        let process = self.cluster.process().expect("it is running");
        signal_to(process, signal);
    }

    /// Its folder and programs.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Adds a database.
    ///
    /// # Panics
    /// When that fails.
    pub fn database(&self) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("chat_{number}");
        let mut create = self.cluster.client("createdb");
        Installed::run(create.arg(&name))
            .unwrap_or_else(|error| panic!("createdb: {error}"));
        Database {
            name,
            cluster: self.cluster.clone(),
        }
    }
}

impl Database {
    /// How a chat gets to it.
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let mut drop = self.cluster.client("dropdb");
        // It may be gone with its server.
        Installed::run(drop.arg("--force").arg(&self.name)).ok();
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.stdin.take());
            server.wait().ok();
        }
    }
}

/// Sends a signal to a process.
///
/// # Panics
/// When there is no such process.
fn signal_to(process: u32, signal: &str) {
    let mut kill = Command::new("kill");
    kill.args([&format!("-{signal}"), &process.to_string()]);
    Installed::run(&mut kill).unwrap_or_else(|error| panic!("kill: {error}"));
}

/// Runs a command until it ends, or until whoever has started it is no more: a
/// test may be killed, and PostgreSQL would go on.
fn watched(command: Command) -> Command {
    const SCRIPT: &str = r#"
        exec 3<&0
        "$@" </dev/null 3<&- &
        child=$!
        { read -r _ <&3; kill -QUIT $child 2>/dev/null; } &
        watcher=$!
        wait $child
        kill $watcher 2>/dev/null
    "#;
    let mut watched = Command::new("sh");
    watched.args(["-c", SCRIPT, "sh"]);
    watched.arg(command.get_program()).args(command.get_args());
    watched
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    watched
}

fn is_success(output: Output) -> bool {
    output.status.success()
}
