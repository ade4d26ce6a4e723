//! A state in which whatever is may wander: each kind of value goes from any place and depth to any
//! other, out of the state and back, also into what it came from, while others change.

use crate::{
    check::{Universe, View},
    random::Random,
    step::{CANARY, moves, rows, text},
    world::may_panic,
};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, mem};
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Knots {
    pub root: Knot,
    pub top: List<Knot>,
    pub spare: Option<Knot>,
    #[state(server)]
    pub vault: Map<i8, Knot>,
}

/// It holds itself by every way there is.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Knot {
    pub text: Text,
    pub words: List<String>,
    pub tally: Map<Backwards, u32>,
    pub knots: List<Knot>,
    pub named: Map<i8, Self>,
    pub form: Form,
    pub forms: List<Form>,
    pub by_form: Map<bool, Form>,
    pub looped: Option<Loop>,
    #[state(server)]
    pub hidden: List<Knot>,
    #[state(server)]
    pub hidden_form: Form,
    #[state(server)]
    pub hidden_text: Option<Text>,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Loop {
    pub knots: List<Knot>,
    pub words: Option<List<String>>,
    pub grid: Map<char, Map<u8, List<Text>>>,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "an `Option` of recorded content in a variant is what it is for"
)]
pub enum Form {
    #[default]
    Nothing,
    Words(List<String>),
    Knots(List<Knot>),
    Named(Map<i8, Knot>),
    Perhaps(Option<Text>),
    Empty {},
    Looped {
        inside: Option<Loop>,
        #[state(server)]
        hidden: List<String>,
    },
}

/// A key whose order is not that of its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backwards(pub String);

/// Of each kind of value one that wanders.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    state: Knots,
    knot: Knot,
    text: Text,
    words: List<String>,
    tally: Map<Backwards, u32>,
    knots: List<Knot>,
    named: Map<i8, Knot>,
    form: Form,
    forms: List<Form>,
    looped: Option<Loop>,
    spare: Option<Knot>,
    in_words: Option<List<String>>,
}

/// Knots that a state has at most, about.
const MANY: usize = 40;

impl Universe for Knots {
    type Aside = Aside;
    type Views = (View<Knot>, View<(i8, Knot)>);

    const SECRETS: &'static [&'static str] = &["\"vault\"", "\"hidden", CANARY];

    fn step(random: &mut Random, state: &mut Self, aside: &mut Aside) {
        may_panic();
        if size(state) > MANY {
            drop(mem::take(&mut state.root.knots));
            state.top.truncate(2);
            state.vault.clear();
            return;
        }
        match random.below(30) {
            0 | 1 => wander(random, state, &mut aside.knot, a_knot, any),
            2 | 3 => wander(random, state, &mut aside.text, a_text, text),
            4 | 5 => wander(random, state, &mut aside.words, some_words, rows),
            6 => wander(random, state, &mut aside.tally, a_tally, tally),
            7 | 8 => wander(random, state, &mut aside.knots, some_knots, knots),
            9 | 10 => wander(random, state, &mut aside.named, some_named, named),
            11 | 12 => wander(random, state, &mut aside.form, a_form, form),
            13 => wander(random, state, &mut aside.forms, some_forms, forms),
            14 => wander(random, state, &mut aside.looped, a_loop, looped),
            15 => wander(
                random,
                state,
                &mut aside.spare,
                |_, state| &mut state.spare,
                perhaps,
            ),
            16 => wander(random, state, &mut aside.in_words, in_words, maybe_rows),
            17 => match random.below(4) {
                0 => aside.state = state.clone(),
                1 => *state = aside.state.clone(),
                2 => mem::swap(state, &mut aside.state),
                _ => mem::swap(&mut state.root, &mut aside.state.root),
            },
            18 => crossing(random, state),
            _ => {
                let knot = a_knot(random, state);
                any(random, knot);
            }
        }
    }

    fn watch(replica: &mut Self) -> Self::Views {
        (
            View::new(replica.top.observe(|| {})),
            View::new(replica.root.named.observe(|| {})),
        )
    }

    fn are_shown((top, named): &mut Self::Views, replica: &Self) -> bool {
        let named = named.follow().iter().map(|(key, value)| (key, value));
        top.follow().iter().eq(&replica.top) && named.eq(replica.root.named.iter())
    }
}

