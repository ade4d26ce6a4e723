//! Which rows of a long list are in the page: numbers only.

use crate::core::list::ListChange;
use std::ops::Range;

/// Rows beyond each edge of what is seen, so that a scroll finds them there.
const MARGIN: u64 = 8;

/// The number of the item that is first when the view comes: the front may grow by as many.
const FIRST: u64 = 1 << 32;

/// Where a list stands, by numbers that its items keep while others come and go at its ends: the
/// first item of the list was number [`FIRST`] when the view came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbered {
    /// The number of the first item.
    pub(super) base: u64,
    /// How many items there are.
    pub(super) len: u64,
}

/// Whose items may be others after a change: these rows look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The row of this number.
    One(u64),
    /// The rows from this number on.
    From(u64),
    /// The rows below this number.
    Below(u64),
}

/// What the browser has measured, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measures {
    /// The height of a row, 0 while there is none to measure.
    pub(crate) row: f64,
    /// The height of the box.
    pub(crate) seen: f64,
    /// How far it is scrolled.
    pub(crate) top: f64,
}

impl Numbered {
    pub(super) fn of(len: usize) -> Self {
        Numbered {
            base: FIRST,
            len: len as u64,
        }
    }

    /// Follows a change. What comes and goes at the ends leaves all others their numbers.
    pub(super) fn follow<T>(&mut self, change: &ListChange<T>) -> Told {
        match change {
            ListChange::Set(index, _) => Told::One(self.base + *index as u64),
            ListChange::Insert(index, items) => {
                let (at, count) = (*index as u64, items.len() as u64);
                let first = self.base + at;
                // All others were behind it, if there were any.
                let is_front = at == 0 && self.len > 0;
                self.len += count;
                if !is_front {
                    return Told::From(first);
                }
                self.base -= count;
                Told::Below(first)
            }
            ListChange::Remove(index, count) => {
                let (at, count) = (*index as u64, *count as u64);
                self.len -= count;
                if at == 0 {
                    self.base += count;
                    return Told::Below(0);
                }
                Told::From(self.base + at)
            }
            ListChange::Move(..) | ListChange::Swap(..) | ListChange::Order(..) => Told::From(0),
        }
    }

    /// The numbers of the last items that fill a box of so many rows: before anything is measured.
    pub(super) fn last(self, rows: usize) -> Range<u64> {
        let end = self.base + self.len;
        end - self.len.min(rows as u64)..end
    }

    /// The numbers of the items that are seen, and of a few beyond.
    pub(super) fn around(self, measures: &Measures, is_at_end: bool) -> Range<u64> {
        let Measures { row, seen, top } = *measures;
        if row <= 0.0 {
            return self.last(MARGIN as usize);
        }
        let rows = (seen / row).ceil() as u64 + 1;
        let most = self.len.saturating_sub(rows);
        let first = match is_at_end {
            true => most,
            false => ((top / row).floor().max(0.0) as u64).min(most),
        };
        let last = (first + rows + MARGIN).min(self.len);
        self.base + first.saturating_sub(MARGIN)..self.base + last
    }
}

impl Measures {
    /// How far the box can be scrolled over so many rows.
    pub(super) fn end(&self, len: u64) -> f64 {
        (len as f64 * self.row - self.seen).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(at: usize, count: usize) -> ListChange<u32> {
        ListChange::Insert(at, vec![0; count])
    }

    /// Counted from the item that was first.
    fn all(list: Numbered) -> Range<i64> {
        let from_first = |number: u64| number as i64 - FIRST as i64;
        from_first(list.base)..from_first(list.base + list.len)
    }

    fn shown(numbers: Range<u64>) -> Range<u64> {
        numbers.start - FIRST..numbers.end - FIRST
    }

    const BOX: Measures = Measures {
        row: 20.0,
        seen: 200.0,
        top: 0.0,
    };

    const fn remove(at: usize, count: usize) -> ListChange<u32> {
        ListChange::Remove(at, count)
    }

    #[test]
    fn what_comes_and_goes_at_the_ends_leaves_all_others_their_numbers() {
        let mut list = Numbered::of(10);
        assert_eq!(list.follow(&insert(10, 2)), Told::From(FIRST + 10));
        assert_eq!(list.follow(&remove(0, 3)), Told::Below(0));
        assert_eq!(all(list), 3..12);
        // The front grows back into numbers that were used. Rows of these may still be there.
        assert_eq!(list.follow(&insert(0, 1)), Told::Below(FIRST + 3));
        assert_eq!(all(list), 2..12);
        assert_eq!(list.follow(&remove(8, 2)), Told::From(FIRST + 10));
        assert_eq!(all(list), 2..10);
        assert_eq!(list.follow(&ListChange::Set(1, 5)), Told::One(FIRST + 3));
        // It grows beyond what was first.
        assert_eq!(list.follow(&insert(0, 5)), Told::Below(FIRST + 2));
        assert_eq!(all(list), -3..10);
    }

    #[test]
    fn what_happens_in_the_middle_makes_the_rows_behind_it_look_again() {
        let mut list = Numbered::of(10);
        assert_eq!(list.follow(&insert(4, 1)), Told::From(FIRST + 4));
        assert_eq!(list.follow(&remove(4, 1)), Told::From(FIRST + 4));
        assert_eq!(list.follow(&ListChange::<u32>::Move(0, 9)), Told::From(0));
        assert_eq!(all(list), 0..10);
    }

    #[test]
    fn all_go_and_others_come() {
        let mut list = Numbered::of(10);
        assert_eq!(list.follow(&remove(0, 10)), Told::Below(0));
        assert_eq!(all(list), 10..10);
        assert_eq!(list.follow(&insert(0, 2)), Told::From(FIRST + 10));
        assert_eq!(all(list), 10..12);
    }

    #[test]
    fn the_window_holds_what_is_seen_and_a_margin_and_no_more() {
        let list = Numbered {
            base: 500,
            len: 10_000,
        };
        let at = |top| list.around(&Measures { top, ..BOX }, false);
        assert_eq!(at(0.0), 500..519);
        assert_eq!(at(2_000.0), 592..619);
        assert_eq!(at(2_010.0), 592..619);
        // Scrolled beyond the end, as some browsers bounce.
        assert_eq!(at(999_999.0), 10_481..10_500);
        assert_eq!(list.around(&BOX, true), 10_481..10_500);
        assert_eq!(BOX.end(10_000), 199_800.0);
    }

    #[test]
    fn a_short_list_is_all_there_and_an_empty_one_is_empty() {
        assert_eq!(shown(Numbered::of(3).around(&BOX, true)), 0..3);
        assert_eq!(shown(Numbered::of(0).around(&BOX, true)), 0..0);
        assert_eq!(shown(Numbered::of(3).last(12)), 0..3);
        assert_eq!(shown(Numbered::of(30).last(12)), 18..30);
        let unmeasured = Measures { row: 0.0, ..BOX };
        assert_eq!(shown(Numbered::of(30).around(&unmeasured, true)), 22..30);
        assert_eq!(BOX.end(3), 0.0);
    }
}
