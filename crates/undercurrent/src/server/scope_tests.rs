//! Scopes that are shared, and updates over two states: real scopes, a paused clock, no sockets.

use super::{
    Runtime,
    authorize::{Refused, authorize},
    followed::{Request, open_scopes},
    queue::Accepted,
    scope::Scope,
    tests::{place, runtime, send_as, until},
};
use crate::{
    Limits, UpdateError, Visitor,
    builtin::UcEnds,
    core::{frame::ByeReason, log::Resume, position::Position, scope::ScopeName},
    prelude::*,
};
use std::sync::Arc;

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = may_join)]
struct Room {
    said: List<String>,
}

/// Lives in the rooms, too.
#[derive(State, Clone, Debug, Default)]
#[state(scope = Room)]
struct Board {
    lines: u32,
    #[state(server)]
    secret: u32,
}

fn may_join(visitor: &Visitor, key: &str) -> Result<(), ForVisitor> {
    match key {
        "panics" => panic!("on purpose"),
        "closed" if *visitor != ANN => Err(ForVisitor::new("Only Ann comes in.")),
        _ => Ok(()),
    }
}

#[event]
fn say(room: &mut Room, text: String) {
    room.said.push(text);
}

#[event]
fn mutter(room: &mut Room) -> Result<(), ForVisitor> {
    room.said.push("undone".into());
    Err(ForVisitor::new("Nobody heard it."))
}

#[event]
async fn ponder(cx: EventContext<Room>) -> Result {
    let who = cx.visitor().id();
    cx.sleep(Millis(60_000)).await?;
    let room = cx.scope_key().to_owned();
    cx.update(|all| all.said.push(format!("{room}: {who} has pondered")))
        .await?;
    Ok(())
}

/// Two states, one update.
#[event]
fn write(room: &mut Room, board: &mut Board, text: String, fail: bool) -> Result<(), ForVisitor> {
    room.said.push(text);
    board.lines += 1;
    match fail {
        true => Err(ForVisitor::new("Out of chalk.")),
        false => Ok(()),
    }
}

#[background]
async fn writes_both(cx: TaskContext<Room>) -> Result {
    cx.update_both(|room, board: &mut Board| {
        room.said.push("by a task".into());
        board.lines += 1;
    })
    .await?;
    Ok(())
}

const ANN: Visitor = Visitor([0xa; 16]);
const BOB: Visitor = Visitor([0xb; 16]);

// === Helpers ===

fn room(key: &str) -> ScopeName {
    ScopeName::Keyed {
        space: "room",
        key: key.into(),
    }
}

fn enter(runtime: &Arc<Runtime>, visitor: Visitor, name: &ScopeName) -> Arc<Scope> {
    let place = place(runtime, visitor, name);
    let scope = runtime.scopes.find_or_make(&place, runtime);
    scope.expect("there is room")
}

async fn said(scope: &Scope) -> Vec<String> {
    let said = |room: &Room| room.said.iter().cloned().collect();
    scope.read(|| true, said).await.expect("it reads")
}

async fn lines(scope: &Scope) -> u32 {
    let lines = |board: &Board| board.lines;
    scope.read(|| true, lines).await.expect("it reads")
}

/// The ends that a visitor's pages see.
async fn ends_for(scope: &Scope, visitor: Visitor) -> UcEnds {
    let snapshot = scope.snapshot(visitor).await;
    let ends = snapshot.states.get("uc_ends");
    let ends = ends.and_then(|(_, state)| state.downcast_ref::<UcEnds>().cloned());
    ends.unwrap_or_default()
}

fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

// === Rules ===

