//! `Text`: a text that records what happens to it.

use super::{
    node::{Lost, Node, Seen, Tracked},
    ops::{Applied, ApplyError, Code, Op, RecordError, Visibility},
    role::{Recording, Role},
    writer::{Flushed, Out, write_number},
};
use serde::{Deserialize, Deserializer, Serializer};
use std::{
    fmt, mem,
    ops::{AddAssign, Deref, RangeBounds},
};

/// A text in a state. What an update does to it is recorded, so that a text that grows word by
/// word is sent word by word.
///
/// It reads as a `str`. Places are counted in UTF-8 bytes, as in a `String`.
///
/// ```
/// use undercurrent::Text;
///
/// let mut answer = Text::from("It");
/// answer.push_str(" depends.");
/// assert_eq!(&*answer, "It depends.");
/// ```
pub struct Text {
    text: String,
    role: Role<Recorder, Vec<Undo>>,
}

/// Records lazily: bytes from `base` on are new and not written yet. A change before it writes
/// them first, so that every place fits the moment it is read.
#[derive(Debug)]
struct Recorder {
    base: usize,
    flushed: Flushed,
    undo: Vec<Undo>,
    covered: bool,
    failed: Option<RecordError>,
}

/// How to take a step back, last step first.
#[derive(Debug)]
enum Undo {
    /// Text was put behind this length.
    Appended(usize),
    /// So many bytes at this place were this before: the place, how many now, and what was there.
    Replaced(usize, usize, String),
}

// === impl Text: changing ===

