//! Ops on plain JSON, for who knows nothing of the types: a store that reads what another build
//! wrote, and the model of a client in another language.

use super::ops::{ApplyError, Code, Op, Step};
use serde_json::Value;

/// Applies a list of ops to a state as JSON. Says the same as applying them to the typed state.
///
/// # Errors
///
/// The ops do not fit. The value may be half changed then.
///
/// ```
/// use undercurrent::core::untyped::apply_json;
///
/// let mut feed = serde_json::json!({ "posts": ["a"], "summary": "So" });
/// apply_json(&mut feed, r#"[["+","posts","b","c"],["+","summary"," far"]]"#).unwrap();
/// assert_eq!(feed, serde_json::json!({ "posts": ["a", "b", "c"], "summary": "So far" }));
/// ```
pub fn apply_json(state: &mut Value, ops: &str) -> Result<(), ApplyError> {
    Op::parse_all(ops)?
        .iter()
        .try_for_each(|op| apply(state, op))
}

fn apply(state: &mut Value, op: &Op<'_>) -> Result<(), ApplyError> {
    let Some((last, ahead)) = op.path.split_last() else {
        return Err(op.unfit("a path is not empty"));
    };
    let parent = ahead.iter().try_fold(state, step_into);
    let parent = parent.ok_or_else(|| op.unfit("the path leads nowhere"))?;
    // Two ops are about a key that may be missing, or is to be.
    match (op.code, last, &mut *parent) {
        (Code::Set, Step::Name(key), Value::Object(object)) => {
            object.insert(key.clone().into_owned(), op.arg(0)?);
            return Ok(());
        }
        (Code::Remove, Step::Name(key), Value::Object(object)) if op.args.is_empty() => {
            let gone = object.remove(&**key);
            return gone
                .map(drop)
                .ok_or_else(|| op.unfit("there is no such key"));
        }
        _ => {}
    }
    let place = step_into(parent, last).ok_or_else(|| op.unfit("the path leads nowhere"))?;
    match (op.code, place) {
        (Code::Set, place) => *place = op.arg(0)?,
        (_, Value::Array(items)) => apply_to_list(items, op)?,
        (_, Value::String(text)) => apply_to_text(text, op)?,
        _ => return Err(op.unfit("only lists and texts can do this")),
    }
    Ok(())
}

fn step_into<'v>(value: &'v mut Value, step: &Step<'_>) -> Option<&'v mut Value> {
    match (step, value) {
        (Step::Index(index), Value::Array(items)) => items.get_mut(*index),
        (Step::Name(name), Value::Object(object)) => object.get_mut(&**name),
        _ => None,
    }
}

fn apply_to_list(items: &mut Vec<Value>, op: &Op<'_>) -> Result<(), ApplyError> {
    let len = items.len();
    match op.code {
        Code::Append => items.extend(op.args_from(0)?),
        Code::Insert => {
            let index: usize = op.arg(0)?;
            if index > len {
                return Err(op.unfit("the index is beyond the list"));
            }
            items.splice(index..index, op.args_from(1)?);
        }
        Code::Remove => {
            for (index, count) in op.removals(len)? {
                items.drain(index..index + count);
            }
        }
        Code::Move => {
            let (from, to) = op.two_indices(len)?;
            let item = items.remove(from);
            items.insert(to, item);
        }
        Code::Swap => {
            let (a, b) = op.two_indices(len)?;
            items.swap(a, b);
        }
        Code::Order => {
            let (start, order) = op.order(len)?;
            let old = items[start..start + order.len()].to_vec();
            for (place, from) in items[start..].iter_mut().zip(order) {
                *place = old[from as usize].clone();
            }
        }
        Code::Set => {}
    }
    Ok(())
}

fn apply_to_text(text: &mut String, op: &Op<'_>) -> Result<(), ApplyError> {
    let no_place = || op.unfit("the place is not between two characters");
    match op.code {
        Code::Append => text.push_str(&op.arg::<String>(0)?),
        Code::Insert => {
            let (index, more): (usize, String) = (op.arg(0)?, op.arg(1)?);
            if !text.is_char_boundary(index) {
                return Err(no_place());
            }
            text.insert_str(index, &more);
        }
        Code::Remove => {
            for (index, count) in op.removals(text.len())? {
                let range = index..index + count;
                text.get(range.clone()).ok_or_else(no_place)?;
                text.replace_range(range, "");
            }
        }
        _ => return Err(op.unfit("a text can't do this")),
    }
    Ok(())
}
