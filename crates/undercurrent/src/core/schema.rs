//! The schema of a state or an event, as a number: page and server of one number read each other.
//!
//! It covers the names and the types of the fields, as they are written, and those of all recorded
//! types inside, and what a state begins with. What plain data is made of it does not see; such data
//! is checked as it is read.

use super::{
    node::{Node, Seen},
    state::{State, to_json},
};

/// Gathers the schema of a type.
#[derive(Debug)]
pub struct Schema {
    hash: u32,
    seen: Seen,
}

impl Schema {
    /// The number of a type.
    pub fn of<T: Node>() -> u32 {
        let mut schema = Schema {
            hash: 0,
            seen: Seen::default(),
        };
        T::schema(&mut schema);
        schema.hash
    }

    /// The number of a state. A page shows the default of a scope that is not there, and goes on from
    /// it with what changes then: page and server must begin with the same.
    pub fn of_state<S: State>() -> u32 {
        // One that can't be written is no default that a page could have been told.
        let begins = to_json(&S::default()).unwrap_or_default();
        // Added up, so that a `HashMap` may write its entries in any order.
        let parts = begins.split(['{', '}', '[', ']', ',']).map(fnv_1a);
        parts.fold(Schema::of::<S>(), u32::wrapping_add)
    }

    /// A derived type begins, with the number of its own names. Says whether to look inside.
    #[doc(hidden)]
    pub fn enter<T: 'static>(&mut self, own: u32) -> bool {
        // The order counts: the same two types in other places are another schema.
        self.hash = (self.hash.rotate_left(5) ^ own).wrapping_mul(0x9e37_79b1);
        self.seen.is_new::<T>()
    }
}

fn fnv_1a(text: &str) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    text.bytes().fold(0x811c_9dc5, step)
}

#[cfg(test)]
mod tests {
    use super::Schema;
    use crate::prelude::*;

    #[derive(State, Clone, Debug, Default)]
    struct Post {
        title: String,
        likes: u32,
    }

    #[derive(State, Clone, Debug, Default)]
    struct Feed {
        posts: List<Post>,
        #[state(server)]
        cursor: u32,
    }

    /// Holds itself, and more than once.
    #[derive(State, Clone, Debug, Default)]
    struct Tree {
        left: List<Tree>,
        right: Map<String, Tree>,
        note: Option<Post>,
    }

    /// The same in other versions of the app.
    mod later {
        use crate::prelude::*;

        pub(super) mod begun_otherwise {
            use super::super::Post;
            use super::*;
            #[derive(State, Clone, Debug)]
            pub(crate) struct Feed {
                pub(crate) posts: List<Post>,
                #[state(server)]
                cursor: u32,
            }

            impl Default for Feed {
                fn default() -> Self {
                    let post = Post {
                        title: "Welcome".into(),
                        likes: 0,
                    };
                    Feed {
                        posts: [post].into_iter().collect(),
                        cursor: 0,
                    }
                }
            }
        }

        pub(super) mod renamed {
            use super::*;
            #[derive(State, Clone, Debug, Default)]
            pub(crate) struct Post {
                pub(crate) name: String,
                pub(crate) likes: u32,
            }
            #[derive(State, Clone, Debug, Default)]
            pub(crate) struct Feed {
                pub(crate) posts: List<Post>,
                #[state(server)]
                cursor: u32,
            }
        }

        pub(super) mod on_the_server {
            use super::super::Post;
            use super::*;
            #[derive(State, Clone, Debug, Default)]
            pub(crate) struct Feed {
                pub(crate) posts: List<Post>,
                #[state(server)]
                another: String,
                #[state(server)]
                cursor: u64,
            }
        }

        pub(super) mod moved {
            use super::super::Post;
            use super::*;
            #[derive(State, Clone, Debug, Default)]
            pub(crate) struct Feed {
                pub(crate) posts: Map<u32, Post>,
                #[state(server)]
                cursor: u32,
            }
        }
    }

    #[test]
    fn what_pages_see_makes_the_schema() {
        let now = Schema::of::<Feed>();
        assert_eq!(now, Schema::of::<Feed>());
        assert_eq!(now, Schema::of::<later::on_the_server::Feed>());
        assert_ne!(now, Schema::of::<later::renamed::Feed>());
        assert_ne!(now, Schema::of::<later::moved::Feed>());
        assert_ne!(now, Schema::of::<Post>());
    }

    #[test]
    fn what_a_state_begins_with_counts() {
        let otherwise = Schema::of_state::<later::begun_otherwise::Feed>();
        assert_eq!(
            Schema::of::<Feed>(),
            Schema::of::<later::begun_otherwise::Feed>()
        );
        assert_ne!(Schema::of_state::<Feed>(), otherwise);
        assert_eq!(
            otherwise,
            Schema::of_state::<later::begun_otherwise::Feed>()
        );
    }

    #[test]
    fn a_type_that_holds_itself_has_one_too() {
        assert_ne!(Schema::of::<Tree>(), 0);
        assert_eq!(Schema::of::<Tree>(), Schema::of::<Tree>());
    }
}
