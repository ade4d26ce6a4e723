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
    /// Something of what was written has no place in the type as it is now. It is kept.
    pub(crate) has_more: bool,
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
        let whole = to_json_with_server(&value).map_err(|error| error.to_string())?;
        let written = match has_more_than::<S>(&whole, snapshot, &since) {
            false => None,
            // At the base, which is the value itself where entries don't lead there.
            true if fits => with_more(&base, as_written::<S>(snapshot, &[])?),
            true => with_more(&value, as_written::<S>(snapshot, &since)?),
        };
        Ok::<_, String>((base, value, fits, whole, written))
    }));
    let (base, value, fits, whole, written) = match read {
        Ok(read) => read?,
        Err(panic) => {
            super::forget_panic(panic);
            return Err("reading it panicked".to_owned());
        }
    };
    let anew = match (&written, fits) {
        (_, true) => None,
        (Some(written), false) => Some(written.to_string()),
        (None, false) => Some(whole),
    };
    Ok(RestoredCell {
        has_more: written.is_some(),
        cell: Box::new(Cell::of_read(base, value, fits.then_some(since), written)),
        fits,
        anew,
    })
}

/// A newer build may have written what this one does not know.
fn has_more_than<S: State>(read: &str, snapshot: Option<&str>, since: &[Arc<Entry>]) -> bool {
    // Mostly it is what was written, byte by byte, and nothing is to be compared.
    if since.is_empty() && snapshot.is_none_or(|json| json == read) {
        return false;
    }
    match (as_written::<S>(snapshot, since), serde_json::from_str(read)) {
        (Ok(written), Ok(read)) => has_more(&written, &read),
        _ => false,
    }
}

/// A value as JSON, with what else was written of it. `None` where that can't be read as this value
/// any more: then it was understood under another name, or can't be kept.
fn with_more<S: State>(value: &S, written: Value) -> Option<Value> {
    let as_json = |value: &S| -> Option<Value> {
        let json = to_json_with_server(value).ok()?;
        serde_json::from_str(&json).ok()
    };
    let own = as_json(value)?;
    let mut more = own.clone();
    add_missing(&mut more, written);
    let read: Option<S> = from_json(&more.to_string()).ok();
    let is_same = read.and_then(|read| as_json(&read)) == Some(own);
    if !is_same {
        tracing::warn!(
            state = S::NAME,
            "a state was written with names that this build does not write"
        );
    }
    is_same.then_some(more)
}

/// Adds the fields that are in another value alone.
fn add_missing(to: &mut Value, from: Value) {
    match (to, from) {
        (Value::Object(to), Value::Object(from)) => {
            for (name, from) in from {
                match to.get_mut(&name) {
                    Some(to) => add_missing(to, from),
                    None => drop(to.insert(name, from)),
                }
            }
        }
        (Value::Array(to), Value::Array(from)) if to.len() == from.len() => {
            let pairs = to.iter_mut().zip(from);
            pairs.for_each(|(to, from)| add_missing(to, from));
        }
        _ => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        core::{
            frame::write_state_event,
            position::{Epoch, Position},
        },
        prelude::*,
    };
    use std::convert::Infallible;

    #[derive(State, Clone, Debug, Default)]
    struct Shelf {
        books: List<Book>,
        /// Not there yet in the build that has written.
        tags: List<String>,
        size: u32,
    }

    #[derive(State, Clone, Debug, Default)]
    struct Book {
        title: String,
        pages: u32,
    }

    /// Changes it as an update does, and gives it back as the store would get it.
    fn changed(cell: &mut Box<dyn AnyCell>, change: impl FnOnce(&mut Shelf)) -> Value {
        let typed = cell.as_any().downcast_mut::<Cell<Shelf>>();
        let changed = typed.expect("it is one").change(usize::MAX, |shelf| {
            change(shelf);
            Ok::<(), Infallible>(())
        });
        let recorded = changed.ok().and_then(|(_, recorded)| recorded);
        let ops = recorded.expect("it has changed").ops;
        let at = Position::new(Epoch::from_random(7), 1);
        let event = write_state_event("s", at, "shelf", Some(0), &ops);
        let entry = Entry {
            state: 0,
            since: 0,
            offset: 1,
            ops: crate::server::writing::ops_range(&event, &ops),
            event,
            server_ops: None,
        };
        cell.committed(Arc::new(entry), None);
        serde_json::from_str(&cell.whole().expect("it is written")).expect("it is JSON")
    }

    #[test]
    fn what_this_build_does_not_know_goes_where_what_it_is_beside_goes() {
        let newer = r#"{"books":[{"title":"A","pages":1,"read":true},{"title":"B","pages":2,"read":false}],
            "size":1,"owner":{"name":"Ada"}}"#;
        let mut read = restored::<Shelf>(Some(newer), Vec::new()).expect("it is read");
        assert!(read.fits && read.has_more);
        let json = changed(&mut read.cell, |shelf| {
            shelf.books.remove(1);
            shelf.books.insert(
                0,
                Book {
                    title: "C".into(),
                    pages: 3,
                },
            );
            shelf.books[1].title = "AA".into();
            shelf.tags.push("new".into());
        });
        let expected = serde_json::json!({
            "books": [{ "title": "C", "pages": 3 }, { "title": "AA", "pages": 1, "read": true }],
            "tags": ["new"], "size": 1, "owner": { "name": "Ada" },
        });
        assert_eq!(json, expected);
        let json = changed(&mut read.cell, |shelf| *shelf = Shelf::default());
        let expected = serde_json::json!({
            "books": [], "tags": [], "size": 0, "owner": { "name": "Ada" },
        });
        assert_eq!(json, expected);
        let own = r#"{"books":[],"tags":[],"size":1}"#;
        let read = restored::<Shelf>(Some(own), Vec::new()).expect("it is read");
        assert!(read.fits && !read.has_more, "it knows all of it");
    }
}
