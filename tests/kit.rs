//! Events and tasks of the gallery by the test kit: real queues, scopes and streams, no browser, and a
//! clock that costs no time.

#![cfg(feature = "ssr")]

use gallery::{
    lobby::events::enter,
    lorem::{
        events::{add_stream, remove, restart, stream_text},
        state::{Lorem, STREAMS},
    },
    room::{
        state::Room,
        tasks::{say, vote},
    },
};
use undercurrent::{
    prelude::*,
    testing::{TestApp, TestClient},
};

const LOBBY: &str = "lobby";

fn words(lorem: &Lorem, id: u32) -> usize {
    let stream = lorem.streams.iter().find(|stream| stream.id == id);
    stream.map_or(0, |stream| stream.text.as_str().split_whitespace().count())
}

#[tokio::test(start_paused = true)]
async fn a_stream_comes_three_words_at_a_time_and_whole_over_a_cut() {
    let app = TestApp::new();
    let mut page = app.client();
    page.run(add_stream()).await.expect("there is room");
    app.advance(Millis(1_200)).await;
    assert_eq!(words(&page.see().await, 1), 6);
    page.cut();
    app.advance(Millis(1_000)).await;
    assert_eq!(words(&page.see().await, 1), 6, "what it was");
    page.heal().await;
    assert_eq!(words(&page.see().await, 1), 12, "none is missing");
    app.quiet().await;
    let lorem = page.see::<Lorem>().await;
    let stream = lorem.streams.iter().next().expect("it is there");
    assert_eq!(stream.done, stream.of);
    assert_eq!(words(&lorem, 1), 3 * stream.of as usize);
    assert_eq!(page.tasks().await[0].status, TaskStatus::Done);
    // Begun anew it comes again, and nothing of before is in it.
    page.run(restart(1)).await.expect("it is done");
    app.advance(Millis(700)).await;
    assert_eq!(words(&page.see().await, 1), 3);
}

#[tokio::test(start_paused = true)]
async fn paused_a_stream_stands_still_while_others_go_on_and_removed_it_has_ended() {
    let app = TestApp::new();
    let mut page = app.client();
    for _ in 0..2 {
        page.run(add_stream()).await.expect("there is room");
    }
    app.advance(Millis(600)).await;
    let pause = page.task(stream_text).key(1).pause().await;
    pause.expect("it is asked");
    app.advance(Millis(100)).await;
    let stood = words(&page.see().await, 1);
    app.advance(Millis(60_000)).await;
    let lorem = page.see::<Lorem>().await;
    assert_eq!(words(&lorem, 1), stood);
    assert!(words(&lorem, 2) > stood, "the other went on");
    page.run(remove(1)).await.expect("it is there");
    app.quiet().await;
    let lorem = page.see::<Lorem>().await;
    assert_eq!(
        lorem.streams.iter().map(|one| one.id).collect::<Vec<_>>(),
        [2]
    );
    let tasks = page.tasks().await;
    let status = |key: &str| {
        tasks
            .iter()
            .find(|task| task.key == key)
            .map(|task| task.status)
    };
    assert_eq!(status("1"), Some(TaskStatus::Cancelled));
    assert_eq!(status("2"), Some(TaskStatus::Done));
}

#[tokio::test(start_paused = true)]
async fn one_stream_more_than_there_is_room_for_is_refused_in_words() {
    let app = TestApp::new();
    let mut page = app.client();
    for _ in 0..STREAMS {
        page.run(add_stream()).await.expect("there is room");
    }
    let refused = page.run(add_stream()).await.expect_err("it is full");
    assert!(
        refused.message.contains("20 streams are enough"),
        "{refused:?}"
    );
    assert_eq!(page.see::<Lorem>().await.streams.len(), STREAMS);
}

/// Somebody opens the lobby.
async fn guest(app: &TestApp, name: &str) -> TestClient {
    let mut page = app.client();
    let enter = enter(LOBBY.into(), name.into(), String::new());
    page.run(enter).await.expect("it is open");
    app.advance(Millis(100)).await;
    page.see_in::<Room>(LOBBY).await;
    page
}

/// Whether somebody is here, as a page shows it.
async fn is_here(page: &mut TestClient, who: &Visitor) -> Option<bool> {
    let room = page.see_in::<Room>(LOBBY).await;
    room.members.get(&who.id()).map(|member| member.here)
}

#[tokio::test(start_paused = true)]
async fn two_in_a_room_see_each_other_and_who_closes_the_tab_is_away_within_ten_seconds() {
    let app = TestApp::new();
    let mut ada = guest(&app, "Ada").await;
    let mut bob = guest(&app, "Bob").await;
    let (one, other) = (ada.visitor(), bob.visitor());
    app.advance(Millis(2_000)).await;
    assert_eq!(is_here(&mut bob, &one).await, Some(true));
    assert_eq!(is_here(&mut ada, &other).await, Some(true));
    ada.run_to(LOBBY, say("Hello".into()))
        .await
        .expect("she is in");
    ada.run_to(LOBBY, vote(1)).await.expect("there is one");
    let room = bob
        .until_in::<Room>(LOBBY, |room| {
            !room.lines.is_empty() && Room::votes(&room.members)[1] > 0
        })
        .await;
    let line = room.lines.iter().next().expect("a line");
    assert_eq!((&*line.name, &*line.text), ("Ada", "Hello"));
    assert_eq!(Room::votes(&room.members), [0, 1, 0, 0]);
    drop(bob);
    app.advance(Millis(10_000)).await;
    assert_eq!(is_here(&mut ada, &other).await, Some(false));
    assert_eq!(is_here(&mut ada, &one).await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_line_of_who_was_cut_off_comes_once_when_the_network_is_back() {
    let app = TestApp::new();
    let mut ada = guest(&app, "Ada").await;
    let mut bob = guest(&app, "Bob").await;
    ada.cut();
    let _ = ada.send_to(LOBBY, say("Anybody?".into())).await;
    app.advance(Millis(5_000)).await;
    assert!(bob.see_in::<Room>(LOBBY).await.lines.is_empty());
    assert_eq!(ada.heal().await, []);
    let room = bob
        .until_in::<Room>(LOBBY, |room| !room.lines.is_empty())
        .await;
    assert_eq!(room.lines.len(), 1);
    app.advance(Millis(5_000)).await;
    assert_eq!(ada.see_in::<Room>(LOBBY).await.lines.len(), 1);
}
