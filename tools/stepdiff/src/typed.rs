//! A file as a reader has it when a box comes: what the boxes before it have
//! changed is typed, what later ones change is not there yet.

use std::collections::BTreeSet;

use crate::diff::{Change, FileDiff, Kind, Row, hunks};

/// What a box changes in a file as it is by then.
#[derive(Debug)]
pub(crate) struct Moment {
    /// The file before and after the box; its changed rows are the box's.
    pub(crate) file: FileDiff,
    /// For each of its rows the row of the whole comparison.
    pub(crate) origin: Vec<usize>,
}

impl Moment {
    /// The changed rows.
    pub(crate) fn selected(&self) -> Vec<usize> {
        self.file.changed(0..self.file.rows.len()).collect()
    }
}

/// The rows of a box, in a file whose `typed` rows are changed already.
pub(crate) fn moment(
    whole: &FileDiff,
    typed: &BTreeSet<usize>,
    rows: &[usize],
) -> Moment {
    if whole.opaque {
        return Moment {
            file: whole.clone(),
            origin: vec![0],
        };
    }
    let mut now = Vec::new();
    let mut origin = Vec::new();
    let (mut old, mut new) = (0, 0);
    for (at, row) in whole.rows.iter().enumerate() {
        let kind = match row.kind {
            kind if rows.contains(&at) => kind,
            Kind::Added if !typed.contains(&at) => continue,
            Kind::Removed if typed.contains(&at) => continue,
            _ => Kind::Same,
        };
        old += usize::from(kind != Kind::Added);
        new += usize::from(kind != Kind::Removed);
        origin.push(at);
        now.push(Row {
            kind,
            old: (kind != Kind::Added).then_some(old),
            new: (kind != Kind::Removed).then_some(new),
            text: row.text.clone(),
        });
    }
    let change = match whole.change {
        Change::Created if old == 0 => Change::Created,
        Change::Deleted if new == 0 => Change::Deleted,
        _ => Change::Modified,
    };
    let file = FileDiff {
        path: whole.path.clone(),
        change,
        hunks: hunks(&now),
        rows: now,
        opaque: false,
    };
    Moment { file, origin }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff_file;

    #[test]
    fn what_is_typed_is_there_and_what_comes_later_is_not() {
        let (old, new) = ("a\nold\nb\n", "a\nNEW\none\ntwo\nb\n");
        let whole = diff_file("a", Some(old.as_bytes()), Some(new.as_bytes()));
        let whole = whole.unwrap();
        let two = whole.rows.iter().position(|row| row.text == "two\n");
        let one = whole.rows.iter().position(|row| row.text == "one\n");
        let typed = BTreeSet::from([one.unwrap()]);
        let now = moment(&whole, &typed, &[two.unwrap()]).file;
        let texts = now.rows.iter().map(|row| (row.kind, row.text.as_str()));
        let expected = [
            (Kind::Same, "a\n"),
            (Kind::Same, "old\n"),
            (Kind::Same, "one\n"),
            (Kind::Added, "two\n"),
            (Kind::Same, "b\n"),
        ];
        assert_eq!(texts.collect::<Vec<_>>(), expected);
        assert_eq!(now.rows[3].new, Some(4));
        assert_eq!((now.rows[4].old, now.rows[4].new), (Some(4), Some(5)));
    }

    #[test]
    fn a_new_file_is_new_once() {
        let whole = diff_file("a", None, Some(b"one\ntwo\n")).unwrap();
        let first = moment(&whole, &BTreeSet::new(), &[0]).file;
        assert_eq!(first.change, Change::Created);
        let second = moment(&whole, &BTreeSet::from([0]), &[1]).file;
        assert_eq!(second.change, Change::Modified);
    }
}
