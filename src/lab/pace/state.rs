//! The rows, and the task that changes them.

use undercurrent::prelude::*;

/// So many rows there are.
pub const ROWS: usize = 1_000;
/// So often a row changes in a second.
pub const A_SECOND: u64 = 500;

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct LabPace {
    /// The rows.
    pub rows: List<u64>,
    /// So many changes there were.
    pub changes: u64,
}

/// Changes one row after another, each in an update of its own.
#[background]
pub async fn keep_pace(cx: TaskContext<LabPace>) -> Result<()> {
    use std::time::Instant;

    cx.update(|pace| {
        pace.rows.clear();
        pace.rows.extend((0..ROWS).map(|_| 0));
        pace.changes = 0;
    })
    .await?;
    let begun = Instant::now();
    let mut made = 0;
    loop {
        let due = begun.elapsed().as_millis() as u64 * A_SECOND / 1_000;
        while made < due {
            made += 1;
            cx.update(|pace| {
                pace.rows[(made as usize) % ROWS] += 1;
                pace.changes = made;
            })
            .await?;
        }
        cx.sleep(Millis(2)).await?;
    }
}
