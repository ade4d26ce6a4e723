//! What a person may be called.

use crate::{NAME, Refusal};

/// So many marks stand on one letter: more than any language writes.
const MARKS: usize = 3;

/// What keyboards put between letters and pictures to join them: two names that differ in it alone
/// look the same, and it is left out.
const JOINERS: [char; 3] = ['\u{200c}', '\u{200d}', '\u{fe0f}'];

/// A person's name as all others see it. What could hide or turn letters around is refused, and so
/// are marks in heaps.
pub fn person_name(name: &str) -> Result<String, Refusal> {
    let name = name.replace(JOINERS, "");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let letters: Vec<char> = name.chars().collect();
    let is_long = letters.len() > NAME;
    if name.is_empty() || is_long || name.chars().any(is_odd) || has_heaps(&name) {
        return Err(Refusal::Person);
    }
    Ok(name)
}

/// Whether marks stand in heaps in a text: they cover the lines above and below.
pub fn has_heaps(text: &str) -> bool {
    text.split(|letter| !is_mark(letter))
        .any(|marks| marks.chars().count() > MARKS)
}

/// It is not seen, or turns around what stands behind it.
fn is_odd(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Stands on another letter, in scripts where one can go on for ever.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}
