//! Every test that docs/reflex-matrix.md names is there, and every row has one or says why not.

use std::{collections::BTreeSet, fs, path::Path};

const PAGE: &str = include_str!("../docs/reflex-matrix.md");

/// A row of a table: its first cell, and its last.
fn rows() -> Vec<(&'static str, &'static str)> {
    let lines = PAGE.lines().filter(|line| line.starts_with('|'));
    let cells = lines.filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let is_row = cells.len() == 3 && !["id", "where"].contains(&cells[0]);
        is_row.then(|| (cells[0], cells[2]))
    });
    cells.collect()
}

/// What stands between backticks: by turns it is text and code.
fn codes(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn path_of(file: &str) -> Option<String> {
    let folder = match file {
        _ if file.ends_with(".spec.ts") => "end2end/tests",
        _ if file.starts_with("refused/") => "crates/undercurrent/tests",
        _ if file.ends_with(".rs") => "crates/undercurrent/src/server/tests",
        _ => return None,
    };
    Some(format!("{folder}/{file}"))
}

/// Whether a file has a test of this name.
fn has_test(file: &str, text: &str, name: &str) -> bool {
    let mut calls: Vec<String> = ["'", "`"]
        .iter()
        .map(|quote| format!("test({quote}{name}{quote}"))
        .collect();
    if file.ends_with(".rs") {
        calls = vec![format!("\nasync fn {name}()"), format!("\nfn {name}()")];
    }
    calls.iter().any(|call| text.contains(call))
}

#[test]
fn what_the_table_names_is_there() {
    let mut wrong = Vec::new();
    let mut tests = 0;
    for (first, last) in rows() {
        let mut text: Option<(&str, String)> = None;
        let mut is_covered = last.contains("does not apply");
        for code in codes(last) {
            match (path_of(code), &text) {
                (Some(path), _) => {
                    let read =
                        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path));
                    if read.is_err() {
                        wrong.push(format!("{first}: {path} is not there"));
                    }
                    is_covered |= code.starts_with("refused/");
                    text = Some((code, read.unwrap_or_default()));
                }
                (None, Some((file, text))) => {
                    tests += 1;
                    is_covered = true;
                    if !has_test(file, text, code) {
                        wrong.push(format!("{first}: {file} has no test {code:?}"));
                    }
                }
                (None, None) => wrong.push(format!("{first}: {code:?} stands before any file")),
            }
        }
        if !is_covered {
            wrong.push(format!("{first}: no test, and no reason"));
        }
    }
    assert!(tests > 40, "the names are found: {tests}");
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn each_number_of_the_matrix_has_a_row() {
    let numbers: BTreeSet<u32> = rows()
        .into_iter()
        .filter_map(|(first, _)| first.strip_prefix('A')?.parse().ok())
        .collect();
    let expected: BTreeSet<u32> = (1..=27).filter(|n| ![7, 8].contains(n)).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn each_program_that_must_not_compile_is_there_for_something() {
    // What is refused for reasons of this project alone.
    let own = [
        "field_of_one_thread",
        "field_without_serde",
        "list_of_options",
        "not_a_state",
        "odd_events",
        "odd_policies",
        "odd_states",
        "present_in_a_session",
        "vec_of_states",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/undercurrent/tests/refused");
    let files = fs::read_dir(folder).expect("the folder is there");
    let missing: Vec<String> = files
        .map(|file| file.expect("it is read").file_name())
        .map(|name| name.to_string_lossy().trim_end_matches(".rs").to_owned())
        .filter(|name| !own.contains(&name.as_str()))
        .filter(|name| !PAGE.contains(&format!("`refused/{name}.rs`")))
        .collect();
    assert_eq!(missing, [""; 0]);
}
