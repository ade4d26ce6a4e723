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
