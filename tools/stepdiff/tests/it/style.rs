//! The style sheet: each colour can be read on each background.

use std::collections::HashMap;
use std::path::Path;

const THEMES: [&str; 5] = [".light", ".rust", ".coal", ".navy", ".ayu"];
const BACKGROUNDS: [&str; 5] =
    ["sd-bg", "sd-ins", "sd-del", "sd-ins-w", "sd-del-w"];
const COLOURS: [&str; 9] = [
    "sd-fg", "sx-c", "sx-k", "sx-s", "sx-n", "sx-f", "sx-t", "sx-a", "sx-j",
];

fn style_sheet() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join("book/theme/course.css")).unwrap()
}

/// The variables that hold for one of the selectors, later rules first.
fn variables(css: &str, selectors: &[&str]) -> HashMap<String, String> {
    let mut variables = HashMap::new();
    for rule in css.split('}') {
        let Some((head, body)) = rule.rsplit_once('{') else {
            continue;
        };
        let head = head.rsplit(['{', '/', ';']).next().unwrap_or_default();
        let mut parts = head.split(',').map(str::trim);
        if !parts.any(|part| selectors.contains(&part)) {
            continue;
        }
        for line in body.split(';') {
            if let Some((name, value)) = line.trim().split_once(':')
                && let Some(name) = name.strip_prefix("--")
            {
                variables.insert(name.to_owned(), value.trim().to_owned());
            }
        }
    }
    variables
}

fn luminance(colour: &str) -> f64 {
    let hex = colour.strip_prefix('#').unwrap();
    assert_eq!(hex.len(), 6, "{colour}: write #rrggbb");
    let channel = |at: usize| {
        let value = u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let c = f64::from(value) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn check(name: &str, variables: &HashMap<String, String>) {
    let pairs = COLOURS
        .iter()
        .flat_map(|colour| BACKGROUNDS.map(|back| (*colour, back)))
        .chain([("sd-dim", "sd-bg"), ("sd-dim", "sd-head")])
        .chain([("sd-dim", "sd-ins"), ("sd-dim", "sd-del")])
        .chain([("sd-fg", "sd-head"), ("sd-fg", "warn-bg")]);
    let mut bad = Vec::new();
    for (colour, back) in pairs {
        let ratio = contrast(&variables[colour], &variables[back]);
        if ratio < 4.5 {
            bad.push(format!("{name}: {colour} on {back} is {ratio:.2}"));
        }
    }
    for (bar, back) in [("sd-ins-bar", "sd-ins"), ("sd-del-bar", "sd-del")] {
        let ratio = contrast(&variables[bar], &variables[back]);
        if ratio < 3.0 {
            bad.push(format!("{name}: {bar} on {back} is {ratio:.2}"));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn every_colour_can_be_read_in_every_theme() {
    let css = style_sheet();
    let (screen, print) = css.split_once("@media print").unwrap();
    for theme in THEMES {
        check(theme, &variables(screen, &[":root", theme]));
    }
    let mut dark = variables(screen, &[":root", "html:not(.js)"]);
    check("no script, dark", &dark);
    for theme in THEMES {
        let mut paper = variables(screen, &[":root", theme]);
        paper.extend(variables(print, &[":root"]));
        check("print", &paper);
    }
    dark.insert("sx-k".to_owned(), "#222222".to_owned());
    assert!(std::panic::catch_unwind(|| check("broken", &dark)).is_err());
}

#[test]
fn the_style_sheet_loads_nothing() {
    let css = style_sheet();
    assert!(!css.contains("url(") && !css.contains("@import"));
}
