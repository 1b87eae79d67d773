//! Shows the changes between the course's steps in the book, and checks that
//! each changed line is explained.
//!
//! `README.md` describes the directives. The way of a chapter: [`directive`]
//! finds what its author wrote, [`select`] finds the rows of a [`diff`] that
//! are meant, [`check`] says what is missing, [`render`] makes the HTML.

pub mod book;
mod cache;
mod caption;
mod chapter;
pub mod check;
mod coverage;
pub mod diff;
pub mod directive;
pub mod highlight;
mod outline;
mod page;
pub mod pages;
pub mod record;
pub mod remake;
pub mod render;
pub mod replay;
pub mod select;
pub mod seq;
pub mod trial;
mod typed;
mod versions;
