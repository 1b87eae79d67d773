//! A small course in a folder of its own, under git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(crate) struct Course {
    folder: TempDir,
}

/// What a run of `cargo x` printed, and how it ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Course {
    /// Three steps, 15 to 17, that keep every rule, committed.
    pub(crate) fn new() -> Self {
        let course = Self {
            folder: TempDir::new().unwrap(),
        };
        course.write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"step-*\", \"mine/*\"]\n",
        );
        course.write(".gitignore", "/mine/*\n*.db\n");
        for number in [15, 16, 17] {
            course.add_step(number);
        }
        course.write(
            "README.md",
            "| [step-15](step-15) | one |\n| step-16 | two |\n\
             | step-17 | three |\n",
        );
        course.git(&["init", "--quiet"]);
        course.commit();
        course
    }

    /// Two steps, 1 and 2, that cargo can build, without any dependency.
    pub(crate) fn that_builds() -> Self {
        let course = Self {
            folder: TempDir::new().unwrap(),
        };
        course.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\n\
             members = [\"step-*\", \"mine/*\"]\n",
        );
        for number in [1, 2] {
            let file = |path: &str, text: &str| {
                course.write(&format!("step-{number}/{path}"), text);
            };
            file(
                "Cargo.toml",
                &format!(
                    "[package]\nname = \"step-{number}\"\n\
                     version = \"0.1.0\"\nedition = \"2024\"\n"
                ),
            );
            file("src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n");
        }
        course
    }

    fn add_step(&self, number: u32) {
        let file = |path: &str, text: &str| {
            self.write(&format!("step-{number}/{path}"), text);
        };
        file(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"step-{number}\"\n\
                 version.workspace = true\nedition.workspace = true\n\
                 rust-version.workspace = true\n\n\
                 [dependencies]\naxum.workspace = true\n\n\
                 [dev-dependencies]\ntestkit.workspace = true\n\n\
                 [lints]\nworkspace = true\n"
            ),
        );
        file("src/main.rs", &format!("use step_{number}::serve;\n"));
        for module in ["api", "error", "front"] {
            file(&format!("src/{module}.rs"), &format!("//! {module}\n"));
        }
        file(
            "src/lib.rs",
            "fn one() {}\n\nfn two() {}\n\nfn three() {}\n",
        );
        file(
            "src/store.rs",
            &format!("const NAME: &str = \"step-{number}\";\n\nfn s() {{}}\n"),
        );
        file("templates/base.html", "<p>Hello</p>\n");
        file("static/messages.js", "send();\n");
        file(
            "tests/it/main.rs",
            &format!("//! Tests.\n\nuse step_{number}::serve;\n"),
        );
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    pub(crate) fn write_bytes(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path))
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap()
    }

    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from}");
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&[
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "-c",
            "commit.gpgsign=false",
            "commit",
            "--quiet",
            "--message=Test",
        ]);
    }

    /// The files that differ from the last commit, with git's letters.
    pub(crate) fn status(&self) -> String {
        self.git(&["status", "--porcelain", "--untracked-files=all"])
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        let output =
            alone(&mut git).current_dir(self.root()).args(args).output();
        let output = output.unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn x(&self, args: &[&str]) -> Run {
        self.x_in(".", args)
    }

    pub(crate) fn x_in(&self, folder: &str, args: &[&str]) -> Run {
        self.run(x_command().current_dir(self.path(folder)).args(args))
    }

    pub(crate) fn run(&self, x: &mut Command) -> Run {
        let target = self.path("target");
        let x = alone(x).env("CARGO_TARGET_DIR", target);
        let output = x.output().unwrap();
        let run = Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// Returns what it said on stderr.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self.err
    }
}

pub(crate) fn x_command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_x"))
}

/// Without what a git hook, or the reader's settings, would tell git.
fn alone(command: &mut Command) -> &mut Command {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
}

/// Asserts that the text has all of these, in this order.
#[track_caller]
pub(crate) fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        match rest.split_once(part) {
            Some((_, tail)) => rest = tail,
            None => panic!("no {part:?} (in this order) in:\n{text}"),
        }
    }
}
