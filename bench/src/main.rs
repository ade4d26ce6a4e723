//! The benchmark. `bench run` starts the servers, drives them and writes the table;
//! `bench serve <name>` is one of them.

mod servers;

/// Errors of the benchmark are read by a person, once.
pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Fallible {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["serve", name] => servers::serve(name).await,
        _ => Err("usage: bench serve NAME".into()),
    }
}
