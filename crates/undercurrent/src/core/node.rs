//! What a state is made of: nodes that record, undo and apply changes.
//!
//! A node is a field of a state, an item of a [`List`](super::list::List) or a value of a
//! [`Map`](super::map::Map). There are two kinds. Plain ones are compared with a copy and sent
//! whole: any type with serde's traits. Recorded ones know what was done to them: `List`, `Map`,
//! `Text`, and structs and enums with `#[derive(State)]`. These have no impl of serde's traits,
//! which is what tells the kinds apart: a derived `Serialize` would carry the server's fields.

use super::{
    ops::{Applied, ApplyError, Code, Op, RecordError, Visibility},
    schema::Schema,
    writer::Out,
};
use serde::{
    Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, DeserializeSeed},
};
use std::{
    any::{Any, TypeId},
    fmt,
    marker::PhantomData,
};

/// A field of a state, an item of a list, a value of a map.
///
/// While it is *armed*, a node records what is done to it. Arming returns the shadow: a value of
/// the same type that holds what is needed to find the changes and to take them back. Of plain
/// data that is a copy, of a collection its identity alone.
///
/// ```text
///             ┌──────────── settle (committed) ───────────┐
///             ▼                                           │
/// idle ─ arm ▶ armed ─ changes ─▶ armed, changed ─ record ┤
///             ▲                        │                  │
///             └──── undo (failed) ─────┴── undo ──────────┘
/// ```
///
/// Where a collection has to write early, because its items are about to move, its changed
/// items `record`, then `park`: what undo needs goes into the shadow, and recording begins anew.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a state, nor an item of a `List`, nor a value of a `Map`",
    note = "plain data needs Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync",
    note = "a struct or enum with a `List`, `Map` or `Text` inside needs `#[derive(State)]`, and no serde derive",
    note = "in place of a `Vec`, `HashMap` or tuple of such use a `List`, a `Map` or a struct with `#[derive(State)]`",
    note = "an `Option` of such is a field, but no item and no value: give it a struct of its own",
    note = "the keys of a `Map` are texts, whole numbers, enums without content, or newtypes of such",
    note = "what can't be sent belongs into what start-up provides"
)]
pub trait Node: Clone + Send + Sync + Sized + 'static {
    /// Whether a field inside is for the server alone. Asked for each update: derived types know
    /// it after the first time.
    #[doc(hidden)]
    fn has_server() -> bool {
        Self::holds_server(&mut Seen::default())
    }

    /// The same, asked on the way through types that may hold themselves.
    #[doc(hidden)]
    fn holds_server(seen: &mut Seen) -> bool;

    /// Adds the names and types inside to the schema. Plain data is not looked into.
    #[doc(hidden)]
    fn schema(schema: &mut Schema) {
        let _ = schema;
    }

    /// Begins to record. Returns the shadow.
    #[doc(hidden)]
    fn arm(&mut self) -> Self;

    /// Writes what changed since it was armed or parked. Changes nothing that `undo` needs.
    #[doc(hidden)]
    fn record(&mut self, shadow: &Self, out: &mut Out<'_>) -> Result<(), RecordError>;

    /// What was changed is recorded, and may yet be undone: keeps in the shadow what that needs.
    /// The node may be armed again then.
    #[doc(hidden)]
    fn park(&mut self, shadow: &mut Self);

    /// Takes everything since it was armed back, in O(change).
    #[doc(hidden)]
    fn undo(&mut self, shadow: Self) -> Result<(), Lost>;

    /// The changes are committed: the shadow follows, and recording begins anew.
    #[doc(hidden)]
    fn settle(&mut self, shadow: &mut Self);

    /// The same where nobody needs the shadow any more.
    #[doc(hidden)]
    fn release(&mut self, mut shadow: Self) {
        self.settle(&mut shadow);
    }

    /// Applies an op. `at` is the number of steps of its path that led here.
    #[doc(hidden)]
    fn apply(&mut self, op: &Op<'_>, at: usize, applied: &mut Applied) -> Result<(), ApplyError>;

    /// Becomes another value, touching what differs. Says whether anything does.
    #[doc(hidden)]
    fn patch(&mut self, new: Self, applied: &mut Applied) -> bool;

    /// Whether both have the same content.
    #[doc(hidden)]
    fn same(&self, other: &Self) -> bool;

    /// Writes what one of the two may see.
    #[doc(hidden)]
    fn write<S: Serializer>(&self, visibility: Visibility, to: S) -> Result<S::Ok, S::Error>;

    /// Reads what `write` wrote. Missing fields have their default, unknown ones are skipped.
    #[doc(hidden)]
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// The types that were looked into: one may hold itself, in a list.
#[derive(Debug, Default)]
pub struct Seen(Vec<TypeId>);

/// A node that records what is done inside of it.
pub trait Tracked: Node {}

/// Plain data: compared with a copy, and sent whole. Its `==` says what is a change: of two values
/// that are equal to it, pages may go on to show the older one. Of numbers on their own, in an
/// `Option` or in a `Vec`, `0.0` and `-0.0` are two all the same.
pub trait Plain: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T> Plain for T where T: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{}

/// The undo log left the state with the collection it belongs to. The state is then read anew
/// from the last snapshot and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl Seen {
    /// Whether a type was not looked into yet. It is then.
    #[doc(hidden)]
    pub fn is_new<T: 'static>(&mut self) -> bool {
        let is_new = !self.0.contains(&TypeId::of::<T>());
        if is_new {
            self.0.push(TypeId::of::<T>());
        }
        is_new
    }
}