#[tokio::test]
async fn a_rule_is_asked_for_every_action_and_a_session_opens_to_its_own_visitor_alone() {
    let runtime = runtime(Limits::default());
    assert!(authorize(&runtime, ANN, &room("closed")).is_ok());
    let refused = authorize(&runtime, BOB, &room("closed")).map(|place| place.key);
    assert_eq!(refused, Err(Refused::ByRule("Only Ann comes in.".into())));
    let refused = authorize(&runtime, ANN, &room("panics"));
    assert!(matches!(refused, Err(Refused::ByRule(_))));
    // The server needs no leave.
    assert!(authorize(&runtime, Visitor::SERVER, &room("closed")).is_ok());
    let own = |visitor, name: &ScopeName| place(&runtime, visitor, name).key;
    assert_ne!(own(ANN, &ScopeName::Session), own(BOB, &ScopeName::Session));
    let tab = ScopeName::Tab("1".into());
    assert_ne!(own(ANN, &tab), own(BOB, &tab));
    assert_eq!(own(ANN, &room("lobby")), own(BOB, &room("lobby")));
    assert_ne!(own(ANN, &room("lobby")), own(ANN, &room("hall")));
}

#[tokio::test]
async fn a_key_that_no_scope_can_have_is_refused() {
    let runtime = runtime(Limits::default());
    let long = "x".repeat(Limits::default().key_bytes + 1);
    let unknown = ScopeName::Keyed {
        space: "trial",
        key: "lobby".into(),
    };
    let odd_tab = ScopeName::Tab("a b".into());
    for name in [room(""), room(&long), unknown, odd_tab] {
        let refused = authorize(&runtime, ANN, &name);
        assert!(matches!(refused, Err(Refused::NoSuch(_))), "{name}");
    }
    assert!(authorize(&runtime, ANN, &room(&long[1..])).is_ok());
}

// === Queues ===

