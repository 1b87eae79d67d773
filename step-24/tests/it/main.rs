//! What this step promises, tested from outside.

#![allow(clippy::panic, clippy::unwrap_used)] // How a test fails.

mod api;
mod exercises;
mod faults;
mod headers;
mod keys;
mod limits;
mod live;
mod lobby;
mod migration;
mod origin;
mod output;
mod pages;
mod passwords;
mod people;
mod privacy;
mod sessions;
mod set_password;
mod sign_in;
mod slow;
mod together;

use step_24::{Patience, Settings, Store, serve};
use testkit::Chat;

/// The program, as `cargo run` runs it.
const PROGRAM: &str = env!("CARGO_BIN_EXE_step-24");

/// A chat of its own for each test.
async fn chat() -> Chat {
    chat_with(Settings::default()).await
}

/// A chat in which nothing is too much.
async fn unlimited() -> Chat {
    chat_with(Settings {
        unlimited: true,
        ..Settings::default()
    })
    .await
}

async fn chat_with(settings: Settings) -> Chat {
    Chat::start(async |listener, database, shutdown| {
        let store = Store::open(database).await.unwrap();
        serve(listener, store, settings, shutdown).await.unwrap();
    })
    .await
}
