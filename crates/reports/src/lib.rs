//! What the gallery's report says: where its products are, its words and its table, computed from
//! what is known of a shop's products. It knows nothing of pages, states and tasks.

mod csv;
mod stage;
mod words;

pub use csv::csv;
pub use stage::{Counts, Run, Stage};
pub use words::{TITLES, euros, go_on, markdown, next_piece, sections};

/// With a comma between thousands.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