/// A value leaves its place, or comes to one, or goes from one to another.
fn wander<T: Clone + Default>(
    random: &mut Random,
    state: &mut Knots,
    aside: &mut T,
    place: impl for<'a> Fn(&mut Random, &'a mut Knots) -> &'a mut T,
    change: impl Fn(&mut Random, &mut T),
) {
    // The way to a place, to be gone again.
    let way = random.fork();
    match random.below(10) {
        0 => mem::swap(place(random, state), aside),
        1 => *aside = mem::take(place(random, state)),
        2 => *place(random, state) = aside.clone(),
        3 => *aside = place(random, state).clone(),
        4 => *place(random, state) = mem::take(aside),
        5 => {
            let copy = place(random, state).clone();
            *place(random, state) = copy;
        }
        6 => {
            let one = mem::take(place(random, state));
            let other = mem::replace(place(random, state), one);
            may_panic();
            *place(random, state) = other;
        }
        // Out, others change and move, and back to where it was, changed in the hand.
        7 | 8 => {
            let mut held = mem::take(place(&mut way.clone(), state));
            for _ in 0..random.below(3) {
                let knot = a_knot(random, state);
                any(random, knot);
                change(random, &mut held);
            }
            *place(&mut way.clone(), state) = held;
        }
        _ => {
            change(random, place(&mut way.clone(), state));
            let seen = place(&mut way.clone(), state).clone();
            change(random, place(&mut way.clone(), state));
            *aside = mem::replace(place(&mut way.clone(), state), seen);
        }
    }
}

/// Two that are in one collection change places, or one goes into the other.
fn crossing(random: &mut Random, state: &mut Knots) {
    let knots = some_knots(random, state);
    match random.below(5) {
        0 => {
            let mut all = knots.iter_mut();
            if let (Some(a), Some(b)) = (all.next(), all.last()) {
                mem::swap(&mut a.words, &mut b.words);
                mem::swap(&mut a.form, &mut b.hidden_form);
            }
        }
        1 => {
            if let (Some(gone), Some(first)) = (knots.pop(), knots.first_mut()) {
                first.hidden.push(gone);
            }
        }
        2 => {
            if let Some(first) = knots.first_mut() {
                let inside = mem::take(&mut first.knots);
                knots.extend(inside);
            }
        }
        3 => {
            let named = some_named(random, state);
            let mut all = named.values_mut();
            if let (Some(a), Some(b)) = (all.next(), all.last()) {
                mem::swap(a, b);
            }
        }
        _ => {
            let named = some_named(random, state);
            if let Some((_, mut gone)) = named.pop_first()
                && let Some(last) = named.values_mut().last()
            {
                mem::swap(&mut gone.named, &mut last.named);
                last.knots.push_front(gone);
            }
        }
    }
}

// === Places ===

fn a_knot<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut Knot {
    let start = match random.below(6) {
        0 => state.spare.get_or_insert_default(),
        1 => {
            let key = random.below(3) as i8;
            state.vault.entry(key).or_default()
        }
        2 | 3 => {
            if state.top.is_empty() {
                state.top.push(Knot::default());
            }
            let at = random.below(state.top.len());
            &mut state.top[at]
        }
        _ => &mut state.root,
    };
    down(random, start, 4)
}

/// Some way down from a knot.
fn down<'a>(random: &mut Random, knot: &'a mut Knot, depth: usize) -> &'a mut Knot {
    if depth == 0 || random.chance(2) {
        return knot;
    }
    let inside = match random.below(5) {
        0 => &mut knot.knots,
        1 => &mut knot.hidden,
        2 if matches!(knot.form, Form::Knots(_)) => match &mut knot.form {
            Form::Knots(knots) => knots,
            _ => unreachable!("it was looked at"),
        },
        3 if knot.looped.is_some() => match &mut knot.looped {
            Some(looped) => &mut looped.knots,
            None => unreachable!("it was looked at"),
        },
        _ => {
            let key = random.below(4) as i8 - 2;
            if knot.named.len() > 3 {
                knot.named.remove(&key);
            }
            return down(random, knot.named.entry(key).or_default(), depth - 1);
        }
    };
    if inside.is_empty() {
        inside.push(Knot::default());
    }
    let at = random.below(inside.len());
    down(random, &mut inside[at], depth - 1)
}

fn a_form<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut Form {
    let knot = a_knot(random, state);
    match (random.below(5), random.index(knot.forms.len())) {
        (0 | 1, _) => &mut knot.form,
        (2, _) => &mut knot.hidden_form,
        (3, Some(at)) => &mut knot.forms[at],
        _ => knot.by_form.entry(random.chance(2)).or_default(),
    }
}

