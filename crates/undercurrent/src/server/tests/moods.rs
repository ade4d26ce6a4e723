//! User code that panics where nobody expects it: in the traits of what a state holds, at each of their
//! calls, while the runtime commits, undoes, rebuilds and takes snapshots.

use super::{
    crawlers::{heard, router},
    faults::somebody,
    *,
};
use crate::{
    EndKind,
    core::{
        frame::Frame,
        state::{from_json, to_json},
        untyped::apply_json,
    },
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize, Serializer};
use std::cell::Cell;
use tower::ServiceExt;

/// Plain data with moods.
#[derive(Debug, Default, Deserialize)]
struct Moody(u32);

/// What panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Clone,
    Compare,
    Write,
    Drop,
}

const STREAM: &str = "/api/stream?follow=s.mind";

const CALLS: [Call; 4] = [Call::Clone, Call::Compare, Call::Write, Call::Drop];

thread_local! {
    /// What panics, and after how many calls of it. A test has a thread of its own.
    static NEXT: Cell<Option<(Call, u32)>> = const { Cell::new(None) };
}

fn called(call: Call) {
    match NEXT.get() {
        Some((of, left)) if of == call && !std::thread::panicking() => match left {
            0 => {
                NEXT.set(None);
                panic!("a mood of {call:?}");
            }
            left => NEXT.set(Some((of, left - 1))),
        },
        _ => {}
    }
}

impl Clone for Moody {
    fn clone(&self) -> Self {
        called(Call::Clone);
        Moody(self.0)
    }
}

impl PartialEq for Moody {
    fn eq(&self, other: &Self) -> bool {
        called(Call::Compare);
        self.0 == other.0
    }
}

impl Serialize for Moody {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        called(Call::Write);
        self.0.serialize(to)
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        called(Call::Drop);
    }
}

#[derive(State, Clone, Debug, Default)]
struct Mind {
    moods: List<Moody>,
    named: Map<String, Moody>,
    plain: Vec<Moody>,
    #[state(server)]
    hidden: List<Moody>,
    steps: u32,
}

fn stir(mind: &mut Mind) {
    mind.moods.push(Moody(7));
    if let Some(first) = mind.moods.iter_mut().next() {
        first.0 += 1;
    }
    drop(mind.moods.remove(0));
    mind.moods.push(Moody(8));
    mind.named.insert(format!("n{}", mind.steps), Moody(9));
    mind.named.remove("n0");
    mind.plain.push(Moody(10));
    mind.plain[0].0 += 1;
    mind.hidden.push(Moody(11));
    mind.steps += 1;
}

#[event]
fn stirs(mind: &mut Mind) {
    stir(mind);
}

#[event]
async fn stirs_later(cx: EventContext<Mind>) -> Result {
    cx.update(stir).await?;
    Ok(())
}

/// The list takes its undo log along, and comes back as another.
#[event]
fn swaps(mind: &mut Mind) {
    let moods = std::mem::take(&mut mind.moods);
    stir(mind);
    mind.moods = moods.iter().cloned().collect();
}

/// The undo log is gone when it is needed.
#[event]
fn panics_without_a_log(mind: &mut Mind) {
    stir(mind);
    drop(std::mem::take(&mut mind.moods));
    panic!("on purpose");
}

/// Of two states one is settled before the other.
#[event]
fn stirs_both(mind: &mut Mind, trial: &mut Trial) {
    trial.seen.push("both".into());
    stir(mind);
}

#[component]
pub(super) fn MindPage() -> impl IntoView {
    let mind = use_state::<Mind>();
    view! { <p>{move || mind.steps().get()}</p> }
}

async fn mind(scope: &Scope) -> String {
    let written = |mind: &Mind| to_json(mind).expect("nothing panics now");
    scope.read(|| true, written).await.expect("it reads")
}

/// What a page has that followed from the beginning.
fn replica(scope: &Scope) -> String {
    let mut shown = serde_json::from_str(&to_json(&Mind::default()).unwrap()).unwrap();
    for entry in super::matrix::entries(scope, "mind") {
        apply_json(&mut shown, entry.public_ops()).expect("it fits");
    }
    let shown: Mind = from_json(&shown.to_string()).expect("it is a mind");
    to_json(&shown).expect("it is written")
}