impl Text {
    /// An empty text.
    pub const fn new() -> Self {
        Text {
            text: String::new(),
            role: Role::Idle,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Puts a text behind the end.
    pub fn push_str(&mut self, more: &str) {
        if let Some(recorder) = self.role.recorder()
            && !more.is_empty()
        {
            recorder.appending();
        }
        self.text.push_str(more);
    }

    /// Puts a character behind the end.
    pub fn push(&mut self, more: char) {
        self.push_str(more.encode_utf8(&mut [0; 4]));
    }

    /// Takes the last character away.
    pub fn pop(&mut self) -> Option<char> {
        let last = self.text.chars().next_back()?;
        self.truncate(self.text.len() - last.len_utf8());
        Some(last)
    }

    /// Puts a text before the byte at an index.
    ///
    /// # Panics
    ///
    /// When the index is not between two characters.
    pub fn insert_str(&mut self, index: usize, more: &str) {
        self.replace_range(index..index, more);
    }

    /// Puts a character before the byte at an index.
    ///
    /// # Panics
    ///
    /// When the index is not between two characters.
    pub fn insert(&mut self, index: usize, more: char) {
        self.insert_str(index, more.encode_utf8(&mut [0; 4]));
    }

    /// Puts a text in the place of the bytes of a range.
    ///
    /// # Panics
    ///
    /// When an end of the range is not between two characters.
    ///
    /// ```
    /// use undercurrent::Text;
    ///
    /// let mut text = Text::from("one two");
    /// text.replace_range(4.., "three");
    /// assert_eq!(&*text, "one three");
    /// ```
    pub fn replace_range(&mut self, range: impl RangeBounds<usize>, with: &str) {
        let range = super::list::bounds(&range, self.text.len());
        let old = &self.text[range.clone()];
        let (start, count) = (range.start, old.len());
        if let Some(recorder) = self.role.recorder() {
            if start < recorder.base {
                let old = old.to_owned();
                recorder.replacing(&self.text, start, old, with);
                self.text.replace_range(range, with);
                recorder.base = self.text.len();
                return;
            }
            if count > 0 || !with.is_empty() {
                recorder.appending();
            }
        }
        self.text.replace_range(range, with);
    }

    /// Takes the character away that begins with the byte at an index.
    ///
    /// # Panics
    ///
    /// When the index is not between two characters, or is the end.
    pub fn remove(&mut self, index: usize) -> char {
        let one = self.text[index..].chars().next();
        let one = one.unwrap_or_else(|| panic!("nothing to remove at {index}"));
        self.replace_range(index..index + one.len_utf8(), "");
        one
    }

    /// Drops the bytes from the length on.
    ///
    /// # Panics
    ///
    /// When the length is not between two characters.
    pub fn truncate(&mut self, len: usize) {
        if len < self.text.len() {
            self.replace_range(len.., "");
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.truncate(0);
    }
}

// === impl Recorder ===

impl Recording for Recorder {
    fn new(len: usize) -> Self {
        Recorder {
            base: len,
            flushed: Flushed::default(),
            undo: Vec::new(),
            covered: false,
            failed: None,
        }
    }

    fn is_clean(&self) -> bool {
        self.undo.is_empty() && self.failed.is_none()
    }

    fn reset(&mut self, len: usize) {
        self.base = len;
        self.flushed.clear();
        self.undo.clear();
        self.covered = false;
        self.failed = None;
    }
}

impl Recorder {
    fn appending(&mut self) {
        if !self.covered {
            self.undo.push(Undo::Appended(self.base));
            self.covered = true;
        }
    }

    /// Bytes before `base` are about to be replaced: writes what is new, then this.
    fn replacing(&mut self, text: &str, start: usize, old: String, with: &str) {
        let mut written = Ok(());
        if self.base < text.len() {
            written = write_append(&text[self.base..], &mut self.flushed.out::<Text>());
        }
        self.covered = false;
        let mut out = self.flushed.out::<Text>();
        if !old.is_empty() {
            let removed = out.op(Code::Remove, |out, _| {
                write_number(out, start);
                out.push(b',');
                write_number(out, old.len());
                Ok(0)
            });
            written = written.and(removed);
        }
        if !with.is_empty() {
            let inserted = out.op(Code::Insert, |out, _| {
                write_number(out, start);
                out.push(b',');
                write_text(out, with)
            });
            written = written.and(inserted);
        }
        self.failed = self.failed.take().or(written.err());
        self.undo.push(Undo::Replaced(start, with.len(), old));
    }

    fn record(&mut self, text: &str, out: &mut Out<'_>) -> Result<(), RecordError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let tail = &text[self.base.min(text.len())..];
        if self.flushed.bytes() > text.len() + 2 {
            return out.op(Code::Set, |out, _| write_text(out, text));
        }
        out.absorb::<Text>(&self.flushed)?;
        if tail.is_empty() {
            return Ok(());
        }
        write_append(tail, out)
    }

    fn undo(&mut self, text: &mut String, parked: Vec<Undo>) {
        let live = mem::take(&mut self.undo);
        for step in parked.into_iter().chain(live).rev() {
            match step {
                Undo::Appended(len) => text.truncate(len),
                Undo::Replaced(start, count, old) => {
                    text.replace_range(start..start + count, &old);
                }
            }
        }
        self.reset(text.len());
    }
}

fn write_append(tail: &str, out: &mut Out<'_>) -> Result<(), RecordError> {
    out.op(Code::Append, |out, _| write_text(out, tail))
}

fn write_text(out: &mut Vec<u8>, text: &str) -> Result<usize, RecordError> {
    serde_json::to_writer(out, text).map_err(RecordError::new)?;
    Ok(0)
}

// === impl Text: as a node ===

impl Node for Text {
    fn holds_server(_: &mut Seen) -> bool {
        false
    }

    fn arm(&mut self) -> Self {
        Text {
            text: String::new(),
            role: self.role.arm(self.text.len()),
        }
    }

    fn record(&mut self, shadow: &Self, out: &mut Out<'_>) -> Result<(), RecordError> {
        let text = &self.text;
        match self.role.seen_by(&shadow.role) {
            Some(recorder) => recorder.record(text, out),
            None => out.op(Code::Set, |out, _| write_text(out, text)),
        }
    }

    fn park(&mut self, shadow: &mut Self) {
        if let Some((recorder, parked)) = self.role.with(&mut shadow.role) {
            parked.append(&mut recorder.undo);
            recorder.reset(self.text.len());
        }
    }

    fn undo(&mut self, shadow: Self) -> Result<(), Lost> {
        let (recorder, parked) = self.role.back(shadow.role).ok_or(Lost)?;
        recorder.undo(&mut self.text, parked);
        Ok(())
    }

    fn settle(&mut self, shadow: &mut Self) {
        match self.role.with(&mut shadow.role) {
            Some((recorder, parked)) => {
                parked.clear();
                recorder.reset(self.text.len());
            }
            None => *shadow = self.arm(),
        }
    }

    fn apply(&mut self, op: &Op<'_>, at: usize, applied: &mut Applied) -> Result<(), ApplyError> {
        let Some([]) = op.path.get(at..) else {
            return Err(op.unfit("a text has nothing inside"));
        };
        match op.code {
            Code::Set => self.text = op.arg(0)?,
            Code::Append => self.text.push_str(&op.arg::<String>(0)?),
            Code::Insert => {
                let (index, more): (usize, String) = (op.arg(0)?, op.arg(1)?);
                if !self.text.is_char_boundary(index) {
                    return Err(op.unfit("the place is not between two characters"));
                }
                self.text.insert_str(index, &more);
            }
            Code::Remove => {
                for (index, count) in op.removals(self.text.len())? {
                    let range = index..index + count;
                    if self.text.get(range.clone()).is_none() {
                        return Err(op.unfit("the place is not between two characters"));
                    }
                    self.text.replace_range(range, "");
                }
            }
            Code::Move | Code::Swap | Code::Order => {
                return Err(op.unfit("a text can't do this"));
            }
        }
        applied.touch();
        Ok(())
    }

    fn patch(&mut self, new: Self, applied: &mut Applied) -> bool {
        let differs = self.text != new.text;
        if differs {
            self.text = new.text;
            applied.touch();
        }
        differs
    }

    fn same(&self, other: &Self) -> bool {
        self.text == other.text
    }

    fn write<S: Serializer>(&self, _: Visibility, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Text::from)
    }
}

impl Tracked for Text {}

// === impl Text: the usual traits ===

impl Default for Text {
    fn default() -> Self {
        Text::new()
    }
}

impl Clone for Text {
    /// A plain text with the same content: nothing is recorded in it.
    fn clone(&self) -> Self {
        Text::from(self.text.clone())
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text {
            text,
            role: Role::Idle,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text::from(text.to_owned())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.text
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl AddAssign<&str> for Text {
    fn add_assign(&mut self, more: &str) {
        self.push_str(more);
    }
}

impl Extend<char> for Text {
    fn extend<I: IntoIterator<Item = char>>(&mut self, more: I) {
        more.into_iter().for_each(|more| self.push(more));
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.push_str(more);
        Ok(())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}
