//! The operations on O(1) items.

use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;

/// Plain data, 41 bytes of JSON or about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    pub id: u32,
    pub title: String,
}

/// An item that is recorded inside.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Card {
    pub title: String,
    pub likes: u32,
    pub lines: List<String>,
    #[state(server)]
    pub key: u32,
}

/// A state with each kind of collection.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Board {
    pub posts: List<Post>,
    pub cards: List<Card>,
    pub named: Map<String, Post>,
    pub files: Map<String, Card>,
    pub text: Text,
    pub grid: List<List<String>>,
    pub by_name: Map<String, List<String>>,
    pub inner: Inner,
    pub spare: Option<Inner>,
    pub stage: Stage,
    pub count: u32,
    #[state(server)]
    pub log: List<Post>,
}

/// A field that is recorded inside.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Inner {
    pub count: u32,
    pub lines: List<String>,
}

/// So is what is in a variant.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub enum Stage {
    #[default]
    Idle,
    Running(Inner),
}

/// A change of O(1) items, and what takes it back, so that the size stays. Each is an update.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub name: &'static str,
    pub does: fn(&mut Board),
    pub and_back: fn(&mut Board),
}

impl Board {
    /// So many elements in each collection.
    #[must_use]
    pub fn of(len: usize) -> Self {
        let card = |n: usize| Card {
            title: format!("card {n:06}"),
            ..Card::default()
        };
        // Of the rest a hundred thousand are many.
        let less = len.min(100_000);
        let line = |n: usize| format!("line {n:06}");
        let inner = || Inner {
            count: 0,
            lines: (0..less).map(line).collect(),
        };
        Board {
            grid: (0..less).map(|n| List::from([line(n)])).collect(),
            by_name: (0..less)
                .map(|n| (key(2 * n), List::from([line(n)])))
                .collect(),
            inner: inner(),
            spare: Some(inner()),
            stage: Stage::Running(inner()),
            log: (0..less).map(post).collect(),
            posts: (0..len).map(post).collect(),
            cards: (0..len).map(card).collect(),
            // Even keys, so that odd ones are free.
            named: (0..len).map(|n| (key(2 * n), post(n))).collect(),
            files: (0..len).map(|n| (key(2 * n), card(n))).collect(),
            text: "word ".repeat(len).as_str().into(),
            count: 0,
        }
    }
}

/// A post like any other.
#[must_use]
pub fn post(n: usize) -> Post {
    Post {
        id: 7,
        title: format!("the title of {n:06}"),
    }
}

fn key(n: usize) -> String {
    format!("key {n:07}")
}

/// A key in the middle of those that are there.
fn middle(board: &Board) -> String {
    key(board.named.len() / 2 * 2)
}

