//! A state as a store has it: a snapshot, and the entries since. Where they don't fit the type as it
//! is now, they are applied to the JSON, which knows no types, and read then: what was added since
//! has its default, and what was removed goes.

use super::cell::{AnyCell, Cell};
use crate::core::{
    log::Entry,
    ops::Applied,
    state::{State, apply_ops, from_json, to_json_with_server},
    untyped::apply_json,
};
use serde_json::Value;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The value at the snapshot, the value now, and whether the entries lead from one to the other.
type Read<S> = Result<(S, S, bool), String>;

fn read_typed<S: State>(snapshot: Option<&str>, since: &[Arc<Entry>]) -> Read<S> {
    let base: S = match snapshot {
        Some(json) => from_json(json).map_err(|error| error.0)?,
        None => S::default(),
    };
    let mut value = base.clone();
    for entry in since {
        let mut applied = Applied::default();
        apply_ops(&mut value, entry.all_ops(), &mut applied).map_err(|error| error.0)?;
    }
    Ok((base, value, true))
}

fn read_untyped<S: State>(snapshot: Option<&str>, since: &[Arc<Entry>]) -> Read<S> {
    let value = as_written::<S>(snapshot, since)?;
    let value: S = from_json(&value.to_string()).map_err(|error| error.0)?;
    Ok((value.clone(), value, false))
}

/// The value as whoever wrote it had it, whatever the type is now.
fn as_written<S: State>(snapshot: Option<&str>, since: &[Arc<Entry>]) -> Result<Value, String> {
    let json = match snapshot {
        Some(json) => json.to_owned(),
        None => to_json_with_server(&S::default()).map_err(|error| error.to_string())?,
    };
    let mut value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    for entry in since {
        apply_json(&mut value, entry.all_ops()).map_err(|error| error.0)?;
    }
    Ok(value)
}

/// A state that was read.
pub(crate) struct RestoredCell {
    pub(crate) cell: Box<dyn AnyCell>,
    /// It is what was written.
    pub(crate) fits: bool,
    /// Something of what was written has no place in the type as it is now.
    pub(crate) loses: bool,
    /// The whole, as JSON, where it was read by other means than it was written.
    pub(crate) anew: Option<String>,
}

/// A state of a store, for who knows its type by name alone.
///
/// # Errors
///
/// The type can't be read from what is there.
pub(crate) fn restored<S: State>(
    snapshot: Option<&str>,
    since: Vec<Arc<Entry>>,
) -> Result<RestoredCell, String> {
    let read = catch_unwind(AssertUnwindSafe(|| {
        let read = read_typed::<S>(snapshot, &since);
        let (base, value, fits) = read.or_else(|_| read_untyped::<S>(snapshot, &since))?;
        let loses = loses(&value, snapshot, &since);
        let anew = match fits {
            true => None,
            false => Some(to_json_with_server(&value).map_err(|error| error.to_string())?),
        };
        Ok::<_, String>((base, value, fits, loses, anew))
    }));
    let (base, value, fits, loses, anew) = match read {
        Ok(read) => read?,
        Err(panic) => {
            super::forget_panic(panic);
            return Err("reading it panicked".to_owned());
        }
    };
    let mut cell = Cell::of_read(base, value, fits.then_some(since));
    if loses {
        cell.write_anew();
    }
    Ok(RestoredCell {
        cell: Box::new(cell),
        fits,
        loses,
        anew,
    })
}

/// A newer build may have written what this one does not know.
fn loses<S: State>(value: &S, snapshot: Option<&str>, since: &[Arc<Entry>]) -> bool {
    let Ok(read) = to_json_with_server(value) else {
        return true;
    };
    // Mostly it is what was written, byte by byte, and nothing is to be compared.
    if since.is_empty() && snapshot.is_none_or(|json| json == read) {
        return false;
    }
    match (
        as_written::<S>(snapshot, since),
        serde_json::from_str(&read),
    ) {
        (Ok(written), Ok(read)) => has_more(&written, &read),
        _ => true,
    }
}

/// Whether there is a field in one that is not in the other.
fn has_more(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => one.iter().any(|(name, one)| {
            let other = other.get(name);
            other.is_none_or(|other| has_more(one, other))
        }),
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() > other.len() || pairs.any(|(one, other)| has_more(one, other))
        }
        (Value::Object(_) | Value::Array(_), _) => true,
        _ => false,
    }
}