// === Plain data as nodes ===

/// Whether two values are one, as their type sees it; but for zeros, which `==` takes for each other
/// and which are written differently.
fn alike<T: PartialEq + 'static>(a: &T, b: &T) -> bool {
    a == b
        && zeros_alike::<T, f64>(a, b, |number| number.is_sign_negative())
        && zeros_alike::<T, f32>(a, b, |number| number.is_sign_negative())
}

/// Of a type that is not made of `F` it is decided as it is compiled.
fn zeros_alike<T: 'static, F: 'static>(a: &T, b: &T, sign: impl Fn(&F) -> bool) -> bool {
    let (a, b): (&dyn Any, &dyn Any) = (a, b);
    if let (Some(a), Some(b)) = (a.downcast_ref::<F>(), b.downcast_ref::<F>()) {
        sign(a) == sign(b)
    } else if let (Some(a), Some(b)) =
        (a.downcast_ref::<Option<F>>(), b.downcast_ref::<Option<F>>())
    {
        a.as_ref().map(&sign) == b.as_ref().map(&sign)
    } else if let (Some(a), Some(b)) = (a.downcast_ref::<Vec<F>>(), b.downcast_ref::<Vec<F>>()) {
        a.iter().map(&sign).eq(b.iter().map(&sign))
    } else {
        true
    }
}

#[diagnostic::do_not_recommend]
impl<T: Plain> Node for T {
    fn has_server() -> bool {
        false
    }

    fn holds_server(_: &mut Seen) -> bool {
        false
    }

    fn arm(&mut self) -> Self {
        self.clone()
    }

    fn record(&mut self, shadow: &Self, out: &mut Out<'_>) -> Result<(), RecordError> {
        if alike(self, shadow) {
            Ok(())
        } else {
            out.set_plain(self)
        }
    }

    fn park(&mut self, _: &mut Self) {}

    fn undo(&mut self, shadow: Self) -> Result<(), Lost> {
        *self = shadow;
        Ok(())
    }

    fn settle(&mut self, shadow: &mut Self) {
        if !alike(self, shadow) {
            *shadow = self.clone();
        }
    }

    fn release(&mut self, _: Self) {}

    fn apply(&mut self, op: &Op<'_>, at: usize, applied: &mut Applied) -> Result<(), ApplyError> {
        match (op.code, op.path.get(at..)) {
            (Code::Set, Some([])) => {
                *self = op.arg(0)?;
                applied.touch();
                Ok(())
            }
            _ => Err(op.unfit("plain data can only be set whole")),
        }
    }

    fn patch(&mut self, new: Self, applied: &mut Applied) -> bool {
        let differs = !alike(self, &new);
        *self = new;
        if differs {
            applied.touch();
        }
        differs
    }

    fn same(&self, other: &Self) -> bool {
        alike(self, other)
    }

    fn write<S: Serializer>(&self, _: Visibility, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from)
    }
}

// === Nodes and serde ===

/// Serialises a node, as far as somebody may see it.
#[derive(Debug)]
pub struct Write<'a, T>(pub &'a T, pub Visibility);

/// Deserialises a node.
pub struct Read<T>(PhantomData<fn() -> T>);

impl<T: Node> Serialize for Write<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(self.1, serializer)
    }
}

impl<T> Read<T> {
    /// Reads a `T`.
    #[expect(
        clippy::new_without_default,
        reason = "a seed is made where it is used"
    )]
    pub const fn new() -> Self {
        Read(PhantomData)
    }
}

impl<T: Node> Read<T> {
    /// Reads JSON text.
    pub(super) fn from_json(json: &str) -> Result<T, ApplyError> {
        let mut from = serde_json::Deserializer::from_str(json);
        let value = T::read(&mut from)?;
        from.end()?;
        Ok(value)
    }
}

impl<'de, T: Node> DeserializeSeed<'de> for Read<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

impl<T> fmt::Debug for Read<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Read")
    }
}
