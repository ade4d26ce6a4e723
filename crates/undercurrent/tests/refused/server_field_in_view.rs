//! A server-only field has no signal.
//~ E0599
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
    #[state(server)]
    cursor: u32,
}

fn main() {
    let _ = use_state::<Feed>().cursor();
}
