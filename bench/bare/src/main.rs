//! cargo-leptos asks for a server. Only the browser's half is built.

fn main() {}
