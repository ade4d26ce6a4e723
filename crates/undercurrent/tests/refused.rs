//! Programs that must not compile, each in a file of `refused/`.
//!
//! The lines that begin with `//~` say what the compiler must answer: an error's code where the
//! error is rustc's own, a sentence where it is ours. All are checked by one run of cargo.

#![cfg(feature = "ssr")]

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the compiler said of a program: codes and texts.
type Said = BTreeMap<String, Vec<String>>;

#[test]
fn what_must_be_refused_is_refused_in_our_words() {
    let programs = programs();
    assert!(programs.len() >= 15, "the programs are found");
    let said = check(&programs);
    let mut wrong = String::new();
    for program in &programs {
        let name = name(program);
        let said = said.get(&name).map(Vec::as_slice).unwrap_or_default();
        let text = fs::read_to_string(program).expect("it is there");
        let expected: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("//~ "))
            .collect();
        assert!(!expected.is_empty(), "{name} says what it expects");
        for expected in expected {
            if !said.iter().any(|said| said.contains(expected)) {
                let _ = writeln!(wrong, "{name}: expected {expected:?}, got {said:#?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn programs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refused");
    let files = fs::read_dir(folder).expect("the folder is there");
    let mut programs: Vec<PathBuf> = files.map(|file| file.expect("it is read").path()).collect();
    programs.sort();
    programs
}

fn name(program: &Path) -> String {
    program
        .file_stem()
        .expect("it has a name")
        .to_string_lossy()
        .into_owned()
}

/// Checks all programs as the binaries of one package, with what is compiled already.
fn check(programs: &[PathBuf]) -> Said {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = crate_dir
        .parent()
        .and_then(Path::parent)
        .expect("the crate is in crates/");
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("refused");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("it is in target/");
    fs::create_dir_all(&package).expect("the folder can be made");
    let mut manifest = format!(
        "[package]\nname = \"refused\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         undercurrent = {{ path = {crate_dir:?}, features = [\"ssr\"] }}\n"
    );
    for program in programs {
        let _ = write!(
            manifest,
            "[[bin]]\nname = {:?}\npath = {program:?}\n",
            name(program)
        );
    }
    fs::write(package.join("Cargo.toml"), manifest).expect("it can be written");
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).expect("it can be copied");
    let output = Command::new(env!("CARGO"))
        .args([
            "check",
            "--bins",
            "--keep-going",
            "--offline",
            "--message-format=json",
        ])
        .current_dir(&package)
        // Beside the workspace's own, so that what clippy has checked is not checked again.
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut said = Said::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if message["reason"] != "compiler-message" || message["message"]["level"] != "error" {
            continue;
        }
        let program = message["target"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let code = message["message"]["code"]["code"]
            .as_str()
            .unwrap_or_default();
        let text = message["message"]["rendered"].as_str().unwrap_or_default();
        said.entry(program)
            .or_default()
            .push(format!("{code} {text}"));
    }
    assert!(!said.is_empty(), "cargo checked nothing: {errors}");
    said
}
