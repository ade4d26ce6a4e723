//! One thing that user code may do.

use crate::{
    check::{Universe, View},
    random::Random,
    world::{Card, Colour, Inner, Maybe, Moody, Name, Reading, Stage, Tree, World, may_panic},
};
use std::mem;
use undercurrent::{List, Map, Text};

/// Begins each text that is for the server alone.
pub(crate) const CANARY: &str = "canary";

/// What a program has put aside in an earlier update, or in this one.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    pub(crate) world: World,
    pub(crate) rows: List<String>,
    pub(crate) card: Card,
    pub(crate) cards: List<Card>,
    pub(crate) named: Map<String, Card>,
    pub(crate) text: Text,
}

/// Views of a replica.
pub(crate) struct Views {
    rows: View<String>,
    boards: View<List<String>>,
    counts: View<(i32, u32)>,
    named: View<(String, Card)>,
}

impl Universe for World {
    type Aside = Aside;
    type Views = Views;

    const SECRETS: &'static [&'static str] = &[
        "\"key\"",
        "\"log\"",
        "\"code\"",
        "\"secret\"",
        "\"secrets\"",
        "\"hidden_",
        CANARY,
    ];

    fn step(random: &mut Random, world: &mut Self, aside: &mut Aside) {
        step(random, world, aside);
    }

    fn watch(replica: &mut Self) -> Views {
        Views {
            rows: View::new(replica.rows.observe(|| {})),
            boards: View::new(replica.boards.observe(|| {})),
            counts: View::new(replica.counts.observe(|| {})),
            named: View::new(replica.named.observe(|| {})),
        }
    }

    fn are_shown(views: &mut Views, replica: &Self) -> bool {
        let counts = views.counts.follow().iter();
        let named = views.named.follow().iter();
        views.rows.follow().iter().eq(&replica.rows)
            && views.boards.follow().iter().eq(&replica.boards)
            && (counts.map(|(key, value)| (key, value))).eq(replica.counts.iter())
            && (named.map(|(key, value)| (key, value))).eq(replica.named.iter())
    }
}

fn step(random: &mut Random, world: &mut World, aside: &mut Aside) {
    may_panic();
    match random.below(44) {
        0..=2 => rows(random, &mut world.rows),
        3 => numbers(random, &mut world.numbers),
        4 => {
            if random.chance(3) {
                world.grid.push(List::from([1, 2, 3]));
            } else if let Some(index) = random.index(world.grid.len()) {
                numbers(random, &mut world.grid[index]);
            }
            moves(random, &mut world.grid);
        }
        5..=7 => cards(random, &mut world.cards),
        8..=10 => named(random, &mut world.named),
        11 => counts(random, &mut world.counts),
        12 | 13 => {
            let inner = world.deep.entry(random.word()).or_default();
            let key = random.word();
            cards(random, inner.entry(key).or_default());
            if random.chance(4) {
                let gone = random.word();
                world.deep.remove(&gone);
            }
        }
        14 | 15 => text(random, &mut world.text),
        16 => {
            if random.chance(3) {
                world.texts.push(random.word().as_str().into());
            } else if let Some(index) = random.index(world.texts.len()) {
                text(random, &mut world.texts[index]);
            }
            moves(random, &mut world.texts);
        }
        17 => card(random, &mut world.card),
        18 => match &mut world.spare {
            Some(spare) if !random.chance(4) => card(random, spare),
            spare => *spare = (!random.chance(2)).then(|| a_card(random)),
        },
        19 | 20 => stage(random, &mut world.stage),
        21 => {
            let key = random.word();
            stage(random, world.stages.entry(key).or_default());
        }
        22 | 23 => moody(random, world),
        24 => {
            world.count = random.below(3) as u32;
            world.name = random.chance(2).then(|| random.word());
            world.plain.push((1, random.word()));
        }
        25 => {
            world.secret += 1;
            cards(random, &mut world.secrets);
        }
        26 | 27 => tree(random, &mut world.tree, 0),
        28 => boards(random, world),
        29 => {
            if random.chance(3) {
                world.indices.push(Map::new());
            } else if let Some(at) = random.index(world.indices.len()) {
                named(random, &mut world.indices[at]);
            }
            moves(random, &mut world.indices);
        }
        30 => {
            if random.chance(3) {
                world.stage_list.push(Stage::Counting(1));
            } else if let Some(at) = random.index(world.stage_list.len()) {
                stage(random, &mut world.stage_list[at]);
            }
            moves(random, &mut world.stage_list);
        }
        31 => {
            let key = u64::MAX - random.below(3) as u64;
            text(random, world.notes.entry(key).or_default());
            let colour = [Colour::Red, Colour::Green, Colour::Blue][random.below(3)];
            drop(world.colours.insert(colour, Name(random.word())));
        }
        32 | 33 => maybe(random, &mut world.maybe),
        34 => {
            let key = Moody(random.below(9) as u32);
            match random.below(4) {
                0 => drop(world.by_mood.remove(&key)),
                1 => world.by_mood.retain(|key, _| key.0 % 3 > 0),
                _ => *world.by_mood.entry(key).or_insert(0) += 1,
            }
        }
        _ => alias(random, world, aside),
    }
}

