//! Writing ops.
//!
//! Pages see one list of ops, and stores another where something is for the server alone: both
//! are written side by side, so that neither has to be made from the other.

use super::{
    node::{Node, Read, Write},
    ops::{Code, RecordError, Visibility},
};
use serde::{Serializer, de::DeserializeSeed};
use std::cell::Cell;

/// Collects the ops of one update.
#[derive(Debug, Default)]
pub struct OpsWriter {
    public: OpList,
    full: OpList,
    has_server: bool,
    /// Plain fields that were sent whole though they are large: where, and how many bytes.
    pub large: Vec<(String, usize)>,
}

/// Ops, each with its path from wherever the list begins.
#[derive(Debug, Default)]
pub(super) struct OpList {
    /// The path's steps and the arguments of each op, as JSON without the brackets.
    bytes: Vec<u8>,
    ops: Vec<Span>,
    /// The most levels, from wherever the list begins, that an op leads down.
    deepest: usize,
}

/// An op in an `OpList`; its bytes begin where those of the one before end.
#[derive(Clone, Copy, Debug)]
struct Span {
    code: Code,
    steps: u32,
    path_end: usize,
    args_end: usize,
}

/// Ops that a collection writes before the update is over, because items are about to move.
#[derive(Debug, Default)]
pub(super) struct Flushed {
    public: OpList,
    /// With what is for the server alone; used where the items have such.
    full: OpList,
}

/// Where a node writes its ops: it begins at the node.
#[derive(Debug)]
pub struct Out<'w> {
    public: &'w mut OpList,
    full: Option<&'w mut OpList>,
    large: Option<&'w mut Vec<(String, usize)>>,
    path: Path,
    hidden: bool,
}

/// The steps that lead to a node, as JSON without the brackets.
#[derive(Debug, Default)]
struct Path {
    text: Vec<u8>,
    steps: u32,
}

/// How deep a state may be: so many lists, maps, structs and variants stand in each other, counted
/// as the arrays and objects of its JSON. What is deeper could not be read again: readers of JSON
/// stop at 128, and snapshots stand in something themselves.
pub const MAX_DEPTH: usize = 100;

/// Room for a path of some steps.
const PATH_BYTES: usize = 48;

/// Room for a short op or two.
const FIRST_BYTES: usize = 128;

/// Plain fields above this many bytes are better a `List`, a `Map` or a `Text`: they are
/// compared and sent whole at each change.
pub const LARGE_FIELD_BYTES: usize = 4096;

// === impl OpsWriter ===

impl OpsWriter {
    /// A writer for the state `S`.
    pub fn new<S: Node>() -> Self {
        OpsWriter {
            has_server: S::has_server(),
            ..OpsWriter::default()
        }
    }

    /// Where the state writes.
    pub fn out(&mut self) -> Out<'_> {
        Out {
            public: &mut self.public,
            full: self.has_server.then_some(&mut self.full),
            large: Some(&mut self.large),
            path: Path::default(),
            hidden: false,
        }
    }

    /// Nothing was changed at all.
    pub fn is_empty(&self) -> bool {
        self.public.ops.is_empty() && self.full.ops.is_empty()
    }

    /// The ops for pages (`[]` if there are none), and all of them where these differ.
    pub fn finish(self) -> (Vec<u8>, Option<Vec<u8>>) {
        let public = self.public.to_json();
        let full = self.has_server.then(|| self.full.to_json());
        let full = full.filter(|full| *full != public);
        (public, full)
    }
}

// === impl OpList, Flushed ===

impl OpList {
    fn write(
        &mut self,
        path: &Path,
        code: Code,
        args: impl FnOnce(&mut Vec<u8>) -> Result<usize, RecordError>,
    ) -> Result<(), RecordError> {
        // At once what most ops take, so that nothing grows step by step while they are written.
        self.bytes
            .reserve(if self.ops.is_empty() { FIRST_BYTES } else { 0 });
        self.bytes.extend_from_slice(&path.text);
        let path_end = self.bytes.len();
        let depth = args(&mut self.bytes)?;
        self.reach(path.steps as usize + depth)?;
        self.ops.push(Span {
            code,
            steps: path.steps,
            path_end,
            args_end: self.bytes.len(),
        });
        Ok(())
    }

    /// An op leads so many levels down.
    fn reach(&mut self, depth: usize) -> Result<(), RecordError> {
        self.deepest = self.deepest.max(depth);
        if depth > MAX_DEPTH {
            return Err(RecordError(too_deep()));
        }
        Ok(())
    }

