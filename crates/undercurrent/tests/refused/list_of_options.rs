//! An `Option` of recorded content as an item.
//~ cannot be a field of a state, nor an item of a `List`, nor a value of a `Map`
//~ an `Option` of such is a field, but no item and no value
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Shop {
    pub texts: List<Option<Text>>,
}

fn main() {}