/// One event, with a panic at one call. Says whether it came to that.
async fn one<E: crate::EventDef>(event: crate::Call<E>, call: Call, nth: u32) -> bool {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for number in 1..=2 {
        send(&scope, number, stirs()).await;
    }
    ended(&scope, 2).await;
    let before = mind(&scope).await;
    // As a page view does: what it was given is dropped at the next change.
    drop(scope.snapshot(VISITOR).await);
    NEXT.set(Some((call, nth)));
    send(&scope, 3, event).await;
    ended(&scope, 3).await;
    let came = NEXT.replace(None).is_none();
    let what = format!("{} with a panic at {call:?} {nth}", E::NAME);
    let after = mind(&scope).await;
    let kinds: Vec<_> = failures(&scope)
        .await
        .iter()
        .map(|failure| failure.kind)
        .collect();
    let wanted = E::NAME != "mind/panics_without_a_log";
    match kinds[..] {
        [] => assert!(after.contains(r#""steps":3"#) && wanted, "{what}: {after}"),
        // Where even the way back panics, the state begins anew.
        [EndKind::Panicked] if !wanted && came && after != before => {
            assert_eq!(after, to_json(&Mind::default()).unwrap(), "{what}");
        }
        [EndKind::Panicked] => assert_eq!(after, before, "{what}"),
        ref other => panic!("{what}: {other:?}"),
    }
    assert_eq!(replica(&scope), after, "{what}: a page shows what there is");
    // The queue, the lock and the state are as good as new.
    send(&scope, 4, stirs()).await;
    ended(&scope, 4).await;
    assert_eq!(failures(&scope).await.len(), kinds.len(), "{what}");
    assert_eq!(
        replica(&scope),
        mind(&scope).await,
        "{what}: and the next change"
    );
    came
}

async fn at_each_call<E: crate::EventDef>(event: impl Fn() -> crate::Call<E>) {
    for call in CALLS {
        let mut nth = 0;
        while one(event(), call, nth).await {
            nth += 1;
            assert!(nth < 1_000, "it has no end");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_panics_in_a_commit_the_update_is_made_whole_or_not_at_all() {
    at_each_call(stirs).await;
    at_each_call(stirs_later).await;
    at_each_call(swaps).await;
    at_each_call(stirs_both).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_panics_on_the_way_back_the_state_is_as_it_was_or_begins_anew() {
    at_each_call(panics_without_a_log).await;
}

#[tokio::test(start_paused = true)]
async fn what_panics_in_a_snapshot_breaks_neither_a_page_view_nor_a_stream() {
    for call in CALLS {
        for nth in 0..12 {
            let uc = builder(Limits::default()).build().expect("it starts");
            let (visitor, cookie, scope) = somebody(&uc);
            for number in 1..=2 {
                send_as(visitor, &scope, number, stirs()).await;
            }
            ended(&scope, 2).await;
            let app = router(&uc);
            // What a page drops is a copy of its own, as whatever a component makes.
            let in_page = (call != Call::Drop).then_some((call, nth));
            NEXT.set(in_page);
            let request = Request::get("/mind")
                .header(header::ACCEPT, "text/html")
                .header(header::COOKIE, &cookie)
                .body(Body::empty());
            let page = app.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(page.status(), StatusCode::OK);
            let page = axum::body::to_bytes(page.into_body(), 1 << 20)
                .await
                .unwrap();
            let page = String::from_utf8(page.into()).unwrap();
            assert!(page.contains("</html>"), "{call:?} {nth}: {page}");
            NEXT.set(Some((call, nth)));
            let said = heard(&app, STREAM, &cookie).await;
            let came = NEXT.replace(None).is_none();
            let is_bye = said.contains(r#"{"bye":{"reason":"slow""#);
            let is_shown = said.contains(r#"["mind",null,{"#);
            assert!(is_shown || came && is_bye, "{call:?} {nth}: {said}");
            // The next one brings what there is.
            let said = heard(&app, STREAM, &cookie).await;
            let data = said
                .lines()
                .find_map(|line| line.strip_prefix(r#"data: ["mind""#));
            let data = format!(r#"["mind"{}"#, data.expect("a snapshot"));
            let Ok(Frame::State(frame)) = Frame::parse(&data) else {
                panic!("{data}");
            };
            assert_eq!(frame.body, mind(&scope).await);
        }
    }
}
