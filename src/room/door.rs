//! The door of a room: names of rooms and people, passphrases, and the rule that refuses.
//!
//! A room with a passphrase carries a number of it in its name: `tea~1f3a`. The key of its
//! scope is `tea~1f3a:open sesame`, and the rule lets in whose passphrase makes that number. So
//! the server keeps no list of rooms, and whoever finds another passphrase of the same number
//! stands in another room: the scope is called by the passphrase itself.

use undercurrent::prelude::*;

/// The longest name of a room or a person, in characters.
pub const NAME: usize = 24;
/// The longest passphrase, in characters. With a room's name it fits into a key, whatever its script.
pub const PASSPHRASE: usize = 24;
/// So many rooms a visitor's session remembers. The oldest goes.
pub const ROOMS: usize = 12;

/// What a visitor's session knows of rooms.
#[derive(State, Clone, Debug, Default)]
pub struct Rooms {
    /// How the visitor is called, in all of them.
    pub name: String,
    /// The number by which rooms know the visitor.
    pub me: String,
    /// Rooms that were entered, with their keys; the newest last.
    pub entered: List<Entered>,
}

/// A room that was entered.
#[derive(State, Clone, Debug, Default)]
pub struct Entered {
    /// As its address says.
    pub room: String,
    /// The key of its scope.
    pub key: String,
}

/// The rule of rooms: who knows the passphrase may join, whoever they are.
pub fn may_join(_visitor: &Visitor, key: &str) -> Result<(), ForVisitor> {
    opens(key)
}

/// Whether a key opens its room.
pub fn opens(key: &str) -> Result<(), ForVisitor> {
    let (room, passphrase) = match key.split_once(':') {
        Some((room, passphrase)) => (room, Some(passphrase)),
        None => (key, None),
    };
    check_room(room)?;
    check_passphrase(passphrase.unwrap_or_default())?;
    match (number_of(room), passphrase) {
        (None, None) => Ok(()),
        (Some(number), Some(passphrase)) if number == number_for(passphrase) => Ok(()),
        (Some(_), _) => Err(ForVisitor::new("That is not the passphrase of this room.")),
        (None, Some(_)) => Err(ForVisitor::new("This room has no passphrase.")),
    }
}

/// The name of a room with a passphrase, or of one without.
pub fn room_name(name: &str, passphrase: &str) -> Result<String, ForVisitor> {
    let name = name.trim().to_lowercase().replace(' ', "-");
    let room = match passphrase.trim() {
        "" => name,
        passphrase => format!("{name}~{}", number_for(passphrase)),
    };
    check_room(&room)?;
    check_passphrase(passphrase.trim())?;
    Ok(room)
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

fn check_room(room: &str) -> Result<(), ForVisitor> {
    let (name, number) = match room.split_once('~') {
        Some((name, number)) => (name, Some(number)),
        None => (room, None),
    };
    let is_plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_number =
        |number: &str| number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    if name.is_empty()
        || name.len() > NAME
        || !name.chars().all(is_plain)
        || !number.is_none_or(is_number)
    {
        let why = format!("A room's name has 1 to {NAME} letters from a to z, digits and dashes.");
        return Err(ForVisitor::new(why));
    }
    Ok(())
}

fn check_passphrase(passphrase: &str) -> Result<(), ForVisitor> {
    if passphrase.chars().count() > PASSPHRASE {
        let why = format!("A passphrase has at most {PASSPHRASE} characters.");
        return Err(ForVisitor::new(why));
    }
    Ok(())
}

/// A person's name as all others see it. What could hide or turn letters around is refused, and so
/// are marks in heaps, which cover the lines above and below.
pub fn person_name(name: &str) -> Result<String, ForVisitor> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    let letters: Vec<char> = name.chars().collect();
    let is_heap = letters
        .split(|letter| !is_mark(*letter))
        .any(|marks| marks.len() > MARKS);
    if name.is_empty() || letters.len() > NAME || name.chars().any(is_odd) || is_heap {
        let why = format!("A name has 1 to {NAME} characters that can be seen.");
        return Err(ForVisitor::new(why));
    }
    Ok(name)
}

/// So many marks stand on one letter: more than any language writes.
const MARKS: usize = 3;

/// Stands on another letter, in scripts where one can go on for ever.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

impl Rooms {
    /// The key of a room that was entered.
    pub fn key_of(entered: &List<Entered>, room: &str) -> Option<String> {
        let mut entered = entered.iter();
        entered
            .find(|one| one.room == room)
            .map(|one| one.key.clone())
    }

    /// Notes a room that was entered, as the newest.
    pub fn enter(&mut self, room: String, key: String) {
        self.entered.retain(|one| one.room != room);
        self.entered.push(Entered { room, key });
        if self.entered.len() > ROOMS {
            self.entered.remove(0);
        }
    }
}

/// Goes into a room: by its rule, and under a name.
#[event]
pub async fn enter(
    cx: EventContext<Rooms>,
    room: String,
    name: String,
    passphrase: String,
) -> Result<()> {
    use super::state::{Room, admit};
    let name = person_name(&name)?;
    let key = match is_locked(&room) {
        true => format!("{room}:{}", passphrase.trim()),
        false => room.clone(),
    };
    opens(&key)?;
    let (me, shared) = (cx.visitor().id(), cx.keyed::<Room>(&key));
    shared.read(|room| room.check_name(&me, &name)).await??;
    shared.dispatch(admit(me.clone(), name.clone())).await?;
    // The door is open a moment after it was asked for. The page must not come before.
    let is_in = |room: &Room| {
        room.members
            .get(&me)
            .filter(|member| member.name == name)
            .map(drop)
    };
    let admitted = shared.until_within(Millis(2_000), is_in).await?;
    admitted.ok_or(ForVisitor::new("The room did not let you in. Try again."))?;
    cx.update(|rooms| {
        (rooms.name, rooms.me) = (name, me);
        rooms.enter(room, key);
    })
    .await?;
    Ok(())
}

/// Makes the name of a room, and leads there. Nothing is kept of it: a room comes into being with
/// the first who enters.
#[event]
pub async fn open_room(
    cx: EventContext<Rooms>,
    room: String,
    name: String,
    passphrase: String,
) -> Result<()> {
    let room = room_name(&room, &passphrase)?;
    // As who comes by the address does.
    cx.dispatch(enter(room.clone(), name, passphrase));
    cx.page().go_to(format!("/room/{room}")).await?;
    Ok(())
}

/// Forgets a room that was entered. Its others see who left as away.
#[event]
pub fn leave(rooms: &mut Rooms, room: String) {
    rooms.entered.retain(|one| one.room != room);
}
