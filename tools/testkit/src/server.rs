//! A step, served inside the test.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Client, soon};

/// Completes when the test wants the server to stop.
pub type Shutdown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A running chat with a database of its own. Dropping it begins to end it,
/// [`Chat::stop`] waits for the end.
#[derive(Debug)]
pub struct Chat {
    client: Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    database: PathBuf,
    folder: TempDir,
}

impl Chat {
    /// Runs `serve(listener, database, shutdown)` on a free port. The port is
    /// open when this returns: the first request waits for `serve`.
    ///
    /// # Panics
    /// When there is no free port, or no place for the database.
    pub async fn start<F>(
        serve: impl FnOnce(TcpListener, PathBuf, Shutdown) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = folder.path().join("chat.db");
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port on the loopback interface");
        let address = listener.local_addr().expect("a bound address");

        let (stop, stopped) = oneshot::channel();
        let shutdown = Box::pin(async {
            stopped.await.ok();
        });
        Self {
            client: Client::new(&format!("http://{address}")),
            stop,
            task: tokio::spawn(serve(listener, database.clone(), shutdown)),
            database,
            folder,
        }
    }

    /// The database's file.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// Asks the server to stop, and waits until it has. Returns the folder
    /// of the database, which goes when it is dropped.
    ///
    /// # Panics
    /// When the server failed.
    pub async fn stop(self) -> TempDir {
        self.stop.send(()).ok();
        soon("the server to stop", self.task)
            .await
            .expect("the server ends without a panic");
        self.folder
    }
}

impl Deref for Chat {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