    /// Takes over what another list holds, from the path on.
    fn absorb(&mut self, path: &Path, other: &OpList) -> Result<(), RecordError> {
        self.reach(path.steps as usize + other.deepest)?;
        if self.ops.is_empty() && !other.ops.is_empty() {
            self.bytes.reserve(FIRST_BYTES);
        }
        let mut begin = 0;
        for span in &other.ops {
            self.bytes.extend_from_slice(&path.text);
            if path.steps > 0 && span.steps > 0 {
                self.bytes.push(b',');
            }
            self.bytes
                .extend_from_slice(&other.bytes[begin..span.path_end]);
            let path_end = self.bytes.len();
            self.bytes
                .extend_from_slice(&other.bytes[span.path_end..span.args_end]);
            self.ops.push(Span {
                code: span.code,
                steps: path.steps + span.steps,
                path_end,
                args_end: self.bytes.len(),
            });
            begin = span.args_end;
        }
        Ok(())
    }

    fn to_json(&self) -> Vec<u8> {
        // Around each op: `["x",[],],`.
        let mut json = Vec::with_capacity(self.bytes.len() + 10 * self.ops.len() + 2);
        json.push(b'[');
        let mut begin = 0;
        for (nth, span) in self.ops.iter().enumerate() {
            if nth > 0 {
                json.push(b',');
            }
            json.extend_from_slice(b"[\"");
            json.extend_from_slice(span.code.letter().as_bytes());
            json.extend_from_slice(b"\",");
            let path = &self.bytes[begin..span.path_end];
            if span.steps == 1 {
                json.extend_from_slice(path);
            } else {
                json.push(b'[');
                json.extend_from_slice(path);
                json.push(b']');
            }
            if span.args_end > span.path_end {
                json.push(b',');
                json.extend_from_slice(&self.bytes[span.path_end..span.args_end]);
            }
            json.push(b']');
            begin = span.args_end;
        }
        json.push(b']');
        json
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ops.clear();
        self.deepest = 0;
    }
}

impl Flushed {
    /// Where a collection of `T` writes early.
    pub(super) fn out<T: Node>(&mut self) -> Out<'_> {
        Out {
            public: &mut self.public,
            full: T::has_server().then_some(&mut self.full),
            large: None,
            path: Path::default(),
            hidden: false,
        }
    }

    /// How many ops there are.
    pub(super) fn len(&self) -> usize {
        self.public.ops.len().max(self.full.ops.len())
    }

    /// About how many bytes they have on the wire.
    pub(super) fn bytes(&self) -> usize {
        self.public.bytes.len().max(self.full.bytes.len()) + 10 * self.len()
    }

    pub(super) fn clear(&mut self) {
        self.public.clear();
        self.full.clear();
    }
}

// === impl Out ===

impl Out<'_> {
    /// Goes on inside of a field, or of a variant.
    pub fn field<R>(
        &mut self,
        name: &str,
        visibility: Visibility,
        write: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let was_hidden = self.hidden;
        self.hidden |= visibility == Visibility::Server;
        // Names of fields and variants are Rust identifiers: nothing in them needs escaping.
        let result = self.step(
            |text| {
                text.push(b'"');
                text.extend_from_slice(name.as_bytes());
                text.push(b'"');
            },
            write,
        );
        self.hidden = was_hidden;
        result
    }

    /// Goes on inside of the item at an index.
    pub fn index<R>(&mut self, index: usize, write: impl FnOnce(&mut Self) -> R) -> R {
        self.step(|text| write_number(text, index), write)
    }

    /// Goes on inside of the value of a key, which is given as JSON has it in an object.
    pub(super) fn key<R>(&mut self, json: &[u8], write: impl FnOnce(&mut Self) -> R) -> R {
        self.step(|text| text.extend_from_slice(json), write)
    }

    /// An op on what is here. `args` writes the arguments as one of the two may see them, and says
    /// how many levels they lead down.
    pub fn op(
        &mut self,
        code: Code,
        args: impl Fn(&mut Vec<u8>, Visibility) -> Result<usize, RecordError>,
    ) -> Result<(), RecordError> {
        if !self.hidden {
            self.public
                .write(&self.path, code, |out| args(out, Visibility::Public))?;
        }
        if let Some(full) = &mut self.full {
            full.write(&self.path, code, |out| args(out, Visibility::Server))?;
        }
        Ok(())
    }

    /// What is here is this now, whole.
    pub fn set<T: Node>(&mut self, value: &T) -> Result<(), RecordError> {
        self.op(Code::Set, |out, visibility| {
            write_json(out, value, visibility)
        })
    }

    /// As [`set`](Self::set), for what is compared and sent whole: remembers where it is when it
    /// is large.
    pub(super) fn set_plain<T: Node>(&mut self, value: &T) -> Result<(), RecordError> {
        let before = self.public.bytes.len();
        self.set(value)?;
        let bytes = self.public.bytes.len() - before;
        if bytes > LARGE_FIELD_BYTES
            && let Some(large) = &mut self.large
        {
            large.push((String::from_utf8_lossy(&self.path.text).into_owned(), bytes));
        }
        Ok(())
    }

    /// Takes over what a collection of `T` wrote early.
    pub(super) fn absorb<T: Node>(&mut self, flushed: &Flushed) -> Result<(), RecordError> {
        if !self.hidden {
            self.public.absorb(&self.path, &flushed.public)?;
        }
        if let Some(full) = &mut self.full {
            let from = if T::has_server() {
                &flushed.full
            } else {
                &flushed.public
            };
            full.absorb(&self.path, from)?;
        }
        Ok(())
    }

    fn step<R>(
        &mut self,
        step: impl FnOnce(&mut Vec<u8>),
        write: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let before = (self.path.text.len(), self.path.steps);
        if self.path.steps > 0 {
            self.path.text.push(b',');
        } else {
            self.path.text.reserve(PATH_BYTES);
        }
        step(&mut self.path.text);
        self.path.steps += 1;
        let result = write(self);
        self.path.text.truncate(before.0);
        self.path.steps = before.1;
        result
    }
}

