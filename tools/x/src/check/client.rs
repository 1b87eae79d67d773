//! The browser client of Socket.IO: one version, and the right hash.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use course::{Course, Name, files, read};
use sha2::{Digest, Sha384};

use super::Report;
use crate::error::{Error, Result, at};

const SCRIPT: &str = "node_modules/socket.io-client/dist/socket.io.min.js";
const IN_LOCK: &str = "node_modules/socket.io-client";
/// How the source names the package at the CDN, before its version.
const IN_URL: &str = "socket.io-client@";
/// The script's name in a page.
const IN_PAGE: &str = "socket.io.min.js";

pub(super) fn check(course: &Course, report: &mut Report) -> Result<()> {
    let mut hashes = Vec::new();
    let mut versions = Vec::new();
    for &number in &course.steps {
        let step = Name::Step(number);
        let hash = find_after(course, step, "templates", "sha384-")?;
        let version = find_after(course, step, "src", IN_URL)?;
        for Found { path, value } in find(course, step, "templates", IN_PAGE)? {
            let element = value.split('>').next().unwrap_or_default();
            if !element.contains("sha384-") {
                report.finding(format!(
                    "{path} loads {IN_PAGE} with no \
                     integrity=\"sha384-...\": give its script element one."
                ));
            }
        }
        if !hash.is_empty() && version.is_empty() {
            report.finding(format!(
                "{step}/src names no `{IN_URL}VERSION`: the page needs its \
                 URL at the CDN when node_modules is not there."
            ));
        }
        hashes.extend(hash);
        versions.extend(version);
    }
    check_versions(course, &versions, report)?;
    check_hashes(course, &hashes, report)
}

fn check_versions(
    course: &Course,
    found: &[Found],
    report: &mut Report,
) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let path = course.root.join("package-lock.json");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let lock: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| {
            Error::Failed(format!("package-lock.json: {error}"))
        })?;
    let Some(locked) = lock["packages"][IN_LOCK]["version"].as_str() else {
        report.finding(
            "package-lock.json names no socket.io-client: npm install it.",
        );
        return Ok(());
    };
    for Found { path, value } in found {
        if value != locked {
            report.finding(format!(
                "{path} names {IN_URL}{value}, package-lock.json {locked}: \
                 make them the same."
            ));
        }
    }
    Ok(())
}

fn check_hashes(
    course: &Course,
    found: &[Found],
    report: &mut Report,
) -> Result<()> {
    let Some(first) = found.first() else {
        return Ok(());
    };
    let script = course.root.join(SCRIPT);
    let (expected, of) = if script.is_file() {
        (STANDARD.encode(Sha384::digest(read(&script)?)), SCRIPT)
    } else {
        report.skip(format!(
            "the hash of {IN_PAGE}, only that all steps have the same one: \
             run `npm ci` first."
        ));
        (first.value.clone(), first.path.as_str())
    };
    for Found { path, value } in found {
        if *value != expected {
            report.finding(format!(
                "{path}: integrity=\"sha384-{value}\" is not that of {of}. \
                 Write sha384-{expected}"
            ));
        }
    }
    Ok(())
}

struct Found {
    path: String,
    value: String,
}

/// The values that follow `prefix` in the files of this part of a step: a
/// version, or a hash in base64.
fn find_after(
    course: &Course,
    step: Name,
    part: &str,
    prefix: &str,
) -> Result<Vec<Found>> {
    find(course, step, part, prefix).map(|mut found| {
        for it in &mut found {
            let end = it.value.find(|c: char| {
                !c.is_ascii_alphanumeric() && !"+/=.-".contains(c)
            });
            it.value.truncate(end.unwrap_or(it.value.len()));
            if prefix == IN_URL {
                // The path at the CDN.
                let end = it.value.find('/').unwrap_or(it.value.len());
                it.value.truncate(end);
            }
        }
        found
    })
}

/// Where `text` is in the files of this part of a step, and what follows it.
fn find(
    course: &Course,
    step: Name,
    part: &str,
    text: &str,
) -> Result<Vec<Found>> {
    let folder = course.folder(step);
    let mut found = Vec::new();
    for file in files(&folder, &[part])? {
        let content = read(&folder.join(&file))?;
        let content = String::from_utf8_lossy(&content);
        for (at, _) in content.match_indices(text) {
            let line_number = content[..at].matches('\n').count() + 1;
            found.push(Found {
                path: format!("{step}/{}:{line_number}", file.display()),
                value: content[at + text.len()..].to_owned(),
            });
        }
    }
    Ok(found)
}
