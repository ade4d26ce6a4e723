//! Words that mean nothing.

use crate::dice::roll;

const WORDS: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor \
    incididunt ut labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation \
    ullamco laboris nisi aliquip ex ea commodo consequat duis aute irure in reprehenderit voluptate \
    velit esse cillum eu fugiat nulla pariatur excepteur sint occaecat cupidatat non proident sunt \
    culpa qui officia deserunt mollit anim id est laborum";

/// Three of them, each followed by a space.
pub fn three() -> String {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let last = words.len() as i32 - 1;
    let word = |_| format!("{} ", words[roll(0, last) as usize]);
    (0..3).map(word).collect()
}
