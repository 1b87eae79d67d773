//! The tool as authors and readers meet it.

#![allow(clippy::unwrap_used)]

mod book;
mod checkpoints;
mod course;
mod findings;
mod protocol;
mod replay;
mod style;
