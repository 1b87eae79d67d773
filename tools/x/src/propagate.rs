//! `cargo x propagate`: carries a change of one step to all later ones.

use std::fs;
use std::path::{Path, PathBuf};

use course::{Course, Name, read, rename, write};
use tempfile::TempDir;

use crate::error::{Result, at, fail};
use crate::git::{self, git};
use crate::say;

pub(crate) const USAGE: &str = "\
Usage: cargo x propagate STEP [--commit REV]

Carries the uncommitted change of step-STEP, new and deleted files too, to the
next step, what it became there to the one after, and so on. With --commit, the
change that commit REV made to step-STEP. Nothing is committed.

Later steps are taken as they are in your folder: uncommitted work in them is
kept. At the first conflict it stops: the steps before it have the change, that
step and the later ones are as they were. Make the change there by hand, then
go on from that step; its own uncommitted work travels along from there.

  cargo x propagate 15
  cargo x propagate 15 --commit HEAD
";

/// A file, if it exists.
type Content = Option<Vec<u8>>;

/// What happened to one file of a step.
struct Change {
    /// From the step's folder, with `/` between folders.
    path: String,
    old: Content,
    new: Content,
}

/// A change's file in the next step.
struct Merged {
    path: String,
    ours: Content,
    result: Content,
}

enum Outcome {
    Clean(Content),
    /// In words, with the lines concerned.
    Conflict(String),
}

pub(crate) fn propagate(
    course: &Course,
    number: u32,
    commit: Option<&str>,
) -> Result<()> {
    let mut from = Name::Step(course.step(number)?);
    if course.after(number).next().is_none() {
        return fail(format!("{from} is the last step: nothing follows it."));
    }
    let mut changes = match commit {
        Some(revision) => committed(course, from, revision)?,
        None => uncommitted(course, from)?,
    };
    if changes.is_empty() {
        return fail(match commit {
            Some(revision) => format!("{revision} changes nothing in {from}."),
            None => format!(
                "{from} has no uncommitted change. For a committed one, say \
                 `cargo x propagate {number} --commit REV`."
            ),
        });
    }
    for next in course.after(number) {
        let to = Name::Step(next);
        for change in &mut changes {
            change.old = change.old.take().map(|it| rename(it, from, to));
            change.new = change.new.take().map(|it| rename(it, from, to));
        }
        changes = carry(course, &changes, from, to)?;
        if changes.is_empty() {
            say!("Nothing is left to carry further.");
            break;
        }
        from = to;
    }
    Ok(())
}

/// Merges the changes into the step `to`; returns what they are there.
fn carry(
    course: &Course,
    changes: &[Change],
    from: Name,
    to: Name,
) -> Result<Vec<Change>> {
    let folder = course.folder(to);
    let mut merged = Vec::new();
    let mut conflicts = Vec::new();
    for change in changes {
        let path = change.path.clone();
        let ours = read_if_exists(&folder.join(&path))?;
        match merge(change, &ours, from, to)? {
            Outcome::Clean(result) => {
                merged.push(Merged { path, ours, result });
            }
            Outcome::Conflict(why) => conflicts.push(why),
        }
    }
    if !conflicts.is_empty() {
        return stop(course, to, &conflicts);
    }
    for file in &merged {
        apply(&folder, to, file)?;
    }
    merged
        .into_iter()
        .zip(changes)
        .map(|(file, change)| next_change(course, file, change, from, to))
        .filter(|change| !matches!(change, Ok(it) if it.old == it.new))
        .collect()
}

fn stop<T>(course: &Course, to: Name, conflicts: &[String]) -> Result<T> {
    let number = to.number();
    let mut words = format!(
        "{to}: conflict. Nothing is written in {to} or later; each step \
         before it has the change.\n"
    );
    for conflict in conflicts {
        words.push_str(&format!("\n{conflict}\n"));
    }
    words.push_str(&format!("\nMake the change in {to} by hand"));
    if course.after(number).next().is_some() {
        words.push_str(&format!(", then: cargo x propagate {number}"));
    }
    fail(words + ".")
}

