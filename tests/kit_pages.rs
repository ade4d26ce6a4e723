//! The pages of random numbers and of the report by the test kit, with the server started anew in the
//! middle.

#![cfg(feature = "ssr")]

use gallery::{
    random::{
        background::{numbers, stop_background},
        chained::{run_chained, stop_chained},
        state::{LIMIT, Random, balance, set_delay, set_range},
    },
    report::{
        state::{Report, set_at_once},
        tasks::{ask_again, clear, make_report},
    },
};
use reports::Stage;
use undercurrent::{Limits, prelude::*, testing::TestApp};
use upstream::sales::{Sales, SalesConfig, open_sales};

// === Random numbers ===

#[tokio::test(start_paused = true)]
async fn numbers_are_drawn_each_second_in_the_range_of_that_moment_until_they_are_stopped() {
    let app = TestApp::new();
    let mut page = app.client();
    page.run(set_range(3, 3)).await.expect("it is a range");
    page.send(numbers(false)).await.expect("it starts");
    app.advance(Millis(4_500)).await;
    let random = page.see::<Random>().await;
    assert_eq!(random.total, 12);
    assert_eq!(random.last.iter().copied().collect::<Vec<_>>(), [3; 4]);
    // It holds from the next number on, and so does the pace.
    page.run(set_range(7, 7)).await.expect("it is a range");
    page.run(set_delay(2)).await.expect("there is one");
    app.advance(Millis(1_000)).await;
    assert_eq!(page.see::<Random>().await.last.last(), Some(&7));
    page.run(stop_background()).await.expect("it is heard");
    app.quiet().await;
    // The step under way is the last.
    let random = page.see::<Random>().await;
    assert_eq!((random.last.len(), random.total), (6, 26));
    assert_eq!(page.tasks().await[0].status, TaskStatus::Done);
    let refused = page.run(set_range(0, LIMIT + 1)).await;
    assert!(refused.is_err_and(|why| why.message.contains("−100 and 100")));
    page.run(balance()).await.expect("it is done");
    let random = page.see::<Random>().await;
    assert_eq!((random.low, random.high), (-7, 7));
}

#[tokio::test(start_paused = true)]
async fn the_two_styles_keep_each_other_out_and_a_chained_stop_waits_its_turn() {
    let app = TestApp::new();
    let mut page = app.client();
    page.send(run_chained(false)).await.expect("it is taken");
    app.advance(Millis(500)).await;
    page.send(numbers(false)).await.expect("it starts");
    app.advance(Millis(10)).await;
    let task = &page.tasks().await[0];
    assert_eq!(task.status, TaskStatus::Failed);
    assert!(
        task.error
            .as_deref()
            .is_some_and(|why| why.contains("chained"))
    );
    page.send(stop_chained()).await.expect("it waits");
    assert!(page.see::<Random>().await.chain.is_running());
    app.quiet().await;
    let random = page.see::<Random>().await;
    assert_eq!(random.chain.status, Some(TaskStatus::Cancelled));
    assert_eq!(random.last.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn behind_a_restart_the_numbers_are_there_and_the_run_has_ended() {
    let app = TestApp::kept(soon_down(), |builder| builder);
    let mut page = app.client();
    page.run(set_range(5, 5)).await.expect("it is a range");
    page.send(numbers(false)).await.expect("it starts");
    app.advance(Millis(3_500)).await;
    assert_eq!(page.see::<Random>().await.total, 15);
    app.restart().await;
    let random = page.see::<Random>().await;
    assert_eq!((random.low, random.high, random.total), (5, 5, 15));
    assert_eq!(page.tasks().await[0].status, TaskStatus::Interrupted);
    // Its number goes on where it was, too: this is no event that was there before.
    page.run(set_range(6, 6)).await.expect("it is a range");
    page.send(numbers(true)).await.expect("it starts");
    app.quiet().await;
    assert_eq!(page.see::<Random>().await.total, 21);
}

/// A server that leaves its tasks little time to end.
fn soon_down() -> Limits {
    Limits {
        shutdown_ms: 400,
        ..Limits::default()
    }
}

// === The report ===

/// A shop that answers at once, but for what goes wrong on purpose. It has a socket: these tests take
/// their time.
async fn shop(faults: &str) -> Sales {
    let table = format!("[sales]\ndelay-ms = 0\nfailure-rate = 0.0\nfaults = \"{faults}\"\n");
    let config = SalesConfig::from_toml(&table).expect("it is one");
    open_sales(config).await.expect("there is a port")
}

#[tokio::test]
async fn a_report_is_written_of_what_came_and_a_product_can_be_asked_for_again() {
    let sales = shop("7=500").await;
    let app = TestApp::with(Limits::default(), |builder| builder.provide(sales));
    let mut page = app.client();
    page.run(set_at_once(16)).await.expect("it is allowed");
    assert!(page.run(set_at_once(17)).await.is_err());
    page.send(make_report()).await.expect("it starts");
    let settled = |report: &Report| {
        let mut cells = report.cells.iter();
        !report.cells.is_empty() && cells.all(|cell| cell.stage.is_settled())
    };
    let report = page.until(settled).await;
    let failed = report.cells.iter();
    let failed = failed.filter(|cell| matches!(cell.stage, Stage::Failed(_)));
    assert_eq!(failed.map(|cell| cell.id).collect::<Vec<_>>(), [7]);
    let begun = page.until(|report: &Report| !report.sections[0].text.is_empty());
    assert!(!begun.await.is_whole);
    // While it is written, and beside it: that one is asked for anew.
    page.send(ask_again(7)).await.expect("it starts");
    assert!(page.send(make_report()).await.is_err(), "one at a time");
    page.run(clear()).await.expect("it is dropped");
    app.quiet().await;
    assert!(page.see::<Report>().await.cells.is_empty());
    let mut tasks = page.tasks().await.into_iter();
    let status = tasks.find(|task| task.name == "report/make_report");
    assert_eq!(status.map(|task| task.status), Some(TaskStatus::Cancelled));
}

#[tokio::test]
async fn a_report_goes_on_behind_a_restart_and_no_product_is_asked_for_twice() {
    let sales = shop("").await;
    let app = TestApp::kept(soon_down(), move |builder| builder.provide(sales.clone()));
    let mut page = app.client();
    page.send(make_report()).await.expect("it starts");
    let half = |report: &Report| {
        let done = report.cells.iter().filter(|cell| cell.stage.is_settled());
        done.count() > 10
    };
    let before = page.until(half).await;
    app.restart().await;
    let is_written = |report: &Report| report.sections.iter().all(|one| !one.text.is_empty());
    let after = page
        .until(|report: &Report| !report.cells.is_empty() && is_written(report))
        .await;
    for (was, is) in before.cells.iter().zip(after.cells.iter()) {
        assert!(!was.stage.is_settled() || was.stage == is.stage);
    }
    assert_eq!(page.tasks().await.len(), 1, "it is the same run");
}
