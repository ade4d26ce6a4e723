//! GUARANTEES.md names tests and limits: each test exists, and each limit is told of.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{error}"));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// What stands between backticks in the rows of a table.
fn in_backticks(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter(|line| line.starts_with('|'))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// The part of the page under a heading.
fn under<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, from) = page
        .split_once(heading)
        .unwrap_or_else(|| panic!("no {heading}"));
    from.split("\n## ").next().unwrap_or(from)
}

#[test]
fn every_test_that_holds_a_promise_exists() {
    let page = read("GUARANTEES.md");
    let mut files = Vec::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    sources(&crates, &mut files);
    let code: String = files.iter().map(read).collect();
    let is_name = |name: &str| name.contains('_') && !name.contains(['.', '(']);
    let mut count = 0;
    for name in in_backticks(under(&page, "## Promised")) {
        if name.starts_with("end2end/") {
            assert!(read(name).contains("test("), "{name}");
        } else if is_name(name) && name != "on_end" {
            assert!(
                code.contains(&format!("fn {name}(")),
                "no test is called {name}"
            );
        } else {
            continue;
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}

#[test]
fn every_limit_is_told_of_and_none_that_is_not_one() {
    let page = read("GUARANTEES.md");
    let code = read("crates/undercurrent/src/limits.rs");
    let (_, from) = code.split_once("pub struct Limits {").expect("the limits");
    let (fields, _) = from.split_once("\n}").expect("its end");
    let limits: BTreeSet<String> = fields
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next())
        .map(|name| name.replace('_', "-"))
        .collect();
    let told: BTreeSet<String> = under(&page, "## Limits")
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert_eq!(limits, told);
}
