//! A page's folder can be read in one sitting: its lines of code, without blanks and comments, have
//! a limit.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// "Some 250."
const LIMIT: usize = 255;

/// Folders that have another limit, or none, and why. ARCHITECTURE.md says the same.
const OTHERS: [(&str, usize, &str); 6] = [
    ("assistant", 637, "conversations, tools, approval, failures"),
    ("import", 545, "a file by a route, a question, three tables"),
    ("room", 445, "one state of all, in four parts"),
    ("report", 405, "a grid, its retries, sections, two files"),
    (
        "pieces",
        usize::MAX,
        "no page: what pages share, one a file",
    ),
    (
        "lab",
        usize::MAX,
        "no page of the gallery: what tests drive",
    ),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Lines that are neither blank nor a comment alone.
fn lines_of_code(folder: &Path) -> usize {
    let mut all = Vec::new();
    files(folder, &mut all);
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let count = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a file");
        text.lines().filter(is_code).count()
    };
    all.iter().map(count).sum()
}

#[test]
fn a_page_can_be_read_in_one_sitting() {
    let folders = fs::read_dir("src").expect("a folder");
    let folders: Vec<PathBuf> = folders
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    assert!(folders.len() > 10, "the gallery has {}", folders.len());
    for (name, ..) in OTHERS {
        assert!(Path::new("src").join(name).is_dir(), "src/{name} is gone");
    }
    let mut found = Vec::new();
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str());
        let other = OTHERS.iter().find(|(other, ..)| Some(*other) == name);
        let limit = other.map_or(LIMIT, |(_, limit, _)| *limit);
        let lines = lines_of_code(&folder);
        if lines > limit {
            found.push(format!("{}: {lines} lines, of {limit}", folder.display()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
