//! The stopwatch, as its users see it.

use examples::stopwatch::*;
use undercurrent::{EndKind, Limits, prelude::*, testing::TestApp};

// excerpt: ticks
#[tokio::test(start_paused = true)]
async fn it_ticks_and_laps_are_where_it_stood() {
    let app = TestApp::new();
    let mut page = app.client();
    page.send(tick()).await.expect("it starts");
    app.advance(Millis(1_050)).await;
    page.run(lap()).await.expect("it is noted");
    app.advance(Millis(1_000)).await;
    let watch = page.see::<Watch>().await;
    assert_eq!(watch.laps.iter().copied().collect::<Vec<_>>(), [1_000]);
    assert!(watch.ms >= 2_000);
}
// end

// excerpt: pauses
#[tokio::test(start_paused = true)]
async fn while_it_is_paused_it_stands_still() {
    let app = TestApp::new();
    let mut page = app.client();
    page.send(tick()).await.expect("it starts");
    app.advance(Millis(500)).await;
    page.task(tick).pause().await.expect("it is asked");
    app.advance(Millis(200)).await;
    let stood = page.see::<Watch>().await.ms;
    app.advance(Millis(60_000)).await;
    assert_eq!(page.see::<Watch>().await.ms, stood);
    page.task(tick).resume().await.expect("it is asked");
    page.until(|watch: &Watch| watch.ms > stood).await;
}
// end

#[tokio::test(start_paused = true)]
async fn one_ticks_at_a_time() {
    let app = TestApp::new();
    let mut page = app.client();
    page.send(tick()).await.expect("it starts");
    let refused = page.send(tick()).await.expect_err("it ticks already");
    assert_eq!(refused.kind, EndKind::Busy);
}

// excerpt: leaves
#[tokio::test(start_paused = true)]
async fn half_a_minute_after_the_last_page_has_gone_it_stops() {
    let app = TestApp::new();
    let mut page = app.client();
    page.send(tick()).await.expect("it starts");
    page.see::<Watch>().await;
    let mut second = app.second_tab_of(&page);
    second.see::<Watch>().await;
    drop(page);
    app.advance(Millis(60_000)).await;
    assert_eq!(second.tasks().await[0].status, TaskStatus::Running);
    second.cut();
    app.quiet().await;
    second.heal().await;
    assert_eq!(second.tasks().await[0].status, TaskStatus::Cancelled);
}
// end

// excerpt: cut
#[tokio::test(start_paused = true)]
async fn what_is_clicked_offline_happens_once_when_the_connection_is_back() {
    let app = TestApp::new();
    let mut page = app.client();
    page.send(tick()).await.expect("it starts");
    page.see::<Watch>().await;
    page.cut();
    page.send(lap()).await.expect("it waits");
    page.send(lap()).await.expect("it waits");
    app.advance(Millis(5_000)).await;
    assert_eq!(page.waiting(), 2);
    assert_eq!(page.see::<Watch>().await.ms, 0, "it shows what it had");
    assert!(page.heal().await.is_empty());
    let watch = page.until(|watch: &Watch| !watch.laps.is_empty()).await;
    assert!(watch.ms >= 5_000, "it is current again");
    assert_eq!(watch.laps.len(), 2);
}
// end

#[tokio::test(start_paused = true)]
#[should_panic(expected = "after an hour it is not quiet: the task watch/tick")]
async fn what_runs_for_ever_is_never_quiet_and_is_named() {
    let app = TestApp::new();
    let mut page = app.client();
    page.send(tick()).await.expect("it starts");
    // Somebody looks: it does not stop by itself.
    page.see::<Watch>().await;
    app.quiet().await;
}

// excerpt: restart
#[tokio::test(start_paused = true)]
async fn behind_a_restart_it_stands_where_it_was() {
    let app = TestApp::kept(Limits::default(), |builder| builder);
    let mut page = app.client();
    page.send(tick()).await.expect("it starts");
    app.advance(Millis(1_050)).await;
    app.restart().await;
    assert!(page.see::<Watch>().await.ms >= 1_000);
    assert_eq!(page.tasks().await[0].status, TaskStatus::Interrupted);
}
// end
