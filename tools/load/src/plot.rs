//! Pictures of a comparison, for the book: an SVG for each figure, for a light
//! and for a dark page.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::compare::Table;
use crate::report::Report;
use crate::svg::{Bar, FORMS, Figure, Group, number};

/// Writes the pictures of files that `compare --json` has printed. Returns the
/// Markdown that shows them.
///
/// # Errors
/// When there are no files, one can't be read or is something else, two have
/// the same name, or the folder can't be written to.
pub(crate) fn plot(files: &[PathBuf], folder: &Path) -> Result<String> {
    ensure!(!files.is_empty(), "plot what? It takes a file");
    let mut tables = Vec::new();
    let mut names = BTreeSet::new();
    for file in files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let is_new = names.insert(stem.clone());
        ensure!(is_new, "two files would have the pictures {stem}-….svg");
        tables.push((stem, read(file)?));
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut markdown = String::new();
    for (stem, table) in &tables {
        for (name, figure) in figures(table) {
            for form in &FORMS {
                let name = format!("{stem}-{name}{}.svg", form.suffix);
                let file = folder.join(&name);
                fs::write(&file, figure.svg(form))
                    .with_context(|| file.display().to_string())?;
                writeln!(markdown, "![{}]({name})", figure.words())?;
            }
            writeln!(markdown)?;
        }
    }
    Ok(markdown)
}

fn read(file: &Path) -> Result<Table> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| name.to_string())?;
    let table: Table = serde_json::from_str(&text)
        .with_context(|| format!("{name}: not what compare --json prints"))?;
    let chats = |round: &Vec<Report>| -> Vec<String> {
        round.iter().map(Report::name).collect()
    };
    let first = table.rounds.first().map(chats).unwrap_or_default();
    ensure!(!first.is_empty(), "{name}: there is no report in it");
    let same = table.rounds.iter().all(|it| chats(it) == first);
    ensure!(same, "{name}: its rounds are not of the same chats");
    Ok(table)
}

/// The pictures of a table that has a report, with what their files' names have
/// behind the table's.
fn figures(table: &Table) -> Vec<(&'static str, Figure)> {
    let mut figures =
        vec![("messages", messages(table)), ("delivery", delivery(table))];
    let mut reports = table.rounds.iter().flatten();
    if reports.all(|it| kib_per_idle(it).is_some()) {
        figures.push(("memory", memory(table)));
    }
    figures
}

fn messages(table: &Table) -> Figure {
    let mut bars = bars(table, ("", 0), |it| it.answered_per_second);
    for (peer, bar) in bars.iter_mut().enumerate() {
        let mut rounds = table.rounds.iter();
        bar.starred = rounds.any(|it| it[peer].is_limited_by_tool());
    }
    let mut notes = notes(table);
    if bars.iter().any(|it| it.starred) {
        notes.push("* Held back by the load tool: may be more.".to_owned());
    }
    let heading = "";
    Figure {
        title: "Messages per second",
        about: format!("{}; more is better", load(table)),
        groups: vec![Group { heading, bars }],
        notes,
    }
}

fn delivery(table: &Table) -> Figure {
    let half = bars(table, (" ms", 2), |it| it.delivery.p50);
    let nearly_all = bars(table, (" ms", 2), |it| it.delivery.p99);
    Figure {
        title: "Time until a message is delivered",
        about: format!("{}; less is better", load(table)),
        groups: vec![
            Group {
                heading: "Half of the messages (p50)",
                bars: half,
            },
            Group {
                heading: "99 of 100 messages (p99)",
                bars: nearly_all,
            },
        ],
        notes: notes(table),
    }
}

fn memory(table: &Table) -> Figure {
    let bars = bars(table, (" KiB", 1), |it| {
        kib_per_idle(it).unwrap_or_default()
    });
    let heading = "";
    let pages = number(table.rounds[0][0].idle as f64, 0);
    Figure {
        title: "Memory of an idle page",
        about: format!("{pages} idle pages; less is better"),
        groups: vec![Group { heading, bars }],
        notes: notes(table),
    }
}

fn kib_per_idle(report: &Report) -> Option<f64> {
    report.server.and_then(|it| it.kib_per_idle)
}

fn load(table: &Table) -> String {
    let Report { senders, rate, .. } = table.rounds[0][0];
    match rate {
        None => format!("{senders} senders"),
        Some(rate) => {
            format!("{senders} senders, {} a second", number(rate.into(), 0))
        }
    }
}

fn notes(table: &Table) -> Vec<String> {
    match table.rounds.len() {
        1 => vec![],
        n => vec![format!("Bar: median of {n} rounds. Line: least to most.")],
    }
}

