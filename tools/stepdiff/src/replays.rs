//! `cargo book replay`: which chapters are tried, and what becomes of the
//! outcomes.

use std::path::{Path, PathBuf};
use std::{env, fs};

use course::{Name, Record, Step, Steps, write};
use mdbook_stepdiff::book::{read_chapters, texts};
use mdbook_stepdiff::check::{check, step_of};
use mdbook_stepdiff::pages::step_of_page;
use mdbook_stepdiff::record::Records;
use mdbook_stepdiff::remake::{Depth, remake};
use mdbook_stepdiff::replay::{Stop, stops};
use mdbook_stepdiff::trial::Trial;

use crate::{USAGE, read_records, read_steps, report, step_named, workspace};

/// Which chapters are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Those whose record does not fit.
    Changed,
    /// That of one step.
    One(u32),
    All,
    /// Those from this step on that this machine has not tried; nothing is
    /// recorded.
    CheckFrom(u32),
}

impl Which {
    fn read(args: &[&str], steps: &Steps) -> Result<Self, String> {
        match *args {
            [] => Ok(Self::Changed),
            ["--all"] => Ok(Self::All),
            ["--check"] => Ok(Self::CheckFrom(0)),
            ["--check", name] => {
                Ok(Self::CheckFrom(step_named(steps, name)?.number))
            }
            [name] => Ok(Self::One(step_named(steps, name)?.number)),
            _ => Err(USAGE.to_owned()),
        }
    }
}

/// Tries checkpoints, and records what came out or compares it.
pub(crate) fn run(args: &[&str]) -> Result<bool, String> {
    let root = workspace()?;
    let steps = read_steps(&root)?;
    let which = Which::read(args, &steps)?;
    let chapters = read_chapters(&root.join("book"));
    let chapters = chapters.map_err(|error| error.to_string())?;
    let records = read_records(&root)?.unwanted();
    let found = check(&steps, &records, &chapters, true);
    let mut sound = true;
    for number in chapters.iter().filter_map(|it| step_of(&it.path)) {
        let is_own =
            |index: usize| step_of_page(&chapters[index].path) == Some(number);
        let pages = found.pages.iter().enumerate();
        let pages = pages.filter(|(index, _)| is_own(*index));
        let stops = pages.flat_map(|(_, page)| stops(page)).collect();
        let Some(replay) = Replay::new(&root, &steps, &records, number, stops)
        else {
            continue;
        };
        if !replay.is_meant(which) {
            continue;
        }
        if replay.is_done(which) {
            println!("{}: as recorded", replay.new.name());
            continue;
        }
        let own = found.findings.iter().filter(|f| is_own(f.chapter));
        let own: Vec<_> = own.cloned().collect();
        if !own.is_empty() {
            report(&texts(&own, &chapters));
            return Err("mend these first".to_owned());
        }
        let record = replay.remake(which)?;
        if !matches!(which, Which::CheckFrom(_)) {
            replay.keep(&record)?;
        } else if !replay.compare(&record)? {
            sound = false;
        }
    }
    Ok(sound)
}

/// A chapter with checkpoints, and its record.
struct Replay<'a> {
    root: &'a Path,
    old: &'a Step,
    new: &'a Step,
    stops: Vec<Stop>,
    /// A hash of all that the outcomes depend on.
    inputs: String,
    kept: Option<&'a Record>,
}

impl<'a> Replay<'a> {
    /// `None` where the chapter has no checkpoint.
    fn new(
        root: &'a Path,
        steps: &'a Steps,
        records: &'a Records,
        number: u32,
        stops: Vec<Stop>,
    ) -> Option<Self> {
        let new = steps.get(number)?;
        let old = steps.before(new.number)?;
        stops.contains(&Stop::Checkpoint).then(|| Self {
            root,
            old,
            new,
            inputs: records.inputs(old, new, &stops),
            stops,
            kept: records.get(new.number),
        })
    }

    fn is_meant(&self, which: Which) -> bool {
        match which {
            Which::Changed | Which::All => true,
            Which::One(number) => number == self.new.number,
            Which::CheckFrom(first) => first <= self.new.number,
        }
    }

