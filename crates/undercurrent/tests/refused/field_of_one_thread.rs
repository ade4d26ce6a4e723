//! A state crosses threads.
//~ E0277
//~ cannot be sent between threads safely
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Shop {
    pub name: std::rc::Rc<u32>,
}

fn main() {}
