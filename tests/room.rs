//! Rooms: their keys, what is shared, who is here, the timer.

use gallery::{
    lobby::events::enter,
    room::{
        state::*,
        tasks::{count_down, set_timer, vote},
    },
};
use rooms::{NAME, PASSPHRASE, opens, room_name};
use undercurrent::{
    Limits, Millis, TaskStatus, Visitor,
    testing::{TestApp, TestClient},
};

#[test]
fn the_longest_passphrase_makes_a_key_in_any_script() {
    for letter in ["x", "ü", "文", "🐟"] {
        let longest = letter.repeat(PASSPHRASE);
        let room = room_name(&"r".repeat(NAME), &longest).unwrap();
        let key = format!("{room}:{longest}");
        assert_eq!(opens(&key), Ok(()), "{key}");
        assert!(key.len() <= Limits::default().key_bytes, "{key}");
        let longer = format!("{longest}{letter}");
        assert!(room_name("r", &longer).is_err());
        assert!(opens(&format!("{room}:{longer}")).is_err());
    }
}

fn room(people: &[&str]) -> Room {
    let mut room = Room::default();
    for name in people {
        let id = format!("id-{name}");
        room.admit(id, (*name).to_owned(), false).unwrap();
    }
    room
}

#[test]
fn two_of_a_name_are_not_let_in() {
    let mut room = room(&["Ada", "Bob"]);
    let mut admit = |id: &str, name: &str| room.admit(id.to_owned(), name.to_owned(), false);
    assert!(admit("id-x", "ADA").is_err());
    admit("id-Ada", "ada").unwrap();
    admit("id-x", "Cleo").unwrap();
    assert_eq!(room.members.len(), 3);
}

#[test]
fn a_vote_counts_once_and_can_be_changed_and_taken_back() {
    let mut room = room(&["Ada", "Bob"]);
    let votes = |room: &Room| Room::votes(&room.members);
    room.vote("id-Ada", 1).unwrap();
    room.vote("id-Bob", 1).unwrap();
    assert_eq!(votes(&room), [0, 2, 0, 0]);
    room.vote("id-Ada", 2).unwrap();
    assert_eq!(votes(&room), [0, 1, 1, 0]);
    room.vote("id-Ada", 2).unwrap();
    assert_eq!(votes(&room), [0, 1, 0, 0]);
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
    let heap = |marks: usize| format!("Z{}", "\u{301}".repeat(marks));
    assert!(room.say("id-Ada", &heap(3)).is_ok());
    assert!(room.say("id-Ada", &heap(4)).is_err());
    assert!(room.say("id-Ada", &"x".repeat(LINE + 1)).is_err());
}

#[test]
fn a_full_room_forgets_who_is_away_and_their_vote() {
    let mut room = Room::default();
    let visitor = |nth: usize| Visitor::from_key(&format!("{nth:016x}{nth:016x}")).unwrap();
    let mut here: Vec<Visitor> = (1..=MEMBERS).map(visitor).collect();
    for one in &here {
        room.admit(one.id(), one.id(), false).unwrap();
    }
    let seventh = here[6].id();
    room.vote(&seventh, 0).unwrap();
    note_present(&mut room, &here);
    let admit = |room: &mut Room| room.admit("id-new".to_owned(), "New".to_owned(), true);
    assert!(admit(&mut room).is_err());
    here.remove(6);
    note_present(&mut room, &here);
    admit(&mut room).unwrap();
    assert!(room.members.get(&seventh).is_none());
    assert_eq!(Room::votes(&room.members), [0; 4]);
}

async fn enters(page: &mut TestClient, name: &str) {
    let entering = enter("tea".into(), name.into(), String::new());
    page.run(entering).await.expect("the door is open");
}

fn here(room: &Room) -> Vec<(&str, bool)> {
    let members = room.members.iter();
    let mut here: Vec<_> = members
        .map(|(_, one)| (one.name.as_str(), one.here))
        .collect();
    here.sort_unstable();
    here
}

