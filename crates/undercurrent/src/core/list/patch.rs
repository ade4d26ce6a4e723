//! A list becomes another one, and rows that are in both stay.

use super::{List, observe::ListChange};
use crate::core::{
    node::{Node, Write},
    ops::{Applied, Visibility},
    seq::Seq,
};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

impl<T: Node> List<T> {
    /// Takes the items that stand in both, in the same order, as those that stay; between them
    /// changes in place what pairs up, and inserts or removes the rest.
    pub(super) fn patch_to(&mut self, new: Seq<T>, applied: &mut Applied) -> bool {
        let same = |old: usize, put: usize| match (self.get(old), new.get(put)) {
            (Some(a), Some(b)) => a.same(b),
            _ => false,
        };
        let gaps = gaps(
            (self.len(), new.len()),
            &same,
            &|old| self.get(old).map_or(0, fingerprint),
            &|put| new.get(put).map_or(0, fingerprint),
        );
        let differs = !gaps.is_empty();
        // From behind, so that the indices before are as they were.
        for (old, put) in gaps.into_iter().rev() {
            self.patch_gap(old, &new, put, applied);
        }
        differs
    }

    fn patch_gap(
        &mut self,
        old: Range<usize>,
        new: &Seq<T>,
        put: Range<usize>,
        applied: &mut Applied,
    ) {
        let paired = old.len().min(put.len());
        let (old_rest, new_rest) = (old.start + paired, put.start + paired);
        if old_rest < old.end {
            let count = old.end - old_rest;
            self.change(ListChange::Remove(old_rest, count), applied);
        } else if new_rest < put.end {
            let items = new.range(new_rest..put.end).cloned().collect();
            self.change(ListChange::Insert(old_rest, items), applied);
        }
        for (index, item) in (old.start..).zip(new.range(put.start..new_rest)) {
            self.change(ListChange::Set(index, item.clone()), applied);
        }
    }
}

/// What is not the same in two lists of these lengths, between the items that stay: which items of
/// the old one are to become which of the new one. The types of the items are forgotten, so that
/// this is compiled once.
fn gaps(
    (old_len, new_len): (usize, usize),
    same: &dyn Fn(usize, usize) -> bool,
    old_print: &dyn Fn(usize) -> u64,
    new_print: &dyn Fn(usize) -> u64,
) -> Vec<(Range<usize>, Range<usize>)> {
    let shorter = old_len.min(new_len);
    let ahead = (0..shorter).take_while(|&at| same(at, at)).count();
    let behind = (1..=shorter - ahead)
        .take_while(|&at| same(old_len - at, new_len - at))
        .count();
    let (old, put) = (ahead..old_len - behind, ahead..new_len - behind);
    if old.is_empty() && put.is_empty() {
        return Vec::new();
    }
    let mut stay = stay(&old, &put, same, old_print, new_print);
    stay.push((old.end, put.end));
    let (mut old_start, mut new_start) = (old.start, put.start);
    let between = stay.into_iter().map(|(old_end, new_end)| {
        let gap = (old_start..old_end, new_start..new_end);
        (old_start, new_start) = (old_end + 1, new_end + 1);
        gap
    });
    between.collect()
}

/// Pairs of an old and a new index whose items are the same, both ascending: the longest such
/// that pairs equal items in their order.
fn stay(
    old: &Range<usize>,
    put: &Range<usize>,
    same: &dyn Fn(usize, usize) -> bool,
    old_print: &dyn Fn(usize) -> u64,
    new_print: &dyn Fn(usize) -> u64,
) -> Vec<(usize, usize)> {
    if old.is_empty() || put.is_empty() {
        return Vec::new();
    }
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for index in old.clone().rev() {
        places.entry(old_print(index)).or_default().push(index);
    }
    let pairs: Vec<(usize, usize)> = (put.clone())
        .filter_map(|index| {
            let place = places.get_mut(&new_print(index))?.pop()?;
            same(place, index).then_some((place, index))
        })
        .collect();
    longest_rising(&pairs)
}

/// Equal items have the same.
fn fingerprint<T: Node>(item: &T) -> u64 {
    let json = serde_json::to_vec(&Write(item, Visibility::Public));
    hash(&json.unwrap_or_default())
}

fn hash(json: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    hasher.finish()
}

/// The longest part whose old indices rise; the new ones do anyway. Patience sorting: each pile's
/// top is the lowest end of a rising run of that length.
pub(crate) fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tops: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (nth, &(old, _)) in pairs.iter().enumerate() {
        let pile = tops.partition_point(|&top| pairs[top].0 < old);
        before.push(pile.checked_sub(1).map(|left| tops[left]));
        if pile == tops.len() {
            tops.push(nth);
        } else {
            tops[pile] = nth;
        }
    }
    let mut run = Vec::with_capacity(tops.len());
    let mut at = tops.last().copied();
    while let Some(nth) = at {
        run.push(pairs[nth]);
        at = before[nth];
    }
    run.reverse();
    run
}
