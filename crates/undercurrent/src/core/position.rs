//! Where a scope's history stands: an epoch and an offset in it.

use std::{fmt, str::FromStr};

/// One unbroken history of a scope.
///
/// Within an epoch an offset never means two things.
/// A scope that can't prove that nothing shown was lost (after a crash, say) gets a new epoch. `0`
/// is no epoch: the default state that nobody has changed yet.
///
/// The low forty bits are the scope's *life*: what was accepted in one life ends in it, whatever
/// its epoch is by then. The bits above are the *turn*: which of the life's epochs it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

/// An offset in an epoch.
///
/// Written `<epoch in base 36>-<offset in base 10>`, as in `5kq2m8x1-17`; `0-0` is the default
/// state of a scope that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// The history that the offset belongs to.
    pub epoch: Epoch,
    /// How many updates of the scope lie before this point.
    pub offset: u64,
}

/// A text that is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPosition;

// === impl Epoch ===

impl Epoch {
    /// No history yet.
    pub const NONE: Epoch = Epoch(0);

    /// Forty random bits make an epoch: eight characters on the wire, and two histories of one
    /// scope meet by chance once in 10^12.
    pub fn from_random(bits: u64) -> Self {
        Epoch((bits & LIFE).max(1))
    }

    /// The life that it belongs to, as the first of its epochs.
    pub fn life(self) -> Self {
        Epoch(self.0 & LIFE)
    }

    /// Another epoch of the same life. Who gives a turn out once has an epoch that nobody has seen.
    pub fn in_turn(self, turn: u64) -> Self {
        Epoch(self.0 & LIFE | (turn & (u64::MAX >> 40)) << 40)
    }

    /// Its turn in the life.
    pub fn turn(self) -> u64 {
        self.0 >> 40
    }

    /// As a store keeps it.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// What [`to_bits`](Self::to_bits) gave.
    pub fn from_bits(bits: u64) -> Self {
        Epoch(bits)
    }
}

const LIFE: u64 = (1 << 40) - 1;

/// A number's digits: they end where the array does.
struct Digits {
    all: [u8; 20],
    begin: usize,
}

impl Digits {
    fn of<const BASE: u64>(mut rest: u64) -> Self {
        let mut all = [0; 20];
        let mut begin = all.len();
        loop {
            begin -= 1;
            all[begin] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % BASE) as usize];
            rest /= BASE;
            if rest == 0 {
                return Digits { all, begin };
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.all[self.begin..]
    }
}

/// Appends a number's digits.
pub(super) fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(Digits::of::<10>(number).as_bytes());
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = Digits::of::<36>(self.0);
        f.write_str(std::str::from_utf8(digits.as_bytes()).unwrap_or("0"))
    }
}

impl FromStr for Epoch {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        // One spelling for one epoch: no sign, no capitals, no leading zero.
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        if !plain || text.is_empty() || (text.len() > 1 && text.starts_with('0')) {
            return Err(NotAPosition);
        }
        u64::from_str_radix(text, 36)
            .map(Epoch)
            .map_err(|_| NotAPosition)
    }
}

// === impl Position ===

impl Position {
    /// The default state of a scope that does not exist.
    pub const NONE: Position = Position {
        epoch: Epoch::NONE,
        offset: 0,
    };

    /// A point in a history.
    pub fn new(epoch: Epoch, offset: u64) -> Self {
        Position { epoch, offset }
    }
}

impl Position {
    /// Appends it as [`Display`](fmt::Display) has it.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(Digits::of::<36>(self.epoch.0).as_bytes());
        out.push(b'-');
        write_number(out, self.offset);
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (epoch, offset) = text.split_once('-').ok_or(NotAPosition)?;
        // One spelling, here too.
        let plain = offset.bytes().all(|b| b.is_ascii_digit());
        if !plain || offset.is_empty() || (offset.len() > 1 && offset.starts_with('0')) {
            return Err(NotAPosition);
        }
        let offset = offset.parse().map_err(|_| NotAPosition)?;
        Ok(Position {
            epoch: epoch.parse()?,
            offset,
        })
    }
}

impl fmt::Display for NotAPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is written <epoch>-<offset>, as in 5kq2m8x1-17")
    }
}

impl std::error::Error for NotAPosition {}
