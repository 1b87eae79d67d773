//! How much a chat bears: users who write to each other, and open pages that
//! do nothing. Says how fast it answers and delivers, what that costs, and what
//! it lost, doubled, mixed up or told to strangers.

mod chat;
mod compare;
mod ledger;
mod peers;
mod plot;
mod postgres;
mod report;
mod run;
mod svg;
mod usage;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use lexopt::prelude::*;

use chat::Chat;
use compare::Comparison;
use run::Plan;
use usage::Processes;

const USAGE: &str = "\
Usage:
  cargo run --release -p load -- URL... [OPTIONS]
  cargo run --release -p load -- compare [OPTIONS] PEER...
  cargo run --release -p load -- plot --out FOLDER FILE...

The first one loads the chat at URL, for example http://127.0.0.1:5001. Start it
on a database of its own, and with LIMITS=off from step-23 on. Several URLs are
servers of one chat, as from step-25 on: users sign up at the first one, and go
to all of them in turns. The second one builds and starts each PEER itself, and
loads them in turns: step-18, another step, node or flask, or step-25x2 for two
servers on one database. From step-25 on, that is a PostgreSQL which it starts,
and which must be installed. The third one draws what compare --json has printed
into each FILE, and prints the Markdown that shows the pictures.

  --senders N   users who write to each other, each the next message once the
                last one is answered (default 16)
  --rate N      messages per second of all senders together; without it, as many
                as are answered
  --users N     users who are online and hear nothing (default 50)
  --idle N      further open pages of those users (default 0)
  --seconds N   how long (default 10)
  --pid N       the server's process, for its CPU and memory; once for each
                server, and what they take is added up
  --rounds N    for compare: how often each peer's turn comes (default 3)
  --json        print JSON instead of a table
  --out FOLDER  for plot: where the pictures go

Exits with 1 when a chat of the course lost a message, doubled one, told it to
strangers, or closed a page.
";

/// What the command line asks for.
struct Asked {
    target: Target,
    plan: Plan,
    json: bool,
}

enum Target {
    Chat {
        urls: Vec<String>,
        pids: Vec<u32>,
    },
    Peers(Comparison),
    Pictures {
        files: Vec<PathBuf>,
        folder: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            writeln!(io::stderr(), "{error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Does what is asked for. Whether all is as it should be.
async fn run() -> Result<bool> {
    let Some(asked) = read_arguments()? else {
        write!(io::stdout(), "{USAGE}").ok();
        return Ok(true);
    };
    let (text, is_sound) = match asked.target {
        Target::Chat { urls, pids } => {
            let servers = Chat::find_all(&urls).await?;
            let processes = match pids[..] {
                [] => None,
                _ => Some(Processes::new(&pids, None)?),
            };
            let report = run::run(&servers, &asked.plan, processes).await?;
            let text = match asked.json {
                true => serde_json::to_string_pretty(&report)?,
                false => report.to_string(),
            };
            (text, report.is_sound())
        }
        Target::Peers(comparison) => {
            let table = comparison.run(&asked.plan).await?;
            let text = match asked.json {
                true => serde_json::to_string_pretty(&table)?,
                false => table.to_string(),
            };
            (text, table.is_sound())
        }
        Target::Pictures { files, folder } => {
            (plot::plot(&files, &folder)?, true)
        }
    };
    writeln!(io::stdout(), "{}", text.trim_end()).ok();
    Ok(is_sound)
}

/// `None` when help is asked for.
fn read_arguments() -> Result<Option<Asked>> {
    let mut plan = Plan {
        senders: 16,
        rate: None,
        users: 50,
        idle: 0,
        time: Duration::from_secs(10),
    };
    let (mut words, mut pids, mut rounds, mut json) =
        (vec![], vec![], 3, false);
    let mut out = None;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("senders") => plan.senders = number(&mut arguments)?,
            Long("rate") => plan.rate = Some(number(&mut arguments)?),
            Long("users") => plan.users = number(&mut arguments)?,
            Long("idle") => plan.idle = number(&mut arguments)?,
            Long("seconds") => {
                plan.time = Duration::from_secs(number(&mut arguments)?);
            }
            Long("pid") => pids.push(number(&mut arguments)?),
            Long("rounds") => rounds = number(&mut arguments)?,
            Long("json") => json = true,
            Long("out") => out = Some(PathBuf::from(arguments.value()?)),
            Long("help") | Short('h') => return Ok(None),
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    ensure!(
        plan.senders >= 2,
        "--senders: they write to each other, so 2"
    );
    ensure!(plan.rate != Some(0), "--rate: without it there is none");
    ensure!(!plan.time.is_zero(), "--seconds: at least 1");
    ensure!(rounds > 0, "--rounds: at least 1");
    let no_one_to_idle = plan.idle > 0 && plan.users == 0;
    ensure!(!no_one_to_idle, "--idle: these pages are of --users");
    if words.is_empty() {
        bail!("{USAGE}");
    }
    let target = match &*words[0] {
        "compare" => Target::Peers(Comparison::new(&words[1..], rounds)?),
        "plot" => Target::Pictures {
            files: words[1..].iter().map(PathBuf::from).collect(),
            folder: out.context("plot where? It takes --out FOLDER")?,
        },
        _ => Target::Chat { urls: words, pids },
    };
    Ok(Some(Asked { target, plan, json }))
}

fn number<T>(arguments: &mut lexopt::Parser) -> Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    // The error has the words of its source already.
    let number = arguments.value()?.parse();
    number.map_err(|error| anyhow!(error.to_string()))
}
