//! Rooms: names, the door, what is shared.

use gallery::room::{
    door::{is_locked, opens, person_name, room_name, title},
    state::*,
};

/// What the rule says to a key: it goes by nothing else.
fn joins(key: &str) -> bool {
    opens(key).is_ok()
}

#[test]
fn a_room_opens_by_its_passphrase_alone() {
    let open = room_name("Tea Room", " ").unwrap();
    assert_eq!((open.as_str(), is_locked(&open)), ("tea-room", false));
    assert!(joins("tea-room"));
    assert!(!joins("tea-room:guess"), "it has none");
    let locked = room_name("Tea", "open sesame").unwrap();
    assert!(is_locked(&locked) && title(&locked) == "tea", "{locked}");
    assert!(joins(&format!("{locked}:open sesame")));
    for wrong in ["open sesam", "Open sesame", "", ":open sesame"] {
        assert!(!joins(&format!("{locked}:{wrong}")), "{wrong:?}");
    }
    assert!(!joins(&locked), "without a passphrase");
}

#[test]
fn names_of_rooms_are_plain() {
    for bad in [
        "",
        "a/b",
        "ä",
        "a~b",
        "a:b",
        "A",
        "tea~123",
        "tea~123g",
        "<b>",
        &"a".repeat(25),
    ] {
        assert!(!joins(bad), "{bad:?}");
    }
    assert!(joins(&"a".repeat(24)));
}

#[test]
fn names_of_people_can_be_seen() {
    assert_eq!(person_name("  Ada \t Lovelace ").unwrap(), "Ada Lovelace");
    for good in [
        "<script>alert(1)</script>",
        "שלום",
        "日本語",
        "🐟",
        "O'Hara & \"co\"",
    ] {
        let long = good.chars().count() > 24;
        assert_eq!(person_name(good).is_err(), long, "{good}");
    }
    for bad in [
        "",
        "   ",
        "a\u{202e}b",
        "\u{200b}",
        "a\u{0}b",
        "a\u{2066}b",
        "\u{3164}",
        &"a".repeat(25),
    ] {
        assert!(person_name(bad).is_err(), "{bad:?}");
    }
}

fn room(people: &[&str]) -> Room {
    let mut room = Room::default();
    for name in people {
        room.admit(format!("id-{name}"), (*name).to_owned())
            .unwrap();
    }
    room
}

#[test]
fn two_of_a_name_are_not_let_in() {
    let mut room = room(&["Ada", "Bob"]);
    assert!(room.admit("id-x".to_owned(), "ADA".to_owned()).is_err());
    room.admit("id-Ada".to_owned(), "ada".to_owned()).unwrap();
    room.admit("id-x".to_owned(), "Cleo".to_owned()).unwrap();
    assert_eq!(room.members.len(), 3);
}

#[test]
fn a_vote_counts_once_and_can_be_changed_and_taken_back() {
    let mut room = room(&["Ada", "Bob"]);
    let count = |room: &Room, choice: u32| room.votes.get(&choice).copied().unwrap_or(0);
    room.vote("id-Ada", 1).unwrap();
    room.vote("id-Bob", 1).unwrap();
    assert_eq!(count(&room, 1), 2);
    room.vote("id-Ada", 2).unwrap();
    assert_eq!((count(&room, 1), count(&room, 2)), (1, 1));
    room.vote("id-Ada", 2).unwrap();
    assert_eq!(count(&room, 2), 0);
    assert!(room.vote("id-nobody", 1).is_err());
    assert!(room.vote("id-Bob", CHOICES.len() as u32).is_err());
}

#[test]
fn the_chat_keeps_the_last_lines_of_those_who_are_in() {
    let mut room = room(&["Ada"]);
    for n in 0..LINES + 5 {
        room.say("id-Ada", &format!("line {n}")).unwrap();
    }
    assert_eq!(room.lines.len(), LINES);
    assert_eq!(room.lines.first().unwrap().text, "line 5");
    assert!(room.say("id-nobody", "x").is_err());
    assert!(room.say("id-Ada", "  ").is_err());
    assert!(room.say("id-Ada", &"x".repeat(LINE + 1)).is_err());
}

#[test]
fn a_full_room_forgets_who_is_away_and_their_vote() {
    let names: Vec<String> = (0..MEMBERS).map(|n| format!("p{n:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut room = room(&names);
    let mut here: Vec<String> = names.iter().map(|name| format!("id-{name}")).collect();
    here.sort();
    room.vote("id-p0007", 0).unwrap();
    room.note_present(&here);
    assert!(room.admit("id-new".to_owned(), "New".to_owned()).is_err());
    here.retain(|id| id != "id-p0007");
    room.note_present(&here);
    room.admit("id-new".to_owned(), "New".to_owned()).unwrap();
    assert!(room.members.get(&"id-p0007".to_owned()).is_none());
    assert_eq!(room.votes.get(&0), Some(&0));
}
