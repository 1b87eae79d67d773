//! A PostgreSQL of its own for each turn of a peer that needs one. It has the
//! usual settings: what it commits is on the disk.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres_here::{Cluster, Installed};
use tempfile::TempDir;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);
const DATABASE: &str = "chat";
/// On the disk, as not every system's `/tmp` is.
const ELSEWHERE: &str = "/var/tmp";

/// A PostgreSQL with one new database. It is ended, and its folder goes, when
/// this is dropped.
pub(crate) struct Postgres {
    cluster: Cluster,
    child: Child,
    _folder: TempDir,
}

impl Postgres {
    /// Makes a database in `folder`, and waits until it is served.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let (cluster, folder) = make(folder).or_else(|error| {
            // Started by root, it runs as another user, who may not get there.
            let made = make(Path::new(ELSEWHERE)).map_err(|_| error)?;
            let folder = folder.display();
            eprintln!("PostgreSQL can't reach {folder}: it uses {ELSEWHERE}");
            Ok::<_, anyhow::Error>(made)
        })?;
        // What is written so far is not part of what is measured.
        Command::new("sync").status().ok();
        let mut serve = cluster.serve()?;
        serve.stdout(Stdio::null()).stderr(Stdio::null());
        let mut postgres = Self {
            child: serve.spawn().context("can't run PostgreSQL")?,
            cluster,
            _folder: folder,
        };
        postgres.wait_until_ready()?;
        Ok(postgres)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ready = self.cluster.client("pg_isready").output()?;
            if ready.status.success() {
                return Ok(());
            }
            let has_ended = self.child.try_wait()?.is_some();
            ensure!(
                !has_ended && Instant::now() < deadline,
                "PostgreSQL does not start"
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// How a chat gets to the database.
    pub(crate) fn url(&self) -> String {
        self.cluster.url(DATABASE)
    }

    /// The process that has started all others.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// A cluster in a new folder, with the database.
fn make(parent: &Path) -> Result<(Cluster, TempDir)> {
    let folder = tempfile::tempdir_in(parent)?;
    open_to_all(folder.path())?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let data = folder.path().join("data");
    let cluster = Cluster::open(Installed::find()?, &data, port)?;
    cluster.add_database(DATABASE)?;
    Ok((cluster, folder))
}

/// PostgreSQL's user may be another one.
#[cfg(unix)]
fn open_to_all(folder: &Path) -> Result<()> {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    Ok(set_permissions(folder, Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> Result<()> {
    Ok(())
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // This signal ends what it has started, too.
        let quit = ["-QUIT", &self.pid().to_string()];
        let quit = Command::new("kill").args(quit).status();
        if !quit.is_ok_and(|it| it.success()) {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}