#[tokio::test(start_paused = true)]
async fn in_a_room_nobody_waits_for_anothers_slow_event() {
    let runtime = runtime(Limits::default());
    let lobby = enter(&runtime, ANN, &room("lobby"));
    let begin = tokio::time::Instant::now();
    send_as(ANN, &lobby, 1, ponder()).await;
    send_as(ANN, &lobby, 2, say("behind it".into())).await;
    // The same client id and number are another's, too: nothing of one is known of the other.
    let accepted = send_as(BOB, &lobby, 1, say("at once".into())).await;
    assert!(matches!(accepted, Accepted::Queued));
    until(|| async { !said(&lobby).await.is_empty() }).await;
    assert!(begin.elapsed() < std::time::Duration::from_secs(60));
    until(|| async { said(&lobby).await.len() == 3 }).await;
    let pondered = format!("lobby: {} has pondered", ANN.id());
    assert_eq!(said(&lobby).await, ["at once", &pondered, "behind it"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_visitor_did_wrong_is_told_to_no_other() {
    let runtime = runtime(Limits::default());
    let lobby = enter(&runtime, ANN, &room("lobby"));
    send_as(ANN, &lobby, 1, mutter()).await;
    send_as(BOB, &lobby, 1, say("hello".into())).await;
    until(|| async { !ends_for(&lobby, ANN).await.clients.is_empty() }).await;
    until(|| async { !ends_for(&lobby, BOB).await.clients.is_empty() }).await;
    let (ann, bob) = (ends_for(&lobby, ANN).await, ends_for(&lobby, BOB).await);
    assert_eq!(ann.clients[0].failures[0].message, "Nobody heard it.");
    assert!(bob.clients[0].failures.is_empty() && bob.clients[0].upto == 1);
    // Nor on a stream: the entries and snapshots of the one name are each visitor's own.
    let from = |visitor| match lobby
        .resume(&[("uc_ends", Some(Position::NONE))], visitor)
        .pop()
    {
        Some(Resume::Entries(entries)) => entries,
        other => panic!("{other:?}"),
    };
    for (visitor, hears_it) in [(ANN, true), (BOB, false)] {
        let entries = from(visitor);
        let all: Vec<_> = entries.iter().map(|entry| entry.public_ops()).collect();
        assert_eq!(all.concat().contains("Nobody"), hears_it, "{all:?}");
        let snapshots = lobby.snapshots_of(vec!["uc_ends"], visitor).await;
        let event = String::from_utf8_lossy(snapshots[0].event("r"));
        assert_eq!(event.contains("Nobody"), hears_it, "{event}");
    }
    let stranger = Visitor([0xc; 16]);
    assert!(ends_for(&lobby, stranger).await.clients.is_empty());
    let ends = [("uc_ends", Some(Position::NONE))];
    assert!(matches!(
        lobby.resume(&ends, stranger)[..],
        [Resume::Current]
    ));
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_is_forgotten_leaves_no_word_for_the_next() {
    let runtime = runtime(Limits {
        visitors_of_scope: 2,
        ..Limits::default()
    });
    let lobby = enter(&runtime, ANN, &room("lobby"));
    send_as(ANN, &lobby, 1, mutter()).await;
    until(|| async { !ends_for(&lobby, ANN).await.clients.is_empty() }).await;
    for n in 1..=20 {
        let visitor = Visitor([0x20 + n; 16]);
        let accepted = send_as(visitor, &lobby, 1, say(n.to_string())).await;
        assert!(matches!(accepted, Accepted::Queued), "{n}");
        until(|| async { !ends_for(&lobby, visitor).await.clients.is_empty() }).await;
        let ends = [("uc_ends", Some(Position::NONE))];
        let heard = format!("{:?}", lobby.resume(&ends, visitor));
        assert!(!heard.contains("Nobody"), "{heard}");
    }
    assert!(ends_for(&lobby, ANN).await.clients.is_empty(), "forgotten");
    // Two who are busy are not forgotten for a third.
    let (one, two) = (Visitor([0x41; 16]), Visitor([0x42; 16]));
    send_as(one, &lobby, 1, ponder()).await;
    send_as(two, &lobby, 1, ponder()).await;
    let accepted = send_as(BOB, &lobby, 1, say("no".into())).await;
    assert!(matches!(accepted, Accepted::Full));
}

// === Two states ===

#[tokio::test(start_paused = true)]
async fn two_states_change_together_or_not_at_all() {
    let runtime = runtime(Limits::default());
    let lobby = enter(&runtime, ANN, &room("lobby"));
    send_as(ANN, &lobby, 1, write("a".into(), false)).await;
    send_as(ANN, &lobby, 2, write("b".into(), true)).await;
    send_as(ANN, &lobby, 3, writes_both()).await;
    until(|| async { said(&lobby).await.len() == 2 }).await;
    assert_eq!(said(&lobby).await, ["a", "by a task"]);
    assert_eq!(lines(&lobby).await, 2);
    // One offset, for a stream to write both at once.
    let follows = [
        ("room", Some(Position::NONE)),
        ("board", Some(Position::NONE)),
    ];
    let offsets = lobby
        .resume(&follows, ANN)
        .into_iter()
        .map(|resume| match resume {
            Resume::Entries(entries) => {
                entries.iter().map(|entry| entry.offset).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        });
    let offsets: Vec<_> = offsets.collect();
    assert_eq!(offsets[0], offsets[1]);
    assert_eq!(offsets[0].len(), 2);
}

#[tokio::test]
async fn a_panic_and_a_state_too_large_undo_both() {
    let runtime = runtime(Limits {
        state_bytes: 512,
        ..Limits::default()
    });
    let lobby = enter(&runtime, ANN, &room("lobby"));
    let both = |act: fn(&mut Room, &mut Board)| {
        let lobby = lobby.clone();
        async move { lobby.update_both(|| true, act).await }
    };
    both(|room, board| {
        room.said.push("kept".into());
        (board.lines, board.secret) = (1, 7);
    })
    .await
    .expect("it is made");
    // The first can't be recorded, when the second has been already.
    let refused = both(|room, board| {
        board.lines = 100;
        room.said.push("x".repeat(1_000));
    });
    assert!(matches!(refused.await, Err(UpdateError::TooLarge { .. })));
    let panicked = tokio::spawn(both(|room, board| {
        (board.lines, board.secret) = (100, 100);
        room.said.clear();
        panic!("on purpose");
    }));
    assert!(panicked.await.is_err());
    assert_eq!(
        (said(&lobby).await.concat(), lines(&lobby).await),
        ("kept".into(), 1)
    );
    // What comes next builds on what was kept, for those who follow, too.
    both(|_, board| board.lines += board.secret)
        .await
        .expect("it is made");
    let follows = [("board", Some(Position::NONE))];
    let resumed = lobby.resume(&follows, ANN);
    let [Resume::Entries(entries)] = &resumed[..] else {
        panic!("{resumed:?}")
    };
    let ops: Vec<_> = entries.iter().map(|entry| entry.public_ops()).collect();
    assert_eq!(ops, [r#"[["=","lines",1]]"#, r#"[["=","lines",8]]"#]);
}

// === Streams ===

#[tokio::test]
async fn a_stream_follows_the_scopes_that_open_and_is_told_of_those_that_do_not() {
    let runtime = runtime(Limits::default());
    let asked = query(&[
        ("follow", "s.trial@0-0,0.room,0.board,1.room@0-0,s.trial"),
        ("scope", "room:a b,c@d"),
        ("scope", "room:closed"),
    ]);
    let request = Request::parse(&runtime, &asked).expect("it is read");
    let follower = Arc::new(super::follow::Follower::new(ANN, Default::default(), 0));
    let opened = open_scopes(&runtime, BOB, request, &follower).ok();
    let opened = opened.expect("some are open");
    let names: Vec<_> = opened
        .scopes
        .iter()
        .map(|one| one.slot.name.to_string())
        .collect();
    assert_eq!(names, ["s", "room:a b,c@d"]);
    let said = opened
        .refused
        .iter()
        .map(|(name, said)| format!("{name} {said}"));
    assert_eq!(said.collect::<Vec<_>>(), ["room:closed Only Ann comes in."]);
    assert_eq!(runtime.scopes.count(), 0, "a look makes no scope");
    for wrong in [
        query(&[("follow", "s.room")]),
        query(&[("follow", "0.room")]),
        query(&[("follow", "0.trial"), ("scope", "room:lobby")]),
        query(&[("follow", "0.room"), ("scope", "nothing:lobby")]),
        query(&[("scope", "room:lobby"); 17]),
    ] {
        let read = Request::parse(&runtime, &wrong).err();
        assert_eq!(read, Some(ByeReason::UnknownState), "{wrong:?}");
    }
    // The page's idea of a state, and another one.
    let ours = crate::core::schema::Schema::of_state::<Board>();
    for (schema, fits) in [(ours, true), (ours ^ 1, false)] {
        let follow = format!("0.board!{schema:08x}@0-0");
        let asked = query(&[("follow", &follow), ("scope", "room:lobby")]);
        let read = Request::parse(&runtime, &asked).err();
        assert_eq!(read, (!fits).then_some(ByeReason::Outdated));
    }
    let garbled = query(&[("follow", "0.board!xyz"), ("scope", "room:lobby")]);
    let read = Request::parse(&runtime, &garbled).err();
    assert_eq!(read, Some(ByeReason::Outdated));
    let twice = query(&[("scope", "room:lobby"); 2]);
    let request = Request::parse(&runtime, &twice).expect("it is read");
    let opened = open_scopes(&runtime, BOB, request, &follower);
    assert_eq!(opened.err(), Some(ByeReason::UnknownState));
}

#[tokio::test]
async fn an_entry_has_its_scopes_tag_on_every_stream() {
    let runtime = runtime(Limits::default());
    let lobby = enter(&runtime, ANN, &room("lobby"));
    let say = |room: &mut Room| room.said.push("hello".into());
    lobby.update(|| true, say).await.expect("it is made");
    let resumed = lobby.resume(&[("room", Some(Position::NONE))], BOB);
    let [Resume::Entries(entries)] = &resumed[..] else {
        panic!("{resumed:?}")
    };
    let tag = place(&runtime, BOB, &room("lobby")).tag;
    let head = format!("id: {}-", tag.as_str());
    assert!(String::from_utf8_lossy(&entries[0].event).starts_with(&head));
    assert!(tag.as_str().starts_with('r') && !tag.as_str().contains('-'));
    assert_ne!(tag, place(&runtime, BOB, &room("hall")).tag);
}
