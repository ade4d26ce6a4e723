//! What docs/faults.md names is there: each file, and each test or piece of text in it.

use std::{fs, path::Path};

const PAGE: &str = include_str!("../docs/faults.md");

/// Faults that are counted, and lines that count several.
const FAULTS: usize = 60;

/// The cells of each row.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = PAGE.lines().filter(|line| line.starts_with('|'));
    let cells = lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect());
    cells.filter(|cells: &Vec<_>| cells[0].starts_with(|first: char| first.is_ascii_digit()))
}

/// What stands between backticks: by turns it is text and code.
fn codes(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn path_of(code: &str) -> Option<String> {
    let folder = match code {
        _ if code.ends_with(".spec.ts") => "end2end/tests",
        _ if code.starts_with("refused/") => "crates/undercurrent/tests",
        _ if code.ends_with(".rs") => "crates/undercurrent",
        _ => return None,
    };
    Some(format!("{folder}/{code}"))
}

/// A file has it: as the name of a test, which is no part of another name, or as it stands.
fn has(text: &str, code: &str) -> bool {
    let is_name = code
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
    match is_name && code.contains('_') {
        true => text.contains(&format!("fn {code}(")),
        false => text.contains(code),
    }
}

#[test]
fn what_holds_each_fault_is_there() {
    let (mut wrong, mut named) = (Vec::new(), 0);
    for row in rows() {
        let [number, _, comes, held] = row[..] else {
            wrong.push(format!("{}: it has {} cells", row[0], row.len()));
            continue;
        };
        let mut text: Option<(&str, String)> = None;
        for code in codes(held) {
            match (path_of(code), &text) {
                (Some(path), _) => {
                    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
                    let read = fs::read_to_string(&path);
                    named += usize::from(read.is_ok());
                    if read.is_err() {
                        wrong.push(format!("{number}: {code} is not there"));
                    }
                    text = Some((code, read.unwrap_or_default()));
                }
                (None, Some((_, text))) if has(text, code) => named += 1,
                (None, Some((file, _))) => wrong.push(format!("{number}: {file} has no {code:?}")),
                (None, None) => wrong.push(format!("{number}: {code:?} stands before any file")),
            }
        }
        if text.is_none() {
            wrong.push(format!("{number}: {comes}: nothing holds it"));
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(named > 100, "the names are found: {named}");
}

#[test]
fn each_fault_stands_once() {
    let mut numbers: Vec<u32> = rows()
        .flat_map(|row| row[0].split(", ").map(str::parse).collect::<Vec<_>>())
        .map(|number| number.expect("it is a number"))
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    let count = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "{numbers:?}");
    assert!(count >= FAULTS, "{count}");
}
