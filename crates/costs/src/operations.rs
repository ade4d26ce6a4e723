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
    pub count: u32,
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
        Board {
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

fn post(n: usize) -> Post {
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
        name: "a plain field",
        does: |board| board.count = 1,
        and_back: |board| board.count = 2,
    },
];