fn a_text<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut Text {
    if random.chance(4) {
        let form = a_form(random, state);
        if !matches!(form, Form::Perhaps(_)) {
            *form = Form::Perhaps(None);
        }
        return match form {
            Form::Perhaps(inside) => inside.get_or_insert_default(),
            _ => unreachable!("it is made one"),
        };
    }
    let knot = a_knot(random, state);
    match random.below(4) {
        0 => {
            let grid = &mut knot.looped.get_or_insert_default().grid;
            let row = grid.entry(['"', 'é'][random.below(2)]).or_default();
            let texts = row.entry(random.below(2) as u8).or_default();
            if texts.is_empty() {
                texts.push(Text::new());
            }
            let at = random.below(texts.len());
            &mut texts[at]
        }
        _ => &mut knot.text,
    }
}

fn some_words<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut List<String> {
    match random.below(4) {
        0 => {
            let form = a_form(random, state);
            if !matches!(form, Form::Words(_)) {
                *form = Form::Words(List::new());
            }
            match form {
                Form::Words(words) => words,
                _ => unreachable!("it is made one"),
            }
        }
        1 => in_words(random, state).get_or_insert_default(),
        _ => &mut a_knot(random, state).words,
    }
}

fn in_words<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut Option<List<String>> {
    &mut a_loop(random, state).get_or_insert_default().words
}

fn a_loop<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut Option<Loop> {
    if random.chance(2) {
        return &mut a_knot(random, state).looped;
    }
    let form = a_form(random, state);
    if !matches!(form, Form::Looped { .. }) {
        *form = Form::Looped {
            inside: None,
            hidden: List::from([format!("{CANARY}{}", random.word())]),
        };
    }
    match form {
        Form::Looped { inside, .. } => inside,
        _ => unreachable!("it is made one"),
    }
}

fn a_tally<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut Map<Backwards, u32> {
    &mut a_knot(random, state).tally
}

fn some_forms<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut List<Form> {
    &mut a_knot(random, state).forms
}

fn some_knots<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut List<Knot> {
    match random.below(5) {
        0 => &mut state.top,
        1 => &mut a_loop(random, state).get_or_insert_default().knots,
        2 => &mut a_knot(random, state).hidden,
        3 => {
            let form = a_form(random, state);
            if !matches!(form, Form::Knots(_)) {
                *form = Form::Knots(List::new());
            }
            match form {
                Form::Knots(knots) => knots,
                _ => unreachable!("it is made one"),
            }
        }
        _ => &mut a_knot(random, state).knots,
    }
}

fn some_named<'a>(random: &mut Random, state: &'a mut Knots) -> &'a mut Map<i8, Knot> {
    match random.below(4) {
        0 => &mut state.vault,
        1 => {
            let form = a_form(random, state);
            if !matches!(form, Form::Named(_)) {
                *form = Form::Named(Map::new());
            }
            match form {
                Form::Named(named) => named,
                _ => unreachable!("it is made one"),
            }
        }
        _ => &mut a_knot(random, state).named,
    }
}

// === Changes ===

/// Some change of a knot.
fn any(random: &mut Random, knot: &mut Knot) {
    may_panic();
    match random.below(10) {
        0 | 1 => text(random, &mut knot.text),
        2 | 3 => rows(random, &mut knot.words),
        4 => tally(random, &mut knot.tally),
        5 => form(random, &mut knot.form),
        6 => knots(random, &mut knot.knots),
        7 => named(random, &mut knot.named),
        8 => forms(random, &mut knot.forms),
        _ => {
            let hidden = knot.hidden_text.get_or_insert_default();
            hidden.push_str(CANARY);
            if random.chance(3) {
                knot.hidden_text = None;
            }
        }
    }
}

fn knots(random: &mut Random, knots: &mut List<Knot>) {
    match (random.below(4), random.index(knots.len())) {
        (0, _) => knots.push(Knot::default()),
        (1, Some(at)) => any_flat(random, &mut knots[at]),
        (2, _) => knots.sort_by_key(|knot| {
            may_panic();
            knot.text.to_string()
        }),
        _ => {}
    }
    moves(random, knots);
}

fn named(random: &mut Random, named: &mut Map<i8, Knot>) {
    let key = random.below(4) as i8 - 2;
    match random.below(7) {
        0 => drop(named.insert(key, Knot::default())),
        1 => drop(named.remove(&key)),
        2 => any_flat(random, named.entry(key).or_default()),
        3 => {
            // Out and back, the same or a copy, under this key or another.
            if let Some(mut gone) = named.remove(&key) {
                any_flat(random, &mut gone);
                named.insert(if random.chance(2) { key } else { key + 1 }, gone);
            }
        }
        4 => named.retain(|key, _| {
            may_panic();
            key % 2 == 0
        }),
        5 => {
            for (_, knot) in &mut *named {
                may_panic();
                knot.text.push('.');
            }
        }
        _ => {
            if let Some(knot) = named.get_mut(&key) {
                *knot = knot.clone();
            }
        }
    }
}

