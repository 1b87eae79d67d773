//! At which checkpoint of a chapter the reader is.

use std::collections::BTreeSet;

use course::{Record, Tests};

/// Where the reader is, and what comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The checkpoints whose tests are all green; 0 is the start. Several,
    /// where neighbours have the same tests.
    at: Vec<usize>,
    /// How many checkpoints the chapter has.
    of: usize,
    /// The first test that is not green yet, and where it turns green.
    next: Option<(String, usize)>,
    /// What is red, and was green at the start: in the step before, or as a
    /// test that no record names.
    broken: Vec<String>,
}

impl Position {
    /// Finds it by what the book recorded; `None` if the record is of other
    /// tests.
    pub(super) fn find(record: &Record, tests: &Tests) -> Option<Self> {
        let greens = greens(record, tests)?;
        let (start, green) = (&greens[0], &tests.green);
        let mut at = best(&greens, green);
        let mut broken = BTreeSet::new();
        if at.is_empty() {
            // Where would they be, with all that was green before?
            at = best(&greens, &(green | start));
            let should = at.last().map(|at| &greens[*at] & start);
            broken = &should.unwrap_or_default() - green;
        }
        let mut later = at.last()? + 1..greens.len();
        let next = later.find_map(|number| {
            let turned = &record.checkpoints[number - 1].turned_green;
            let red = turned.iter().find(|test| !green.contains(*test))?;
            Some((red.clone(), number))
        });
        Some(Self {
            at,
            of: record.checkpoints.len(),
            next,
            broken: broken.into_iter().collect(),
        })
    }

    /// In sentences.
    pub(super) fn words(&self) -> String {
        let mut words = match *self.at {
            [0] => "You are at the start of the chapter: red is right here."
                .to_owned(),
            [one] => format!("You are at checkpoint {one} of {}.", self.of),
            _ => format!(
                "You are at {}, of {}: the tests don't tell them apart.",
                names(&self.at),
                self.of
            ),
        };
        if let Some((test, number)) = &self.next {
            words += &format!(
                "\nNext: {test}, which turns green at checkpoint {number}."
            );
        }
        if !self.broken.is_empty() {
            words += "\nRed, and should be green by now: ";
            words += &self.broken.join(", ");
            words += ".";
        }
        words
    }
}

/// Like `the start, or checkpoint 1, or 2`.
fn names(at: &[usize]) -> String {
    let numbers: Vec<_> = at.iter().map(usize::to_string).collect();
    let words = format!("checkpoint {}", numbers.join(", or "));
    words.replace("checkpoint 0, or ", "the start, or checkpoint ")
}

/// The green tests at the start and at each checkpoint. A test that the
/// record does not name is green all the time.
fn greens(record: &Record, tests: &Tests) -> Option<Vec<BTreeSet<String>>> {
    let mut now = tests.all.clone();
    for checkpoint in record.checkpoints.iter().rev() {
        now.extend(checkpoint.turned_red.iter().cloned());
        for test in &checkpoint.turned_green {
            now.remove(test);
        }
    }
    let mut greens = vec![now.clone()];
    for checkpoint in &record.checkpoints {
        now.extend(checkpoint.turned_green.iter().cloned());
        for test in &checkpoint.turned_red {
            now.remove(test);
        }
        greens.push(now.clone());
    }
    let fits = tests.all.len() >= record.tests
        && greens.iter().all(|green| green.is_subset(&tests.all));
    fits.then_some(greens)
}

/// The checkpoints with the most tests, of those whose tests are all green.
fn best(greens: &[BTreeSet<String>], green: &BTreeSet<String>) -> Vec<usize> {
    let reached = (0..greens.len()).filter(|at| greens[*at].is_subset(green));
    let Some(last) = reached.max_by_key(|at| (greens[*at].len(), *at)) else {
        return Vec::new();
    };
    (0..greens.len())
        .filter(|at| greens[*at] == greens[last])
        .collect()
}

#[cfg(test)]
mod tests {
    use course::Checkpoint;

    use super::*;

    /// Two tests are green from the start. `a` turns green at checkpoint 1,
    /// and nothing at 2; at 3 `b` does and `old` is red, until 4.
    fn record() -> Record {
        let checkpoint = |green: &[&str], red: &[&str]| Checkpoint {
            warnings: 0,
            green: 0,
            turned_green: green.iter().map(ToString::to_string).collect(),
            turned_red: red.iter().map(ToString::to_string).collect(),
        };
        Record {
            inputs: String::new(),
            tests: 5,
            start: 2,
            checkpoints: vec![
                checkpoint(&["a"], &[]),
                checkpoint(&[], &[]),
                checkpoint(&["b"], &["old"]),
                checkpoint(&["c", "old"], &[]),
            ],
        }
    }

    fn words(green: &[&str]) -> String {
        let all = ["a", "b", "c", "old", "same"];
        let tests = Tests {
            all: all.map(str::to_owned).into(),
            green: green.iter().map(ToString::to_string).collect(),
            slow: BTreeSet::new(),
        };
        let position = Position::find(&record(), &tests);
        position.expect("the record fits").words()
    }

    #[test]
    fn at_the_start_the_first_test_is_next() {
        assert_eq!(
            words(&["old", "same"]),
            "You are at the start of the chapter: red is right here.\n\
             Next: a, which turns green at checkpoint 1."
        );
    }

    #[test]
    fn checkpoints_with_the_same_tests_are_not_told_apart() {
        assert_eq!(
            words(&["old", "same", "a"]),
            "You are at checkpoint 1, or 2, of 4: the tests don't tell them \
             apart.\nNext: b, which turns green at checkpoint 3."
        );
    }

    #[test]
    fn a_test_that_is_red_for_a_while_is_not_broken() {
        assert_eq!(
            words(&["same", "a", "b"]),
            "You are at checkpoint 3 of 4.\n\
             Next: c, which turns green at checkpoint 4."
        );
        // It has c already, out of turn.
        let out_of_turn = words(&["same", "a", "b", "c"]);
        assert!(
            out_of_turn.ends_with(
                "Next: old, which turns green at \
             checkpoint 4."
            ),
            "{out_of_turn}"
        );
    }

    #[test]
    fn at_the_end_nothing_is_next() {
        let all = ["old", "same", "a", "b", "c"];
        assert_eq!(words(&all), "You are at checkpoint 4 of 4.");
    }

    #[test]
    fn what_was_green_before_and_is_red_is_named() {
        assert_eq!(
            words(&["old", "a"]),
            "You are at checkpoint 1, or 2, of 4: the tests don't tell them \
             apart.\nNext: b, which turns green at checkpoint 3.\n\
             Red, and should be green by now: same."
        );
    }

    #[test]
    fn what_a_later_checkpoint_breaks_for_a_while_is_green_before_it() {
        let words = words(&["same", "a"]);
        assert!(
            words.ends_with("Red, and should be green by now: old."),
            "{words}"
        );
    }

    #[test]
    fn a_record_of_other_tests_says_nothing() {
        let tests = |names: &[&str]| Tests {
            all: names.iter().map(ToString::to_string).collect(),
            ..Tests::default()
        };
        let renamed = tests(&["a", "b", "C", "old", "same"]);
        assert_eq!(Position::find(&record(), &renamed), None);
        let fewer = tests(&["a", "b", "c", "old"]);
        assert_eq!(Position::find(&record(), &fewer), None);
    }
}
