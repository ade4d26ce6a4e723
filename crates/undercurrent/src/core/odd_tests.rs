//! States that are written seldom: ones that hold themselves, collections that wander, values that
//! JSON has no word for, names that the derive uses.

use super::{
    list::List,
    map::Map,
    node::Node,
    ops::{Applied, RecordError},
    state::{apply_ops, from_json, to_json, to_json_with_server},
    text::Text,
    writer::{MAX_DEPTH, OpsWriter},
};
use crate::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{cmp::Ordering, mem};

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Comment {
    text: Text,
    replies: List<Self>,
    by_name: Map<String, Comment>,
    #[state(server)]
    address: String,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Thread {
    comments: List<Comment>,
}

/// No field of these is for the server.
#[derive(State, Clone, Debug, Default, PartialEq)]
struct Open {
    inside: List<Open>,
}

/// Each holds the other; one of them has a secret.
#[derive(State, Clone, Debug, Default, PartialEq)]
struct Left {
    right: List<Right>,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Right {
    left: List<Left>,
    #[state(server)]
    secret: u32,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Shelves {
    rows: List<String>,
    grid: List<List<String>>,
    by_name: Map<String, List<String>>,
    card: Card,
    cards: List<Card>,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Card {
    lines: List<String>,
    note: Text,
}

/// A state, its shadow, and what its ops have led to.
struct Followed<S> {
    state: S,
    shadow: S,
    store: S,
}

impl<S: State + PartialEq + std::fmt::Debug> Followed<S> {
    fn new() -> Self {
        let mut state = S::default();
        let shadow = state.arm();
        Followed {
            state,
            shadow,
            store: S::default(),
        }
    }

    fn update(&mut self, change: impl FnOnce(&mut S)) -> Result<String, RecordError> {
        change(&mut self.state);
        let mut out = OpsWriter::new::<S>();
        self.state.record(&self.shadow, &mut out.out())?;
        self.state.settle(&mut self.shadow);
        let (public, full) = out.finish();
        let all = String::from_utf8(full.unwrap_or_else(|| public.clone())).unwrap();
        apply_ops(&mut self.store, &all, &mut Applied::default()).unwrap();
        assert_eq!(self.store, self.state, "{all}");
        Ok(String::from_utf8(public).unwrap())
    }

    /// As a cell does it.
    fn undo(&mut self) {
        let shadow = mem::take(&mut self.shadow);
        if self.state.undo(shadow).is_err() {
            self.state = self.store.clone();
        }
        self.shadow = self.state.arm();
        assert_eq!(self.store, self.state);
    }
}

#[test]
fn a_state_that_holds_itself_is_recorded_applied_and_undone() {
    assert!(Comment::has_server() && Thread::has_server() && !Open::has_server());
    // Whichever is asked first.
    assert!(Left::has_server() && Right::has_server());
    let mut thread = Followed::<Thread>::new();
    let comment = |text: &str| Comment {
        text: text.into(),
        address: "canary".to_owned(),
        ..Comment::default()
    };
    let said = thread.update(|thread| thread.comments.push(comment("first")));
    assert_eq!(
        said.unwrap(),
        r#"[["+","comments",{"text":"first","replies":[],"by_name":{}}]]"#
    );
    let said = thread.update(|thread| thread.comments[0].replies.push(comment("second")));
    assert_eq!(
        said.unwrap(),
        r#"[["+",["comments",0,"replies"],{"text":"second","replies":[],"by_name":{}}]]"#
    );
    let said = thread.update(|thread| {
        let second = &mut thread.comments[0].replies[0];
        second.by_name.entry("x".to_owned()).or_default().text += "third";
        thread.comments[0].replies.push_front(comment("zeroth"));
    });
    assert!(!said.unwrap().contains("canary"));
    thread.state.comments[0].replies[1].text += "!";
    thread.state.comments[0].replies.swap(0, 1);
    thread.undo();
    let json = to_json_with_server(&thread.state).unwrap();
    assert_eq!(from_json::<Thread>(&json).unwrap(), thread.state);
}

#[test]
fn a_state_is_as_deep_as_can_be_read_again_and_what_is_deeper_is_refused_where_it_would_come() {
    // The state itself is a level, each comment is a list and a struct, and the last one has empty
    // collections inside.
    let fits = (MAX_DEPTH - 2) / 2;
    let chain = |count: usize| {
        let mut comments = List::new();
        for _ in 0..count {
            comments = List::from([Comment {
                replies: comments,
                ..Comment::default()
            }]);
        }
        comments
    };
    let mut thread = Followed::<Thread>::new();
    thread
        .update(|thread| thread.comments = chain(fits))
        .unwrap();
    for json in [to_json(&thread.state), to_json_with_server(&thread.state)] {
        let json = json.unwrap();
        assert_eq!(from_json::<Thread>(&json).unwrap().comments.len(), 1);
        // As others read it, inside of a frame.
        serde_json::from_str::<Value>(&format!("[\"thread\",null,{json}]")).unwrap();
    }
    // One more, at once and step by step, and far too many for the stack.
    for count in [fits + 1, fits + 5, 20_000] {
        let refused = thread.update(|thread| thread.comments = chain(count));
        let said = refused.unwrap_err().to_string();
        assert!(
            said.contains("MAX_DEPTH") && said.contains("too deep"),
            "{said}"
        );
        thread.shed();
        thread.undo();
    }
    let deepest = |thread: &mut Thread, then: &dyn Fn(&mut Comment)| {
        let mut comment = &mut thread.comments[0];
        while !comment.replies.is_empty() {
            comment = &mut comment.replies[0];
        }
        then(comment);
    };
    let refused = thread.update(|thread| {
        deepest(thread, &|comment| comment.replies.push(Comment::default()));
    });
    assert!(refused.is_err(), "{refused:?}");
    thread.undo();
    // Written early, before the path above it is known.
    let refused = thread.update(|thread| {
        deepest(thread, &|comment| comment.replies.push(Comment::default()));
        thread.comments.push_front(Comment::default());
    });
    assert!(refused.is_err(), "{refused:?}");
    thread.undo();
    thread
        .update(|thread| deepest(thread, &|comment| comment.text += "here"))
        .unwrap();
}

impl Followed<Thread> {
    /// A very long chain is dropped link by link: its own drop would take more than the stack.
    fn shed(&mut self) {
        let mut comments = mem::take(&mut self.state.comments);
        while let Some(mut comment) = comments.pop() {
            comments = mem::take(&mut comment.replies);
        }
    }
}

#[test]
fn a_collection_that_went_into_an_item_and_came_back_is_sent() {
    type Step = fn(&mut Shelves);
    let into_the_grid: Step = |s| {
        let mut rows = mem::take(&mut s.rows);
        rows.push("x".to_owned());
        s.grid.push(rows);
        s.grid.swap(0, 1);
        mem::swap(&mut s.rows, &mut s.grid[0]);
    };
    // Clean when it comes, changed there, and written early twice.
    let changed_there: Step = |s| {
        let rows = mem::take(&mut s.rows);
        s.grid.push(rows);
        s.grid.swap(0, 1);
        s.grid[0].push("x".to_owned());
        s.grid.swap(0, 1);
        mem::swap(&mut s.rows, &mut s.grid[1]);
    };
    let by_card: Step = |s| {
        s.card.lines.push("x".to_owned());
        mem::swap(&mut s.cards[0], &mut s.card);
        s.cards.swap(0, 1);
        mem::swap(&mut s.cards[1], &mut s.card);
    };
    let by_map: Step = |s| {
        let mut rows = mem::take(&mut s.rows);
        rows.push("x".to_owned());
        s.by_name.insert("a".to_owned(), rows);
        let shelf = s.by_name.get_mut("a").expect("it is there");
        shelf.push("y".to_owned());
        mem::swap(shelf, &mut s.rows);
    };
    let by_text: Step = |s| {
        s.card.note += "x";
        mem::swap(&mut s.cards[0].note, &mut s.card.note);
        s.cards.swap(0, 1);
        mem::swap(&mut s.cards[1].note, &mut s.card.note);
    };
    for (nth, step) in [into_the_grid, changed_there, by_card, by_map, by_text]
        .into_iter()
        .enumerate()
    {
        for undone in [false, true] {
            let mut shelves = Followed::<Shelves>::new();
            shelves
                .update(|s| {
                    s.rows.push("first".to_owned());
                    s.grid.push(List::from(["other".to_owned()]));
                    s.cards = List::from([Card::default(), Card::default()]);
                })
                .unwrap();
            if undone {
                step(&mut shelves.state);
                shelves.undo();
            }
            let said = shelves.update(step).unwrap();
            assert!(said.contains('x'), "{nth}: {said}");
            // And what comes then is right, too.
            shelves.update(|s| s.rows.push("last".to_owned())).unwrap();
            shelves.update(step).unwrap();
        }
    }
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Readings {
    twice: Option<Option<u32>>,
    float_or_not: Option<f64>,
    reading: Option<Reading>,
    all: List<Reading>,
    by_name: Map<String, Reading>,
    json: Option<Value>,
    words: List<String>,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Reading {
    value: f64,
    of: List<u32>,
    #[state(server)]
    exact: Option<Option<f64>>,
}

#[test]
fn what_json_would_give_back_as_something_else_is_refused() {
    type Step = fn(&mut Readings);
    let steps: [(&str, Step); 9] = [
        ("Some(None)", |s| s.twice = Some(None)),
        ("Some(NaN)", |s| s.float_or_not = Some(f64::NAN)),
        ("Some(infinity)", |s| s.float_or_not = Some(f64::INFINITY)),
        ("Some(null)", |s| s.json = Some(Value::Null)),
        ("NaN in an option of a state", |s| {
            s.reading = Some(Reading {
                value: f64::NAN,
                ..Reading::default()
            });
        }),
        ("NaN in a new item", |s| {
            s.all.push(Reading {
                value: f64::NAN,
                ..Reading::default()
            });
        }),
        ("a field for the server in an item", |s| {
            s.all.push(Reading {
                exact: Some(None),
                ..Reading::default()
            });
        }),
        ("a field for the server in an option", |s| {
            s.reading = Some(Reading {
                exact: Some(Some(f64::NAN)),
                ..Reading::default()
            });
        }),
        ("a value of a map, written with the whole map", |s| {
            s.by_name = Map::from([(
                "a".to_owned(),
                Reading {
                    exact: Some(None),
                    ..Reading::default()
                },
            )]);
        }),
    ];
    let mut readings = Followed::<Readings>::new();
    for (what, step) in steps {
        let refused = readings.update(step);
        assert!(refused.is_err(), "{what}: {refused:?}");
        readings.undo();
    }
    // What `null` says rightly is taken, and so is the word itself.
    let taken: Step = |s| {
        s.twice = Some(Some(1));
        s.float_or_not = Some(-0.0);
        s.json = Some(serde_json::json!([null, { "null": null }]));
        s.reading = Some(Reading::default());
        s.words.push("null".to_owned());
    };
    readings.update(taken).unwrap();
    readings
        .update(|s| (s.reading, s.twice, s.json) = (None, None, None))
        .unwrap();
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Scales {
    weight: f64,
    light: f32,
    maybe: Option<f64>,
    several: Vec<f64>,
    all: List<f64>,
    by_name: Map<String, f64>,
}

#[test]
fn a_zero_that_changes_its_sign_is_a_change() {
    let mut scales = Followed::<Scales>::new();
    let zeros: fn(&mut Scales, f64) = |s, zero| {
        (s.weight, s.light, s.maybe) = (zero, zero as f32, Some(zero));
        s.several = vec![1.0, zero];
    };
    scales
        .update(|s| {
            zeros(s, 0.0);
            s.all.push(0.0);
            s.by_name.insert("a".to_owned(), 0.0);
        })
        .unwrap();
    let said = scales.update(|s| zeros(s, -0.0)).unwrap();
    assert_eq!(said.matches("-0.0").count(), 4, "{said}");
    let said = scales.update(|s| s.all[0] = -0.0).unwrap();
    assert!(said.contains("-0.0"), "{said}");
    let again: [fn(&mut Scales); 2] = [
        |s| *s.by_name.get_mut("a").expect("it is there") = -0.0,
        |s| {
            s.by_name.remove("a");
            s.by_name.insert("a".to_owned(), 0.0);
        },
    ];
    for step in again {
        let said = scales.update(step).unwrap();
        assert!(said.contains("0.0"), "{said}");
    }
    let said = scales.update(|s| zeros(s, -0.0)).unwrap();
    assert!(!said.contains("0.0"), "nothing changes: {said}");
}

/// Types that are called as the derive might call its own.
mod names {
    use crate::prelude::*;

    #[derive(State, Clone, Debug, Default, PartialEq)]
    pub(super) struct Fields {
        pub(super) map: Map<String, Variants>,
        pub(super) name: String,
        pub(super) value: u32,
    }

    #[derive(State, Clone, Debug, Default, PartialEq)]
    pub(super) enum Variants {
        #[default]
        None,
        Fields(Fields),
        Of {
            of: List<Self>,
            name: Option<Fields>,
        },
    }

    #[derive(State, Clone, Debug, Default, PartialEq)]
    pub(super) struct Shop {
        pub(super) variants: List<Variants>,
        pub(super) fields: Option<Fields>,
    }
}

#[test]
fn the_derive_takes_no_names() {
    use names::{Fields, Shop, Variants};
    let mut shop = Followed::<Shop>::new();
    shop.update(|shop| {
        shop.variants.push(Variants::Of {
            of: List::from([Variants::Fields(Fields::default())]),
            name: Some(Fields::default()),
        });
        shop.fields = Some(Fields::default());
    })
    .unwrap();
    let json = to_json(&shop.state).unwrap();
    assert_eq!(from_json::<Shop>(&json).unwrap(), shop.state);
}

/// A key that equals others which are written otherwise.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Caseless(String);

impl Caseless {
    fn plain(&self) -> String {
        self.0.to_lowercase()
    }
}

impl PartialEq for Caseless {
    fn eq(&self, other: &Self) -> bool {
        self.plain() == other.plain()
    }
}

impl Eq for Caseless {}

impl PartialOrd for Caseless {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Caseless {
    fn cmp(&self, other: &Self) -> Ordering {
        self.plain().cmp(&other.plain())
    }
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Hosts {
    hits: Map<Caseless, u32>,
}

#[test]
fn of_equal_keys_that_are_written_differently_one_is_there() {
    let key = |text: &str| Caseless(text.to_owned());
    let mut hosts = Followed::<Hosts>::new();
    let mut page = serde_json::json!({ "hits": {} });
    let mut update = |hosts: &mut Followed<Hosts>, change: &dyn Fn(&mut Map<Caseless, u32>)| {
        let ops = hosts.update(|hosts| change(&mut hosts.hits)).unwrap();
        super::untyped::apply_json(&mut page, &ops).unwrap();
        let is: Value = serde_json::from_str(&to_json(&hosts.state).unwrap()).unwrap();
        assert_eq!(page, is, "{ops}");
        assert_eq!(to_json(&hosts.store), to_json(&hosts.state), "{ops}");
    };
    update(&mut hosts, &|hits| _ = hits.insert(key("A.example"), 1));
    // As in a `BTreeMap` the key stays.
    update(&mut hosts, &|hits| _ = hits.insert(key("a.example"), 2));
    update(&mut hosts, &|hits| {
        *hits.entry(key("a.EXAMPLE")).or_insert(0) += 1;
    });
    // Where it went another one comes.
    update(&mut hosts, &|hits| {
        hits.remove(&key("a.example"));
        hits.insert(key("a.example"), 3);
    });
    update(&mut hosts, &|hits| {
        *hits.entry(key("a.example")).or_insert(0) += 1;
        hits.remove(&key("a.example"));
        hits.insert(key("A.Example"), 4);
        hits.insert(key("B.example"), 4);
        hits.remove(&key("B.example"));
        hits.insert(key("b.example"), 4);
    });
    hosts.state.hits.remove(&key("a.example"));
    hosts.state.hits.insert(key("A"), 5);
    hosts.state.hits.insert(key("a.EXAMPLE"), 5);
    hosts.undo();
    assert_eq!(to_json(&hosts.store), to_json(&hosts.state));
}

/// What a derive might call its own.
mod letters {
    use crate::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub(super) enum Health {
        #[default]
        Ok,
        Err(u32),
        Some,
        None,
    }
    use Health::{Err, None, Ok, Some};

    #[derive(State, Clone, Debug, Default, PartialEq)]
    pub(super) struct A {
        pub(super) s: S,
        pub(super) d: Map<String, D>,
        pub(super) f: List<F>,
        pub(super) health: Health,
    }

    #[derive(State, Clone, Debug, Default, PartialEq)]
    pub(super) enum S {
        #[default]
        Unit,
        Of {
            d: D,
            f: F,
        },
        One(D),
    }

    #[derive(State, Clone, Debug, Default, PartialEq)]
    pub(super) struct D {
        pub(super) count: u32,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub(super) struct F(pub(super) u32);

    pub(super) fn all() -> [Health; 4] {
        [Ok, Err(1), Some, None]
    }
}

#[test]
fn types_may_be_called_as_a_derive_calls_its_own() {
    use letters::{A, D, F, S};
    let mut state = Followed::<A>::new();
    for health in letters::all() {
        let ops = state.update(|a| {
            a.health = health.clone();
            a.s = S::Of {
                d: D { count: 1 },
                f: F(2),
            };
            a.d.insert("one".into(), D { count: 3 });
            a.f.push(F(4));
        });
        assert!(ops.is_ok());
        state.update(|a| a.s = S::One(D::default())).unwrap();
        assert_eq!(to_json(&state.store), to_json(&state.state));
        assert_eq!(
            from_json::<A>(&to_json(&state.state).unwrap()).unwrap(),
            state.state
        );
    }
}
