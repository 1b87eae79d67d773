//! `cargo x postgres`: a PostgreSQL for the lessons that need one.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use course::Course;
use postgres_here::{Cluster, Installed};

use crate::error::{Error, Result, fail};
use crate::say;

pub(crate) const USAGE: &str = "\
Usage: cargo x postgres

Runs the PostgreSQL that is installed, for this computer alone, until Ctrl-C.
Says which DATABASE=... to start a lesson with, and where the data is: in
target/postgres, or in /var/tmp when root starts it and it can't get there.
Delete that folder to begin anew.
";

/// One that no other PostgreSQL is likely to have.
const PORT: u16 = 54325;

/// The database of the chat.
const DATABASE: &str = "chat";

/// Where its data is when it can't be near: on the disk, and open to everybody.
const ELSEWHERE: &str = "/var/tmp/course-postgres";

/// Opens the databases in a folder, and makes the chat's once.
fn open(installed: Installed, folder: &Path) -> io::Result<Cluster> {
    let cluster = Cluster::open(installed, folder, PORT)?;
    let made = folder.join("chat-made");
    if !made.exists() {
        cluster.add_database(DATABASE)?;
        fs::write(made, "")?;
    }
    Ok(cluster)
}

/// Runs it in the place of this program.
pub(crate) fn run(course: &Course) -> Result<()> {
    let failed =
        |error: &dyn std::error::Error| Error::Failed(error.to_string());
    let installed = Installed::find().map_err(|none| failed(&none))?;
    if TcpListener::bind(("127.0.0.1", PORT)).is_err() {
        return fail(format!(
            "Another program listens on port {PORT}: is `cargo x postgres` \
             running already?"
        ));
    }
    let near = course.root.join("target/postgres");
    // Started by root, it runs as another user, who may not get there.
    let cluster = open(installed.clone(), &near).or_else(|error| {
        open(installed, ELSEWHERE.as_ref()).map_err(|_| error)
    })?;
    say!("PostgreSQL runs until Ctrl-C. In another terminal, for example:\n");
    say!("DATABASE={} cargo run -p step-25\n", cluster.url(DATABASE));
    say!("Its data is in {}.\n", cluster.folder().display());
    become_it(cluster.serve()?)
}

/// So that Ctrl-C is for PostgreSQL, and this ends when that does.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    Err(Error::from(command.exec()))
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<()> {
    command.status()?;
    Ok(())
}
