//! Updates and the log: nothing lost, undone whole, resumed or told anew.

use super::*;
use futures::{FutureExt, StreamExt, future::poll_fn, stream};
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_is_lost() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let adders = (0..100).map(|_| {
        let scope = scope.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                scope
                    .update(|| true, |trial: &mut Trial| trial.secret += 1)
                    .await
                    .expect("it updates");
                tokio::task::yield_now().await;
            }
        })
    });
    for adder in adders.collect::<Vec<_>>() {
        adder.await.expect("it ends");
    }
    assert_eq!(
        scope.read(|| true, |trial: &Trial| trial.secret).await,
        Ok(10_000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_that_grows_beyond_its_limit_is_left_as_it_was() {
    let runtime = runtime(Limits {
        state_bytes: 1_000,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    let push = |text: String| scope.update(|| true, move |trial: &mut Trial| trial.seen.push(text));
    push("a".repeat(400)).await.expect("it fits");
    // What was there and is gone does not count.
    scope
        .update(|| true, |trial: &mut Trial| trial.seen.clear())
        .await
        .expect("it fits");
    push("b".repeat(600)).await.expect("it fits");
    let refused = push("c".repeat(600)).await;
    assert!(
        matches!(refused, Err(UpdateError::TooLarge { limit: 1_000, .. })),
        "{refused:?}"
    );
    assert_eq!(seen(&scope).await, ["b".repeat(600)]);
    push("d".into()).await.expect("it fits");
    assert_eq!(seen(&scope).await, ["b".repeat(600), "d".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_json_has_no_word_for_is_refused_and_others_come_back_as_they_were() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for in_list in [true, false] {
            let update = scope.update(
                || true,
                move |measure: &mut Measure| match in_list {
                    true => measure.all.push(odd),
                    false => measure.last = odd,
                },
            );
            let refused = update.await;
            assert!(
                matches!(refused, Err(UpdateError::NotRecorded(_))),
                "{refused:?}"
            );
        }
    }
    for n in 0..2_000 {
        let number = f64::from(n) * 0.1 + 1.0 / 3.0;
        let update = scope.update(
            || true,
            move |measure: &mut Measure| measure.all.push(number),
        );
        update.await.expect("it updates");
    }
    let json = scope.snapshots_of(vec!["measure"], VISITOR).await.remove(0);
    let event = String::from_utf8(json.event("s").to_vec()).expect("it is text");
    let data = event
        .trim_end()
        .split_once("data: ")
        .expect("it has data")
        .1;
    let Ok(crate::core::frame::Frame::State(frame)) = crate::core::frame::Frame::parse(data) else {
        panic!("{data}");
    };
    let read: Measure = crate::core::state::from_json(frame.body).expect("it is read");
    let same = scope
        .read(|| true, move |measure: &Measure| measure.all == read.all)
        .await;
    assert_eq!(same, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn a_value_whose_undo_log_is_gone_is_read_anew_from_base_and_log() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    // Enough for the base to move on in between.
    for n in 0..3_000 {
        let text = format!("{n} {}", "x".repeat(n % 97));
        scope
            .update(
                || true,
                move |trial: &mut Trial| {
                    trial.seen.push(text);
                    trial.secret += 1;
                    if trial.seen.len() > 40 {
                        trial.seen.remove(0);
                    }
                },
            )
            .await
            .expect("it updates");
    }
    let before = seen(&scope).await;
    let mut kept = List::new();
    let refused = scope.try_update(
        || true,
        |trial: &mut Trial| {
            std::mem::swap(&mut trial.seen, &mut kept);
            trial.secret = 0;
            Err::<(), _>("no")
        },
    );
    assert_eq!(refused.await, Ok(Err("no")));
    assert_eq!((seen(&scope).await, kept.len()), (before, 40));
    assert_eq!(
        scope.read(|| true, |trial: &Trial| trial.secret).await,
        Ok(3_000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_from_where_it_was_or_takes_a_snapshot() {
    let runtime = runtime(Limits {
        log_entries: 5,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    let from = |offset| Some(Position::new(scope.epoch(), offset));
    let resume = |at: Option<Position>| {
        scope
            .resume(&[("trial", at)], VISITOR)
            .pop()
            .expect("one for one")
    };
    assert!(
        matches!(resume(Some(Position::NONE)), Resume::Current),
        "nothing happened yet"
    );
    for n in 0..8 {
        scope
            .update(|| true, |trial: &mut Trial| trial.seen.push(n.to_string()))
            .await
            .expect("it updates");
    }
    assert!(matches!(resume(from(8)), Resume::Current));
    assert!(matches!(resume(from(3)), Resume::Entries(entries) if entries.len() == 5));
    assert!(matches!(resume(from(2)), Resume::Snapshot), "cut off");
    assert!(
        matches!(resume(from(9)), Resume::Snapshot),
        "ahead of the server"
    );
    assert!(matches!(resume(None), Resume::Snapshot));
    assert!(matches!(resume(Some(Position::NONE)), Resume::Snapshot));
    let snapshots = scope.snapshots_of(vec!["trial", "uc_tasks"], VISITOR).await;
    assert_eq!(Some(snapshots[0].at()), from(8));
    assert_eq!(Some(snapshots[1].at()), from(0));
    let again = scope.snapshots_of(vec!["trial"], VISITOR).await;
    assert!(
        Arc::ptr_eq(&snapshots[0], &again[0]),
        "one snapshot for all who need it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_changed_twice_in_one_update_has_one_entry() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let from = scope.resume(&[("trial", Some(Position::NONE))], VISITOR);
    assert!(matches!(from[0], Resume::Current));
    let mut writing = scope.write().await.expect("it can be written");
    for text in ["a", "b", "c"] {
        let changed = writing.change(|trial: &mut Trial| {
            // The second touches the server's field alone.
            match text {
                "b" => trial.secret = 7,
                _ => trial.seen.push(text.into()),
            }
            Ok::<_, std::convert::Infallible>(())
        });
        assert!(changed.is_ok());
    }
    writing.publish();
    let Some(Resume::Entries(entries)) = scope
        .resume(&[("trial", Some(Position::new(scope.epoch(), 0)))], VISITOR)
        .pop()
    else {
        panic!("one leads on");
    };
    assert_eq!(entries.len(), 1);
    let mut replica = Trial::default();
    let mut applied = crate::core::ops::Applied::default();
    let ops = entries[0].public_ops();
    crate::core::state::apply_ops(&mut replica, ops, &mut applied).expect("they fit");
    assert_eq!(replica.seen.iter().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(seen(&scope).await, ["a", "c"]);
}

/// The state is read anew from the log when the closure takes a recorded list away and fails.
#[tokio::test]
async fn a_state_changed_twice_in_one_update_is_read_anew_with_both_changes() {
    for secret_first in [true, false] {
        let runtime = runtime(Limits::default());
        let scope = scope(&runtime);
        let mut writing = scope.write().await.expect("it runs");
        for secret in [secret_first, !secret_first] {
            let changed = writing.change(|trial: &mut Trial| {
                match secret {
                    true => trial.secret += 1,
                    false => trial.seen.push("public".into()),
                }
                Ok::<_, std::convert::Infallible>(())
            });
            assert!(changed.is_ok());
        }
        writing.publish();
        let taken = scope.try_update(
            || true,
            |trial: &mut Trial| {
                drop(std::mem::take(&mut trial.seen));
                Err::<(), _>("no")
            },
        );
        assert_eq!(taken.await, Ok(Err("no")));
        assert_eq!(seen(&scope).await, ["public"]);
        let secret = scope.read(|| true, |trial: &Trial| trial.secret).await;
        assert_eq!(secret, Ok(1), "secret first: {secret_first}");
    }
}

/// Asks for several at once, and makes an update for each that comes: those that are asked for
/// stand in the line meanwhile, and nobody polls them.
#[background]
async fn pours(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(10)).await?;
    let ask = |n: u32| {
        let asked = cx.update(move |trial| trial.seen.push(format!("asked {n}")));
        async move { asked.await.map(|()| n) }
    };
    let mut all = stream::iter(0..20).map(ask).buffer_unordered(8);
    while let Some(n) = all.next().await {
        let n = n?;
        cx.update(move |trial| trial.seen.push(format!("came {n}")))
            .await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_stands_in_the_line_and_is_not_polled_holds_up_nobody_for_ever() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, pours()).await;
    let turn = scope.turn().await;
    // They line up.
    tokio::time::sleep(Duration::from_millis(15)).await;
    drop(turn);
    let click = send(&scope, 2, note("click".into()));
    tokio::time::timeout(Duration::from_secs(5), click)
        .await
        .expect("it is taken");
    tokio::time::timeout(Duration::from_secs(60), ended(&scope, 2))
        .await
        .expect("it runs");
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(seen(&scope).await.len(), 41);
}

#[tokio::test(start_paused = true)]
async fn a_place_in_the_line_that_nobody_minds_is_passed_over_and_given_up_in_order() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let turn = scope.turn().await;
    let push = |name: &'static str| {
        let push = move |trial: &mut Trial| trial.seen.push(name.to_owned());
        Box::pin(scope.update(|| true, push))
    };
    let mut places: Vec<_> = ["a", "b", "c", "d"].map(push).into();
    for place in &mut places {
        assert!(place.as_mut().now_or_never().is_none(), "it waits");
    }
    // The first is given up, the second is not polled.
    drop(places.remove(0));
    drop(turn);
    let mut absent = places.remove(0);
    let begin = tokio::time::Instant::now();
    for place in places {
        place.await.expect("it updates");
    }
    assert!(begin.elapsed() < Duration::from_secs(1));
    absent.as_mut().await.expect("it updates");
    assert_eq!(seen(&scope).await, ["c", "d", "b"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_a_long_line_is_woken_when_its_turn_has_come_and_not_before() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let turn = scope.turn().await;
    let polls = Arc::new(AtomicUsize::new(0));
    let waiters = (0..1_000).map(|n: u32| {
        let (scope, polls) = (scope.clone(), polls.clone());
        tokio::spawn(async move {
            let push = move |trial: &mut Trial| trial.seen.push(n.to_string());
            let mut update = Box::pin(scope.update(|| true, push));
            let counted = poll_fn(|cx| {
                polls.fetch_add(1, Ordering::Relaxed);
                update.as_mut().poll(cx)
            });
            counted.await.expect("it updates");
        })
    });
    let waiters: Vec<_> = waiters.collect();
    // A closure that takes long, and they wait meanwhile.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(polls.load(Ordering::Relaxed), 1_000, "as each came");
    drop(turn);
    for waiter in waiters {
        waiter.await.expect("it ends");
    }
    // An update that has woken a stream yields once; here is none.
    assert_eq!(polls.load(Ordering::Relaxed), 2_000);
    let in_order: Vec<_> = (0..1_000).map(|n: u32| n.to_string()).collect();
    assert_eq!(seen(&scope).await, in_order);
}

#[tokio::test(start_paused = true)]
async fn each_of_many_that_nobody_minds_is_waited_for_once() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let turn = scope.turn().await;
    let push = |name: &'static str| {
        let push = move |trial: &mut Trial| trial.seen.push(name.to_owned());
        Box::pin(scope.update(|| true, push))
    };
    let mut absent: Vec<_> = (0..5).map(|_| push("absent")).collect();
    for place in &mut absent {
        assert!(place.as_mut().now_or_never().is_none(), "it waits");
    }
    drop(turn);
    let begin = tokio::time::Instant::now();
    for _ in 0..3 {
        push("here").await.expect("it updates");
    }
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_millis(100),
        "{took:?}: they had their time"
    );
    assert!(took < Duration::from_millis(150), "{took:?}: once");
    // They come after all, and leave nothing behind.
    for place in absent {
        place.await.expect("it updates");
    }
    assert_eq!(seen(&scope).await.len(), 8);
    assert!(scope.try_write().is_some());
}
