//! What came out of a run.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::ledger::Wrong;

/// The figures of one run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Report {
    pub(crate) chat: String,
    /// How many; older reports are all of one.
    #[serde(default = "one")]
    pub(crate) servers: usize,
    pub(crate) senders: usize,
    pub(crate) rate: Option<u32>,
    pub(crate) users: usize,
    pub(crate) idle: usize,
    /// Until the last answer.
    pub(crate) seconds: f64,
    pub(crate) answered_per_second: f64,
    /// Each message is for a page of its author and one of its recipient.
    pub(crate) delivered_per_second: f64,
    /// How often each status came instead of 201.
    pub(crate) refused: BTreeMap<u16, u64>,
    pub(crate) answer: Delays,
    pub(crate) delivery: Delays,
    pub(crate) wrong: Wrong,
    /// Where the servers' processes are known.
    pub(crate) server: Option<Server>,
    /// The part of all processors that this tool took.
    pub(crate) own_cpu: f64,
}

/// Milliseconds, from when a message was due.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Delays {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// What a run cost the server.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Server {
    /// The part of all processors that it took.
    pub(crate) cpu: f64,
    /// Of processor time.
    pub(crate) micros_per_message: f64,
    pub(crate) kib_per_idle: Option<f64>,
}

fn one() -> usize {
    1
}

impl Delays {
    /// Of a histogram of microseconds.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let milliseconds = |micros: u64| micros as f64 / 1000.0;
        Self {
            p50: milliseconds(histogram.value_at_quantile(0.5)),
            p99: milliseconds(histogram.value_at_quantile(0.99)),
            max: milliseconds(histogram.max()),
        }
    }
}

impl Report {
    /// What it is compared as, like `step-25` or `step-25x2`.
    pub(crate) fn name(&self) -> String {
        match self.servers {
            1 => self.chat.clone(),
            n => format!("{}x{n}", self.chat),
        }
    }

    /// Whether the figures say more about this tool than about the chat: it took
    /// more of the processors, and there was little left.
    pub(crate) fn is_limited_by_tool(&self) -> bool {
        let server = self.server.map_or(0.0, |server| server.cpu);
        self.own_cpu > server && self.own_cpu + server > 0.9
    }

    /// Whether nothing was lost, doubled, told to others or closed. Pages put
    /// messages in order by themselves.
    pub(crate) fn is_sound(&self) -> bool {
        let disordered = self.wrong.disordered;
        let order = Wrong {
            disordered,
            ..Wrong::default()
        };
        self.wrong == order
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            answer,
            delivery,
            wrong,
            ..
        } = self;
        write!(f, "{}: ", self.chat)?;
        if self.servers > 1 {
            write!(f, "{} servers, ", self.servers)?;
        }
        write!(f, "{} senders, ", self.senders)?;
        match self.rate {
            Some(rate) => write!(f, "{rate} messages per second")?,
            None => write!(f, "as fast as they are answered")?,
        }
        writeln!(f, ", for {:.1} s", self.seconds)?;
        writeln!(
            f,
            "other users online: {}, with {} more open pages",
            self.users, self.idle
        )?;
        writeln!(f)?;
        let (answered, delivered) =
            (self.answered_per_second, self.delivered_per_second);
        for (what, per_second, delays) in [
            ("answered", answered, answer),
            ("delivered", delivered, delivery),
        ] {
            let Delays { p50, p99, max } = delays;
            writeln!(
                f,
                "{what:10} {per_second:>9.0} per second   after ms: \
                 p50 {p50:.2}, p99 {p99:.2}, max {max:.2}"
            )?;
        }
        for (status, times) in &self.refused {
            let why = match status {
                429 => " (start it with LIMITS=off)",
                _ => "",
            };
            writeln!(f, "refused with {status}: {times}{why}")?;
        }
        let Wrong {
            missing,
            doubled,
            disordered,
            strange,
            closed,
        } = wrong;
        writeln!(
            f,
            "missing {missing}, doubled {doubled}, out of order {disordered}, \
             at strangers {strange}, pages closed {closed}"
        )?;
        let percent = |share: f64| share * 100.0;
        let own = percent(self.own_cpu);
        match &self.server {
            None => writeln!(f, "processors: this tool {own:.0} %")?,
            Some(server) => writeln!(
                f,
                "processors: the chat {:.0} % ({:.0} µs a message), \
                 this tool {own:.0} %",
                percent(server.cpu),
                server.micros_per_message
            )?,
        }
        if let Some(kib) = self.server.and_then(|it| it.kib_per_idle) {
            writeln!(f, "memory of an idle page: {kib:.1} KiB")?;
        }
        if self.is_limited_by_tool() {
            writeln!(
                f,
                "This tool took most of the processors: the chat may be faster."
            )?;
        }
        Ok(())
    }
}