#[tokio::test(start_paused = true)]
async fn who_goes_is_away_and_who_comes_back_to_an_empty_room_is_here_at_once() {
    let app = TestApp::new();
    let (mut ada, mut bob) = (app.client(), app.client());
    enters(&mut ada, "Ada").await;
    enters(&mut bob, "Bob").await;
    ada.see_in::<Room>("tea").await;
    bob.see_in::<Room>("tea").await;
    let both = |room: &Room| here(room) == [("Ada", true), ("Bob", true)];
    app.advance(Millis(200)).await;
    assert!(both(&ada.see_in::<Room>("tea").await));
    // For half a second, as in a reload: nobody sees it.
    bob.cut();
    app.advance(Millis(500)).await;
    bob.heal().await;
    bob.see_in::<Room>("tea").await;
    for _ in 0..100 {
        app.advance(Millis(100)).await;
        assert!(both(&ada.see_in::<Room>("tea").await));
    }
    bob.cut();
    let alone = |room: &Room| here(room) == [("Ada", true), ("Bob", false)];
    app.advance(Millis(10_000)).await;
    assert!(alone(&ada.see_in::<Room>("tea").await));
    ada.cut();
    app.advance(Millis(10_000)).await;
    let room = app.keyed::<Room>("tea");
    let count = |room: &Room| Room::here(&room.members);
    assert_eq!(room.read(count).await.unwrap(), 0);
    // Nobody does anything but look.
    ada.heal().await;
    ada.see_in::<Room>("tea").await;
    app.advance(Millis(200)).await;
    assert!(alone(&ada.see_in::<Room>("tea").await));
    // Who is in by another page is here as soon as they are let in.
    let mut cleo = app.client();
    cleo.send_to("tea", vote(0))
        .await
        .expect("it is refused later");
    cleo.see_in::<Room>("tea").await;
    app.advance(Millis(1_000)).await;
    enters(&mut cleo, "Cleo").await;
    let with_cleo = |room: &Room| here(room).contains(&("Cleo", true));
    assert!(with_cleo(&ada.see_in::<Room>("tea").await));
}

#[tokio::test(start_paused = true)]
async fn nobody_can_stop_a_room_from_knowing_who_is_here() {
    let app = TestApp::new();
    let (mut ada, mut bob) = (app.client(), app.client());
    enters(&mut ada, "Ada").await;
    enters(&mut bob, "Bob").await;
    ada.see_in::<Room>("tea").await;
    app.advance(Millis(1_000)).await;
    // There is no task that anybody could pause or cancel.
    assert_eq!(ada.tasks_in::<Room>("tea").await, []);
    bob.see_in::<Room>("tea").await;
    app.advance(Millis(200)).await;
    let both = |room: &Room| here(room) == [("Ada", true), ("Bob", true)];
    assert!(both(&ada.see_in::<Room>("tea").await));
}

#[tokio::test(start_paused = true)]
async fn behind_a_crash_all_stand_where_they_stood_and_who_is_not_back_goes() {
    let app = TestApp::kept(Limits::default(), |builder| builder);
    let (mut ada, mut bob) = (app.client(), app.client());
    enters(&mut ada, "Ada").await;
    enters(&mut bob, "Bob").await;
    ada.see_in::<Room>("tea").await;
    bob.see_in::<Room>("tea").await;
    let both = |room: &Room| here(room) == [("Ada", true), ("Bob", true)];
    ada.until_in("tea", both).await;
    app.dies().await;
    drop(bob);
    app.begin_again().await;
    assert!(both(&ada.see_in::<Room>("tea").await));
    app.advance(Millis(60_000)).await;
    assert!(
        both(&ada.see_in::<Room>("tea").await),
        "a hidden page takes its time"
    );
    app.advance(Millis(130_000)).await;
    let alone = |room: &Room| here(room) == [("Ada", true), ("Bob", false)];
    assert!(alone(&ada.see_in::<Room>("tea").await));
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_paused_stands_still_and_goes_on_second_by_second() {
    let app = TestApp::new();
    let mut page = app.client();
    enters(&mut page, "Ada").await;
    page.run_to("tea", set_timer(5)).await.expect("it starts");
    app.advance(Millis(10_500)).await;
    let left = |room: &Room| room.timer.as_ref().map_or(0, |timer| timer.left_s);
    assert_eq!(left(&page.see_in::<Room>("tea").await), 290);
    page.task_in("tea", count_down)
        .pause()
        .await
        .expect("it is asked");
    app.advance(Millis(60_000)).await;
    assert_eq!(left(&page.see_in::<Room>("tea").await), 290);
    page.task_in("tea", count_down)
        .resume()
        .await
        .expect("it is asked");
    app.advance(Millis(10_500)).await;
    let after = left(&page.see_in::<Room>("tea").await);
    assert!((278..=280).contains(&after), "{after} s are left");
    page.until_in("tea", |room: &Room| left(room) == 0).await;
    let runs = page.tasks_in::<Room>("tea").await;
    let timer = runs.iter().find(|run| run.name == "room/count_down");
    assert_eq!(timer.map(|run| run.status), Some(TaskStatus::Done));
}

#[tokio::test(start_paused = true)]
async fn a_timer_is_of_who_is_in_and_has_one_of_three_lengths_whoever_sends_its_task() {
    let app = TestApp::new();
    let (mut ada, mut eve) = (app.client(), app.client());
    enters(&mut ada, "Ada").await;
    ada.run_to("tea", count_down(7)).await.expect("it is sent");
    app.advance(Millis(1_500)).await;
    eve.run_to("tea", count_down(5)).await.expect("it is sent");
    app.advance(Millis(1_500)).await;
    assert_eq!(ada.see_in::<Room>("tea").await.timer, None);
    ada.run_to("tea", count_down(5)).await.expect("it is sent");
    let by_ada = |room: &Room| room.timer.as_ref().is_some_and(|timer| timer.by == "Ada");
    ada.until_in("tea", by_ada).await;
}
