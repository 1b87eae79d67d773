//! Starts the chat: settings, log, database, port; then serves until Ctrl-C.
//!
//! Settings come from the environment: `ADDRESS` (default `127.0.0.1:5001`,
//! port 0 takes a free one), `DATABASE` (default `chat.db` in the current
//! folder) and `RUST_LOG` (default `info`).

use std::env;
use std::io::IsTerminal;
use std::process::ExitCode;

use step_18::{Store, serve};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();

    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Serves the chat; an error is one line that says what to do.
async fn run() -> Result<(), String> {
    let address =
        env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:5001".to_owned());
    let database = env::var_os("DATABASE").unwrap_or_else(|| "chat.db".into());

    let listener = TcpListener::bind(&address).await.map_err(|error| {
        format!(
            "can't listen on {address}: {error}; choose another HOST:PORT, \
             for example ADDRESS=127.0.0.1:5002"
        )
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let store = Store::open(database).await.map_err(|e| e.to_string())?;

    if !address.ip().is_loopback() {
        eprintln!(
            "warning: there is no sign-in: whoever reaches {address} can \
             read and write all messages"
        );
    }
    println!("the chat is at http://{address}");
    serve(listener, store, stop_signal())
        .await
        .map_err(|error| error.to_string())
}

/// Ends on Ctrl-C, and on Unix on SIGTERM as well.
async fn stop_signal() {
    let ctrl_c = async {
        tokio::signal::ctrl_c()
            .await
            .expect("Ctrl-C can be listened for at start-up");
    };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())
            .expect("SIGTERM can be listened for at start-up")
            .recv()
            .await;
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending();

    tokio::select! {
        () = ctrl_c => (),
        () = terminate => (),
    }
}