/// Writes one merged file, if it is not there yet, and says so.
fn apply(folder: &Path, to: Name, file: &Merged) -> Result<()> {
    let path = folder.join(&file.path);
    let verb = match (&file.ours, &file.result) {
        (ours, result) if ours == result => "already in",
        (_, None) => "deleted",
        (None, Some(_)) => "new",
        (Some(_), Some(_)) => "changed",
    };
    if file.ours != file.result {
        match &file.result {
            Some(content) => write(&path, content)?,
            None => fs::remove_file(&path).map_err(at(&path))?,
        }
    }
    say!("{verb:>10}  {to}/{}", file.path);
    Ok(())
}

/// The change as it now is in the step `to`, to be carried on.
///
/// A step may have had it already, from an earlier run that ended at a
/// conflict further on. Then the change is what taking it back would undo: it
/// must still reach the later steps.
fn next_change(
    course: &Course,
    file: Merged,
    change: &Change,
    from: Name,
    to: Name,
) -> Result<Change> {
    let Merged { path, ours, result } = file;
    let mut old = ours;
    if old == result && is_uncommitted(course, to, &path)? {
        let undo = Change {
            path: path.clone(),
            old: change.new.clone(),
            new: change.old.clone(),
        };
        if let Outcome::Clean(without) = merge(&undo, &result, from, to)? {
            old = without;
        }
    }
    Ok(Change {
        path,
        old,
        new: result,
    })
}

/// Three-way: what `change` makes of `ours`.
fn merge(
    change: &Change,
    ours: &Content,
    from: Name,
    to: Name,
) -> Result<Outcome> {
    let Change { path, old, new } = change;
    if ours == old {
        return Ok(Outcome::Clean(new.clone()));
    }
    if ours == new || old == new {
        return Ok(Outcome::Clean(ours.clone()));
    }
    let why = match (old, new, ours) {
        (Some(old), Some(new), Some(ours)) => {
            if [old, new, ours].iter().any(|content| is_binary(content)) {
                format!("{to}/{path} is binary and differs from {from}'s.")
            } else {
                return merge_text(path, [ours, old, new], from, to);
            }
        }
        (None, _, _) => format!(
            "{to}/{path} exists already and is not the file that is new in \
             {from}."
        ),
        (_, None, _) => {
            format!("{from}/{path} is deleted, and {to} has changed that file.")
        }
        (_, _, None) => format!("{to}/{path} does not exist."),
    };
    Ok(Outcome::Conflict(why))
}

fn merge_text(
    path: &str,
    [ours, old, new]: [&[u8]; 3],
    from: Name,
    to: Name,
) -> Result<Outcome> {
    let folder = TempDir::new().map_err(at(&std::env::temp_dir()))?;
    for (name, content) in [("ours", ours), ("old", old), ("new", new)] {
        write(&folder.path().join(name), content)?;
    }
    let output = git(folder.path())
        .args(["merge-file", "--stdout", "--diff3"])
        .args(["-L", &to.to_string()])
        .args(["-L", &format!("{from} before the change")])
        .args(["-L", &format!("{from} after the change")])
        .args(["ours", "old", "new"])
        .output()
        .map_err(git::cannot_run)?;
    match output.status.code() {
        Some(0) => Ok(Outcome::Clean(Some(output.stdout))),
        // The number of conflicts, at most 127.
        Some(1..=127) => Ok(Outcome::Conflict(format!(
            "{to}/{path}: both steps change the same lines.\n{}",
            conflicting_lines(&String::from_utf8_lossy(&output.stdout))
        ))),
        _ => fail(String::from_utf8_lossy(&output.stderr)),
    }
}

/// The parts between git's conflict markers, markers included.
fn conflicting_lines(merged: &str) -> String {
    let mut inside = false;
    let mut result = String::new();
    for line in merged.lines() {
        inside |= line.starts_with("<<<<<<< ");
        if inside {
            result.push_str(line);
            result.push('\n');
        }
        inside &= !line.starts_with(">>>>>>> ");
    }
    result
}