/// As every element has the same bytes as JSON, an update's bytes differ by its numbers alone.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "push, pop",
        does: |board| board.posts.push(post(1)),
        and_back: |board| drop(board.posts.pop()),
    },
    Operation {
        name: "push_front, pop_front",
        does: |board| board.posts.push_front(post(1)),
        and_back: |board| drop(board.posts.pop_front()),
    },
    Operation {
        name: "insert and remove at the front",
        does: |board| board.posts.insert(0, post(1)),
        and_back: |board| drop(board.posts.remove(0)),
    },
    Operation {
        name: "insert and remove at the back",
        does: |board| board.posts.insert(board.posts.len(), post(1)),
        and_back: |board| drop(board.posts.remove(board.posts.len() - 1)),
    },
    Operation {
        name: "insert and remove in the middle",
        does: |board| board.posts.insert(board.posts.len() / 2, post(1)),
        and_back: |board| drop(board.posts.remove(board.posts.len() / 2)),
    },
    Operation {
        name: "set",
        does: |board| board.posts[3] = post(1),
        and_back: |board| board.posts[3] = post(3),
    },
    Operation {
        name: "set in the middle",
        does: |board| {
            let middle = board.posts.len() / 2;
            board.posts[middle] = post(1);
        },
        and_back: |board| {
            let middle = board.posts.len() / 2;
            board.posts[middle] = post(2);
        },
    },
    Operation {
        name: "change in place",
        does: |board| board.posts[4].title.push('!'),
        and_back: |board| board.posts[4].title.truncate(19),
    },
    Operation {
        name: "change inside of an item",
        does: |board| board.cards[4].lines.push("line".into()),
        and_back: |board| drop(board.cards[4].lines.pop()),
    },
    Operation {
        name: "change of a field of an item in the middle",
        does: |board| {
            let middle = board.cards.len() / 2;
            board.cards[middle].likes = 1;
        },
        and_back: |board| {
            let middle = board.cards.len() / 2;
            board.cards[middle].likes = 2;
        },
    },
    Operation {
        name: "change of what is for the server alone",
        does: |board| board.cards[2].key = 1,
        and_back: |board| board.cards[2].key = 2,
    },
    Operation {
        name: "push of a recorded item, pop",
        does: |board| board.cards.push(Card::default()),
        and_back: |board| drop(board.cards.pop()),
    },
    Operation {
        name: "swap of neighbours",
        does: |board| board.posts.swap(4, 5),
        and_back: |board| board.posts.swap(4, 5),
    },
    Operation {
        name: "swap of the ends",
        does: |board| board.posts.swap(0, board.posts.len() - 1),
        and_back: |board| board.posts.swap(0, board.posts.len() - 1),
    },
    Operation {
        name: "move by one",
        does: |board| board.posts.move_item(4, 5),
        and_back: |board| board.posts.move_item(5, 4),
    },
    Operation {
        name: "move by three",
        does: |board| board.posts.move_item(2, 5),
        and_back: |board| board.posts.move_item(5, 2),
    },
    Operation {
        name: "move from end to end",
        does: |board| board.posts.move_item(0, board.posts.len() - 1),
        and_back: |board| board.posts.move_item(board.posts.len() - 1, 0),
    },
    Operation {
        name: "insert and remove of a key",
        does: |board| drop(board.named.insert(key(5), post(1))),
        and_back: |board| drop(board.named.remove(&key(5))),
    },
    Operation {
        name: "insert and remove of a key in the middle",
        does: |board| {
            let key = middle(board) + "a";
            board.named.insert(key, post(1));
        },
        and_back: |board| {
            let key = middle(board) + "a";
            board.named.remove(&key);
        },
    },
    Operation {
        name: "insert and remove of the lowest key",
        does: |board| drop(board.named.insert("key ".into(), post(1))),
        and_back: |board| drop(board.named.pop_first()),
    },
    Operation {
        name: "insert and remove of the highest key",
        does: |board| drop(board.named.insert("kez".into(), post(1))),
        and_back: |board| drop(board.named.pop_last()),
    },
    Operation {
        name: "change by key",
        does: |board| {
            if let Some(post) = board.named.get_mut("key 0000004") {
                post.title.push('!');
            }
        },
        and_back: |board| {
            if let Some(post) = board.named.get_mut("key 0000004") {
                post.title.pop();
            }
        },
    },
    Operation {
        name: "replace by key",
        does: |board| drop(board.named.insert(key(4), post(1))),
        and_back: |board| drop(board.named.insert(key(4), post(2))),
    },
    Operation {
        name: "change inside of a key's value",
        does: |board| board.files.entry(key(4)).or_default().likes = 1,
        and_back: |board| board.files.entry(key(4)).or_default().likes = 2,
    },
    Operation {
        name: "push onto a text, pop",
        does: |board| board.text.push_str("word"),
        and_back: |board| board.text.truncate(board.text.len() - 4),
    },
    Operation {
        name: "push, truncate by one",
        does: |board| board.posts.push(post(1)),
        and_back: |board| board.posts.truncate(board.posts.len() - 1),
    },
    Operation {
        name: "extend by two, drain at the back",
        does: |board| board.posts.extend([post(1), post(2)]),
        and_back: |board| drop(board.posts.drain(board.posts.len() - 2..)),
    },
    Operation {
        name: "drain of one at the front, push_front",
        does: |board| drop(board.posts.drain(..1)),
        and_back: |board| board.posts.push_front(post(0)),
    },
    Operation {
        name: "replace of an item",
        does: |board| drop(std::mem::replace(&mut board.posts[3], post(1))),
        and_back: |board| drop(std::mem::replace(&mut board.posts[3], post(3))),
    },
    Operation {
        name: "push onto a list in a list, pop",
        does: |board| board.grid[4].push("line".into()),
        and_back: |board| drop(board.grid[4].pop()),
    },
    Operation {
        name: "push of a list onto a list, pop",
        does: |board| board.grid.push(List::from(["line".to_owned()])),
        and_back: |board| drop(board.grid.pop()),
    },
    Operation {
        name: "push onto a list in a map, pop",
        does: |board| {
            let list = board.by_name.entry(key(4)).or_default();
            list.push("line".into());
        },
        and_back: |board| {
            let list = board.by_name.entry(key(4)).or_default();
            list.pop();
        },
    },
    Operation {
        name: "a field of a field",
        does: |board| board.inner.count = 1,
        and_back: |board| board.inner.count = 2,
    },
    Operation {
        name: "push in a field of a field, pop",
        does: |board| board.inner.lines.push("line".into()),
        and_back: |board| drop(board.inner.lines.pop()),
    },
    Operation {
        name: "push in an option, pop",
        does: |board| in_option(board, |lines| lines.push("line".into())),
        and_back: |board| in_option(board, |lines| drop(lines.pop())),
    },
    Operation {
        name: "insert and remove in a variant",
        does: |board| in_variant(board, |lines| lines.insert(1, "line".into())),
        and_back: |board| in_variant(board, |lines| drop(lines.remove(1))),
    },
    Operation {
        name: "push for the server alone, pop",
        does: |board| board.log.push(post(1)),
        and_back: |board| drop(board.log.pop()),
    },
    Operation {
        name: "a character of a text, pop",
        does: |board| board.text.push('x'),
        and_back: |board| {
            board.text.pop();
        },
    },
    Operation {
        name: "replace in the middle of a text",
        does: |board| {
            let middle = board.text.len() / 10 * 5;
            board.text.replace_range(middle..middle + 4, "WORD");
        },
        and_back: |board| {
            let middle = board.text.len() / 10 * 5;
            board.text.replace_range(middle..middle + 4, "word");
        },
    },
    Operation {
        name: "a plain field",
        does: |board| board.count = 1,
        and_back: |board| board.count = 2,
    },
];