fn tree(random: &mut Random, trees: &mut List<Tree>, depth: usize) {
    let at = random.index(trees.len());
    match (random.below(6), at) {
        (0 | 1, Some(at)) if depth < 6 => tree(random, &mut trees[at].replies, depth + 1),
        (2, Some(at)) => {
            let inside = trees[at].by_name.entry(random.word()).or_default();
            inside.key = format!("{CANARY}{}", random.word());
            text(random, &mut inside.text);
        }
        (3, Some(at)) => text(random, &mut trees[at].text),
        // A tree comes into itself.
        (4, Some(at)) => {
            let all = mem::take(trees);
            let mut one = all.get(at).cloned().unwrap_or_default();
            if depth == 0 && all.len() < 4 {
                one.replies = all;
            }
            trees.push(one);
        }
        _ => trees.push(Tree {
            key: format!("{CANARY}{}", random.word()),
            ..Tree::default()
        }),
    }
    moves(random, trees);
}

/// Collections that go into another one, are changed there, and come back.
fn boards(random: &mut Random, world: &mut World) {
    let at = random.index(world.boards.len());
    let key = random.word();
    match (random.below(13), at) {
        (0, _) => world.boards.push(mem::take(&mut world.rows)),
        (1, _) => world.boards.push_front(mem::take(&mut world.rows)),
        (2..=4, Some(at)) => mem::swap(&mut world.rows, &mut world.boards[at]),
        (5, Some(at)) => rows(random, &mut world.boards[at]),
        (6, Some(at)) => world.rows = world.boards.remove(at),
        (7, _) => drop(world.shelves.insert(key, mem::take(&mut world.rows))),
        (8, _) => {
            if let Some(shelf) = world.shelves.values_mut().next() {
                mem::swap(shelf, &mut world.rows);
            }
        }
        (9, _) => {
            if let Some((_, shelf)) = world.shelves.pop_first() {
                world.rows = shelf;
            }
        }
        (10, _) => world.cards.push(Card {
            lines: mem::take(&mut world.rows),
            ..a_card(random)
        }),
        (11, _) => {
            if let Some(shelf) = world.shelves.get_mut(&key) {
                rows(random, shelf);
            }
        }
        _ => {
            let mut boards = world.boards.iter_mut();
            if let (Some(a), Some(b)) = (boards.next(), boards.last()) {
                mem::swap(a, b);
            }
        }
    }
    if random.chance(2) {
        moves(random, &mut world.boards);
    }
}

