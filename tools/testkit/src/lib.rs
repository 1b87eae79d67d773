//! For the lessons' tests: serve a step, speak HTTP to it, speak Socket.IO
//! to it. What a lesson's chat understands is not known here: each lesson's
//! `tests/it/people.rs` knows.
//!
//! Everything here is the real thing: a listener on a free port, a database
//! file of its own, HTTP over TCP, Socket.IO over WebSocket. Nothing sleeps:
//! each wait is for an event, and ends a test when the event does not come
//! within [`patience`].

#![allow(clippy::panic)] // How a test helper fails a test.

mod client;
mod program;
mod server;
mod socket;

use std::time::Duration;

pub use client::{Answer, Client};
pub use program::{Program, Unread};
pub use server::{Chat, Shutdown};
pub use socket::Socket;

/// How long a test waits for something that must happen: 20 seconds, or as
/// many as the environment variable `PATIENCE` says. Where tests are known to
/// be red, fewer will do.
pub fn patience() -> Duration {
    let seconds = std::env::var("PATIENCE").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}

/// Waits for `what` no longer than [`patience`].
///
/// # Panics
/// When it does not happen in time.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let patience = patience();
    match tokio::time::timeout(patience, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {patience:?} for {what}: it did not come"),
    }
}