fn in_option(board: &mut Board, change: impl FnOnce(&mut List<String>)) {
    if let Some(inner) = &mut board.spare {
        change(&mut inner.lines);
    }
}

fn in_variant(board: &mut Board, change: impl FnOnce(&mut List<String>)) {
    if let Stage::Running(inner) = &mut board.stage {
        change(&mut inner.lines);
    }
}

/// Operations that look at every item, or move the bytes of a text: their time grows with these, as
/// it does for a `Vec` and a `String`. What they send does not, and what they allocate neither, but
/// for what an iterator remembers of the way that it came.
pub const LOOKING: &[Operation] = &[
    Operation {
        name: "the first of iter_mut",
        does: |board| {
            let first = board.posts.iter_mut().take(1);
            first.for_each(|post| post.title.push('!'));
        },
        and_back: |board| {
            let first = board.posts.iter_mut().take(1);
            first.for_each(|post| {
                post.title.pop();
            });
        },
    },
    Operation {
        name: "retain all but one, insert",
        does: |board| {
            let mut nth = 0;
            board.posts.retain(|_| {
                nth += 1;
                nth != 4
            });
        },
        and_back: |board| board.posts.insert(3, post(3)),
    },
    Operation {
        name: "retain all but one of a map, insert",
        does: |board| board.named.retain(|key, _| key != "key 0000004"),
        and_back: |board| drop(board.named.insert(key(4), post(2))),
    },
    Operation {
        name: "insert at the front of a text, remove",
        does: |board| board.text.insert_str(0, "more "),
        and_back: |board| board.text.replace_range(..5, ""),
    },
    Operation {
        name: "insert in the middle of a text, remove",
        does: |board| {
            let middle = board.text.len() / 10 * 5;
            board.text.insert(middle, 'x');
        },
        and_back: |board| {
            let middle = board.text.len() / 10 * 5;
            board.text.replace_range(middle..middle + 1, "");
        },
    },
];