    /// Whether there is nothing to try.
    fn is_done(&self, which: Which) -> bool {
        match which {
            Which::Changed => self.fitting().is_some(),
            Which::One(_) | Which::All => false,
            Which::CheckFrom(_) => self.fitting().is_some_and(|record| {
                let tried = fs::read_to_string(self.tried());
                tried.ok() == Some(json(record))
            }),
        }
    }

    /// The record, if it is of what the page and the steps have now.
    fn fitting(&self) -> Option<&Record> {
        self.kept.filter(|kept| kept.inputs == self.inputs)
    }

    /// The record, if it has as many checkpoints: most of it will be as before.
    fn similar(&self) -> Option<&Record> {
        let checkpoints =
            self.stops.iter().filter(|it| **it == Stop::Checkpoint);
        let checkpoints = checkpoints.count();
        self.kept
            .filter(|kept| kept.checkpoints.len() == checkpoints)
    }

    fn remake(&self, which: Which) -> Result<Record, String> {
        let trial = Trial::new(self.root, self.new, target()?);
        let say = |words| println!("{words}");
        let known = match which {
            Which::CheckFrom(_) => (self.fitting(), Depth::Turning),
            _ => (self.similar(), Depth::Full),
        };
        let (old, new) = (self.old, self.new);
        let mut record = remake(old, new, &self.stops, &trial, known, say)?;
        record.inputs = self.inputs.clone();
        Ok(record)
    }

    /// Whether that is what is recorded.
    fn compare(&self, record: &Record) -> Result<bool, String> {
        if self.kept == Some(record) {
            save(&self.tried(), record)?;
            return Ok(true);
        }
        let Step { number, .. } = self.new;
        for line in self.kept.iter().flat_map(|kept| differences(kept, record))
        {
            eprintln!("step-{number}, {line}");
        }
        eprintln!(
            "step-{number}: that is not what is recorded: `cargo book replay \
             {number}`"
        );
        Ok(false)
    }

    fn keep(&self, record: &Record) -> Result<(), String> {
        save(&Record::path(self.root, self.new.number), record)?;
        save(&self.tried(), record)
    }

    /// Where this machine keeps what it has tried.
    fn tried(&self) -> PathBuf {
        let folder = self.root.join(Name::Replay(self.new.number).folder());
        folder.join("tried.json")
    }
}

/// What came out otherwise than it is recorded.
fn differences(kept: &Record, now: &Record) -> Vec<String> {
    let pairs = kept.checkpoints.iter().zip(&now.checkpoints).enumerate();
    let mut lines = Vec::new();
    for (index, (kept, now)) in pairs {
        let at = format!("checkpoint {}", index + 1);
        if kept.warnings != now.warnings {
            let (kept, now) = (kept.warnings, now.warnings);
            lines.push(format!("{at}: {now} warnings, recorded {kept}"));
        }
        for (turned, kept, now) in [
            ("green", &kept.turned_green, &now.turned_green),
            ("red", &kept.turned_red, &now.turned_red),
        ] {
            for test in now.iter().filter(|test| !kept.contains(test)) {
                lines.push(format!("{at}: {test} turned {turned}"));
            }
            for test in kept.iter().filter(|test| !now.contains(test)) {
                lines.push(format!("{at}: {test} did not turn {turned}"));
            }
        }
    }
    lines
}

fn save(path: &Path, record: &Record) -> Result<(), String> {
    write(path, json(record)).map_err(|error| error.to_string())
}

fn json(record: &Record) -> String {
    serde_json::to_string_pretty(record).unwrap_or_default() + "\n"
}

/// The folder that cargo builds in: this program is in one of its profiles',
/// unless another one is asked for.
fn target() -> Result<PathBuf, String> {
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        let target = std::path::absolute(target);
        return target.map_err(|error| error.to_string());
    }
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let target = program.ancestors().nth(2).map(Path::to_owned);
    target.ok_or_else(|| "cargo did not build this".to_owned())
}
