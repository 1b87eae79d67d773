//! A manifest for one step's code with another step's tests.

/// The manifest `code` with what the tests of the manifest `tests` need.
pub fn for_tests_of(code: &str, tests: &str) -> String {
    let mut wanted: String = sections(tests).filter(for_tests).collect();
    let mut result = String::new();
    for section in sections(code) {
        if for_tests(&section) {
            // All at the place of the first.
            result.push_str(&std::mem::take(&mut wanted));
        } else {
            result.push_str(section);
        }
    }
    if !wanted.is_empty() {
        result = format!("{}\n\n{wanted}", result.trim_end());
    }
    format!("{}\n", result.trim_end())
}

/// A manifest cut before each of its `[headers]`.
fn sections(manifest: &str) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> = manifest
        .match_indices('[')
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || manifest[..*at].ends_with('\n'))
        .collect();
    let head = &manifest[..starts.first().copied().unwrap_or(manifest.len())];
    let ends = starts.clone().into_iter().skip(1).chain([manifest.len()]);
    std::iter::once(head)
        .chain(starts.into_iter().zip(ends).map(|(a, b)| &manifest[a..b]))
}

fn for_tests(section: &&str) -> bool {
    section.starts_with("[dev-dependencies") || section.starts_with("[[test]]")
}
