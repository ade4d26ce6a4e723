//! GUARANTEES.md names tests and limits: each test exists, and each limit is told of. What
//! docs/background-tasks.md says of limits is the same.

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

/// A function of that name is there, with an attribute that makes it a test.
fn is_test(code: &str, name: &str) -> bool {
    // Scenarios that run on each store stand in a list, from which a macro makes tests.
    let lists = code.split("\nconformance! {\n").skip(1);
    let mut scenarios = lists.flat_map(|list| list.split('}').next().unwrap_or_default().lines());
    if scenarios.any(|line| line.trim() == name) {
        return true;
    }
    code.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let attributes = code[..at].rsplit("\n\n").next().unwrap_or_default();
        attributes.contains("#[test]") || attributes.contains("#[tokio::test")
    })
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
    let promised = in_backticks(under(&page, "## Promised"));
    let faults = in_backticks(under(&page, "## Faults of the server and its disk"));
    for name in promised.union(&faults) {
        if name.starts_with("end2end/") {
            assert!(read(name).contains("test("), "{name}");
        } else if is_name(name) && *name != "on_end" {
            assert!(is_test(&code, name), "no test is called {name}");
        } else {
            continue;
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}

/// Its last cell names a test.
#[test]
fn every_fault_is_held_by_a_test() {
    let page = read("GUARANTEES.md");
    let rows = under(&page, "## Faults of the server and its disk").lines();
    let rows: Vec<_> = rows.filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 10);
    for row in rows {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next();
        let cell = cell.unwrap_or_default();
        assert!(cell.starts_with('`') && cell.contains('_'), "{row}");
    }
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

/// "64 MiB", "24 h", "20,000" as a number.
fn number(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let factor = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "h" => 3_600_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    Some(number.replace(',', "").parse::<u64>().ok()? * factor)
}

#[test]
fn every_default_is_the_one_that_holds() {
    assert!(defaults_told_by("GUARANTEES.md") > 30);
    assert!(defaults_told_by("docs/background-tasks.md") > 10);
}

/// Each limit that a page tells of exists and is what the page says. How many those are.
fn defaults_told_by(path: &str) -> usize {
    let page = read(path);
    let defaults = format!("{:?}", undercurrent::Limits::default());
    let mut count = 0;
    for line in under(&page, "## Limits").lines() {
        let Some((names, rest)) = line
            .strip_prefix("| `")
            .and_then(|row| row.split_once("` |"))
        else {
            continue;
        };
        let values = rest.split('|').next().unwrap_or_default().trim();
        for (name, told) in names.split("`, `").zip(values.split(", ")) {
            // How many cores there are is the machine's.
            let Some(told) = number(told) else {
                assert_eq!(name, "blocking-threads", "{told}");
                continue;
            };
            let field = format!("{}: {told},", name.replace('-', "_"));
            let is_last = field.trim_end_matches(',').to_owned() + " }";
            assert!(
                defaults.contains(&field) || defaults.contains(&is_last),
                "{field} is not in {defaults}"
            );
            count += 1;
        }
    }
    count
}
