//! Whatever position a stream is asked to go on from, it leads to what is. And what waits goes in
//! one write.

use super::*;
use crate::{
    core::{
        frame::{Control, Frame, parse_id},
        position::Epoch,
        replica::{Replica, Verdict},
        untyped::apply_json,
    },
    server::{followed::Request, stream::Stream},
};
use axum::body::HttpBody;
use serde_json::Value;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio_util::sync::CancellationToken;

/// A stream, and each write of it.
struct Writes(Pin<Box<Stream>>);

impl Writes {
    fn open(runtime: &Arc<Runtime>, asked: &str) -> Self {
        let query = [("follow".to_owned(), format!("s.trial{asked}"))];
        let request = Request::parse(runtime, &query).expect("it is read");
        let stream = Stream::new(runtime.clone(), VISITOR, CancellationToken::new(), request);
        Writes(Box::pin(stream.expect("there is room")))
    }

    /// The next write, unless nothing comes for a while.
    async fn next(&mut self) -> Option<String> {
        let look = |cx: &mut Context<'_>| match self.0.as_mut().poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(frame.into_data().ok()),
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        };
        let next = tokio::time::timeout(Duration::from_millis(50), std::future::poll_fn(look));
        let data = next.await.ok()??;
        Some(String::from_utf8(data.to_vec()).expect("it is text"))
    }
}

/// A page that shows something, rightly or not.
struct Client {
    replica: Replica,
    shown: Value,
    told: Vec<String>,
}

impl Client {
    fn new(asked: &str, shown: Value) -> Self {
        let at = asked.strip_prefix('@').and_then(|at| at.parse().ok());
        Client {
            replica: at.map_or(Replica::Pending, Replica::Live),
            shown,
            told: Vec::new(),
        }
    }

    async fn follow(&mut self, writes: &mut Writes) {
        while let Some(write) = writes.next().await {
            for event in write.split_inclusive("\n\n") {
                self.take(event);
                self.told.push(event.to_owned());
            }
        }
    }

    /// As PROTOCOL.md has it.
    fn take(&mut self, event: &str) {
        let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        match Frame::parse(line("data: ").expect("data")).expect("a frame") {
            Frame::Control(Control::Ahead { tag, state }) => {
                assert_eq!((&*tag, &*state), ("s", "trial"));
                self.replica.broke();
            }
            Frame::Control(_) => {}
            Frame::State(frame) => {
                let (_, to) = parse_id(line("id: ").expect("an id")).expect("a position");
                match (self.replica.receive(frame.since, to), frame.since) {
                    (Verdict::Drop, _) => {}
                    (Verdict::Resync, _) => panic!("a gap on one stream: {event}"),
                    (Verdict::Apply, None) => {
                        self.shown = serde_json::from_str(frame.body).expect("a state");
                    }
                    (Verdict::Apply, Some(_)) => {
                        apply_json(&mut self.shown, frame.body).expect("ops that fit");
                    }
                }
            }
        }
    }
}

fn push(scope: &Arc<Scope>, text: &str) -> impl Future<Output = Result<(), UpdateError>> {
    let (scope, text) = (scope.clone(), text.to_owned());
    async move {
        let push = move |trial: &mut Trial| trial.seen.push(text);
        scope.update(|| true, push).await
    }
}

fn shows(seen: &[&str]) -> Value {
    serde_json::json!({ "seen": seen })
}

/// Positions as texts of an address, and what a client shows that asks for them.
fn asked(epoch: Epoch) -> Vec<(String, Value)> {
    let own = |offset: u64| format!("@{}", Position::new(epoch, offset));
    let wrong = || shows(&["never", "was"]);
    let all = ["a", "b", "c", "d", "e"];
    vec![
        // None, and what is none.
        (String::new(), Value::Null),
        ("@".to_owned(), Value::Null),
        ("@no-position".to_owned(), Value::Null),
        ("@5".to_owned(), Value::Null),
        (format!("@{epoch}--1"), Value::Null),
        (format!("@{epoch}-99999999999999999999"), Value::Null),
        (format!("@{}-1", "z".repeat(40)), Value::Null),
        (own(3).to_uppercase(), Value::Null),
        (format!("{}{}", own(5), own(5)), Value::Null),
        // Of no history, and of another one.
        ("@0-0".to_owned(), shows(&[])),
        ("@0-7".to_owned(), wrong()),
        ("@zzzzzz-3".to_owned(), wrong()),
        // Cut off, in the log, current.
        (own(0), shows(&[])),
        (own(1), shows(&all[..1])),
        (own(2), shows(&all[..2])),
        (own(4), shows(&all[..4])),
        (own(5), shows(&all)),
        // Ahead.
        (own(6), wrong()),
        (own(1_000), wrong()),
        (own(u64::MAX), wrong()),
    ]
}

