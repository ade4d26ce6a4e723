//! The import, of lines that the test has made.

use examples::import::*;
use undercurrent::{Limits, prelude::*, testing::TestApp};

fn app(lines: impl IntoIterator<Item = String>) -> TestApp {
    let lines = Lines(lines.into_iter().collect());
    TestApp::with(Limits::default(), |builder| builder.provide(lines))
}

fn prices(header: &str, count: usize) -> Vec<String> {
    let lines = (1..=count).map(|n| match n % 100 {
        0 => format!("{n},free"),
        _ => format!("{n},{n}"),
    });
    std::iter::once(header.to_owned()).chain(lines).collect()
}

#[tokio::test(start_paused = true)]
async fn all_lines_are_taken_and_wrong_ones_are_told() {
    let app = app(prices("id,price", 1_234));
    let mut page = app.client();
    page.send(import()).await.expect("it starts");
    app.quiet().await;
    let state = page.see::<Import>().await;
    let right: u64 = (1..=1_234).filter(|n| n % 100 != 0).sum();
    assert_eq!((state.read, state.cents), (1_234, right));
    assert_eq!(state.errors.len(), 12);
    let first = &state.errors[0];
    assert_eq!(
        (first.line, first.why.as_str()),
        (101, "the price is no number")
    );
    assert_eq!(page.tasks().await[0].status, TaskStatus::Done);
}

// excerpt: asks
#[tokio::test(start_paused = true)]
async fn what_it_can_t_know_it_asks() {
    let app = app(prices("id,cost", 10));
    let mut page = app.client();
    page.send(import()).await.expect("it starts");
    let state = page.until(|state: &Import| state.question.is_some()).await;
    let question = state.question.expect("it asks");
    assert_eq!(question.columns, ["id", "cost"]);
    assert!(page.run(choose(7)).await.is_err());
    page.run(choose(1)).await.expect("there is one");
    app.quiet().await;
    assert_eq!(page.see::<Import>().await.cents, 55);
}
// end
