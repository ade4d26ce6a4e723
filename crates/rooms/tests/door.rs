//! Names of rooms and people, and the rule of the door.

use rooms::{Refusal, is_locked, key_for, opens, person_name, room_name, title};

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
fn what_is_said_before_a_closed_door_tells_why() {
    let locked = room_name("tea", "open sesame").unwrap();
    for (room, passphrase, why) in [
        (locked.as_str(), "guess", Refusal::OtherPassphrase),
        (&locked, "", Refusal::OtherPassphrase),
        (&locked, &"x".repeat(25), Refusal::LongPassphrase),
        ("Tea", "", Refusal::Room),
    ] {
        assert_eq!(key_for(room, passphrase), Err(why), "{room} {passphrase}");
    }
    // Where there is none, none is looked at.
    assert_eq!(key_for("tea", "guess").as_deref(), Ok("tea"));
    assert_eq!(opens("tea:guess"), Err(Refusal::NoPassphrase));
    let key = key_for(&locked, " open sesame ").unwrap();
    assert_eq!(key, format!("{locked}:open sesame"));
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
    assert_eq!(person_name("Ada ❤\u{fe0f}").unwrap(), "Ada ❤");
    assert_eq!(person_name("علی\u{200c}رضا").unwrap(), "علیرضا");
    assert_eq!(person_name("👩\u{200d}👧").unwrap(), "👩👧");
    for good in [
        "<script>alert(1)</script>",
        "שלום",
        "日本語",
        "🐟",
        "O'Hara & \"co\"",
        "Vie\u{302}\u{323}t",
        "שָׁלוֹם",
        "น้ำ",
    ] {
        let long = good.chars().count() > 24;
        assert_eq!(person_name(good).is_err(), long, "{good}");
    }
    for bad in [
        "",
        "   ",
        "a\u{202e}b",
        "\u{200b}",
        "\u{200d}",
        "a\u{0}b",
        "a\u{2066}b",
        "\u{3164}",
        "\u{2800}",
        "\u{17b4}",
        "a\u{300}\u{301}\u{302}\u{303}",
        "ก\u{e47}\u{e47}\u{e47}\u{e47}",
        &"a".repeat(25),
    ] {
        assert!(person_name(bad).is_err(), "{bad:?}");
    }
}
