//! The ops of PROTOCOL.md over plain JSON.

use serde_json::Value;

/// Applies `[code, path, argument, …]`. `None` when it does not fit; what it did until then stays,
/// and the client must begin anew.
pub fn apply(state: &mut Value, op: Vec<Value>) -> Option<()> {
    let mut parts = op.into_iter();
    let (code, path, arguments) = (parts.next()?, parts.next()?, parts.collect::<Vec<_>>());
    match (code.as_str()?, &arguments[..]) {
        ("=", _) => set(state, &path, arguments.into_iter().next()?),
        ("-", []) => remove_key(state, &path),
        (code, _) => match find(state, steps(&path)?)? {
            Value::Array(list) => change_list(list, code, arguments),
            Value::String(text) => change_text(text, code, &arguments),
            _ => None,
        },
    }
}

/// A place: a field, then indices and keys.
fn steps(path: &Value) -> Option<&[Value]> {
    match path {
        Value::Array(steps) if !steps.is_empty() => Some(steps),
        Value::String(_) => Some(std::slice::from_ref(path)),
        _ => None,
    }
}

fn find<'a>(state: &'a mut Value, steps: &[Value]) -> Option<&'a mut Value> {
    steps.iter().try_fold(state, |place, step| match step {
        Value::String(field) => place.get_mut(field),
        step => place.get_mut(index(step)?),
    })
}

/// A key that was not there is there then; an index must be.
fn set(state: &mut Value, path: &Value, value: Value) -> Option<()> {
    let (last, before) = steps(path)?.split_last()?;
    match (find(state, before)?, last) {
        (Value::Object(fields), Value::String(key)) => {
            fields.insert(key.clone(), value);
        }
        (Value::Array(list), at) => *list.get_mut(index(at)?)? = value,
        _ => return None,
    }
    Some(())
}

fn remove_key(state: &mut Value, path: &Value) -> Option<()> {
    let (last, before) = steps(path)?.split_last()?;
    let fields = find(state, before)?.as_object_mut()?;
    fields.remove(last.as_str()?).map(drop)
}

fn change_list(list: &mut Vec<Value>, code: &str, mut arguments: Vec<Value>) -> Option<()> {
    if code == "+" {
        list.extend(arguments);
        return Some(());
    }
    if code == "i" {
        let at = index(arguments.first()?).filter(|at| *at <= list.len())?;
        list.splice(at..at, arguments.drain(1..));
        return Some(());
    }
    let numbers: Vec<usize> = arguments.iter().map(index).collect::<Option<_>>()?;
    match (code, &numbers[..]) {
        ("-", pairs) if pairs.len().is_multiple_of(2) => {
            for pair in pairs.chunks_exact(2) {
                let end = pair[0].checked_add(pair[1]);
                list.drain(pair[0]..end.filter(|end| *end <= list.len())?);
            }
        }
        ("m", &[from, to]) if from.max(to) < list.len() => {
            let item = list.remove(from);
            list.insert(to, item);
        }
        ("s", &[a, b]) if a.max(b) < list.len() => list.swap(a, b),
        ("o", [at, order @ ..]) => {
            let part = list.get_mut(*at..at.checked_add(order.len())?)?;
            let mut old: Vec<Option<Value>> = part.iter_mut().map(|one| Some(one.take())).collect();
            for (place, from) in part.iter_mut().zip(order) {
                *place = old.get_mut(*from)?.take()?;
            }
        }
        _ => return None,
    }
    Some(())
}

fn change_text(text: &mut String, code: &str, arguments: &[Value]) -> Option<()> {
    match (code, arguments) {
        ("+", [more]) => text.push_str(more.as_str()?),
        ("i", [at, more]) => {
            let at = index(at).filter(|at| text.is_char_boundary(*at))?;
            text.insert_str(at, more.as_str()?);
        }
        ("-", pairs) if pairs.len().is_multiple_of(2) => {
            for pair in pairs.chunks_exact(2) {
                let (start, count) = (index(&pair[0])?, index(&pair[1])?);
                let range = start..start.checked_add(count)?;
                text.get(range.clone())?;
                text.replace_range(range, "");
            }
        }
        _ => return None,
    }
    Some(())
}

fn index(value: &Value) -> Option<usize> {
    value.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(mut state: Value, ops: Value, expected: Value) {
        for op in ops.as_array().unwrap() {
            let op = op.as_array().unwrap().clone();
            assert!(apply(&mut state, op.clone()).is_some(), "{op:?}");
        }
        assert_eq!(state, expected);
    }

    #[test]
    fn lists() {
        let ops = json!([["+", "a", 3, 4], ["i", "a", 0, 0], ["-", "a", 1, 1, 1, 1]]);
        check(json!({"a": [1, 2]}), ops, json!({"a": [0, 3, 4]}));
        let ops = json!([["m", "a", 0, 2], ["s", "a", 0, 1], ["o", "a", 1, 1, 0]]);
        check(json!({"a": [0, 3, 4]}), ops, json!({"a": [4, 0, 3]}));
        let ops = json!([["=", ["a", 0], {"b": 1}], ["=", ["a", 0, "b"], 2]]);
        check(json!({"a": [4]}), ops, json!({"a": [{"b": 2}]}));
    }

    #[test]
    fn maps_and_texts() {
        let ops = json!([
            ["=", ["m", "x"], 1],
            ["=", ["m", "y"], 2],
            ["-", ["m", "x"]]
        ]);
        check(json!({"m": {}}), ops, json!({"m": {"y": 2}}));
        let ops = json!([["+", "t", "de"], ["i", "t", 2, "bc"], ["-", "t", 0, 2]]);
        check(json!({"t": "ä"}), ops, json!({"t": "bcde"}));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let state = json!({"a": [1], "t": "ä", "m": {}});
        let ops = json!([
            ["+", "b", 1],
            ["i", "a", 2, 0],
            ["-", "a", 0, 2],
            ["m", "a", 0, 1],
            ["=", ["a", 1], 0],
            ["-", ["m", "x"]],
            ["i", "t", 1, "x"],
            ["-", "t", 0, 1],
            ["o", "a", 0, 0, 0],
            ["?", "a"],
        ]);
        for op in ops.as_array().unwrap() {
            let op = op.as_array().unwrap().clone();
            assert!(apply(&mut state.clone(), op.clone()).is_none(), "{op:?}");
        }
    }
}
