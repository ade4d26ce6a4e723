//! One thing that user code may do.

use crate::{
    random::Random,
    world::{Card, Moody, Stage, World, may_panic},
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

pub(crate) fn step(random: &mut Random, world: &mut World, aside: &mut Aside) {
    match random.below(30) {
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
        _ => alias(random, world, aside),
    }
}

/// Swaps, takes, clones of now and of earlier.
fn alias(random: &mut Random, world: &mut World, aside: &mut Aside) {
    match random.below(22) {
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

fn rows(random: &mut Random, rows: &mut List<String>) {
    match random.below(8) {
        0..=2 => rows.push(random.word()),
        3 => rows.push_front(random.word()),
        4 => rows.extend((0..random.below(200)).map(|n| n.to_string())),
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
        2 => numbers.iter_mut().for_each(|number| *number /= 2),
        _ => numbers.sort(),
    }
    moves(random, numbers);
}

/// What every list can do.
fn moves<T: undercurrent::core::node::Node>(random: &mut Random, list: &mut List<T>) {
    let len = list.len();
    let (a, b) = (random.index(len), random.index(len));
    match (random.below(16), a, b) {
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
        (7, ..) => drop(list.drain(random.range(len))),
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
        cards.sort_by_key(|card| card.title.clone());
    }
    moves(random, cards);
}

fn named(random: &mut Random, named: &mut Map<String, Card>) {
    let key = random.word();
    match random.below(9) {
        0 | 1 => drop(named.insert(key, a_card(random))),
        2 => drop(named.remove(&key)),
        3 | 4 => card(random, named.entry(key).or_default()),
        5 => {
            if let Some(own) = named.get_mut(&key) {
                card(random, own);
            }
        }
        6 => named.retain(|key, _| key.len() > 1),
        7 => named.values_mut().for_each(|own| own.title.push('.')),
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
        2 => counts.extend((0..random.below(300) as i32).map(|key| (key * 3, 0))),
        3 => counts.retain(|key, _| key % 2 == 0),
        _ => drop(counts.remove(&key)),
    }
}

fn text(random: &mut Random, text: &mut Text) {
    let boundaries: Vec<usize> = (0..=text.len())
        .filter(|&at| text.is_char_boundary(at))
        .collect();
    let place = |random: &mut Random| boundaries[random.below(boundaries.len())];
    let (a, b) = (place(random), place(random));
    match random.below(8) {
        0..=2 => text.push_str(&random.word()),
        3 => text.insert_str(a, &random.word()),
        4 => text.replace_range(a.min(b)..a.max(b), &random.word()),
        5 => text.truncate(a),
        6 => drop(text.pop()),
        _ if random.chance(3) => text.clear(),
        _ => text.push('ß'),
    }
}

fn stage(random: &mut Random, stage: &mut Stage) {
    match stage {
        Stage::Running(inside) if !random.chance(3) => card(random, inside),
        Stage::Counting(count) if !random.chance(3) => *count += 1,
        Stage::Done { lines, took, code } if !random.chance(3) => {
            rows(random, lines);
            *took += 1;
            *code += 1;
        }
        _ => {
            *stage = match random.below(4) {
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
