//! A PostgreSQL of the course's own: for a reader's terminal, and for a test
//! that throws it away. It runs the programs `initdb`, `postgres`, `createdb`
//! and `dropdb`, which must be installed; none of them is started otherwise.

mod cluster;
mod installed;
#[cfg(unix)]
mod throwaway;

pub use cluster::Cluster;
pub use installed::{Installed, NotInstalled};
#[cfg(unix)]
pub use throwaway::{Database, Throwaway};

/// The user who owns all databases.
pub const USER: &str = "chat";
