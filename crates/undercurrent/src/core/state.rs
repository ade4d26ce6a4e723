//! What makes a struct a state: the traits that `#[derive(State)]` implements.

use super::{
    ops::{Applied, ApplyError, Code, FieldOps, Op, OpsWriter, RecordError, Visibility},
    scope::ScopeKind,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap, marker::PhantomData};

/// A state: one plain struct that the server changes and pages follow.
///
/// Made by `#[derive(State, Clone, Default)]`; see [`State`](macro@crate::State).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no state",
    note = "put `#[derive(State, Clone, Debug, Default)]` on the struct"
)]
pub trait State: Clone + Default + Send + Sync + Sized + 'static {
    /// The name in paths, in the log and on the wire: the struct's name in snake case.
    const NAME: &'static str;

    /// The names of the fields that pages see, in order; a field's number is its place here.
    const FIELDS: &'static [&'static str];

    /// Who shares it.
    const SCOPE: ScopeKind;

    /// Begins to record changes. Returns the shadow: what is needed to find and undo them.
    #[doc(hidden)]
    fn arm(&mut self) -> Self;

    /// Writes what changed since the shadow was made. Changes nothing that `undo` needs.
    #[doc(hidden)]
    fn record(&mut self, shadow: &Self, out: &mut OpsWriter) -> Result<(), RecordError>;

    /// The changes are committed: the shadow follows, and recording begins anew.
    #[doc(hidden)]
    fn settle(&mut self, shadow: &mut Self);

    /// Takes everything since the shadow was made back, in O(change).
    #[doc(hidden)]
    fn undo(&mut self, shadow: &Self) -> Result<(), Lost>;

    /// Applies ops, as a page does.
    #[doc(hidden)]
    fn apply(&mut self, op: &Op<'_>, applied: &mut Applied) -> Result<(), ApplyError>;

    /// Becomes another value, and tells what differs.
    #[doc(hidden)]
    fn patch(&mut self, new: Self, applied: &mut Applied);

    /// Writes the fields that pages see (and the others, where asked) as a JSON object.
    #[doc(hidden)]
    fn write(&self, out: &mut Fields) -> Result<(), RecordError>;

    /// Reads what `write` wrote. Missing fields have their default, unknown ones are skipped.
    #[doc(hidden)]
    fn read(fields: &ReadFields<'_>) -> Result<Self, ApplyError>;
}

/// The undo log left the state with the collection it belongs to. The state is then read anew
/// from the last snapshot and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// A collection that records its changes.
pub trait Tracked: Clone + Default + Send + Sync + 'static {
    #[doc(hidden)]
    fn arm(&mut self) -> Self;
    #[doc(hidden)]
    fn record(&mut self, shadow: &Self, out: &mut FieldOps<'_>) -> Result<(), RecordError>;
    #[doc(hidden)]
    fn settle(&mut self, shadow: &mut Self);
    #[doc(hidden)]
    fn undo(&mut self, shadow: &Self) -> Result<(), Lost>;
    #[doc(hidden)]
    fn apply(&mut self, op: &Op<'_>, applied: &mut Applied) -> Result<(), ApplyError>;
    /// Whether anything differs.
    #[doc(hidden)]
    fn patch(&mut self, new: Self, applied: &mut Applied) -> bool;
}

/// Any other field: compared with a copy and sent whole. So is an item of a collection.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a state, nor an item of a `List`",
    note = "a field needs Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync",
    note = "use plain data, or mark the field `#[state(server)]` and keep handles in what start-up provides"
)]
pub trait Plain: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T> Plain for T where T: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{}

// === Which of the two a field is ===
//
// Chosen by its type, not by an attribute: `(&&Probe::<T>::NEW).kind()` finds `ViaTracked` at the
// first level of autoref where it fits, `ViaPlain` otherwise. The second has no bound, so that
// a type that is neither is told so by `Plain`, at the field.

#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct TrackedKind;

#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct PlainKind;

#[doc(hidden)]
pub trait ViaTracked {
    fn kind(&self) -> TrackedKind;
}

#[doc(hidden)]
pub trait ViaPlain {
    fn kind(&self) -> PlainKind;
}

impl<T> Probe<T> {
    pub const NEW: Self = Probe(PhantomData);
}

impl<T: Tracked> ViaTracked for &Probe<T> {
    fn kind(&self) -> TrackedKind {
        TrackedKind
    }
}

impl<T> ViaPlain for Probe<T> {
    fn kind(&self) -> PlainKind {
        PlainKind
    }
}

// The methods are called by the derive's code only; each is the field's share of the method of
// the same name in `State`.
#[doc(hidden)]
impl TrackedKind {
    pub fn arm<T: Tracked>(self, field: &mut T) -> T {
        field.arm()
    }

