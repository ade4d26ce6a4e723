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
        let same = |(a, b): &(&T, &T)| a.same(b);
        let ahead = self.iter().zip(new.iter()).take_while(same).count();
        let (old_len, new_len) = (self.len(), new.len());
        let behind = (self.range(ahead..).rev())
            .zip(new.range(ahead..new_len).rev())
            .take_while(same)
            .count();
        let (old, put) = (ahead..old_len - behind, ahead..new_len - behind);
        if old.is_empty() && put.is_empty() {
            return false;
        }
        let mut stay = stay(self, &old, &new, &put);
        stay.push((old.end, put.end));
        // From behind, so that the indices before are as they were.
        let gaps: Vec<_> = std::iter::once((old.start, put.start))
            .chain(stay.iter().map(|&(o, n)| (o + 1, n + 1)))
            .zip(stay.iter().copied())
            .collect();
        for ((old_start, new_start), (old_end, new_end)) in gaps.into_iter().rev() {
            self.patch_gap(old_start..old_end, &new, new_start..new_end, applied);
        }
        true
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

/// Pairs of an old and a new index whose items are the same, both ascending: the longest such
/// that pairs equal items in their order.
fn stay<T: Node>(
    list: &List<T>,
    old: &Range<usize>,
    new: &Seq<T>,
    put: &Range<usize>,
) -> Vec<(usize, usize)> {
    if old.is_empty() || put.is_empty() {
        return Vec::new();
    }
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, item) in (old.clone()).zip(list.range(old.clone())).rev() {
        places.entry(fingerprint(item)).or_default().push(index);
    }
    let pairs: Vec<(usize, usize)> = (put.clone())
        .zip(new.range(put.clone()))
        .filter_map(|(index, item)| {
            let place = places.get_mut(&fingerprint(item))?.pop()?;
            list[place].same(item).then_some((place, index))
        })
        .collect();
    longest_rising(&pairs)
}

/// Equal items have the same.
fn fingerprint<T: Node>(item: &T) -> u64 {
    let json = serde_json::to_vec(&Write(item, Visibility::Public)).unwrap_or_default();
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