/// One for each peer.
fn bars(
    table: &Table,
    (unit, digits): (&'static str, usize),
    figure: impl Fn(&Report) -> f64,
) -> Vec<Bar> {
    let peers = 0..table.rounds[0].len();
    peers
        .map(|peer| {
            let rounds = table.rounds.iter();
            let mut all: Vec<_> = rounds.map(|it| figure(&it[peer])).collect();
            all.sort_by(f64::total_cmp);
            let last = all.len() - 1;
            Bar {
                peer: table.rounds[0][peer].name(),
                least: all[0],
                middle: f64::midpoint(all[last / 2], all[last.div_ceil(2)]),
                most: all[last],
                digits,
                unit,
                starred: false,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn report(chat: &str, per_second: f64) -> serde_json::Value {
        let delays = serde_json::json!({"p50": 1.0, "p99": 2.0, "max": 3.0});
        serde_json::json!({
            "chat": chat,
            "senders": 64,
            "rate": null,
            "users": 50,
            "idle": 0,
            "seconds": 10.0,
            "answered_per_second": per_second,
            "delivered_per_second": per_second * 2.0,
            "refused": {"429": 1},
            "answer": delays,
            "delivery": delays,
            "wrong": {
                "missing": 0,
                "doubled": 0,
                "disordered": 0,
                "strange": 0,
                "closed": 0,
            },
            "server": {
                "cpu": 0.5,
                "micros_per_message": 40.0,
                "kib_per_idle": null,
            },
            "own_cpu": 0.2,
        })
    }

    /// Two peers, and what the second one answers in each round.
    fn table(rounds: &[f64]) -> serde_json::Value {
        let round = |&it| [report("step-24", 900.0), report("node", it)];
        let rounds: Vec<_> = rounds.iter().map(round).collect();
        serde_json::json!({ "rounds": rounds })
    }

    /// The Markdown for a file of this text, and the folder of its pictures.
    fn plot_text(text: &str) -> Result<(String, TempDir)> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("fast.json");
        fs::write(&file, text)?;
        let markdown = plot(&[file], folder.path())?;
        Ok((markdown, folder))
    }

    fn error(text: &str) -> String {
        format!("{:#}", plot_text(text).unwrap_err())
    }

    #[test]
    fn each_picture_is_for_light_and_dark_pages() {
        let text = table(&[90.0, 100.0, 80.0]).to_string();
        let (markdown, folder) = plot_text(&text).unwrap();
        let words = "Messages per second: step-24 900, node 90 (80 to 100)";
        for name in ["fast-messages.svg", "fast-messages-dark.svg"] {
            assert!(markdown.contains(&format!("![{words}]({name})\n")));
            let svg = fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(svg.contains(words));
        }
        assert!(folder.path().join("fast-delivery-dark.svg").exists());
        assert!(!folder.path().join("fast-memory.svg").exists(), "no pages");
    }

    #[test]
    fn the_median_of_an_even_number_is_in_between() {
        let text = table(&[10.0, 1.0, 2.0, 4.0]).to_string();
        let (markdown, _folder) = plot_text(&text).unwrap();
        assert!(markdown.contains("node 3 (1 to 10)"), "{markdown}");
    }

    #[test]
    fn memory_is_drawn_where_it_was_measured() {
        let mut table = table(&[1.0]);
        for report in table["rounds"][0].as_array_mut().unwrap() {
            report["idle"] = 5000.into();
            report["server"]["kib_per_idle"] = 24.41.into();
        }
        let (markdown, _folder) = plot_text(&table.to_string()).unwrap();
        assert!(markdown.contains("page: step-24 24.4 KiB, node 24.4 KiB]"));
    }

    #[test]
    fn a_file_that_is_no_table_is_named() {
        for text in ["", "[]", "{}", &report("node", 1.0).to_string()] {
            let error = error(text);
            assert!(error.contains("fast.json: not what compare"), "{error}");
        }
        let missing = [PathBuf::from("missing.json")];
        let error = plot(&missing, Path::new("")).unwrap_err();
        assert!(format!("{error:#}").starts_with("missing.json: "));
    }

    #[test]
    fn a_table_without_reports_is_an_error() {
        for text in [r#"{"rounds": []}"#, r#"{"rounds": [[]]}"#] {
            assert!(error(text).ends_with("there is no report in it"));
        }
        let mut table = table(&[1.0, 2.0]);
        table["rounds"][1].as_array_mut().unwrap().pop();
        assert!(error(&table.to_string()).ends_with("of the same chats"));
    }

    #[test]
    fn no_picture_is_written_twice() {
        let (_, folder) = plot_text(&table(&[1.0]).to_string()).unwrap();
        let file = folder.path().join("fast.json");
        assert!(plot(&[file.clone(), file], folder.path()).is_err());
        assert!(plot(&[], folder.path()).is_err());
    }
}
