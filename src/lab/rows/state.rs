//! The list and the map, and one event for what is done to each.

use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct LabRows {
    /// The list.
    pub list: List<LabRow>,
    /// The map.
    pub map: Map<String, LabRow>,
    /// The last number that a row got.
    pub last: u32,
}

/// A row.
#[derive(State, Clone, Debug, Default)]
pub struct LabRow {
    /// Never given twice.
    pub id: u32,
    /// Changes where the row stays.
    pub value: u32,
}

/// What can be done to the list, at a place or two, which are taken modulo its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOp {
    /// One more at the end.
    Push,
    /// One more in front.
    PushFront,
    /// One more somewhere.
    Insert,
    /// One less.
    Remove,
    /// One less at the end.
    Pop,
    /// From one place to another.
    Move,
    /// Two change places.
    Swap,
    /// By value, and by number where values are equal.
    Sort,
    /// The other way round.
    Reverse,
    /// Only those with an even number.
    Retain,
    /// Only the first so many.
    Truncate,
    /// One counts one more.
    Change,
    /// Three more at the end.
    Extend,
    /// So many more at the end, ten thousand at most.
    Fill,
    /// Three things in one update: one in front, one less, one changed.
    Mix,
}

/// What can be done to the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapOp {
    /// Under a key, which may be there.
    Insert,
    /// What is under a key counts one more.
    Change,
    /// A key less.
    Remove,
}

impl LabRows {
    /// A new row.
    pub fn row(&mut self, value: usize) -> LabRow {
        self.last += 1;
        LabRow {
            id: self.last,
            value: value as u32,
        }
    }
}

/// Does something to the list.
#[event]
pub fn change_list(rows: &mut LabRows, op: ListOp, a: usize, b: usize) {
    let len = rows.list.len();
    let (at, other) = (a % len.max(1), b % len.max(1));
    match op {
        ListOp::Push => {
            let row = rows.row(b);
            rows.list.push(row);
        }
        ListOp::PushFront => {
            let row = rows.row(b);
            rows.list.push_front(row);
        }
        ListOp::Insert => {
            let row = rows.row(b);
            rows.list.insert(a % (len + 1), row);
        }
        ListOp::Extend => {
            let more: Vec<_> = (0..3).map(|n| rows.row(b + n)).collect();
            rows.list.extend(more);
        }
        ListOp::Fill => {
            let more: Vec<_> = (0..a.min(10_000)).map(|n| rows.row(b + n)).collect();
            rows.list.extend(more);
        }
        // The rest needs a row.
        _ if len == 0 => {}
        ListOp::Remove => drop(rows.list.remove(at)),
        ListOp::Pop => drop(rows.list.pop()),
        ListOp::Move => rows.list.move_item(at, other),
        ListOp::Swap => rows.list.swap(at, other),
        ListOp::Sort => rows.list.sort_by_key(|row| (row.value, row.id)),
        ListOp::Reverse => rows.list.reverse(),
        ListOp::Retain => rows.list.retain(|row| row.id % 2 == 0),
        ListOp::Truncate => rows.list.truncate(at),
        ListOp::Change => rows.list[at].value += 1,
        ListOp::Mix => {
            let row = rows.row(b);
            rows.list.push_front(row);
            rows.list.remove(1 + at);
            rows.list[other].value += 1;
        }
    }
}

/// Does something to the map.
#[event]
pub fn change_map(rows: &mut LabRows, op: MapOp, a: usize, b: usize) {
    let key = format!("k{a}");
    match op {
        MapOp::Insert => {
            let row = rows.row(b);
            rows.map.insert(key, row);
        }
        MapOp::Change => {
            if let Some(row) = rows.map.get_mut(&key) {
                row.value += 1;
            }
        }
        MapOp::Remove => drop(rows.map.remove(&key)),
    }
}
