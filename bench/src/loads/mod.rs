//! What the servers are put to. Each load is measured in turns, so that whatever disturbs the
//! machine disturbs all sides.

mod append;
mod click;
mod cost;
mod disk;
mod fan_out;
mod hold;
mod instructions;
mod pages;
mod room;
mod sessions;
mod side;
mod size;
mod storm;
mod tokens;

pub use self::{pages::FIGURES_VARIABLE, size::SIZES_VARIABLE};

use crate::{
    Fallible,
    report::{Goal, Report, Row},
};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Turns of each side.
    pub turns: usize,
    /// Turns of what takes seconds.
    pub slow_turns: usize,
    /// So many clients click at once.
    pub crowds: &'static [usize],
    pub clicks: usize,
    /// Pages that are held open for the memory, of the Rust servers and of Reflex.
    pub held: usize,
    pub held_reflex: usize,
    pub sessions: usize,
    pub sessions_s: u64,
}

impl Plan {
    pub const QUICK: Plan = Plan {
        turns: 5,
        slow_turns: 2,
        crowds: &[50],
        clicks: 300,
        held: 1_000,
        held_reflex: 100,
        sessions: 10_000,
        sessions_s: 6,
    };
    pub const FULL: Plan = Plan {
        turns: 15,
        slow_turns: 5,
        crowds: &[50, 200],
        clicks: 1_000,
        held: 3_000,
        held_reflex: 400,
        sessions: 10_000,
        sessions_s: 30,
    };
}

/// The names of the loads, in the order of the table.
pub const ALL: [&str; 15] = [
    "clicks",
    "latency",
    "instructions",
    "append",
    "bytes",
    "board",
    "tokens",
    "fan-out",
    "room",
    "memory",
    "rows",
    "cost",
    "sessions",
    "storm",
    "disk",
];

/// Runs one load. What a side can't do becomes a remark in its row.
pub async fn run(name: &str, plan: &Plan, report: &mut Report) -> Fallible {
    match name {
        "clicks" => click::throughput(plan, report).await,
        "latency" => click::latency(plan, report).await,
        "instructions" => instructions::run(report).await,
        "append" => append::time(plan, report).await,
        "bytes" => append::bytes(plan, report).await,
        "board" => append::board(plan, report).await,
        "tokens" => tokens::run(plan, report).await,
        "room" => room::run(plan, report).await,
        "disk" => disk::run(plan, report).await,
        "fan-out" => fan_out::run(plan, report).await,
        "memory" => hold::run(plan, report).await,
        "rows" => cost::rows(plan, report).await,
        "cost" => cost::sizes(plan, report).await,
        "sessions" => sessions::run(plan, report).await,
        "storm" => {
            storm::run(plan, report).await?;
            storm::start_up(plan, report).await
        }
        "size" => size::run(report),
        "pages" => pages::run(report),
        other => {
            Err(format!("there is no load {other}; there are: {ALL:?}, pages and size").into())
        }
    }
}

/// Rows of the goals that nothing was measured for, so that nobody takes them for forgotten: what
/// only the full form measures, and what does not exist yet.
pub fn open(report: &mut Report) {
    const FULL: &str = "measured by the full form only";
    const ROWS: [(&str, &str, &str, &str); 9] = [
        (
            "applying an append in Chromium, script",
            "at 100 rows",
            "≤ 3 ×",
            FULL,
        ),
        (
            "applying an append in Chromium, with layout, windowed rows",
            "at 100 rows",
            "≤ 2 ×",
            FULL,
        ),
        (
            "a key in the page at 500 updates a second",
            "bare leptos signals",
            "≤ 1.5 ×",
            FULL,
        ),
        ("INP at 500 updates a second", "–", "≤ 100 ms", FULL),
        (
            "a click during ten posts in Chromium",
            "Reflex 0.10.1",
            "shown",
            "Reflex's front end was not built",
        ),
        ("from an edit to the page, a style", "–", "≤ 1 s", FULL),
        ("from an edit to the page, a view", "–", "≤ 15 s", FULL),
        ("the gallery's first load", "–", "≤ 250 KB", FULL),
        (
            "Redis: click; updates of one scope",
            "memory",
            "+ 2 round trips; ≥ 10,000/s",
            "not built yet",
        ),
    ];
    for (what, against, goal, why) in ROWS {
        if report.rows.iter().any(|row| row.what.starts_with(what)) {
            continue;
        }
        report.rows.push(Row {
            what: what.to_owned(),
            against: against.to_owned(),
            unit: "",
            ours: None,
            theirs: None,
            goal: Goal::None,
            remark: format!("{why}; the goal is {goal}"),
        });
    }
}
