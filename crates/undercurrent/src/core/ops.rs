//! What an update changed, as it travels: a JSON list of ops.
//!
//! An op is `[code, path, argument, …]`. The path is a field's name, or a list of a name and
//! what leads on from there (an index). PROTOCOL.md lists the codes; a reader that knows
//! nothing of the types can apply them to plain JSON.

use super::state::Plain;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, sync::Arc};

/// What an op does. On the wire it is one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `["=", path, value]`: the value at the path is this now.
    Set,
    /// `["+", path, item, …]`: these items come behind the last of the list.
    Append,
    /// `["i", path, index, item, …]`: these items come before the item at the index.
    Insert,
    /// `["-", path, index, count]`: so many items from the index on are gone.
    Remove,
}

/// One step of a path behind the field's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step<'a> {
    /// An item of a list.
    Index(usize),
    /// A field, or a key.
    #[serde(borrow)]
    Name(Cow<'a, str>),
}

/// An op as it arrived: its code, its path and its arguments, these still as JSON text.
#[derive(Debug)]
pub struct Op<'a> {
    /// What to do.
    pub code: Code,
    /// Which field.
    pub field: Cow<'a, str>,
    /// Where in the field; empty for the field itself.
    pub rest: Vec<Step<'a>>,
    /// With what.
    pub args: Vec<&'a RawValue>,
}

/// Who may see a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// The pages that follow the state.
    Public,
    /// The server alone: in no byte that leaves it.
    Server,
}

/// Collects the ops of one update, those for pages apart from those for the server.
#[derive(Debug, Default)]
pub struct OpsWriter {
    public: Vec<u8>,
    server: Vec<u8>,
    /// Plain fields that were sent whole though they are large.
    pub large: Vec<(&'static str, usize)>,
}

/// The part of an [`OpsWriter`] that one field writes into.
#[derive(Debug)]
pub struct FieldOps<'w> {
    buffer: &'w mut Vec<u8>,
    large: &'w mut Vec<(&'static str, usize)>,
    field: &'static str,
}

/// A change could not be written as JSON.
#[derive(Debug)]
pub struct RecordError(pub String);

/// Ops that do not fit the state, or are not ops.
#[derive(Debug)]
pub struct ApplyError(pub String);

/// Told after the ops were applied and every lock is released.
pub trait Wake: Send + Sync {
    /// Something changed; look.
    fn wake(&self);
}

/// What applying ops touched, for whoever shows the state.
#[derive(Default)]
pub struct Applied {
    /// The numbers of the fields that changed, each once.
    pub touched: Vec<usize>,
    /// Whom to wake, once no lock is held any more.
    pub wakes: Vec<Arc<dyn Wake>>,
}

/// Plain fields above this many bytes are better a `List`, a `Map` or a `Text`: they are
/// compared and sent whole at each change.
pub const LARGE_FIELD_BYTES: usize = 4096;

// === impl Code ===

impl Code {
    fn letter(self) -> &'static str {
        match self {
            Code::Set => "=",
            Code::Append => "+",
            Code::Insert => "i",
            Code::Remove => "-",
        }
    }

    fn parse(text: &str) -> Result<Self, ApplyError> {
        Ok(match text {
            "=" => Code::Set,
            "+" => Code::Append,
            "i" => Code::Insert,
            "-" => Code::Remove,
            other => return Err(ApplyError(format!("{other:?} is no op"))),
        })
    }
}

// === impl OpsWriter ===

impl OpsWriter {
    /// The part for a field.
    pub fn field(&mut self, field: &'static str, visibility: Visibility) -> FieldOps<'_> {
        let buffer = match visibility {
            Visibility::Public => &mut self.public,
            Visibility::Server => &mut self.server,
        };
        FieldOps {
            buffer,
            large: &mut self.large,
            field,
        }
    }

    /// Nothing was changed at all.
    pub fn is_empty(&self) -> bool {
        self.public.is_empty() && self.server.is_empty()
    }

    /// The ops for pages (`[]` if there are none), and those for the server alone.
    pub fn finish(self) -> (Vec<u8>, Option<Vec<u8>>) {
        let close = |mut ops: Vec<u8>| {
            if ops.is_empty() {
                ops.push(b'[');
            }
            ops.push(b']');
            ops
        };
        let server = (!self.server.is_empty()).then(|| close(self.server));
        (close(self.public), server)
    }
}

impl FieldOps<'_> {
    /// The whole field is this now.
    pub fn set<T: Plain>(&mut self, value: &T) -> Result<usize, RecordError> {
        self.begin(Code::Set, None);
        let before = self.buffer.len();
        write_json(self.buffer, value)?;
        let bytes = self.buffer.len() - before;
        self.buffer.push(b']');
        Ok(bytes)
    }

    /// The whole list is these items now.
    pub fn set_items<T: Plain>(&mut self, items: &[T]) -> Result<(), RecordError> {
        self.begin(Code::Set, None);
        self.buffer.push(b'[');
        for (nth, item) in items.iter().enumerate() {
            if nth > 0 {
                self.buffer.push(b',');
            }
            write_json(self.buffer, item)?;
        }
        self.buffer.extend_from_slice(b"]]");
        Ok(())
    }

