//! Two events of one path: the server does not start, and names it.

#![cfg(feature = "ssr")]

use leptos::config::LeptosOptions;
use undercurrent::{
    Undercurrent,
    prelude::*,
    server::{Config, StoreKind},
};

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

mod one {
    use super::*;

    #[event]
    pub fn clear(feed: &mut Feed) {
        feed.posts.clear();
    }
}

mod other {
    use super::*;

    #[event]
    pub fn clear(feed: &mut Feed) {
        feed.posts.pop();
    }
}

#[test]
fn two_events_of_one_path_are_refused() {
    let options = LeptosOptions::builder().output_name("trial").build();
    let config = Config {
        store: StoreKind::Memory,
        ..Config::default()
    };
    let built = Undercurrent::with(options, config).build();
    let error = built.expect_err("it does not start").to_string();
    assert!(error.contains("/api/feed/clear"), "{error}");
    // Both are there, under their own paths.
    let _ = (one::clear(), other::clear());
}
