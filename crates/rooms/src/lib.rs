//! The door of a room: names of rooms and people, passphrases, and the rule that refuses. It knows
//! nothing of pages and states.
//!
//! A room with a passphrase carries a number of it in its name: `tea~1f3a`. The key of its
//! scope is `tea~1f3a:open sesame`, and the rule lets in whose passphrase makes that number. So
//! the server keeps no list of rooms, and whoever finds another passphrase of the same number
//! stands in another room: the scope is called by the passphrase itself.

mod person;

pub use person::{has_heaps, person_name};

use std::fmt;

/// The longest name of a room or a person, in characters.
pub const NAME: usize = 24;
/// The longest passphrase, in characters. With a room's name it fits into a key, whatever its script.
pub const PASSPHRASE: usize = 24;

/// Why the door stays closed: each a sentence for whoever stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No room can be called so.
    Room,
    /// Nobody can be called so.
    Person,
    /// The passphrase is too long.
    LongPassphrase,
    /// It is another.
    OtherPassphrase,
    /// There is none.
    NoPassphrase,
}

/// Whether a key opens its room.
pub fn opens(key: &str) -> Result<(), Refusal> {
    let (room, passphrase) = match key.split_once(':') {
        Some((room, passphrase)) => (room, Some(passphrase)),
        None => (key, None),
    };
    check_room(room)?;
    check_passphrase(passphrase.unwrap_or_default())?;
    match (number_of(room), passphrase) {
        (None, None) => Ok(()),
        (Some(number), Some(passphrase)) if number == number_for(passphrase) => Ok(()),
        (Some(_), _) => Err(Refusal::OtherPassphrase),
        (None, Some(_)) => Err(Refusal::NoPassphrase),
    }
}

/// The name of a room with a passphrase, or of one without.
pub fn room_name(name: &str, passphrase: &str) -> Result<String, Refusal> {
    let name = name.trim().to_lowercase().replace(' ', "-");
    let room = match passphrase.trim() {
        "" => name,
        passphrase => format!("{name}~{}", number_for(passphrase)),
    };
    check_room(&room)?;
    check_passphrase(passphrase.trim())?;
    Ok(room)
}

/// The key by which a room is entered, if the passphrase is its own.
pub fn key_for(room: &str, passphrase: &str) -> Result<String, Refusal> {
    let key = match is_locked(room) {
        true => format!("{room}:{}", passphrase.trim()),
        false => room.to_owned(),
    };
    opens(&key).map(|()| key)
}

/// Whether a room wants a passphrase.
pub fn is_locked(room: &str) -> bool {
    number_of(room).is_some()
}

/// The room's name, as a person reads it.
pub fn title(room: &str) -> &str {
    room.split('~').next().unwrap_or(room)
}

fn number_of(room: &str) -> Option<&str> {
    room.split_once('~').map(|(_, number)| number)
}

/// FNV-1a, spread once more at the end, as neighbouring texts differ in few bits. It tells who has
/// mistyped the passphrase, and guards nothing: so few digits that whoever has the address and
/// tries words finds thousands that make them, and learns which is the right one only here.
fn number_for(passphrase: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = passphrase.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{:04x}", (hash ^ (hash >> 32)) as u16)
}

/// Whether a room can be called so.
pub fn check_room(room: &str) -> Result<(), Refusal> {
    let (name, number) = match room.split_once('~') {
        Some((name, number)) => (name, Some(number)),
        None => (room, None),
    };
    let is_plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_number =
        |number: &str| number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_good = !name.is_empty()
        && name.len() <= NAME
        && name.chars().all(is_plain)
        && number.is_none_or(is_number);
    is_good.then_some(()).ok_or(Refusal::Room)
}

fn check_passphrase(passphrase: &str) -> Result<(), Refusal> {
    match passphrase.chars().count() <= PASSPHRASE {
        true => Ok(()),
        false => Err(Refusal::LongPassphrase),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Room => write!(
                f,
                "A room's name has 1 to {NAME} letters from a to z, digits and dashes."
            ),
            Refusal::Person => write!(f, "A name has 1 to {NAME} characters that can be seen."),
            Refusal::LongPassphrase => {
                write!(f, "A passphrase has at most {PASSPHRASE} characters.")
            }
            Refusal::OtherPassphrase => f.write_str("That is not the passphrase of this room."),
            Refusal::NoPassphrase => f.write_str("This room has no passphrase."),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}
