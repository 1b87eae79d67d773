//! Starts the chat: settings, log, database, port; then serves until Ctrl-C.
//! Or, as `set-password NICKNAME`, sets the password of a user, and as `import
//! FILE`, brings the database of an older version.
//!
//! Settings come from the environment: `ADDRESS` (default `127.0.0.1:5001`,
//! port 0 takes a free one), `DATABASE` (the URL of a PostgreSQL database; it
//! has no default), `PUBLIC_URL` (where browsers find the chat behind a proxy),
//! `TRUSTED_PROXY` (the IP address of that proxy), `LIMITS=off` (for load
//! tests) and `RUST_LOG` (default `info`).

use std::env;
use std::error::Error;
use std::io::{self, BufRead, IsTerminal, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

use step_25::{
    DatabaseUrl, PublicUrl, Settings, Store, output, serve, set_password,
};
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
        .with_ansi(io::stderr().is_terminal())
        .with_writer(output::log())
        .init();
    // By itself, a panic waits until somebody reads it.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));

    let ended = run().await;
    output::end();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            warn(&reason.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line says; an error is one line that says what to do.
async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(|it| &**it).collect();
    match arguments[..] {
        [] => run_server().await,
        ["set-password", nickname] => run_set_password(nickname).await,
        ["import", file] => run_import(file).await,
        _ => Err("there is no such command: without one the chat is served; \
                  the others are set-password NICKNAME and import FILE"
            .into()),
    }
}

/// Reads a new password from the terminal, unseen, or from a pipe.
async fn run_set_password(nickname: &str) -> Result<(), Box<dyn Error>> {
    let store = open_store().await?;
    let password = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("New password of {nickname}: "))?
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    set_password(store, nickname, &password).await?;
    writeln!(io::stdout(), "the password of {nickname} is set").ok();
    Ok(())
}

/// Brings the users and messages of a file into an empty database.
async fn run_import(file: &str) -> Result<(), Box<dyn Error>> {
    let store = open_store().await?;
    let imported = store.import(file.as_ref()).await;
    let imported = imported.map_err(|error| format!("{file} {error}"))?;
    writeln!(io::stdout(), "{imported} were brought from {file}").ok();
    Ok(())
}

async fn open_store() -> Result<Store, String> {
    let url = database_url()?;
    let opened = Store::open(url.clone()).await;
    opened.map_err(|error| format!("the database {url} {error}"))
}

/// Reads where the database is. What is no URL may hold a password all the
/// same, unless it is the path of a file.
fn database_url() -> Result<DatabaseUrl, String> {
    const EXAMPLE: &str = "DATABASE=postgres://chat@127.0.0.1:5432/chat";

    let Some(url) = env::var_os("DATABASE") else {
        return Err(format!(
            "DATABASE is not set: it must be the URL of a PostgreSQL database, \
             for example {EXAMPLE}"
        ));
    };
    if Path::new(&url).is_file() {
        let file = url.display();
        return Err(format!(
            "DATABASE is the file {file}, but this version keeps its data in \
             PostgreSQL: set a URL, for example {EXAMPLE}, and bring the file \
             along by the command import {file}"
        ));
    }
    url.to_string_lossy()
        .parse()
        .map_err(|error| format!("DATABASE {error}, for example {EXAMPLE}"))
}

/// Reads where browsers find the chat.
fn public_url() -> Result<Option<PublicUrl>, String> {
    let Some(url) = env::var_os("PUBLIC_URL") else {
        return Ok(None);
    };
    let url = url.to_string_lossy();
    url.parse().map(Some).map_err(|error| {
        format!(
            "PUBLIC_URL is \"{url}\", but {error}, for example \
             PUBLIC_URL=https://chat.example.org"
        )
    })
}

/// Reads whether nothing is limited.
fn unlimited() -> Result<bool, String> {
    match env::var_os("LIMITS") {
        None => Ok(false),
        Some(off) if off == "off" => Ok(true),
        Some(other) => Err(format!(
            "LIMITS is \"{}\", but all it can be is off",
            other.to_string_lossy()
        )),
    }
}

/// Reads whose word for an address counts.
fn proxy() -> Result<Option<IpAddr>, String> {
    let Some(ip) = env::var_os("TRUSTED_PROXY") else {
        return Ok(None);
    };
    let ip = ip.to_string_lossy();
    ip.parse().map(Some).map_err(|_| {
        format!(
            "TRUSTED_PROXY is \"{ip}\", which is no IP address, for example \
             TRUSTED_PROXY=127.0.0.1"
        )
    })
}

/// Serves the chat.
async fn run_server() -> Result<(), Box<dyn Error>> {
    let settings = Settings {
        public_url: public_url()?,
        unlimited: unlimited()?,
        proxy: proxy()?,
        ..Settings::default()
    };
    let address =
        env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:5001".to_owned());

    let listener = TcpListener::bind(&address).await.map_err(|error| {
        format!(
            "can't listen on {address}: {error}; choose another HOST:PORT, \
             for example ADDRESS=127.0.0.1:5002"
        )
    })?;
    let address = listener.local_addr()?;
    let is_private = address.ip().is_loopback()
        && settings.proxy.is_none()
        && settings.public_url.is_none();
    if settings.unlimited && !is_private {
        return Err("LIMITS=off is for tests on this computer: choose an \
                    ADDRESS that only it can reach, without a proxy before \
                    it, or leave LIMITS out"
            .into());
    }
    if settings.unlimited {
        warn("warning: LIMITS=off: whoever floods the chat stops it");
    }
    let stop = stop_signal()?;
    let store = open_store().await?;

    if !address.ip().is_loopback() {
        warn(&format!(
            "warning: passwords and messages go to {address} in clear: whoever \
             is on their way can read them"
        ));
    }
    output::print(&format!("the chat is at http://{address}"));
    serve(listener, store, settings, stop).await?;
    Ok(())
}

/// Says something on standard error, if somebody listens.
fn warn(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}

/// Listens for Ctrl-C and SIGTERM from now on. The future ends with the first.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

/// Listens for Ctrl-C from now on. The future ends with the first.
#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        ctrl_c.recv().await;
    })
}
