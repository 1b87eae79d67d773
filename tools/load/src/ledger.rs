//! What was sent, what came, and whether that is the same.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The clock of a run, and its mark: other runs may be in the same database.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) mark: String,
    pub(crate) start: Instant,
}

/// One message to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) number: u64,
    /// Since the run's start. Delays are counted from here, and not from when a
    /// sender found the time.
    pub(crate) at: Duration,
}

/// A message that the chat said it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) number: u64,
    pub(crate) author: i64,
    pub(crate) recipient: i64,
}

impl Run {
    pub(crate) fn delay(&self, due: Duration) -> Duration {
        self.start.elapsed().saturating_sub(due)
    }

    /// What is said: it tells its number, and when it was due.
    pub(crate) fn content(&self, due: Due) -> String {
        let (mark, number, at) = (&self.mark, due.number, due.at.as_micros());
        format!("{mark} {number} {at} and some more words, as people write")
    }

    fn read(&self, content: &str) -> Option<Due> {
        let mut words = content.strip_prefix(&*self.mark)?.split_whitespace();
        let number = words.next()?.parse().ok()?;
        let at = Duration::from_micros(words.next()?.parse().ok()?);
        Some(Due { number, at })
    }
}

/// The part of an event that matters here.
#[derive(Deserialize)]
struct Event<'a> {
    id: i64,
    #[serde(borrow)]
    content: Cow<'a, str>,
    author: Id,
    recipient: Id,
}

#[derive(Deserialize)]
struct Id {
    id: i64,
}

impl<'a> Event<'a> {
    /// Reads `42["direct-message",{…}]`; some peers call the event otherwise.
    fn read(packet: &'a str) -> Option<Self> {
        let packet = packet.strip_prefix("42[")?.strip_suffix(']')?;
        let payload = packet.get(packet.find('{')?..)?;
        serde_json::from_str(payload).ok()
    }
}

/// What came to one page.
#[derive(Debug)]
pub(crate) struct Heard {
    user: i64,
    /// How often each message came.
    times: HashMap<u64, u64>,
    last: i64,
    /// Messages that came after one with a higher id.
    pub(crate) disordered: u64,
    /// Messages between others.
    pub(crate) strange: u64,
    /// In microseconds, of what was sent to this user.
    pub(crate) delays: Vec<u64>,
    /// The chat has ended the page's connection.
    pub(crate) closed: bool,
}

/// What is wrong at all pages together.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize,
)]
pub(crate) struct Wrong {
    /// Messages that were answered, and did not come to a page of their author
    /// or recipient.
    pub(crate) missing: u64,
    /// Messages that came again.
    pub(crate) doubled: u64,
    /// Messages that came after a younger one.
    pub(crate) disordered: u64,
    /// Messages that came to somebody else.
    pub(crate) strange: u64,
    /// Pages that the chat has closed.
    pub(crate) closed: u64,
}

impl Heard {
    pub(crate) fn new(user: i64) -> Self {
        Self {
            user,
            times: HashMap::new(),
            last: 0,
            disordered: 0,
            strange: 0,
            delays: Vec::new(),
            closed: false,
        }
    }

    /// Takes a packet. Whether it is a message of this run for this user.
    pub(crate) fn hear(&mut self, run: &Run, packet: &str) -> bool {
        let Some(event) = Event::read(packet) else {
            return false;
        };
        let Some(due) = run.read(&event.content) else {
            return false;
        };
        let (author, recipient) = (event.author.id, event.recipient.id);
        if self.user != author && self.user != recipient {
            self.strange += 1;
            return false;
        }
        if self.user == recipient {
            self.delays.push(micros(run.delay(due.at)));
        }
        self.disordered += u64::from(event.id < self.last);
        self.last = self.last.max(event.id);
        *self.times.entry(due.number).or_default() += 1;
        true
    }
}

/// Compares what was sent with what each of its two users heard.
pub(crate) fn audit(sent: &[Sent], heard: &[Heard]) -> Wrong {
    let mut wrong = Wrong::default();
    let mut expected = HashMap::<i64, Vec<u64>>::new();
    for sent in sent {
        for user in [sent.author, sent.recipient] {
            expected.entry(user).or_default().push(sent.number);
        }
    }
    for heard in heard {
        let expected = expected.get(&heard.user).into_iter().flatten();
        let missing = expected.filter(|it| !heard.times.contains_key(it));
        wrong.missing += missing.count() as u64;
        wrong.doubled += heard.times.values().map(|it| it - 1).sum::<u64>();
        wrong.disordered += heard.disordered;
        wrong.strange += heard.strange;
        wrong.closed += u64::from(heard.closed);
    }
    wrong
}

/// For delays in microseconds, to three digits, up to a minute.
pub(crate) fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(60_000_000, 3)?)
}

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(run: &Run, number: u64, id: i64, users: [i64; 2]) -> String {
        let at = Duration::ZERO;
        let content = run.content(Due { number, at });
        let [author, recipient] = users;
        format!(
            "42[\"direct-message\",{{\"id\":{id},\"content\":\"{content}\",\
             \"author\":{{\"id\":{author}}},\
             \"recipient\":{{\"id\":{recipient}}}}}]"
        )
    }

    fn run(mark: &str) -> Run {
        let (mark, start) = (mark.to_owned(), Instant::now());
        Run { mark, start }
    }

    #[test]
    fn each_kind_of_wrong_is_counted() {
        let run = run("load-1");
        let mut ada = Heard::new(1);
        let mut bob = Heard::new(2);
        for (number, id, users) in [
            (1, 11, [1, 2]),
            (2, 12, [2, 1]),
            (2, 12, [2, 1]),
            (4, 14, [1, 2]),
            (3, 13, [1, 2]),
            (5, 15, [2, 3]),
        ] {
            ada.hear(&run, &packet(&run, number, id, users));
        }
        bob.hear(&run, &packet(&run, 1, 11, [1, 2]));
        let sent = [(1, 1, 2), (2, 2, 1), (3, 1, 2), (4, 1, 2)];
        let sent = sent.map(|(number, author, recipient)| Sent {
            number,
            author,
            recipient,
        });

        let wrong = audit(&sent, &[ada, bob]);

        let expected = Wrong {
            missing: 3,
            doubled: 1,
            disordered: 1,
            strange: 1,
            closed: 0,
        };
        assert_eq!(wrong, expected);
    }

    #[test]
    fn what_is_no_message_of_this_run_is_not_counted() {
        let (run, earlier) = (run("load-2"), run("load-1"));
        let mut ada = Heard::new(1);
        let earlier = packet(&earlier, 1, 1, [1, 2]);
        for packet in ["2", "40{}", "42[\"message\",{}]", &earlier] {
            assert!(!ada.hear(&run, packet), "{packet}");
        }
        assert_eq!(audit(&[], &[ada]), Wrong::default());
    }
}