    pub fn record<T: Tracked>(
        self,
        field: &mut T,
        shadow: &T,
        out: &mut FieldOps<'_>,
    ) -> Result<(), RecordError> {
        field.record(shadow, out)
    }

    pub fn settle<T: Tracked>(self, field: &mut T, shadow: &mut T) {
        field.settle(shadow);
    }

    pub fn undo<T: Tracked>(self, field: &mut T, shadow: &T) -> Result<(), Lost> {
        field.undo(shadow)
    }

    pub fn apply<T: Tracked>(
        self,
        field: &mut T,
        op: &Op<'_>,
        applied: &mut Applied,
    ) -> Result<(), ApplyError> {
        field.apply(op, applied)
    }

    pub fn patch<T: Tracked>(self, field: &mut T, new: T, applied: &mut Applied) -> bool {
        field.patch(new, applied)
    }
}

#[doc(hidden)]
impl PlainKind {
    pub fn arm<T: Plain>(self, field: &mut T) -> T {
        field.clone()
    }

    pub fn record<T: Plain>(
        self,
        field: &mut T,
        shadow: &T,
        out: &mut FieldOps<'_>,
    ) -> Result<(), RecordError> {
        if field == shadow {
            Ok(())
        } else {
            out.set_plain(field)
        }
    }

    pub fn settle<T: Plain>(self, field: &mut T, shadow: &mut T) {
        if field != shadow {
            *shadow = field.clone();
        }
    }

    pub fn undo<T: Plain>(self, field: &mut T, shadow: &T) -> Result<(), Lost> {
        if field != shadow {
            *field = shadow.clone();
        }
        Ok(())
    }

    pub fn apply<T: Plain>(
        self,
        field: &mut T,
        op: &Op<'_>,
        _: &mut Applied,
    ) -> Result<(), ApplyError> {
        match (op.code, op.rest.as_slice()) {
            (Code::Set, []) => *field = op.arg(0)?,
            _ => return Err(op.unfit("a plain field can only be set")),
        }
        Ok(())
    }

    pub fn patch<T: Plain>(self, field: &mut T, new: T, _: &mut Applied) -> bool {
        let differs = *field != new;
        *field = new;
        differs
    }
}

// === Whole states as JSON objects ===

/// Where a state writes its fields.
#[doc(hidden)]
#[derive(Debug)]
pub struct Fields {
    json: Vec<u8>,
    with_server: bool,
}

/// The fields of a state as they were read, each still JSON text.
#[doc(hidden)]
#[derive(Debug)]
pub struct ReadFields<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

#[doc(hidden)]
impl Fields {
    pub fn put<T: Serialize>(
        &mut self,
        name: &'static str,
        visibility: Visibility,
        value: &T,
    ) -> Result<(), RecordError> {
        if visibility == Visibility::Server && !self.with_server {
            return Ok(());
        }
        self.json
            .push(if self.json.is_empty() { b'{' } else { b',' });
        self.json
            .extend_from_slice(format!("\"{name}\":").as_bytes());
        serde_json::to_writer(&mut self.json, value).map_err(RecordError::new)
    }

    fn finish(mut self) -> String {
        if self.json.is_empty() {
            self.json.push(b'{');
        }
        self.json.push(b'}');
        // serde_json writes UTF-8, and the names are Rust identifiers.
        String::from_utf8(self.json).unwrap_or_default()
    }
}

#[doc(hidden)]
impl ReadFields<'_> {
    pub fn get<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, ApplyError> {
        match self.0.get(name) {
            None => Ok(T::default()),
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|error| ApplyError(format!("field {name:?}: {error}"))),
        }
    }
}

/// The state as pages see it, as a JSON object.
pub fn to_json<S: State>(state: &S) -> Result<String, RecordError> {
    let mut fields = Fields {
        json: Vec::new(),
        with_server: false,
    };
    state.write(&mut fields)?;
    Ok(fields.finish())
}

/// The state with its server-only fields, as a JSON object. For stores.
pub fn to_json_with_server<S: State>(state: &S) -> Result<String, RecordError> {
    let mut fields = Fields {
        json: Vec::new(),
        with_server: true,
    };
    state.write(&mut fields)?;
    Ok(fields.finish())
}

/// Reads what [`to_json`] wrote.
pub fn from_json<S: State>(json: &str) -> Result<S, ApplyError> {
    S::read(&ReadFields(serde_json::from_str(json)?))
}

/// Applies a list of ops. On an error the state may be half changed: take a snapshot then.
pub fn apply_ops<S: State>(
    state: &mut S,
    json: &str,
    applied: &mut Applied,
) -> Result<(), ApplyError> {
    Op::parse_all(json)?
        .iter()
        .try_for_each(|op| state.apply(op, applied))
}
