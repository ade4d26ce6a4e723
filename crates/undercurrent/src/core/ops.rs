//! What an update changed, as it travels: a JSON list of ops.
//!
//! An op is `[code, path, argument, …]`. The path is a field's name, or a list of a name and
//! what leads on from there: indices of lists, keys of maps, further names. PROTOCOL.md lists
//! the codes; a reader that knows nothing of the types can apply them to plain JSON, see
//! [`untyped`](super::untyped).

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, sync::Arc};

/// What an op does. On the wire it is one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `["=", path, value]`: the value at the path is this now. A key of a map that was not there
    /// is there then.
    Set,
    /// `["+", path, item, …]`: these items come behind the last of the list;
    /// `["+", path, text]`: this comes behind the end of the text.
    Append,
    /// `["i", path, index, item, …]`: these items come before the item at the index, or behind
    /// the last; `["i", path, byte, text]`: this comes before the byte.
    Insert,
    /// `["-", path, index, count, …]`: so many items, or bytes of a text, from the index on are
    /// gone; further pairs are taken one after the other. `["-", path]`: the key that the path
    /// ends with is gone from its map.
    Remove,
    /// `["m", path, from, to]`: the item at the first index is taken out, and put back so that
    /// it has the second.
    Move,
    /// `["s", path, a, b]`: the items at the two indices change places.
    Swap,
    /// `["o", path, index, n, …]`: from the index on the items stand in another order. The first
    /// is the one that was `n` places behind the index, and so on.
    Order,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step<'a> {
    /// An item of a list.
    Index(usize),
    /// A field, a key, or a variant of an enum.
    #[serde(borrow)]
    Name(Cow<'a, str>),
}

/// An op as it arrived: its code, its path and its arguments, these still as JSON text.
#[derive(Debug)]
pub struct Op<'a> {
    /// What to do.
    pub code: Code,
    /// Where, from the state on. Not empty; begins with a name.
    pub path: Vec<Step<'a>>,
    /// With what.
    pub args: Vec<&'a RawValue>,
}

/// Who may see a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// The pages that follow the state.
    Public,
    /// The server alone: in no byte that leaves it.
    Server,
}

/// A change could not be written as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The paths of the fields that changed, each once: the number of a field in the state, then
    /// of one in that field's struct, and so on.
    pub touched: Vec<Vec<usize>>,
    /// Whom to wake, once no lock is held any more.
    pub wakes: Vec<Arc<dyn Wake>>,
    /// The field that is looked at; `None` inside of a collection's item, whose collection was
    /// touched already.
    here: Vec<usize>,
    in_items: usize,
}

// === impl Code ===

impl Code {
    pub(super) fn letter(self) -> &'static str {
        match self {
            Code::Set => "=",
            Code::Append => "+",
            Code::Insert => "i",
            Code::Remove => "-",
            Code::Move => "m",
            Code::Swap => "s",
            Code::Order => "o",
        }
    }

    fn parse(text: &str) -> Result<Self, ApplyError> {
        Ok(match text {
            "=" => Code::Set,
            "+" => Code::Append,
            "i" => Code::Insert,
            "-" => Code::Remove,
            "m" => Code::Move,
            "s" => Code::Swap,
            "o" => Code::Order,
            other => return Err(ApplyError(format!("{other:?} is no op"))),
        })
    }
}

// === impl Op ===