    /// As [`set`](Self::set), for a field that is compared and sent whole: remembers its name
    /// when it is large.
    pub fn set_plain<T: Plain>(&mut self, value: &T) -> Result<(), RecordError> {
        let bytes = self.set(value)?;
        if bytes > LARGE_FIELD_BYTES {
            self.large.push((self.field, bytes));
        }
        Ok(())
    }

    /// An op whose arguments are JSON text already.
    pub fn raw(&mut self, code: Code, index: Option<usize>, args: &[u8]) {
        self.begin(code, index);
        self.buffer.extend_from_slice(args);
        self.buffer.push(b']');
    }

    fn begin(&mut self, code: Code, index: Option<usize>) {
        let comma = if self.buffer.is_empty() { "[" } else { "," };
        // Field names are Rust identifiers: nothing in them needs escaping.
        let (code, field) = (code.letter(), self.field);
        let head = match index {
            None => format!("{comma}[\"{code}\",\"{field}\","),
            Some(index) => format!("{comma}[\"{code}\",[\"{field}\",{index}],"),
        };
        self.buffer.extend_from_slice(head.as_bytes());
    }
}

/// Appends a value as JSON.
///
/// # Errors
///
/// It can't be written, or not be read again: `NaN` and the infinities are written as `null`,
/// and no float reads that.
pub(crate) fn write_json<T: Plain>(out: &mut Vec<u8>, value: &T) -> Result<(), RecordError> {
    let before = out.len();
    serde_json::to_writer(&mut *out, value).map_err(RecordError::new)?;
    let written = &out[before..];
    if written.windows(4).any(|four| four == b"null") {
        serde_json::from_slice::<T>(written).map_err(|error| {
            RecordError(format!("what is written can't be read again: {error}"))
        })?;
    }
    Ok(())
}

// === impl Op ===

impl<'a> Op<'a> {
    /// Reads a list of ops, none of them applied yet.
    pub fn parse_all(json: &'a str) -> Result<Vec<Op<'a>>, ApplyError> {
        let ops: Vec<Vec<&'a RawValue>> = serde_json::from_str(json)?;
        ops.into_iter().map(Op::parse).collect()
    }

    fn parse(parts: Vec<&'a RawValue>) -> Result<Op<'a>, ApplyError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Path<'a> {
            Field(#[serde(borrow)] Cow<'a, str>),
            Deep(#[serde(borrow)] Vec<Step<'a>>),
        }
        let [code, path, args @ ..] = parts.as_slice() else {
            return Err(ApplyError("an op has a code and a path".into()));
        };
        let code: Cow<'_, str> = serde_json::from_str(code.get())?;
        let (field, rest) = match serde_json::from_str(path.get())? {
            Path::Field(field) => (field, Vec::new()),
            Path::Deep(mut steps) if !steps.is_empty() => match steps.remove(0) {
                Step::Name(field) => (field, steps),
                Step::Index(_) => return Err(ApplyError("a path begins with a field".into())),
            },
            Path::Deep(_) => return Err(ApplyError("a path is not empty".into())),
        };
        Ok(Op {
            code: Code::parse(&code)?,
            field,
            rest,
            args: args.to_vec(),
        })
    }

    /// The argument at a place, decoded.
    pub fn arg<T: DeserializeOwned>(&self, at: usize) -> Result<T, ApplyError> {
        let raw = self
            .args
            .get(at)
            .ok_or_else(|| self.unfit("an argument is missing"))?;
        Ok(serde_json::from_str(raw.get())?)
    }

    /// The arguments from a place on, decoded.
    pub fn args_from<T: DeserializeOwned>(&self, at: usize) -> Result<Vec<T>, ApplyError> {
        let rest = self.args.get(at..).unwrap_or_default();
        rest.iter()
            .map(|raw| Ok(serde_json::from_str(raw.get())?))
            .collect()
    }

    /// This op does not fit what it is applied to.
    pub fn unfit(&self, why: &str) -> ApplyError {
        ApplyError(format!(
            "op {:?} on {:?}: {why}",
            self.code.letter(),
            self.field
        ))
    }
}

// === impl Applied ===

impl Applied {
    /// The field with this number changed.
    pub fn touch(&mut self, field: usize) {
        if !self.touched.contains(&field) {
            self.touched.push(field);
        }
    }
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wakes = self.wakes.len();
        f.debug_struct("Applied")
            .field("touched", &self.touched)
            .field("wakes", &wakes)
            .finish()
    }
}

// === impl RecordError, ApplyError ===

impl RecordError {
    pub(crate) fn new(error: impl fmt::Display) -> Self {
        RecordError(error.to_string())
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the change can't be written as JSON: {}", self.0)
    }
}

impl std::error::Error for RecordError {}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the change does not fit the state: {}", self.0)
    }
}

impl std::error::Error for ApplyError {}

impl From<serde_json::Error> for ApplyError {
    fn from(error: serde_json::Error) -> Self {
        ApplyError(error.to_string())
    }
}
