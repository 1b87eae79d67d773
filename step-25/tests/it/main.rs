//! What this step promises, tested from outside.

#![allow(clippy::panic, clippy::unwrap_used)] // How a test fails.

mod api;
mod exercises;
mod faults;
mod headers;
mod import;
mod keys;
mod limits;
mod live;
mod lobby;
mod origin;
mod output;
mod pages;
mod passwords;
mod people;
mod postgres;
mod privacy;
mod servers;
mod sessions;
mod set_password;
mod sign_in;
mod slow;
mod together;

use postgres::{Chat, Home};
use step_25::{Patience, Settings, Store, serve};

/// The program, as `cargo run` runs it.
const PROGRAM: &str = env!("CARGO_BIN_EXE_step-25");

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
    let home = Home::new();
    let url = home.path().to_str().unwrap().parse().unwrap();
    let chat = testkit::Chat::start(async |listener, _, shutdown| {
        let store = Store::open(url).await.unwrap();
        serve(listener, store, settings, shutdown).await.unwrap();
    })
    .await;
    Chat::new(chat, home)
}
