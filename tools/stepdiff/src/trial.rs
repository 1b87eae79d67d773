//! Builds what a reader has typed, and runs the step's tests on it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use course::{
    Known, Name, Step, Tests, files, for_tests_of, is_test, read, rename, write,
};
use serde_json::Value;

use crate::replay::Files;

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many warnings the compiler has for the code.
    pub warnings: usize,
    /// The step's tests.
    pub tests: Tests,
}

/// A place to try a step in: a workspace of its own, with the versions and
/// the built dependencies of the course.
#[derive(Debug)]
pub struct Trial<'a> {
    root: &'a Path,
    step: &'a Step,
    workspace: PathBuf,
    target: PathBuf,
    name: Name,
}

impl<'a> Trial<'a> {
    /// A place for a step of the course in `root`; `target` is the folder
    /// that cargo builds in.
    pub fn new(root: &'a Path, step: &'a Step, target: PathBuf) -> Self {
        let name = Name::Replay(step.number);
        // Inside of the course, since a step looks for its `package.json` in
        // the folders above.
        let workspace = root.join(name.folder());
        Self {
            root,
            step,
            workspace,
            target,
            name,
        }
    }

    /// Builds these files with the step's tests, and runs the tests.
    ///
    /// # Errors
    ///
    /// In words: the compiler's, when it does not build.
    pub fn run(&self, typed: &Files, known: &Known) -> Result<Outcome, String> {
        self.write(typed).map_err(|error| error.to_string())?;
        let (warnings, program) = self.build()?;
        let folder = self.workspace.join("typed");
        let tests = Tests::run(&program, &folder, known)
            .map_err(|error| error.to_string())?;
        Ok(Outcome { warnings, tests })
    }

    fn write(&self, typed: &Files) -> io::Result<()> {
        let manifest = root_manifest(self.root)?;
        update(&self.workspace.join("Cargo.toml"), manifest.as_bytes())?;
        // Anew each time: cargo forgets the versions that are not used yet.
        let lock = self.workspace.join("Cargo.lock");
        fs::copy(self.root.join("Cargo.lock"), &lock)?;

        let folder = self.workspace.join("typed");
        let code = typed.iter().filter(|(path, _)| !is_test(path));
        let tests = self.step.files.iter().filter(|(path, _)| is_test(path));
        let mut wanted = BTreeSet::new();
        for (path, content) in code.chain(tests) {
            let mut content = content.clone();
            if path == "Cargo.toml"
                && let Some(tests) = self.step.text(path)
            {
                let code = String::from_utf8_lossy(&content).into_owned();
                content = for_tests_of(&code, tests).into_bytes();
            }
            let content =
                rename(content, Name::Step(self.step.number), self.name);
            update(&folder.join(path), &content)?;
            wanted.insert(PathBuf::from(path));
        }
        for path in files(&folder, &["src", "templates", "static", "tests"])? {
            if !wanted.contains(&path) {
                fs::remove_file(folder.join(path))?;
            }
        }
        Ok(())
    }

    /// The number of warnings for the code, and the tests' program.
    fn build(&self) -> Result<(usize, PathBuf), String> {
        let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
        let output = Command::new(cargo)
            .args(["test", "--test", "it", "--no-run", "--offline", "--quiet"])
            .args(["--message-format=json", "--package"])
            .arg(self.name.to_string())
            .env("CARGO_TARGET_DIR", &self.target)
            .current_dir(&self.workspace)
            .output()
            .map_err(|error| format!("can't run cargo: {error}"))?;
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut warnings = BTreeSet::new();
        let mut errors = String::new();
        let mut program = None;
        for message in messages {
            let rendered = message["message"]["rendered"].as_str();
            let is_code = message["target"]["kind"][0] != "test";
            let is_ours = message["package_id"]
                .as_str()
                .is_some_and(|id| id.contains(&self.name.to_string()));
            match (message["message"]["level"].as_str(), rendered) {
                (Some("error"), Some(text)) => errors += text,
                (Some("warning"), Some(text))
                    if is_ours
                        && is_code
                        && message["message"]["spans"][0].is_object() =>
                {
                    warnings.insert(text.to_owned());
                }
                _ => {}
            }
            if message["target"]["name"] == "it"
                && let Some(path) = message["executable"].as_str()
            {
                program = Some(PathBuf::from(path));
            }
        }
        match program {
            Some(program) if output.status.success() => {
                Ok((warnings.len(), program))
            }
            _ if errors.is_empty() => {
                Err(String::from_utf8_lossy(&output.stderr).into_owned())
            }
            _ => Err(errors),
        }
    }
}

/// The course's manifest, for a workspace of one crate elsewhere.
fn root_manifest(root: &Path) -> io::Result<String> {
    let text = read(&root.join("Cargo.toml"))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let root = root.canonicalize()?.to_string_lossy().replace('\\', "/");
    let here = format!("path = \"{root}/");
    let others = ["exclude", "default-members"];
    let lines = text.lines();
    let lines = lines.filter(|it| !others.iter().any(|o| it.starts_with(o)));
    let lines = lines.map(|line| match line.starts_with("members") {
        true => "members = [\"typed\"]\n".to_owned(),
        false => line.replace("path = \"", &here) + "\n",
    });
    Ok(lines.collect())
}

/// Writes a file if that changes it: cargo looks at its time.
fn update(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.is_file() && read(path)? == content {
        return Ok(());
    }
    write(path, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_one_crate_and_the_courses_tools() {
        let root = tempfile::tempdir().unwrap();
        let manifest = "[workspace]\nmembers = [\"step-*\"]\nexclude = []\n\
                        default-members = [\"step-1*\"]\n\
                        testkit = { path = \"tools/testkit\" }\n";
        write(&root.path().join("Cargo.toml"), manifest).unwrap();
        let made = root_manifest(root.path()).unwrap();
        assert!(made.contains("members = [\"typed\"]\ntestkit = { path = \"/"));
        assert!(made.contains("/tools/testkit\" }\n"));
    }
}
