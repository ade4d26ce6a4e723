//! Looks at a file while it comes: whether it is text, in UTF-8, in lines of a length that can be
//! read, and no larger than allowed. What it finds does not depend on how the bytes are cut.

use crate::{
    Lines, Refusal,
    limits::{FILE_BYTES, LINE_BYTES},
};

/// What was seen of a file so far.
#[derive(Debug, Default)]
pub struct Inspector {
    bytes: u64,
    lines: Lines,
    line_bytes: usize,
    letter: Letter,
    /// Bytes that are no spaces.
    ink: u64,
    first: [u8; 3],
    doubt: Option<Doubt>,
}

/// A character of UTF-8 that has begun: so many bytes are missing, and the next is one of these.
#[derive(Clone, Copy, Debug, Default)]
struct Letter {
    missing: u8,
    least: u8,
    most: u8,
}

/// Something was not UTF-8. A few bytes more tell whether it is text at all.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    line: u64,
    left: u32,
}

/// What some programs write before the first letter.
const MARK: &[u8; 3] = b"\xEF\xBB\xBF";
/// Bytes that are looked at behind the first that is not UTF-8.
const DOUBTED: u32 = 1_024;

impl Inspector {
    /// Looks at what has come.
    ///
    /// # Errors
    ///
    /// Why the file is refused. It need not be looked at any further.
    pub fn look(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        for &byte in chunk {
            self.byte(byte)?;
        }
        Ok(())
    }

    /// The file is whole: how many bytes it has.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub fn finish(&self) -> Result<u64, Refusal> {
        if self.doubt.is_some() || self.letter.missing > 0 {
            return Err(self.in_doubt());
        }
        // The mark at the beginning of some files is no letter.
        let mark = if self.first == *MARK { 3 } else { 0 };
        match self.ink > mark {
            true => Ok(self.bytes),
            false => Err(Refusal::Empty),
        }
    }

    fn byte(&mut self, byte: u8) -> Result<(), Refusal> {
        if let Some(first) = self.first.get_mut(self.bytes as usize) {
            *first = byte;
        }
        self.bytes += 1;
        if self.bytes > FILE_BYTES {
            return Err(Refusal::TooLarge);
        }
        let line = self.lines.number();
        if is_of_no_text(byte) {
            return Err(match self.is_utf16() {
                true => Refusal::Utf16,
                false => Refusal::Binary { line },
            });
        }
        if let Some(doubt) = &mut self.doubt {
            doubt.left -= 1;
            return match doubt.left {
                0 => Err(self.in_doubt()),
                _ => Ok(()),
            };
        }
        if !self.letter.takes(byte) {
            self.doubt = Some(Doubt {
                line,
                left: DOUBTED,
            });
            return Ok(());
        }
        self.ink += u64::from(!byte.is_ascii_whitespace());
        match self.lines.pass(byte) {
            true => self.line_bytes = 0,
            false => self.line_bytes += 1,
        }
        match self.line_bytes > LINE_BYTES {
            true => Err(Refusal::LongLine { line }),
            false => Ok(()),
        }
    }

    fn in_doubt(&self) -> Refusal {
        let line = self.doubt.map_or(self.lines.number(), |doubt| doubt.line);
        match self.is_utf16() {
            true => Refusal::Utf16,
            false => Refusal::NotUtf8 { line },
        }
    }

    fn is_utf16(&self) -> bool {
        self.bytes >= 2 && matches!(self.first, [0xFF, 0xFE, _] | [0xFE, 0xFF, _])
    }
}

/// Control characters, but for what moves a line or a tab.
fn is_of_no_text(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1B)
}

impl Letter {
    /// Whether a byte may come here. The table is the Unicode standard's, 3-7.
    fn takes(&mut self, byte: u8) -> bool {
        let of = |missing, least, most| Letter {
            missing,
            least,
            most,
        };
        let next = match (self.missing, byte) {
            (0, 0x00..=0x7F) => Letter::default(),
            (0, 0xC2..=0xDF) => of(1, 0x80, 0xBF),
            (0, 0xE0) => of(2, 0xA0, 0xBF),
            (0, 0xED) => of(2, 0x80, 0x9F),
            (0, 0xE1..=0xEF) => of(2, 0x80, 0xBF),
            (0, 0xF0) => of(3, 0x90, 0xBF),
            (0, 0xF1..=0xF3) => of(3, 0x80, 0xBF),
            (0, 0xF4) => of(3, 0x80, 0x8F),
            (1.., byte) if (self.least..=self.most).contains(&byte) => {
                of(self.missing - 1, 0x80, 0xBF)
            }
            _ => return false,
        };
        *self = next;
        true
    }
}