/// Appends a number as JSON.
pub(super) fn write_number(out: &mut Vec<u8>, number: usize) {
    // A number can always be written as JSON.
    drop(serde_json::to_writer(out, &number));
}

/// Appends a value as JSON. Returns how deep it is: 0 for a text or a number.
///
/// # Errors
///
/// It can't be written, or would be read as something else: `NaN` and the infinities are written
/// as `null`, and so is `Some(None)`.
pub(crate) fn write_json<T: Node>(
    out: &mut Vec<u8>,
    value: &T,
    visibility: Visibility,
) -> Result<usize, RecordError> {
    let before = out.len();
    serde_json::to_writer(&mut *out, &Write(value, visibility)).map_err(RecordError::new)?;
    let written = &out[before..];
    let look = Look::at(written);
    if look.has_null && look.depth <= MAX_DEPTH {
        let mut json = serde_json::Deserializer::from_slice(written);
        let read = Read::<T>::new().deserialize(&mut json).map_err(|error| {
            RecordError(format!("what is written can't be read again: {error}"))
        })?;
        // What pages see is compared where nothing is left out of it; else the same value is
        // written with everything, too.
        let is_whole = visibility == Visibility::Server || !T::has_server();
        if is_whole && !read.same(value) {
            let text = String::from_utf8_lossy(written);
            let text: String = text.chars().take(SHOWN_CHARS).collect();
            return Err(RecordError(format!(
                "what is written is read as something else: `{text}`. `null` stands for `None`, \
                 for `NaN` and the infinities, for `()` and for a `Some` of these"
            )));
        }
    }
    Ok(look.depth)
}

/// So much of a value is shown to whoever must find it.
const SHOWN_CHARS: usize = 200;

/// What is to be known of some JSON.
#[derive(Default)]
struct Look {
    has_null: bool,
    /// The arrays and objects that stand in each other.
    depth: usize,
}

impl Look {
    fn at(json: &[u8]) -> Self {
        let (mut look, mut open) = (Look::default(), 0);
        let mut bytes = json.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => loop {
                    match bytes.next() {
                        Some(b'\\') => drop(bytes.next()),
                        Some(b'"') | None => break,
                        Some(_) => {}
                    }
                },
                b'[' | b'{' => {
                    open += 1;
                    look.depth = look.depth.max(open);
                }
                b']' | b'}' => open -= 1,
                // No other word of JSON begins so.
                b'n' => look.has_null = true,
                _ => {}
            }
        }
        look
    }
}

thread_local! {
    /// The collections that this thread is in, as it writes.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// Writes what is inside of a collection. One that is too deep ends here, while there is room on
/// the stack.
pub(super) fn inside<S: Serializer>(
    write: impl FnOnce() -> Result<S::Ok, S::Error>,
) -> Result<S::Ok, S::Error> {
    struct Leave;

    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.set(INSIDE.get() - 1);
        }
    }
    INSIDE.set(INSIDE.get() + 1);
    let _leave = Leave;
    if INSIDE.get() > MAX_DEPTH {
        return Err(serde::ser::Error::custom(too_deep()));
    }
    write()
}

fn too_deep() -> String {
    format!(
        "it is too deep: a state has at most {MAX_DEPTH} lists, maps, structs and variants in \
         each other (MAX_DEPTH)"
    )
}
