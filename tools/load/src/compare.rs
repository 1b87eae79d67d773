//! Several chats under the same load, in turns, so that what else the machine
//! does meets all of them.

use std::fmt;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::chat::Chat;
use crate::peers::{Peer, Program};
use crate::report::Report;
use crate::run::{self, Plan};

/// Which peers are compared, and how often each one's turn comes.
pub(crate) struct Comparison {
    peers: Vec<Peer>,
    /// Whether users sign in, at all of them.
    signs_in: bool,
    rounds: usize,
}

/// All reports: for each round one of each peer, in the same order.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Table {
    pub(crate) rounds: Vec<Vec<Report>>,
}

impl Comparison {
    /// # Errors
    /// When there is no such peer, or users sign in at some of the steps only.
    pub(crate) fn new(words: &[String], rounds: usize) -> Result<Self> {
        let peers: Vec<Peer> = words
            .iter()
            .map(|it| Peer::read(it))
            .collect::<Result<_>>()?;
        ensure!(peers.len() > 1, "compare what? It takes two peers");
        // What is compared does the same work: the other peers do the steps'.
        let mut steps = peers.iter().filter_map(|it| it.signs_in());
        let signs_in = steps.next().unwrap_or(false);
        ensure!(
            steps.all(|it| it == signs_in),
            "users sign in from step-21 on: compare steps that do the same work"
        );
        Ok(Self {
            peers,
            signs_in,
            rounds,
        })
    }

    /// Builds all, then loads one after the other.
    pub(crate) async fn run(&self, plan: &Plan) -> Result<Table> {
        let mut programs: Vec<Program> = Vec::new();
        for peer in &self.peers {
            programs.push(peer.build().await?);
        }
        let mut rounds = Vec::new();
        for _ in 0..self.rounds {
            let mut reports = Vec::new();
            for program in &programs {
                let running = program.start(self.signs_in).await?;
                let servers = Chat::find_all(&running.urls()).await?;
                let processes = Some(running.processes()?);
                reports.push(run::run(&servers, plan, processes).await?);
            }
            rounds.push(reports);
        }
        Ok(Table { rounds })
    }
}

/// The least and the most of all rounds.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    values.fold(start, |(least, most), it| (least.min(it), most.max(it)))
}

fn words((least, most): (f64, f64), digits: usize) -> String {
    let (least, most) =
        (format!("{least:.digits$}"), format!("{most:.digits$}"));
    match least == most {
        true => least,
        false => format!("{least} to {most}"),
    }
}

impl Table {
    /// Whether the course's own chats did nothing wrong.
    pub(crate) fn is_sound(&self) -> bool {
        let mut reports = self.rounds.iter().flatten();
        reports.all(|it| !it.chat.starts_with("step-") || it.is_sound())
    }

    /// A figure of one peer, from each round.
    fn figures(
        &self,
        peer: usize,
        figure: impl Fn(&Report) -> f64,
    ) -> impl Iterator<Item = f64> {
        self.rounds.iter().map(move |round| figure(&round[peer]))
    }

    /// How often a peer's figure is that of the first peer, in each round.
    fn ratios(&self, peer: usize) -> impl Iterator<Item = f64> {
        self.rounds.iter().map(move |round| {
            round[peer].answered_per_second / round[0].answered_per_second
        })
    }
}

/// A table of Markdown.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.rounds.first() else {
            return Ok(());
        };
        writeln!(
            f,
            "| | messages per second | times {} | delivery p50, ms | p99, ms | \
             out of order | µs a message | KiB a page | wrong |",
            first[0].name()
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
        for (peer, report) in first.iter().enumerate() {
            let range_of = |digits, figure: fn(&Report) -> f64| {
                words(range(self.figures(peer, figure)), digits)
            };
            let kib = match report.idle {
                0 => "–".to_owned(),
                _ => range_of(1, |it| {
                    let kib = it.server.and_then(|it| it.kib_per_idle);
                    kib.unwrap_or(f64::NAN)
                }),
            };
            let reports = || self.rounds.iter().map(|round| &round[peer]);
            let mark = if reports().any(Report::is_limited_by_tool) {
                " *"
            } else {
                ""
            };
            let wrong = reports().filter(|it| !it.is_sound()).count();
            writeln!(
                f,
                "| {} | {}{mark} | {} | {} | {} | {} | {} | {kib} | {} |",
                report.name(),
                range_of(0, |it| it.answered_per_second),
                words(range(self.ratios(peer)), 2),
                range_of(2, |it| it.delivery.p50),
                range_of(2, |it| it.delivery.p99),
                range_of(0, |it| it.wrong.disordered as f64),
                range_of(0, |it| {
                    it.server.map_or(f64::NAN, |it| it.micros_per_message)
                }),
                match wrong {
                    0 => "nothing".to_owned(),
                    n => format!("in {n} of {} rounds", self.rounds.len()),
                }
            )?;
        }
        let all = self.rounds.iter().flatten();
        if all.clone().any(Report::is_limited_by_tool) {
            writeln!(
                f,
                "\n\\* The load tool took most of the processors: it may be more."
            )?;
        }
        for report in all.filter(|it| !it.is_sound()) {
            writeln!(f, "\n{report}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(words: &[&str]) -> Result<Comparison> {
        let words: Vec<String> =
            words.iter().map(|&it| it.to_owned()).collect();
        Comparison::new(&words, 1)
    }

    #[test]
    fn what_does_other_work_is_not_compared() {
        assert!(comparison(&["step-18", "step-22"]).is_err());
        assert!(comparison(&["step-18"]).is_err());
        assert!(comparison(&["node", "step-18", "step-22"]).is_err());
        assert!(comparison(&["step-22", "step-23"]).is_ok());
        assert!(comparison(&["step-24", "step-25x2"]).is_ok());
    }

    #[test]
    fn node_and_flask_have_users_sign_in_if_the_steps_have() {
        for (words, signs_in) in [
            (["step-18", "node"], false),
            (["node", "flask"], false),
            (["step-22", "flask"], true),
            (["node", "step-23"], true),
        ] {
            assert_eq!(comparison(&words).unwrap().signs_in, signs_in);
        }
    }

    #[test]
    fn a_range_is_one_figure_when_its_ends_read_the_same() {
        let of = |values: [f64; 2]| words(range(values.into_iter()), 1);
        assert_eq!(of([1.21, 1.24]), "1.2");
        assert_eq!(of([1.3, 1.0]), "1.0 to 1.3");
    }
}