/// A change that leads no further down.
fn any_flat(random: &mut Random, knot: &mut Knot) {
    match random.below(3) {
        0 => text(random, &mut knot.text),
        1 => rows(random, &mut knot.words),
        _ => tally(random, &mut knot.tally),
    }
}

fn tally(random: &mut Random, tally: &mut Map<Backwards, u32>) {
    let key = Backwards(["a", "A", "b", "B", "É\"", "é\""][random.below(6)].to_owned());
    match random.below(6) {
        0 | 1 => drop(tally.insert(key, random.below(3) as u32)),
        2 => *tally.entry(key).or_insert(0) += 1,
        3 => {
            if let Some(count) = tally.remove(&key) {
                let other = Backwards(key.0.to_uppercase());
                tally.insert(other, count);
            }
        }
        4 => {
            let all = mem::take(tally);
            tally.extend(all.into_iter().map(|(key, count)| {
                may_panic();
                (Backwards(key.0.to_lowercase()), count)
            }));
        }
        _ => drop(tally.remove(&key)),
    }
}

fn form(random: &mut Random, form: &mut Form) {
    match form {
        Form::Words(words) if !random.chance(3) => rows(random, words),
        Form::Knots(inside) if !random.chance(3) => knots(random, inside),
        Form::Named(inside) if !random.chance(3) => named(random, inside),
        Form::Perhaps(Some(inside)) if !random.chance(3) => text(random, inside),
        Form::Perhaps(inside) if !random.chance(3) => *inside = Some(random.word().as_str().into()),
        Form::Looped { inside, hidden } if !random.chance(3) => {
            hidden.push(format!("{CANARY}{}", random.word()));
            match inside {
                Some(inside) => maybe_rows(random, &mut inside.words),
                None => *inside = Some(Loop::default()),
            }
        }
        _ => {
            *form = match random.below(6) {
                0 => Form::Nothing,
                1 => Form::Words(List::from([random.word()])),
                2 => Form::Knots(List::from([Knot::default()])),
                3 => Form::Named(Map::new()),
                4 => Form::Perhaps(None),
                _ => Form::Empty {},
            };
        }
    }
}

fn forms(random: &mut Random, forms: &mut List<Form>) {
    match random.index(forms.len()) {
        Some(at) if !random.chance(3) => form(random, &mut forms[at]),
        _ => forms.push(Form::Perhaps(Some(random.word().as_str().into()))),
    }
    moves(random, forms);
}

fn looped(random: &mut Random, looped: &mut Option<Loop>) {
    match looped {
        Some(inside) if !random.chance(4) => {
            knots(random, &mut inside.knots);
            maybe_rows(random, &mut inside.words);
            inside.grid.retain(|_, row| !row.is_empty());
        }
        looped => *looped = looped.is_none().then(Loop::default),
    }
}

fn perhaps(random: &mut Random, spare: &mut Option<Knot>) {
    match spare {
        Some(knot) if !random.chance(4) => any(random, knot),
        spare => *spare = spare.is_none().then(Knot::default),
    }
}

fn maybe_rows(random: &mut Random, words: &mut Option<List<String>>) {
    match words {
        Some(words) if !random.chance(4) => rows(random, words),
        words => *words = words.is_none().then(List::new),
    }
}

// === How many there are ===

fn size(state: &Knots) -> usize {
    let named = state.vault.values().chain(&state.spare);
    size_of(&state.root) + named.chain(&state.top).map(size_of).sum::<usize>()
}

fn size_of(knot: &Knot) -> usize {
    let in_loop = |looped: &Option<Loop>| -> usize {
        let inside = looped.iter().flat_map(|looped| &looped.knots);
        inside.map(size_of).sum()
    };
    let in_form = |form: &Form| -> usize {
        match form {
            Form::Knots(knots) => knots.iter().map(size_of).sum(),
            Form::Named(named) => named.values().map(size_of).sum(),
            Form::Looped { inside, .. } => in_loop(inside),
            _ => 0,
        }
    };
    let forms = [&knot.form, &knot.hidden_form].into_iter();
    let forms = forms.chain(&knot.forms).chain(knot.by_form.values());
    let inside = knot.knots.iter().chain(&knot.hidden);
    1 + forms.map(in_form).sum::<usize>()
        + in_loop(&knot.looped)
        + (inside.chain(knot.named.values()).map(size_of)).sum::<usize>()
}

// === impl Backwards ===

impl PartialOrd for Backwards {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Backwards {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.cmp(&self.0)
    }
}
