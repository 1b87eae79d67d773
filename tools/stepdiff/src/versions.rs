//! What the course's manifest and its lock file say about some of its crates.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use course::read;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// The root's `Cargo.toml` and `Cargo.lock`.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    manifest: Table,
    lock: Lock,
}

#[derive(Debug, Default, Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

/// One package of a lock file, with all that decides what it is.
#[derive(Debug, Deserialize, Serialize)]
struct Package {
    name: String,
    version: String,
    /// The course's own crates have none.
    source: Option<String>,
    checksum: Option<String>,
    /// `name`, or `name version` where there are several.
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Versions {
    /// Reads the files in `root`. There may be none.
    ///
    /// # Errors
    ///
    /// When one can't be read, or is not what cargo writes.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        Ok(Self {
            manifest: parse(&root.join("Cargo.toml"))?,
            lock: parse(&root.join("Cargo.lock"))?,
        })
    }

    /// What decides how these crates of the course are built, beside their own
    /// files. What other crates need does not: tools and lessons come and go.
    pub(crate) fn of<'a>(
        &'a self,
        crates: impl IntoIterator<Item = &'a str>,
    ) -> Vec<String> {
        let mut by_name = BTreeMap::<_, Vec<_>>::new();
        for package in &self.lock.package {
            by_name.entry(&*package.name).or_default().push(package);
        }
        let mut found = BTreeMap::new();
        let mut direct = BTreeSet::new();
        let mut wanted: Vec<&str> = crates.into_iter().collect();
        while let Some(dependency) = wanted.pop() {
            let mut words = dependency.split(' ');
            let name = words.next().unwrap_or_default();
            let version = words.next();
            for &package in by_name.get(name).into_iter().flatten() {
                let is_it = version.is_none_or(|it| it == package.version);
                let key = (&*package.name, &*package.version);
                if !is_it || found.insert(key, package).is_some() {
                    continue;
                }
                let needs = package.dependencies.iter().map(|it| &**it);
                if package.source.is_none() {
                    let names = needs.clone();
                    direct.extend(names.filter_map(|it| it.split(' ').next()));
                }
                wanted.extend(needs);
            }
        }
        let mut manifest = self.manifest.clone();
        let dependencies = manifest
            .get_mut("workspace")
            .and_then(|workspace| workspace.get_mut("dependencies"))
            .and_then(Value::as_table_mut);
        if let Some(dependencies) = dependencies {
            dependencies.retain(|name, _| direct.contains(name));
        }
        let foreign = found.into_values().filter(|it| it.source.is_some());
        let foreign = foreign.map(serde_json::to_string);
        std::iter::once(serde_json::to_string(&manifest))
            .chain(foreign)
            .map(Result::unwrap_or_default)
            .collect()
    }
}

fn parse<T: Default + serde::de::DeserializeOwned>(
    path: &Path,
) -> io::Result<T> {
    if !path.is_file() {
        return Ok(T::default());
    }
    let invalid = |error: String| {
        let error = format!("{}: {error}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, error)
    };
    let text = String::from_utf8(read(path)?);
    let text = text.map_err(|error| invalid(error.to_string()))?;
    toml::from_str(&text).map_err(|error| invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "
        [workspace]
        members = [\"*\"]
        [workspace.dependencies]
        near = \"1\"
        tool = \"1\"
        [profile.dev]
        debug = 0
    ";
    const LOCK: &str = "
        [[package]]
        name = \"far\"
        version = \"1.0.0\"
        source = \"registry\"
        [[package]]
        name = \"far\"
        version = \"2.0.0\"
        source = \"registry\"
        [[package]]
        name = \"near\"
        version = \"1.0.0\"
        source = \"registry\"
        dependencies = [\"far 2.0.0\"]
        [[package]]
        name = \"step-1\"
        version = \"0.0.0\"
        dependencies = [\"near\"]
        [[package]]
        name = \"tool\"
        version = \"1.0.0\"
        source = \"registry\"
        dependencies = [\"far 1.0.0\"]
    ";

    fn of_step_1(manifest: &str, lock: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        course::write(&root.path().join("Cargo.toml"), manifest).unwrap();
        course::write(&root.path().join("Cargo.lock"), lock).unwrap();
        Versions::read(root.path()).unwrap().of(["step-1"])
    }

    #[test]
    fn what_a_step_is_built_with_decides_and_nothing_else_does() {
        let now = of_step_1(MANIFEST, LOCK);
        let same = |(manifest, lock): (&str, &str)| {
            let manifest = MANIFEST.replace(manifest, "");
            now == of_step_1(&manifest, &LOCK.replace("1.0.0", lock))
        };
        assert!(same(("tool = \"1\"", "1.0.0")));
        assert!(!same(("near = \"1\"", "1.0.0")));
        assert!(!same(("debug = 0", "1.0.0")));
        assert!(!same(("", "1.0.1")));
        for (from, to, is_same) in [
            ("far 2.0.0", "far 1.0.0", false),
            ("far 1.0.0", "far 2.0.0", true),
            ("\"near\"]", "\"near\", \"tool\"]", false),
        ] {
            let lock = LOCK.replace(from, to);
            assert_eq!(now == of_step_1(MANIFEST, &lock), is_same, "{to}");
        }
    }
}
