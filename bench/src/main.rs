//! The benchmark. `bench run` starts the servers, drives them and writes the table;
//! `bench serve <name>` is one of them.

mod clients;
mod loads;
mod net;
mod process;
mod report;
mod servers;
mod stats;

use self::{
    loads::Plan,
    report::{Report, Row},
};
use std::path::Path;

/// Errors of the benchmark are read by a person, once.
pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "usage: bench run [--quick] [--into FOLDER] [LOAD…], or bench serve NAME";

#[tokio::main]
async fn main() -> Fallible {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["serve", name] => servers::serve(name).await,
        // The servers end with whatever ends this.
        ["run", rest @ ..] => tokio::select! {
            ran = run(rest) => ran,
            () = told_to_stop() => Err("told to stop".into()),
        },
        _ => Err(USAGE.into()),
    }
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

async fn run(arguments: &[&str]) -> Fallible {
    let (mut is_quick, mut folder, mut wanted) = (false, None, Vec::new());
    let mut arguments = arguments.iter().copied();
    while let Some(argument) = arguments.next() {
        match argument {
            "--quick" => is_quick = true,
            "--into" => folder = Some(arguments.next().ok_or(USAGE)?),
            load => wanted.push(load),
        }
    }
    let plan = if is_quick { Plan::QUICK } else { Plan::FULL };
    let is_whole = wanted.is_empty();
    if is_whole {
        wanted.extend(loads::ALL);
        let given = [
            ("pages", loads::FIGURES_VARIABLE),
            ("size", loads::SIZES_VARIABLE),
        ];
        let is_given = |(_, variable): &(&str, &str)| std::env::var_os(variable).is_some();
        wanted.extend(
            given
                .iter()
                .filter(|one| is_given(one))
                .map(|(load, _)| load),
        );
    }
    let mut report = Report {
        is_quick,
        machine: machine(),
        ..Report::default()
    };
    let mut failed = Vec::new();
    for load in wanted {
        eprintln!("bench: {load}");
        let start = std::time::Instant::now();
        let run = loads::run(load, &plan, &mut report).await;
        // The others go on: a run takes long, and nobody may be there.
        if let Err(error) = run {
            eprintln!("bench: the load {load} failed: {error}");
            report.rows.push(Row::failed(load, &error.to_string()));
            failed.push(load);
        }
        eprintln!("bench: {load} took {:.1} s", start.elapsed().as_secs_f64());
    }
    if is_whole {
        loads::open(&mut report);
    }
    println!("{}", report::text(&report));
    if let Some(folder) = folder {
        let folder = Path::new(folder);
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("benchmark.md"), report::markdown(&report))?;
        std::fs::write(folder.join("benchmark.svg"), report::plot(&report))?;
        std::fs::write(folder.join("benchmark.json"), report::json(&report)?)?;
        // Figures for others to read stand in the README, too.
        if folder == Path::new("docs") {
            let readme = std::fs::read_to_string("README.md")?;
            std::fs::write("README.md", report::readme(&readme, &report)?)?;
        }
        eprintln!("bench: written to {}", folder.display());
    }
    match &failed[..] {
        [] => Ok(()),
        failed => Err(format!("these loads failed: {}", failed.join(", ")).into()),
    }
}

/// What the figures are of.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{count} processors ({model}), {}.", std::env::consts::OS)
}