impl<'a> Op<'a> {
    /// Reads a list of ops, none of them applied yet.
    ///
    /// # Errors
    ///
    /// The text is no JSON, or something in it is no op.
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
        let path = match serde_json::from_str(path.get())? {
            Path::Field(field) => vec![Step::Name(field)],
            Path::Deep(steps) => steps,
        };
        if !matches!(path.first(), Some(Step::Name(_))) {
            return Err(ApplyError("a path begins with a field".into()));
        }
        Ok(Op {
            code: Code::parse(&code)?,
            path,
            args: args.to_vec(),
        })
    }

    /// The argument at a place, decoded.
    pub fn arg<T: DeserializeOwned>(&self, at: usize) -> Result<T, ApplyError> {
        Ok(serde_json::from_str(self.raw_arg(at)?)?)
    }

    /// The argument at a place, as JSON text.
    pub fn raw_arg(&self, at: usize) -> Result<&'a str, ApplyError> {
        match self.args.get(at) {
            Some(raw) => Ok(raw.get()),
            None => Err(self.unfit("an argument is missing")),
        }
    }

    /// The arguments from a place on, as JSON texts.
    pub fn raw_args_from(&self, at: usize) -> impl Iterator<Item = &'a str> {
        let rest = self.args.get(at..).unwrap_or_default();
        rest.iter().map(|raw| raw.get())
    }

    /// The arguments from a place on, decoded.
    pub fn args_from<T: DeserializeOwned>(&self, at: usize) -> Result<Vec<T>, ApplyError> {
        self.raw_args_from(at)
            .map(|raw| Ok(serde_json::from_str(raw)?))
            .collect()
    }

    /// The arguments of a removal: where, and how many, each as the one before left it.
    pub fn removals(&self, len: usize) -> Result<Vec<(usize, usize)>, ApplyError> {
        let numbers: Vec<usize> = self.args_from(0)?;
        let (pairs, rest) = numbers.as_chunks::<2>();
        if pairs.is_empty() || !rest.is_empty() {
            return Err(self.unfit("a removal has pairs of index and count"));
        }
        let mut left = len;
        for &[index, count] in pairs {
            match index.checked_add(count) {
                Some(end) if end <= left => left -= count,
                _ => return Err(self.unfit("what is to be removed is not there")),
            }
        }
        Ok(pairs.iter().map(|&[index, count]| (index, count)).collect())
    }

    /// The arguments of an order: where it begins, and which come then, one each.
    pub fn order(&self, len: usize) -> Result<(usize, Vec<u32>), ApplyError> {
        let (start, order): (usize, Vec<u32>) = (self.arg(0)?, self.args_from(1)?);
        let end = start.checked_add(order.len());
        let mut seen = vec![false; order.len()];
        let each_once = order.iter().all(|&from| {
            let seen = seen.get_mut(from as usize);
            seen.is_some_and(|seen| !std::mem::replace(seen, true))
        });
        match end {
            Some(end) if end <= len && each_once => Ok((start, order)),
            _ => Err(self.unfit("an order names items that are there, each once")),
        }
    }

    /// Two indices of items that are there.
    pub fn two_indices(&self, len: usize) -> Result<(usize, usize), ApplyError> {
        match (self.arg(0)?, self.arg(1)?) {
            (a, b) if a < len && b < len => Ok((a, b)),
            _ => Err(self.unfit("an index is beyond the list")),
        }
    }

    /// This op does not fit what it is applied to.
    pub fn unfit(&self, why: &str) -> ApplyError {
        let path = serde_json::to_string(&self.path).unwrap_or_default();
        let code = self.code.letter();
        ApplyError(format!("op {code:?} on {path}: {why}"))
    }
}

// === impl Applied ===

impl Applied {
    /// The field that is looked at changed.
    pub fn touch(&mut self) {
        if self.in_items == 0 && !self.touched.contains(&self.here) {
            self.touched.push(self.here.clone());
        }
    }

    /// Looks at the field with this number.
    pub fn field<R>(&mut self, number: usize, look: impl FnOnce(&mut Self) -> R) -> R {
        self.here.push(number);
        let result = look(self);
        self.here.pop();
        result
    }

    /// Looks into an item of a collection, which has touched its own field.
    pub fn item<R>(&mut self, look: impl FnOnce(&mut Self) -> R) -> R {
        self.in_items += 1;
        let result = look(self);
        self.in_items -= 1;
        result
    }
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wakes = self.wakes.len();
        f.debug_struct("Applied")
            .field("touched", &self.touched)
            .field("wakes", &wakes)
            .finish_non_exhaustive()
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