#[tokio::test(start_paused = true)]
async fn whatever_position_a_stream_is_asked_to_go_on_from_it_leads_to_what_is() {
    for nth in 0..asked(Epoch::NONE).len() {
        let runtime = runtime(Limits {
            log_entries: 3,
            ..Limits::default()
        });
        let scope = scope(&runtime);
        for text in ["a", "b", "c", "d", "e"] {
            push(&scope, text).await.expect("it is made");
        }
        let epoch = scope.epoch();
        let (asked, shown) = asked(epoch).swap_remove(nth);
        let mut client = Client::new(&asked, shown);
        let mut writes = Writes::open(&runtime, &asked);
        client.follow(&mut writes).await;
        let all = shows(&["a", "b", "c", "d", "e"]);
        assert_eq!(client.shown, all, "{asked:?}: {:?}", client.told);
        let at: Option<Position> = asked.strip_prefix('@').and_then(|at| at.parse().ok());
        let is_ahead = at.is_some_and(|at| at.epoch == epoch && at.offset > 5);
        let hears_it = client.told.iter().any(|event| event.contains("\"ahead\""));
        assert_eq!(hears_it, is_ahead, "{asked:?}: {:?}", client.told);
        push(&scope, "f").await.expect("it is made");
        client.follow(&mut writes).await;
        let all = shows(&["a", "b", "c", "d", "e", "f"]);
        assert_eq!(client.shown, all, "{asked:?}: {:?}", client.told);
    }
}

#[tokio::test(start_paused = true)]
async fn who_claims_to_know_a_scope_that_does_not_exist_shows_its_default() {
    for (asked, shown) in asked(Epoch::from_random(7)) {
        let runtime = runtime(Limits::default());
        let mut client = Client::new(&asked, shown);
        let mut writes = Writes::open(&runtime, &asked);
        client.follow(&mut writes).await;
        assert_eq!(client.shown, shows(&[]), "{asked:?}: {:?}", client.told);
        push(&scope(&runtime), "a").await.expect("it is made");
        client.follow(&mut writes).await;
        assert_eq!(client.shown, shows(&["a"]), "{asked:?}: {:?}", client.told);
    }
}

#[tokio::test(start_paused = true)]
async fn several_updates_go_in_one_write_and_those_of_one_update_in_the_same() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let mut writes = Writes::open(&runtime, "");
    while writes.next().await.is_some() {}
    for text in ["a", "b", "c", "d", "e"] {
        push(&scope, text).await.expect("it is made");
    }
    let write = writes.next().await.expect("they are there");
    assert_eq!(write.matches("data: [\"trial\",").count(), 5, "{write}");
    assert_eq!(writes.next().await, None);
    // What is more than a write's share goes in further ones, each at a border of updates.
    let shared = Limits {
        write_bytes: 1_024,
        ..Limits::default()
    };
    let runtime = super::runtime(shared);
    let scope = super::scope(&runtime);
    push(&scope, "first").await.expect("it is made");
    let mut writes = Writes::open(&runtime, "");
    while writes.next().await.is_some() {}
    let long = ["a", "b", "c"].map(|text| text.repeat(1_100));
    for text in &long {
        push(&scope, text).await.expect("it is made");
    }
    for text in &long {
        let write = writes.next().await.expect("it is there");
        assert!(
            write.contains(&format!("[[\"+\",\"seen\",\"{text}\"]]")),
            "{write}"
        );
        assert_eq!(write.matches("data: ").count(), 1, "{write}");
    }
    assert_eq!(writes.next().await, None);
}
