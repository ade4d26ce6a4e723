//! Clients that read slowly, or not at all.

use super::*;
use crate::{
    core::frame::{ByeReason, Control},
    server::{
        follow::{Follower, Followers, Streams},
        followed::Request,
        stream::Stream,
    },
};
use axum::body::HttpBody;
use std::task::{Context, Poll, Waker};
use tokio_util::sync::CancellationToken;

const PING_MS: u64 = 15_000;
const STALL_MS: u64 = 20_000;

/// A stream, and what cuts it off.
fn stream(streams: &Streams) -> (Arc<Follower>, CancellationToken) {
    let connection = CancellationToken::new();
    let follower = Arc::new(Follower::new(VISITOR, connection.clone(), 0));
    streams.add(&follower);
    follower.look(Waker::noop());
    (follower, connection)
}

#[test]
fn who_takes_nothing_is_told_and_then_cut_off_and_nobody_else_is() {
    let streams = Streams::default();
    let [(stalled, cut), (reads, kept), (quiet, also_kept)] = [(); 3].map(|()| stream(&streams));
    let sweep = |now_ms| streams.sweep(now_ms, PING_MS, STALL_MS);
    // Something waits for two of them. One is slow, but takes a part now and then.
    let followers = Followers::default();
    followers.add(stalled.clone());
    followers.add(reads.clone());
    followers.wake_all();
    for now_ms in (1_000..=STALL_MS).step_by(1_000) {
        sweep(now_ms);
        reads.writes(now_ms);
    }
    assert!(stalled.take_bye().is_none());
    assert!(quiet.take_ping(), "who hears nothing for long is pinged");
    sweep(STALL_MS + 1_001);
    let bye = stalled.take_bye();
    assert!(
        matches!(
            bye,
            Some(Control::Bye {
                reason: ByeReason::Slow,
                ..
            })
        ),
        "{bye:?}"
    );
    assert!(!cut.is_cancelled(), "it may hear why");
    sweep(STALL_MS + 3_001);
    assert!(cut.is_cancelled());
    assert!(!kept.is_cancelled() && !also_kept.is_cancelled());
    assert!(reads.take_bye().is_none() && quiet.take_bye().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_costs_nobody_anything_and_gets_a_snapshot() {
    let runtime = runtime(Limits {
        log_entries: 8,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    let push = |text: String| scope.update(|| true, move |trial: &mut Trial| trial.seen.push(text));
    push("first".into()).await.expect("it is made");
    let query = [("follow".to_owned(), "s.trial".to_owned())];
    let request = Request::parse(&runtime, &query).expect("it is read");
    let stream = Stream::new(runtime.clone(), VISITOR, CancellationToken::new(), request);
    let mut body = Box::pin(stream.expect("there is room"));
    let mut frames = async || {
        let mut text = String::new();
        let look = |cx: &mut Context<'_>| match body.as_mut().poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(frame.into_data().ok()),
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        };
        let mut look = std::pin::pin!(std::future::poll_fn(look));
        while let Ok(Some(data)) = tokio::time::timeout(Duration::from_millis(50), &mut look).await
        {
            text.push_str(std::str::from_utf8(&data).expect("it is text"));
        }
        text
    };
    assert!(
        frames()
            .await
            .contains(r#"["trial",null,{"seen":["first"]"#)
    );
    // Nobody polls it, and updates go on at once; the log keeps eight of them.
    for n in 0..100 {
        push(n.to_string()).await.expect("it is made");
    }
    let then = frames().await;
    assert_eq!(
        then.matches("data: ").count(),
        1,
        "one snapshot, no hole: {then}"
    );
    assert!(then.contains(r#"["trial",null,"#) && then.contains(r#""98","99"]"#));
}
