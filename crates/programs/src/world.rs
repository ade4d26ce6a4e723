//! A state with everything in it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{cell::Cell, cmp::Ordering};
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
    pub by_mood: Map<Moody, u32>,
    pub tree: List<Tree>,
    pub boards: List<List<String>>,
    pub shelves: Map<String, List<String>>,
    pub indices: List<Map<String, Card>>,
    pub stage_list: List<Stage>,
    pub notes: Map<u64, Text>,
    pub colours: Map<Colour, Name>,
    pub maybe: Maybe,
    pub count: u32,
    pub name: Option<String>,
    pub plain: Vec<(u32, String)>,
    #[state(server)]
    pub secret: u32,
    #[state(server)]
    pub secrets: List<Card>,
}

/// It holds itself, and its field for the server stands at every depth.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Tree {
    pub text: Text,
    pub replies: List<Self>,
    pub by_name: Map<String, Tree>,
    #[state(server)]
    pub key: String,
}

/// What is there or not, and numbers that JSON has no word for.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Maybe {
    pub text: Option<Text>,
    pub list: Option<List<String>>,
    pub map: Option<Map<String, u32>>,
    pub reading: Option<Reading>,
    pub twice: Option<Option<u32>>,
    pub float: f64,
    pub float_or_not: Option<f64>,
    pub small: f32,
    pub large: u64,
    pub letter: char,
    pub r#type: Colour,
    #[state(server)]
    pub hidden_list: Option<List<String>>,
    #[state(server)]
    pub hidden_map: Map<String, Text>,
    #[state(server)]
    pub hidden_stage: Stage,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub value: f64,
    pub of: List<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Colour {
    #[default]
    Red,
    Green,
    Blue,
}

/// A newtype of plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Name(pub String);

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
pub enum Stage {
    #[default]
    Idle,
    Running(Card),
    Counting(u32),
    Tagged(Map<String, u32>),
    Inner(Inner),
    Held {
        card: Option<Card>,
        r#type: Colour,
    },
    Done {
        lines: List<String>,
        took: u32,
        #[state(server)]
        code: u32,
    },
}

/// An enum in an enum.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub enum Inner {
    #[default]
    Nothing,
    Rows(List<String>),
}

/// Plain data, and a key, whose own code panics when it is told to.
#[derive(Debug, Default, Eq)]
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

impl PartialOrd for Moody {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moody {
    fn cmp(&self, other: &Self) -> Ordering {
        may_panic();
        self.0.cmp(&other.0)
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
