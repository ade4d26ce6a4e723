//! With `durability = "commit"`: what has happened, is not kept yet, and so is not shown.

use super::store::Ticket;
use crate::core::log::Resume;
use std::collections::VecDeque;

/// The updates of a scope that wait for their store, in order: each with its offset.
#[derive(Debug, Default)]
pub(super) struct Unkept(VecDeque<(Ticket, u64)>);

impl Unkept {
    pub(super) fn push(&mut self, ticket: Ticket, offset: u64) {
        self.0.push_back((ticket, offset));
    }

    /// The last offset that may be shown.
    pub(super) fn shown(&mut self, is_kept: impl Fn(Ticket) -> bool) -> u64 {
        while self.0.front().is_some_and(|(ticket, _)| is_kept(*ticket)) {
            self.0.pop_front();
        }
        self.0.front().map_or(u64::MAX, |(_, offset)| offset - 1)
    }
}

/// Of what leads a stream on, as much as may be shown. A snapshot waits by itself, where it is
/// taken.
pub(super) fn only_until(shown: u64, resume: Resume) -> Resume {
    let Resume::Entries(mut entries) = resume else {
        return resume;
    };
    entries.truncate(entries.partition_point(|entry| entry.offset <= shown));
    match entries.is_empty() {
        true => Resume::Current,
        false => Resume::Entries(entries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_shown_once_it_and_all_before_it_are_kept() {
        let mut unkept = Unkept::default();
        assert_eq!(unkept.shown(|_| false), u64::MAX, "nothing waits");
        for n in 1..=3 {
            unkept.push(Ticket(10 * n), n);
        }
        assert_eq!(unkept.shown(|_| false), 0);
        assert_eq!(unkept.shown(|ticket| ticket <= Ticket(20)), 2);
        assert_eq!(unkept.shown(|ticket| ticket <= Ticket(29)), 2);
        assert_eq!(unkept.shown(|_| true), u64::MAX);
    }
}
