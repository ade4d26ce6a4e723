//! Fields of derived structs and enums: a node, or an `Option` of a recorded one.
//!
//! `Option` is serde's where its content is plain, and then the whole of it is plain. Around
//! recorded content it records inside. The derive finds which by the field's type:
//! `(&&Probe::<T>::NEW).kind()` takes `ViaOption` at the first level of autoref where it fits, and
//! `ViaNode` otherwise. The second has no bound, so that a type that fits neither is told so by
//! `Node`, at the field.

use super::{
    node::{Lost, Node, Read, Seen, Tracked, Write},
    ops::{Applied, ApplyError, Code, Op, RecordError, Visibility},
    schema::Schema,
    writer::Out,
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Visitor},
};
use std::{fmt, marker::PhantomData};

#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

/// The field is a node.
#[doc(hidden)]
#[derive(Debug)]
pub struct Own<T>(PhantomData<fn() -> T>);

/// The field is an `Option` of a recorded node.
#[doc(hidden)]
#[derive(Debug)]
pub struct Perhaps<T>(PhantomData<fn() -> T>);

#[doc(hidden)]
pub trait ViaOption<T> {
    fn kind(&self) -> Perhaps<T>;
}

#[doc(hidden)]
pub trait ViaNode<T> {
    fn kind(&self) -> Own<T>;
}

impl<T> Probe<T> {
    pub const NEW: Self = Probe(PhantomData);
}

impl<T: Tracked> ViaOption<T> for &Probe<Option<T>> {
    fn kind(&self) -> Perhaps<T> {
        Perhaps(PhantomData)
    }
}

impl<T> ViaNode<T> for Probe<T> {
    fn kind(&self) -> Own<T> {
        Own(PhantomData)
    }
}

// The methods are called by the derive's code only; each is the field's share of the method of
// the same name in `Node`. The bound stands at each method, so that a type that is no node is told
// so in the words of `Node`.
#[doc(hidden)]
impl<T> Own<T> {
    pub fn holds_server(self, seen: &mut Seen) -> bool
    where
        T: Node,
    {
        T::holds_server(seen)
    }

    pub fn schema(self, schema: &mut Schema)
    where
        T: Node,
    {
        T::schema(schema);
    }

    pub fn arm(self, field: &mut T) -> T
    where
        T: Node,
    {
        field.arm()
    }

    pub fn record(self, field: &mut T, shadow: &T, out: &mut Out<'_>) -> Result<(), RecordError>
    where
        T: Node,
    {
        field.record(shadow, out)
    }

    pub fn park(self, field: &mut T, shadow: &mut T)
    where
        T: Node,
    {
        field.park(shadow);
    }

    pub fn undo(self, field: &mut T, shadow: T) -> Result<(), Lost>
    where
        T: Node,
    {
        field.undo(shadow)
    }

    pub fn settle(self, field: &mut T, shadow: &mut T)
    where
        T: Node,
    {
        field.settle(shadow);
    }

    pub fn apply(
        self,
        field: &mut T,
        op: &Op<'_>,
        at: usize,
        applied: &mut Applied,
    ) -> Result<(), ApplyError>
    where
        T: Node,
    {
        field.apply(op, at, applied)
    }

    pub fn patch(self, field: &mut T, new: T, applied: &mut Applied) -> bool
    where
        T: Node,
    {
        field.patch(new, applied)
    }

    pub fn same(self, field: &T, other: &T) -> bool
    where
        T: Node,
    {
        field.same(other)
    }

    pub fn write(self, field: &T, visibility: Visibility) -> impl Serialize
    where
        T: Node,
    {
        Write(field, visibility)
    }

    pub fn seed(self) -> Read<T>
    where
        T: Node,
    {
        Read::new()
    }
}

#[doc(hidden)]
impl<T: Tracked> Perhaps<T> {
    pub fn holds_server(self, seen: &mut Seen) -> bool {
        T::holds_server(seen)
    }

    pub fn schema(self, schema: &mut Schema) {
        T::schema(schema);
    }

    pub fn arm(self, field: &mut Option<T>) -> Option<T> {
        field.as_mut().map(T::arm)
    }

    pub fn record(
        self,
        field: &mut Option<T>,
        shadow: &Option<T>,
        out: &mut Out<'_>,
    ) -> Result<(), RecordError> {
        match (field, shadow) {
            (Some(field), Some(shadow)) => field.record(shadow, out),
            (None, None) => Ok(()),
            (Some(field), None) => out.set(field),
            (None, Some(_)) => out.op(Code::Set, |out, _| {
                out.extend_from_slice(b"null");
                Ok(0)
            }),
        }
    }

    pub fn park(self, field: &mut Option<T>, shadow: &mut Option<T>) {
        if let (Some(field), Some(shadow)) = (field, shadow) {
            field.park(shadow);
        }
    }

    pub fn undo(self, field: &mut Option<T>, shadow: Option<T>) -> Result<(), Lost> {
        match (field, shadow) {
            (Some(field), Some(shadow)) => field.undo(shadow),
            (None, Some(_)) => Err(Lost),
            (field, None) => {
                *field = None;
                Ok(())
            }
        }
    }

    pub fn settle(self, field: &mut Option<T>, shadow: &mut Option<T>) {
        match (field, shadow) {
            (Some(field), Some(shadow)) => field.settle(shadow),
            (field, shadow) => *shadow = field.as_mut().map(T::arm),
        }
    }

    pub fn apply(
        self,
        field: &mut Option<T>,
        op: &Op<'_>,
        at: usize,
        applied: &mut Applied,
    ) -> Result<(), ApplyError> {
        match (op.code, op.path.get(at..), &mut *field) {
            (Code::Set, Some([]), _) => {
                let mut from = serde_json::Deserializer::from_str(op.raw_arg(0)?);
                let new = ReadOption::<T>(PhantomData).deserialize(&mut from)?;
                self.patch(field, new, applied);
                Ok(())
            }
            (_, _, Some(field)) => field.apply(op, at, applied),
            (_, _, None) => Err(op.unfit("there is nothing at the path")),
        }
    }

    pub fn patch(self, field: &mut Option<T>, new: Option<T>, applied: &mut Applied) -> bool {
        match (&mut *field, new) {
            (Some(field), Some(new)) => field.patch(new, applied),
            (None, None) => false,
            (_, new) => {
                *field = new;
                applied.touch();
                true
            }
        }
    }

    pub fn same(self, field: &Option<T>, other: &Option<T>) -> bool {
        match (field, other) {
            (Some(field), Some(other)) => field.same(other),
            (None, None) => true,
            _ => false,
        }
    }

    pub fn write(self, field: &Option<T>, visibility: Visibility) -> impl Serialize {
        WriteOption(field, visibility)
    }

    pub fn seed(self) -> ReadOption<T> {
        ReadOption(PhantomData)
    }
}

// === Options and serde ===

struct WriteOption<'a, T>(&'a Option<T>, Visibility);

#[doc(hidden)]
#[derive(Debug)]
pub struct ReadOption<T>(PhantomData<fn() -> T>);

impl<T: Node> Serialize for WriteOption<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(value) => serializer.serialize_some(&Write(value, self.1)),
            None => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Node> DeserializeSeed<'de> for ReadOption<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Node> Visitor<'de> for ReadOption<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        T::read(from).map(Some)
    }
}

/// A name of a field or variant as it is read, borrowed where it can be.
#[doc(hidden)]
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Name<'a>(#[serde(borrow)] pub std::borrow::Cow<'a, str>);
