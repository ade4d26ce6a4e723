//! Leptos.toml, which the running server reads, and Cargo.toml, which cargo-leptos reads, say the
//! same where they speak of the same.

use toml::{Table, Value};

fn leptos(file: &str) -> Table {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let table: Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{file}: {error}"));
    let leptos = ["metadata", "leptos"]
        .iter()
        .fold(&table["package"], |table, key| &table[*key]);
    leptos
        .as_table()
        .unwrap_or_else(|| panic!("{file} has the table"))
        .clone()
}

#[test]
fn keys_that_stand_in_both_files_are_equal() {
    let (cargo, server) = (leptos("Cargo.toml"), leptos("Leptos.toml"));
    let differing: Vec<(&String, &Value)> = server
        .iter()
        .filter(|(key, value)| cargo.get(*key).is_some_and(|other| other != *value))
        .collect();
    assert_eq!(differing, []);
    for key in [
        "output-name",
        "site-root",
        "site-pkg-dir",
        "site-addr",
        "reload-port",
    ] {
        assert!(
            cargo.contains_key(key) && server.contains_key(key),
            "{key} stands in both"
        );
    }
}

/// Leptos.toml tells by examples what can be set.
#[test]
fn what_stands_as_an_example_can_be_set() {
    let text = std::fs::read_to_string("Leptos.toml").expect("the file");
    let mut examples = 0;
    let set: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(example)
                if example
                    .split_once(" = ")
                    .is_some_and(|(key, _)| is_key(key)) =>
            {
                examples += 1;
                format!("{example}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(
        examples, 8,
        "three addresses, a model, its key, three faults"
    );
    upstream::UpstreamConfig::from_toml(&set).expect("[upstream]");
    upstream::chat::config::ChatConfig::from_toml(&set).expect("[assistant]");
    upstream::sales::config::SalesConfig::from_toml(&set).expect("[sales]");
}

fn is_key(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}
