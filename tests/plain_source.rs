//! The gallery is user code: it needs no `cfg` and none of the tools that the runtime is made of.
//! main.rs and the `mod` lines of lib.rs may.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Words that no page needs.
const REFUSED: [&str; 9] = [
    "cfg",
    "Arc",
    "Mutex",
    "RwLock",
    "channel",
    "mpsc",
    "spawn",
    "spawn_local",
    "EventSource",
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

/// The refused words that a line of code has. What a comment says is prose.
fn refused(line: &str) -> Vec<&'static str> {
    let code = line.split("//").next().unwrap_or_default();
    let words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let words: Vec<&str> = words.collect();
    REFUSED
        .into_iter()
        .filter(|word| words.contains(word))
        .collect()
}

#[test]
fn no_page_needs_what_the_runtime_is_made_of() {
    let mut all = Vec::new();
    files(Path::new("src"), &mut all);
    assert!(all.len() > 20, "the gallery has {} files", all.len());
    let mut found = Vec::new();
    for path in all.iter().filter(|path| !path.ends_with("src/main.rs")) {
        let text = fs::read_to_string(path).expect("a file");
        let is_lib = path.ends_with("src/lib.rs");
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            // An attribute of a `mod` line stands on it or above it.
            let next = lines.get(at + 1).copied().unwrap_or_default();
            let is_mod = |line: &str| line.trim_start_matches("pub ").starts_with("mod ");
            if is_lib && (is_mod(line) || line.starts_with("#[") && is_mod(next)) {
                continue;
            }
            for word in refused(line) {
                found.push(format!("{}:{}: {word}", path.display(), at + 1));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_words_are_found_where_they_are_code() {
    assert_eq!(refused("#[cfg(test)]"), ["cfg"]);
    assert_eq!(
        refused("let a = Arc::new(Mutex::new(1));"),
        ["Arc", "Mutex"]
    );
    assert_eq!(refused("tokio::spawn(async {});"), ["spawn"]);
    assert_eq!(
        refused("fn architecture() {} // an Arc"),
        Vec::<&str>::new()
    );
}
