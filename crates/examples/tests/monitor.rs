//! The monitor, with services that answer as the test likes.

use examples::monitor::*;
use undercurrent::{Limits, prelude::*, testing::TestApp};

// excerpt: provides
fn app(services: Scripted) -> TestApp {
    let services = Services(Box::new(services));
    TestApp::with(Limits::default(), |builder| builder.provide(services))
}

#[tokio::test(start_paused = true)]
async fn each_service_is_asked_every_five_seconds() {
    let app = app(Scripted::default()
        .answers("mail", [20, 30, 40])
        .answers("shop", [5]));
    let mut page = app.client();
    let names = vec!["mail".to_owned(), "shop".to_owned()];
    page.run(watch_all(names)).await.expect("they are started");
    app.advance(Millis(11_000)).await;
    let monitor = page.see::<Monitor>().await;
    let mail = monitor.probes.get("mail").expect("it is watched");
    assert_eq!(mail.ms.iter().copied().collect::<Vec<_>>(), [20, 30, 40]);
    let shop = monitor.probes.get("shop").expect("it is watched");
    assert_eq!(shop.ms.len(), 1);
    assert_eq!(shop.last_error.as_deref(), Some("shop does not answer"));
}
// end

// excerpt: shares
#[tokio::test(start_paused = true)]
async fn what_one_visitor_adds_another_sees_and_removes() {
    let app = app(Scripted::default());
    let (mut one, mut other) = (app.client(), app.client());
    one.send(watch("mail".into())).await.expect("it starts");
    other
        .until(|monitor: &Monitor| monitor.probes.contains_key("mail"))
        .await;
    other.run(forget("mail".into())).await.expect("it is gone");
    // Its task ends by itself.
    app.quiet().await;
    assert!(one.see::<Monitor>().await.probes.is_empty());
}
// end

// excerpt: webhook
#[tokio::test(start_paused = true)]
async fn a_webhook_marks_a_service() {
    let app = app(Scripted::default());
    let mut page = app.client();
    page.send(watch("mail".into())).await.expect("it starts");
    let from_outside = app.process::<Monitor>();
    let sent = from_outside.dispatch(mark_down("mail".into())).await;
    sent.expect("there is room");
    page.until(|monitor: &Monitor| monitor.probes.get("mail").is_some_and(|mail| mail.is_down))
        .await;
}
// end

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_is_said_to_the_page_that_asked() {
    let app = app(Scripted::default());
    let mut page = app.client();
    let refused = page.run(mark_down("fax".into())).await;
    let refused = refused.expect_err("nobody watches it");
    assert_eq!(refused.message, "Nobody watches fax.");
}
