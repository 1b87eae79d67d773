//! Types a chapter from its page, and tries it at each checkpoint.

use std::collections::BTreeSet;

use course::{Checkpoint, Known, Record, Step};

use crate::replay::{Reader, Stop};
use crate::trial::{Outcome, Trial};

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All tests at each checkpoint.
    Full,
    /// A test that is green from the first checkpoint on, by what is recorded,
    /// at that one and in the finished step alone.
    Turning,
}

/// What comes out at the checkpoints of a chapter, whose page has these
/// `stops`. Says how it goes by `say`. A test that is red on a busy machine
/// gets a second chance where it was green before, or is by what is `kept`;
/// each one does when nothing is. `Depth::Turning` needs what is kept.
///
/// # Errors
///
/// In words: a test of the step is red; what is typed does not build at a
/// checkpoint, or is not the step at the end, to the last line.
pub fn remake(
    old: &Step,
    new: &Step,
    stops: &[Stop],
    trial: &Trial<'_>,
    (kept, depth): (Option<&Record>, Depth),
    mut say: impl FnMut(String),
) -> Result<Record, String> {
    let name = new.name();
    let goal = trial.run(&new.files, &Known::default())?;
    let red = difference(&goal.tests.all, &goal.tests.green);
    if !red.is_empty() {
        return Err(format!("{name} has red tests: {}", red.join(", ")));
    }
    let mut known = Known {
        slow: goal.tests.slow.clone(),
        again: Some(green_at_start(&goal.tests.all, kept)),
        ..Known::default()
    };
    let mut reader = Reader::new(old, new);
    // The new tests may not even compile with the old code.
    let start = trial.run(&reader.files, &known);
    let mut last = start.unwrap_or_default();
    let start = last.tests.green.len();
    say(format!("{name}, at the start: {}", words(&last)));

    let mut checkpoints = Vec::new();
    for stop in stops {
        if let Stop::Figure(figure) = stop {
            reader.type_in(figure)?;
            continue;
        }
        let number = checkpoints.len() + 1;
        let before = last.tests.green;
        known.again = kept.map(|kept| {
            let kept = kept.checkpoints.get(number - 1);
            let turned_green = kept.map(|kept| &kept.turned_green);
            let expected = turned_green.into_iter().flatten();
            before.iter().chain(expected).cloned().collect()
        });
        let now = match reader.finish() {
            Ok(()) => goal.clone(),
            Err(_) => trial.run(&reader.files, &known).map_err(|errors| {
                format!(
                    "{name}, checkpoint {number}: what is typed by then does \
                     not build.\n\n{errors}"
                )
            })?,
        };
        say(format!("{name}, checkpoint {number}: {}", words(&now)));
        let green = &now.tests.green;
        if let (1, Depth::Turning, Some(kept)) = (number, depth, kept) {
            let turned_red = kept.checkpoints.iter().map(|it| &it.turned_red);
            known.sure = green - &turned_red.flatten().cloned().collect();
        }
        checkpoints.push(Checkpoint {
            warnings: now.warnings,
            green: green.len(),
            turned_green: difference(green, &before),
            turned_red: difference(&before, green),
        });
        last = now;
    }
    reader.finish()?;
    Ok(Record {
        inputs: String::new(),
        tests: goal.tests.all.len(),
        start,
        checkpoints,
    })
}

/// The tests that are green before anything is typed, by what is kept: nothing
/// turns them green.
fn green_at_start(
    all: &BTreeSet<String>,
    kept: Option<&Record>,
) -> BTreeSet<String> {
    let Some(kept) = kept else {
        return BTreeSet::new();
    };
    let is_green = |test: &&String| {
        let turns = kept.checkpoints.iter().find_map(|it| {
            let turned_green = it.turned_green.contains(test);
            (turned_green || it.turned_red.contains(test))
                .then_some(turned_green)
        });
        turns != Some(true)
    };
    all.iter().filter(is_green).cloned().collect()
}

fn difference(a: &BTreeSet<String>, b: &BTreeSet<String>) -> Vec<String> {
    a.difference(b).cloned().collect()
}

fn words(outcome: &Outcome) -> String {
    let Outcome { warnings, tests } = outcome;
    match tests.all.len() {
        0 => "does not build with the new tests".to_owned(),
        all => format!(
            "{warnings} warnings, {} of {all} tests green",
            tests.green.len()
        ),
    }
}
