//! Each crate inherits what the workspace decides.

use std::path::Path;

use course::{Course, Name, entries};
use toml::{Table, Value};

use super::Report;
use crate::error::{Result, read_toml};

const INHERITED: [&str; 3] = ["version", "edition", "rust-version"];
const DEPENDENCIES: [&str; 3] =
    ["dependencies", "dev-dependencies", "build-dependencies"];

/// Returns how many crates there are.
pub(super) fn check(course: &Course, report: &mut Report) -> Result<usize> {
    let mut folders: Vec<String> = course
        .steps
        .iter()
        .map(|step| Name::Step(*step).folder())
        .collect();
    for path in entries(&course.root.join("tools"))? {
        if path.join("Cargo.toml").is_file()
            && let Some(tool) = path.file_name().and_then(|it| it.to_str())
        {
            folders.push(format!("tools/{tool}"));
        }
    }
    let mut crates = 0;
    for folder in folders {
        let path = Path::new(&folder).join("Cargo.toml");
        let absolute = course.root.join(&path);
        if !absolute.is_file() {
            report.finding(format!(
                "{folder} has no Cargo.toml: write one, or delete the folder."
            ));
            continue;
        }
        crates += 1;
        let manifest = read_toml(&absolute)?;
        check_manifest(&path, &manifest, report);
        let name = manifest.get("package").and_then(|it| it.get("name"));
        // A lesson is run by its folder's name: `cargo run -p step-16`.
        let is_lesson = !folder.contains('/');
        if is_lesson && name.and_then(Value::as_str) != Some(&folder) {
            report.finding(format!(
                "{}: name the package as its folder is called.",
                path.display()
            ));
        }
    }
    Ok(crates)
}

fn check_manifest(path: &Path, manifest: &Table, report: &mut Report) {
    let path = path.display();
    for key in INHERITED {
        if !inherits(manifest.get("package").and_then(|it| it.get(key))) {
            report.finding(format!(
                "{path}: write `{key}.workspace = true` under [package]."
            ));
        }
    }
    if !inherits(manifest.get("lints")) {
        report.finding(format!(
            "{path}: write `workspace = true` under [lints]."
        ));
    }
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table)
        .chain([manifest]);
    for table in tables {
        for kind in DEPENDENCIES {
            let names = table.get(kind).and_then(Value::as_table);
            for (name, value) in names.into_iter().flatten() {
                check_dependency(&path.to_string(), name, value, report);
            }
        }
    }
}

/// Whether a manifest is a step's or of what its tests need. Other tools may
/// ask for more features: no lesson waits for those.
fn is_built_with_steps(path: &str) -> bool {
    !path.starts_with("tools/") || path.starts_with("tools/testkit/")
}

fn check_dependency(
    path: &str,
    name: &str,
    value: &Value,
    report: &mut Report,
) {
    if !inherits(Some(value)) {
        report.finding(format!(
            "{path}: write `{name}.workspace = true`, and the version in the \
             workspace's Cargo.toml."
        ));
    } else if value.get("features").is_some() && is_built_with_steps(path) {
        report.finding(format!(
            "{path}: set the features of {name} in the workspace's \
             Cargo.toml, so that all crates share one build of it."
        ));
    }
}

fn inherits(value: Option<&Value>) -> bool {
    let workspace = value.and_then(|value| value.get("workspace"));
    workspace.and_then(Value::as_bool) == Some(true)
}
