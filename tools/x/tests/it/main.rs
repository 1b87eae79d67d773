//! Runs the real `x` in small courses made for each test.

// Clippy's own exception for tests leaves out their helpers.
#![allow(clippy::panic, clippy::unwrap_used)]

mod check;
mod course;
mod diff;
mod propagate;
mod start;
mod test;
