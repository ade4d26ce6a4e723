//! What makes a struct a state.

use super::{
    node::{Node, Read, Tracked, Write},
    ops::{Applied, ApplyError, Code, Op, RecordError, Visibility},
    scope::ScopeKind,
};

/// A state: one plain struct that the server changes and pages follow.
///
/// Made by `#[derive(State, Clone, Debug, Default)]`; see [`State`](macro@crate::State).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no state",
    note = "put `#[derive(State, Clone, Debug, Default)]` on the struct"
)]
pub trait State: Tracked + Default {
    /// The name in paths, in the log and on the wire: the struct's name in snake case.
    const NAME: &'static str;

    /// The names of the fields that pages see, in order; a field's number is its place here.
    const FIELDS: &'static [&'static str];

    /// Who shares it.
    const SCOPE: ScopeKind;
}

/// The state as pages see it, as a JSON object.
///
/// # Errors
///
/// Something in it can't be written as JSON.
pub fn to_json<S: Node>(state: &S) -> Result<String, RecordError> {
    serde_json::to_string(&Write(state, Visibility::Public)).map_err(RecordError::new)
}

/// The state with its server-only fields, as a JSON object. For stores.
///
/// # Errors
///
/// Something in it can't be written as JSON.
pub fn to_json_with_server<S: Node>(state: &S) -> Result<String, RecordError> {
    serde_json::to_string(&Write(state, Visibility::Server)).map_err(RecordError::new)
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
///
/// The text does not fit the type.
pub fn from_json<S: Node>(json: &str) -> Result<S, ApplyError> {
    Read::from_json(json)
}

/// Applies a list of ops.
///
/// # Errors
///
/// The ops do not fit. The state may be half changed then: take a snapshot.
pub fn apply_ops<S: Node>(
    state: &mut S,
    json: &str,
    applied: &mut Applied,
) -> Result<(), ApplyError> {
    Op::parse_all(json)?
        .iter()
        .try_for_each(|op| state.apply(op, 0, applied))
}

/// What is here becomes what the op says, whole: the share of `Node::apply` that derived structs
/// and enums have in common.
#[doc(hidden)]
pub fn set_whole<S: Node>(
    node: &mut S,
    op: &Op<'_>,
    applied: &mut Applied,
    otherwise: &str,
) -> Result<(), ApplyError> {
    if op.code != Code::Set {
        return Err(op.unfit(otherwise));
    }
    let new = from_json(op.raw_arg(0)?)?;
    node.patch(new, applied);
    Ok(())
}
