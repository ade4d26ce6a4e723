//! A state with everything in it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use undercurrent::prelude::*;

/// Every collection, in and around each other, with fields for the server at every depth.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct World {
    pub rows: List<String>,
    pub numbers: List<u32>,
    pub grid: List<List<u32>>,
    pub cards: List<Card>,
    pub named: Map<String, Card>,
    pub counts: Map<i32, u32>,
    pub deep: Map<String, Map<String, List<Card>>>,
    pub text: Text,
    pub texts: List<Text>,
    pub card: Card,
    pub spare: Option<Card>,
    pub stage: Stage,
    pub stages: Map<String, Stage>,
    pub moody: List<Moody>,
    pub moods: Map<String, Moody>,
    pub count: u32,
    pub name: Option<String>,
    pub plain: Vec<(u32, String)>,
    #[state(server)]
    pub secret: u32,
    #[state(server)]
    pub secrets: List<Card>,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Card {
    pub title: String,
    pub lines: List<String>,
    pub note: Text,
    pub tags: Map<String, u32>,
    #[state(server)]
    pub key: String,
    #[state(server)]
    pub log: List<u32>,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "as a user would write it")]
pub enum Stage {
    #[default]
    Idle,
    Running(Card),
    Counting(u32),
    Done {
        lines: List<String>,
        took: u32,
        #[state(server)]
        code: u32,
    },
}

/// Plain data whose own code panics when it is told to.
#[derive(Debug, Default)]
pub struct Moody(pub u32);

thread_local! {
    static CALLS_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// The user code that is called after so many calls panics; with `None`, none does.
pub(crate) fn panic_after(calls: Option<u32>) {
    CALLS_LEFT.set(calls);
}

pub(crate) fn may_panic() {
    match CALLS_LEFT.get() {
        Some(0) => {
            CALLS_LEFT.set(None);
            panic!("a mood");
        }
        Some(left) => CALLS_LEFT.set(Some(left - 1)),
        None => {}
    }
}

impl Clone for Moody {
    fn clone(&self) -> Self {
        may_panic();
        Moody(self.0)
    }
}

impl PartialEq for Moody {
    fn eq(&self, other: &Self) -> bool {
        may_panic();
        self.0 == other.0
    }
}

impl Serialize for Moody {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        may_panic();
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Moody {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u32::deserialize(from).map(Moody)
    }
}
