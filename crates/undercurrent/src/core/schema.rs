//! The schema of a state or an event, as a number: page and server of one number read each other.
//!
//! It covers the names and the types of the fields, as they are written, and those of all recorded
//! types inside. What plain data is made of it does not see; such data is checked as it is read.

use super::node::{Node, Seen};

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

    /// A derived type begins, with the number of its own names. Says whether to look inside.
    #[doc(hidden)]
    pub fn enter<T: 'static>(&mut self, own: u32) -> bool {
        // The order counts: the same two types in other places are another schema.
        self.hash = (self.hash.rotate_left(5) ^ own).wrapping_mul(0x9e37_79b1);
        self.seen.is_new::<T>()
    }
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
    fn a_type_that_holds_itself_has_one_too() {
        assert_ne!(Schema::of::<Tree>(), 0);
        assert_eq!(Schema::of::<Tree>(), Schema::of::<Tree>());
    }
}