fn maybe(random: &mut Random, maybe: &mut Maybe) {
    match random.below(12) {
        0 => match &mut maybe.text {
            Some(own) if !random.chance(4) => text(random, own),
            own => *own = own.is_none().then(|| random.word().as_str().into()),
        },
        1 => match &mut maybe.list {
            Some(own) if !random.chance(4) => rows(random, own),
            own => *own = own.is_none().then(|| List::from([random.word()])),
        },
        2 => match &mut maybe.map {
            Some(own) if !random.chance(4) => *own.entry(random.word()).or_insert(0) += 1,
            own => *own = own.is_none().then(Map::new),
        },
        3 => {
            let value = float(random);
            maybe.reading = random.chance(2).then(|| Reading {
                value,
                of: List::default(),
            });
        }
        4 => {
            if let Some(reading) = &mut maybe.reading {
                reading.value = float(random);
                numbers(random, &mut reading.of);
            }
        }
        5 => maybe.twice = [None, Some(None), Some(Some(1))][random.below(3)],
        6 => maybe.float = float(random),
        7 => maybe.float_or_not = random.chance(2).then(|| float(random)),
        8 => {
            maybe.small = float(random) as f32;
            maybe.large = u64::MAX - random.below(2) as u64;
            maybe.letter = ['\0', '"', 'é', '\u{2028}'][random.below(4)];
            maybe.r#type = Colour::Green;
        }
        9 => match &mut maybe.hidden_list {
            Some(own) if !random.chance(4) => own.push(format!("{CANARY}{}", random.word())),
            own => *own = own.is_none().then(List::default),
        },
        10 => {
            let own = maybe.hidden_map.entry(random.word()).or_default();
            own.push_str(CANARY);
        }
        _ => stage(random, &mut maybe.hidden_stage),
    }
}

/// A number, now and then one that JSON has no word for: the update is refused then.
fn float(random: &mut Random) -> f64 {
    match random.below(8) {
        0 if random.chance(4) => f64::NAN,
        // Not -0.0, which equals 0.0: what is equal is not sent.
        1 => f64::MAX,
        2 => f64::MIN_POSITIVE,
        n => n as f64 / 3.0,
    }
}

/// Swaps, takes, clones of now and of earlier.
fn alias(random: &mut Random, world: &mut World, aside: &mut Aside) {
    match random.below(25) {
        22 => {
            let mut items = world.cards.iter_mut();
            if let (Some(a), Some(b)) = (items.next(), items.last()) {
                mem::swap(a, b);
            }
        }
        23 => {
            let (note, text) = (&mut world.card.note, &mut world.text);
            mem::swap(note, text);
        }
        24 => {
            if let Some(last) = world.cards.last_mut() {
                mem::swap(last, world.spare.get_or_insert_default());
            }
        }
        0 => mem::swap(&mut world.rows, &mut aside.rows),
        1 => aside.rows = mem::take(&mut world.rows),
        2 => world.rows = world.rows.clone(),
        3 => aside.rows = world.rows.clone(),
        4 => world.rows = aside.rows.clone(),
        5 => mem::swap(&mut world.card, &mut aside.card),
        6 => world.card = a_card(random),
        7 => mem::swap(&mut world.cards, &mut world.secrets),
        8 => aside.cards = mem::replace(&mut world.cards, aside.cards.clone()),
        9 => mem::swap(&mut world.card.lines, &mut world.rows),
        10 => {
            let at = random.index(world.cards.len());
            if let Some(item) = at.and_then(|at| world.cards.get_mut(at)) {
                mem::swap(item, &mut world.card);
            }
        }
        11 => {
            let at = random.index(world.cards.len());
            if let Some(item) = at.and_then(|at| world.cards.get_mut(at)) {
                mem::swap(&mut item.lines, &mut aside.rows);
            }
        }
        12 => mem::swap(&mut world.named, &mut aside.named),
        13 => aside.named = world.named.clone(),
        14 => world.text = aside.text.clone(),
        15 => aside.text = mem::take(&mut world.text),
        16 => {
            if let Some(value) = world.named.values_mut().next() {
                mem::swap(value, &mut aside.card);
            }
        }
        17 => world.spare = mem::take(&mut aside.world.spare),
        18 => mem::swap(&mut world.stage, &mut aside.world.stage),
        19 => aside.world = world.clone(),
        20 => *world = aside.world.clone(),
        _ => {
            *world = World {
                rows: mem::take(&mut world.rows),
                text: world.text.clone(),
                ..World::default()
            };
        }
    }
}