fn is_binary(content: &[u8]) -> bool {
    content.contains(&0) || std::str::from_utf8(content).is_err()
}

/// The difference between the last commit and the folder.
fn uncommitted(course: &Course, step: Name) -> Result<Vec<Change>> {
    let folder = step.folder();
    let mut paths = git::names(&git::output(git(&course.root).args([
        "diff",
        "-z",
        "--name-only",
        "--no-renames",
        "--relative",
        "HEAD",
        "--",
        &folder,
    ]))?);
    paths.extend(git::names(&git::output(git(&course.root).args([
        "ls-files",
        "-z",
        "--others",
        "--exclude-standard",
        "--",
        &folder,
    ]))?));
    paths.sort();
    paths.dedup();
    changes(course, step, &paths, |path| {
        let old = content_at(course, "HEAD", path)?;
        Ok((old, read_if_exists(&course.root.join(path))?))
    })
}

/// The difference that a commit made.
fn committed(
    course: &Course,
    step: Name,
    revision: &str,
) -> Result<Vec<Change>> {
    let resolve = |revision: &str| {
        let commit = format!("{revision}^{{commit}}");
        let mut git = git(&course.root);
        git.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
        git::output(git.arg(commit))
            .ok()
            .map(|id| String::from_utf8_lossy(&id).trim().to_owned())
    };
    let Some(commit) = resolve(revision) else {
        return fail(format!("git knows no commit `{revision}`."));
    };
    if resolve(&format!("{commit}^2")).is_some() {
        return fail(format!(
            "{revision} is a merge: name one of the commits that it merged."
        ));
    }
    let paths = git::names(&git::output(git(&course.root).args([
        "diff-tree",
        "-r",
        "-z",
        "--root",
        "--no-commit-id",
        "--name-only",
        "--no-renames",
        "--relative",
        &commit,
        "--",
        &step.folder(),
    ]))?);
    let parent = resolve(&format!("{commit}^"));
    changes(course, step, &paths, |path| {
        let old = match &parent {
            Some(parent) => content_at(course, parent, path)?,
            // The first commit of all made every file.
            None => None,
        };
        Ok((old, content_at(course, &commit, path)?))
    })
}

fn changes(
    course: &Course,
    step: Name,
    paths: &[String],
    ends: impl Fn(&str) -> Result<(Content, Content)>,
) -> Result<Vec<Change>> {
    let prefix = format!("{}/", step.folder());
    let mut changes = Vec::new();
    for path in paths {
        let Some(inside) = path.strip_prefix(&prefix) else {
            continue;
        };
        // A submodule, or a repository inside this one.
        if course.root.join(path).is_dir() {
            continue;
        }
        let (old, new) = ends(path)?;
        if old != new {
            changes.push(Change {
                path: inside.to_owned(),
                old,
                new,
            });
        }
    }
    Ok(changes)
}

/// A file in a commit, as git would check it out.
fn content_at(course: &Course, commit: &str, path: &str) -> Result<Content> {
    let mut list = git(&course.root);
    list.args(["ls-tree", "-z", "--name-only", commit, "--", path]);
    if git::output(&mut list)?.is_empty() {
        return Ok(None);
    }
    let object = format!("{commit}:./{path}");
    let mut git = git(&course.root);
    git.args(["cat-file", "--filters", &object]);
    git::output(&mut git).map(Some)
}

fn is_uncommitted(course: &Course, step: Name, path: &str) -> Result<bool> {
    let path: PathBuf = Path::new(&step.folder()).join(path);
    let status = git::output(
        git(&course.root)
            .args(["status", "--porcelain", "--"])
            .arg(path),
    )?;
    Ok(!status.is_empty())
}

fn read_if_exists(path: &Path) -> Result<Content> {
    if path.is_file() {
        return Ok(Some(read(path)?));
    }
    Ok(None)
}