pub(crate) fn rows(random: &mut Random, rows: &mut List<String>) {
    match random.below(8) {
        0..=2 => rows.push(random.word()),
        3 => rows.push_front(random.word()),
        4 => rows.extend((0..random.below(200)).map(|n| {
            may_panic();
            n.to_string()
        })),
        5 => {
            if let Some(at) = random.index(rows.len()) {
                rows[at].push('!');
            }
        }
        6 => rows
            .iter_mut()
            .for_each(|row| drop(row.split_off(first_len(row)))),
        _ => {}
    }
    moves(random, rows);
}

/// The bytes of its first character.
fn first_len(row: &str) -> usize {
    row.chars().next().map_or(0, char::len_utf8)
}

fn numbers(random: &mut Random, numbers: &mut List<u32>) {
    match random.below(4) {
        0 => numbers.push(random.below(9) as u32),
        1 => numbers.extend(0..random.below(300) as u32),
        2 => numbers.iter_mut().for_each(|number| {
            may_panic();
            *number /= 2;
        }),
        _ => numbers.sort(),
    }
    moves(random, numbers);
}

/// What every list can do.
pub(crate) fn moves<T: undercurrent::core::node::Node>(random: &mut Random, list: &mut List<T>) {
    let len = list.len();
    let (a, b) = (random.index(len), random.index(len));
    match (random.below(19), a, b) {
        (0, Some(a), Some(b)) => list.move_item(a, b),
        (1, Some(a), Some(b)) => list.swap(a, b),
        (2, Some(a), _) => drop(list.remove(a)),
        (3, Some(a), Some(b)) => {
            let item = list.remove(a);
            list.insert(b.min(list.len()), item);
        }
        (4, ..) => drop(list.pop()),
        (5, ..) => drop(list.pop_front()),
        (6, ..) => list.truncate(random.below(len + 1)),
        (7, ..) => {
            // Not all that is given out is taken.
            let mut drained = list.drain(random.range(len));
            let _ = drained.next();
            may_panic();
        }
        (8, ..) => list.reverse(),
        (9, ..) => {
            let every = 2 + random.below(3);
            let mut nth = 0;
            list.retain(|_| {
                may_panic();
                nth += 1;
                nth % every != 0
            });
        }
        (12, ..) => {
            let mut nth = 0;
            list.retain_mut(|item| {
                may_panic();
                *item = item.clone();
                nth += 1;
                nth % 5 != 0
            });
        }
        (13, ..) => {
            for item in &mut *list {
                may_panic();
                *item = item.clone();
            }
        }
        (14, ..) => *list = mem::take(list).into_iter().collect(),
        (10, Some(a), _) => {
            let copy = list[a].clone();
            list.push(copy);
        }
        (11, ..) if random.chance(3) => list.clear(),
        _ => {}
    }
}

fn a_card(random: &mut Random) -> Card {
    Card {
        title: random.word(),
        lines: (0..random.below(3)).map(|n| n.to_string()).collect(),
        key: format!("{CANARY}{}", random.word()),
        ..Card::default()
    }
}

fn card(random: &mut Random, card: &mut Card) {
    match random.below(6) {
        0 => card.title = random.word(),
        1 => rows(random, &mut card.lines),
        2 => text(random, &mut card.note),
        3 => *card.tags.entry(random.word()).or_insert(0) += 1,
        4 => card.key = format!("{CANARY}{}", random.word()),
        _ => card.log.push(random.below(9) as u32),
    }
}

fn cards(random: &mut Random, cards: &mut List<Card>) {
    if random.chance(3) {
        cards.push(a_card(random));
    }
    for _ in 0..random.below(3) {
        if let Some(at) = random.index(cards.len()) {
            card(random, &mut cards[at]);
        }
    }
    if random.chance(4) {
        cards.sort_by_key(|card| {
            may_panic();
            card.title.clone()
        });
    }
    moves(random, cards);
}

fn named(random: &mut Random, named: &mut Map<String, Card>) {
    let key = random.word();
    match random.below(9) {
        0 | 1 => drop(named.insert(key, a_card(random))),
        2 => drop(named.remove(&key)),
        3 => card(random, named.entry(key).or_default()),
        4 => {
            let changed = named.entry(key).and_modify(|own| {
                may_panic();
                own.title.push('+');
            });
            changed.or_insert_with(|| {
                may_panic();
                a_card(random)
            });
        }
        5 => {
            if let Some(own) = named.get_mut(&key) {
                card(random, own);
            }
        }
        6 => named.retain(|key, _| {
            may_panic();
            key.len() > 1
        }),
        7 => named.values_mut().for_each(|own| {
            may_panic();
            own.title.push('.');
        }),
        _ => drop((named.pop_first(), named.pop_last())),
    }
    if random.chance(12) {
        named.clear();
    }
}

fn counts(random: &mut Random, counts: &mut Map<i32, u32>) {
    let key = random.below(600) as i32 - 300;
    match random.below(5) {
        0 => drop(counts.insert(key, 1)),
        1 => *counts.entry(key).or_insert(0) += 1,
        2 => counts.extend((0..random.below(300) as i32).map(|key| {
            may_panic();
            (key * 3, 0)
        })),
        3 => counts.retain(|key, _| key % 2 == 0),
        _ => drop(counts.remove(&key)),
    }
}

pub(crate) fn text(random: &mut Random, text: &mut Text) {
    let boundaries: Vec<usize> = (0..=text.len())
        .filter(|&at| text.is_char_boundary(at))
        .collect();
    let place = |random: &mut Random| boundaries[random.below(boundaries.len())];
    let (a, b) = (place(random), place(random));
    match random.below(9) {
        0..=2 => text.push_str(&random.word()),
        3 => text.insert_str(a, &random.word()),
        4 => text.replace_range(a.min(b)..a.max(b), &random.word()),
        5 => text.truncate(a),
        6 => drop(text.pop()),
        7 if a < text.len() => drop(text.remove(a)),
        _ if random.chance(3) => text.clear(),
        _ => text.push('ß'),
    }
}

fn stage(random: &mut Random, stage: &mut Stage) {
    match stage {
        Stage::Running(inside) if !random.chance(3) => card(random, inside),
        Stage::Counting(count) if !random.chance(3) => *count += 1,
        Stage::Tagged(tags) if !random.chance(3) => *tags.entry(random.word()).or_insert(0) += 1,
        Stage::Inner(Inner::Rows(inside)) if !random.chance(3) => rows(random, inside),
        Stage::Held {
            card: inside,
            r#type,
        } if !random.chance(3) => {
            *r#type = Colour::Blue;
            match inside {
                Some(inside) if !random.chance(3) => card(random, inside),
                inside => *inside = inside.is_none().then(|| a_card(random)),
            }
        }
        Stage::Done { lines, took, code } if !random.chance(3) => {
            rows(random, lines);
            *took += 1;
            *code += 1;
        }
        _ => {
            *stage = match random.below(8) {
                4 => Stage::Tagged(Map::new()),
                5 => Stage::Inner(Inner::Nothing),
                6 => Stage::Inner(Inner::Rows(List::default())),
                7 => Stage::Held {
                    card: random.chance(2).then(|| a_card(random)),
                    r#type: Colour::Red,
                },
                0 => Stage::Idle,
                1 => Stage::Running(a_card(random)),
                2 => Stage::Counting(7),
                _ => Stage::Done {
                    lines: List::default(),
                    took: 1,
                    code: 2,
                },
            };
        }
    }
}

fn moody(random: &mut Random, world: &mut World) {
    let mood = Moody(random.below(9) as u32);
    match random.below(6) {
        0 => world.moody.extend((0..random.below(200) as u32).map(Moody)),
        1 => world.moody.push_front(mood),
        2 => drop(world.moods.insert(random.word(), mood)),
        3 => drop(world.moods.remove(&random.word())),
        4 => world.moods.retain(|key, _| key.len() > 1),
        _ => world.moody.iter_mut().for_each(|mood| mood.0 += 1),
    }
    moves(random, &mut world.moody);
    if let Some(at) = random.index(world.moody.len()) {
        world.moody[at].0 += 1;
    }
}
