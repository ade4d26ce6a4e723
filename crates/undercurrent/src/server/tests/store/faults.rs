//! Disks that are full, slow or can't be read: what is in memory stays, what can't be done is
//! refused with its reason, and it goes on by itself when the cause is gone.

use super::*;
use crate::{
    core::frame::{ByeReason, Name},
    server::{
        events::{Batch, take_events},
        followed::Request,
        store::{Medium, Record, StateId},
        stream::Stream,
    },
};
use std::borrow::Cow;
use tokio_util::sync::CancellationToken;

async fn on_a_platter() -> (Platter, Arc<Runtime>, Arc<Scope>) {
    let platter = Platter::new(3);
    let runtime = Ground::Platter(platter.clone()).start().await;
    let scope = the_scope(&runtime).await;
    push(&scope, "before").await.expect("it is made");
    scope.stored().await;
    (platter, runtime, scope)
}

#[tokio::test]
async fn a_full_disk_refuses_updates_and_goes_on_when_there_is_room() {
    let (platter, runtime, scope) = on_a_platter().await;
    platter.fill(true);
    push(&scope, "the last one")
        .await
        .expect("nobody knows yet");
    until(|| async { runtime.store.trouble().is_some() }).await;
    let refused = push(&scope, "refused").await.expect_err("it can't be kept");
    let UpdateError::NotStored(why) = &refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("storage"), "it says why: {why}");
    assert_eq!(
        seen(&scope).await,
        ["before", "the last one"],
        "memory is intact"
    );
    assert!(!scope.is_stored());

    platter.fill(false);
    scope.stored().await;
    until(|| async { runtime.store.trouble().is_none() }).await;
    push(&scope, "after").await.expect("there is room again");
    scope.stored().await;
    let expected = ["before", "the last one", "after"];
    assert_eq!(seen(&scope).await, expected);
    let later = Ground::Platter(platter.as_after_a_power_cut())
        .start()
        .await;
    assert_eq!(
        seen(&*the_scope(&later).await).await,
        expected,
        "on the disk, too"
    );
    close(runtime);
}

/// Writes until it can't.
#[event]
async fn writes_on(cx: EventContext<Trial>) -> Result {
    loop {
        cx.update(|trial| trial.secret += 1).await?;
        cx.sleep(Millis(1)).await?;
    }
}

#[background]
async fn works_on(cx: TaskContext<Trial>) -> Result {
    cx.for_each(0..2, 2, |cx, _| async move {
        for _ in 0..u32::MAX {
            cx.update(|trial| trial.secret += 1).await?;
            cx.sleep(Millis(1)).await?;
        }
        Ok::<_, UpdateError>(())
    })
    .await
}

#[tokio::test]
async fn who_is_stopped_by_a_full_disk_reads_that_and_what_to_do() {
    let (platter, runtime, scope) = on_a_platter().await;
    send(&scope, 1, writes_on()).await;
    send(&scope, 2, works_on()).await;
    platter.fill(true);
    until(|| async { !failures(&scope).await.is_empty() }).await;
    until_status(&scope, TaskStatus::Failed).await;
    let message = failures(&scope).await.remove(0).message;
    let error = runs(&scope).await.remove(0).error;
    for told in [Some(message), error] {
        let told = told.expect("it is told");
        assert!(told.contains("trouble with its disk"), "{told}");
        assert!(told.contains("Try again in a minute"), "{told}");
    }
    // It is told though nothing is kept, and no less once it is.
    assert!(runtime.store.trouble().is_some());
    platter.fill(false);
    scope.stored().await;
    assert_eq!(failures(&scope).await.len(), 1);
    close(runtime);
}

#[tokio::test]
async fn a_scope_that_can_t_be_read_at_the_moment_is_not_shown_as_empty_nor_begun_anew() {
    let platter = Platter::new(3);
    let ground = Ground::Platter(platter.clone());
    let runtime = ground.start().await;
    let session = runtime.sessions.fresh();
    let scope = session_of(&runtime, session.visitor);
    push(&scope, "before").await.expect("it is made");
    scope.stored().await;
    drop(scope);
    close(runtime);

    let runtime = ground.start().await;
    platter.hide(true);
    let query = [("follow".to_owned(), "s.trial".to_owned())];
    let stream = || {
        let request = Request::parse(&runtime, &query).expect("it is known");
        let connection = CancellationToken::new();
        Stream::new(runtime.clone(), session.visitor, connection, request).map(drop)
    };
    assert_eq!(stream(), Err(ByeReason::Full), "it comes back later");
    let arguments = serde_json::value::to_raw_value(&note("lost".into())).expect("it is JSON");
    let batch = Batch {
        client: "c".into(),
        session: None,
        scope: None,
        events: vec![(1, Name(note_name()), &arguments)],
    };
    let answers = take_events(&runtime, &session, batch).await;
    let answer = &answers.expect("each is answered").events[0];
    assert_eq!(
        answer.kind,
        Some(EndKind::Full),
        "it is told, and can be sent again"
    );

    platter.hide(false);
    let place = place(&runtime, session.visitor, &ScopeName::Session);
    until(|| async { runtime.load(&place).await }).await;
    assert_eq!(stream(), Ok(()));
    let scope = session_of(&runtime, session.visitor);
    assert_eq!(seen(&scope).await, ["before"]);
    close(runtime);
}

fn note_name() -> Cow<'static, str> {
    fn name<E: crate::EventDef>(_: &Call<E>) -> &'static str {
        E::NAME
    }
    name(&note(String::new())).into()
}

#[tokio::test]
async fn a_slow_disk_slows_handlers_down_and_fills_no_memory() {
    let platter = Platter::new(4);
    let limits = Limits {
        store_pending_bytes: 10_000,
        ..Limits::default()
    };
    let ground = Ground::Platter(platter.clone());
    let runtime = ground.start_with(Durability::Relaxed, limits).await;
    let scope = the_scope(&runtime).await;
    push(&scope, "first").await.expect("it is made");
    scope.stored().await;
    let held = platter.hold();
    let updating = tokio::spawn({
        let scope = scope.clone();
        async move {
            for _ in 0..1_000 {
                push(&scope, "x".repeat(1_000)).await.expect("it is made");
            }
        }
    });
    until(|| async { runtime.store.is_behind() }).await;
    let waits = || scope.published().log.position().offset;
    let offset = waits();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(waits() <= offset + 1, "it waits");
    }
    assert!(!updating.is_finished());
    assert!(offset < 20, "{offset}");
    drop(held);
    updating.await.expect("it ends");
    assert_eq!(seen(&scope).await.len(), 1_001);
    close(runtime);
}

#[tokio::test]
async fn while_the_disk_is_behind_no_more_comes_in_than_memory_may_hold() {
    let platter = Platter::new(4);
    let limits = Limits {
        store_pending_bytes: 10_000,
        store_wait_ms: 5,
        ..Limits::default()
    };
    let ground = Ground::Platter(platter.clone());
    let runtime = ground.start_with(Durability::Relaxed, limits).await;
    let session = runtime.sessions.fresh();
    let scope = session_of(&runtime, session.visitor);
    scope.stored().await;
    let held = platter.hold();
    for number in 1..=100 {
        let call = note("x".repeat(1_000));
        let arguments = serde_json::value::to_raw_value(&call).expect("it is JSON");
        let batch = Batch {
            client: "c".into(),
            session: None,
            scope: None,
            events: vec![(number, Name(note_name()), &arguments)],
        };
        let answer = take_events(&runtime, &session, batch).await;
        assert!(answer.is_err(), "nothing is kept");
    }
    assert!(runtime.store.is_behind());
    let came_in = || {
        let mut queues = scope.queues.lock().expect("it is whole");
        let queue = queues.existing(session.visitor).expect("it is there");
        (1..=100)
            .take_while(|n| queue.numbers.is_known("c", *n))
            .count()
    };
    let accepted = came_in();
    assert!((1..20).contains(&accepted), "{accepted}");
    drop(held);
    until(|| async { seen(&scope).await.len() == accepted }).await;
    close(runtime);
}

/// What another build has written of a state, in the place of what there is.
async fn written_by_another_build(json: &str) -> (Ground, Arc<Runtime>) {
    let (platter, runtime, scope) = on_a_platter().await;
    let at = scope.published().log.position();
    let record = Record::Snapshot(StateId::shared("trial"), at.offset + 1, json.to_owned());
    scope.hand_over(vec![record]);
    drop(scope);
    close(runtime);
    let ground = Ground::Platter(platter);
    let runtime = ground.start().await;
    (ground, runtime)
}

/// How often a text was laid aside.
fn aside(ground: &Ground, text: &str) -> usize {
    let Ground::Platter(platter) = ground else {
        panic!("it is on one");
    };
    let database = Medium::open(platter).expect("nobody has it").database;
    let read = redb::ReadableDatabase::begin_read(&database).expect("it is readable");
    let table = redb::TableDefinition::<&[u8], &[u8]>::new("aside");
    let table = read.open_table(table).expect("it is there");
    let rows = redb::ReadableTable::iter(&table).expect("it is readable");
    let has_it = |value: &[u8]| String::from_utf8_lossy(value).contains(text);
    let rows = rows.filter_map(Result::ok);
    rows.filter(|(_, value)| has_it(value.value())).count()
}

/// What the store has of the state, as any build would read it: its snapshot, and whether there is one
/// that was written in this run.
fn snapshot_of(runtime: &Runtime, scope: &Scope) -> (u64, serde_json::Value) {
    let stored = runtime.store.load(scope.slot.key()).expect("it reads");
    let states = stored.expect("it is there").states;
    let trial = states.into_iter().find(|state| state.id.name == "trial");
    let (at, json) = trial
        .and_then(|state| state.snapshot)
        .expect("there is one");
    (at, serde_json::from_str(&json).expect("it is JSON"))
}

#[tokio::test]
async fn who_goes_back_a_version_and_forth_again_has_lost_no_field() {
    let newer = r#"{"seen":["a"],"secret":1,"from_the_future":{"n":5}}"#;
    let (ground, mut runtime) = written_by_another_build(newer).await;
    for begun in 1..=2 {
        let scope = the_scope(&runtime).await;
        assert_eq!(seen(&scope).await.len(), 1 + 3 * (begun - 1));
        let (before, _) = snapshot_of(&runtime, &scope);
        // Enough for the state to be written anew.
        for _ in 0..3 {
            push(&scope, "x".repeat(70_000)).await.expect("it is made");
        }
        scope.stored().await;
        until(|| async { snapshot_of(&runtime, &scope).0 > before }).await;
        let (_, json) = snapshot_of(&runtime, &scope);
        assert_eq!(json["from_the_future"]["n"], 5);
        assert!(json["seen"].as_array().is_some_and(|seen| seen.len() > 1));
        runtime.hand_over_all();
        scope.stored().await;
        let (_, json) = snapshot_of(&runtime, &scope);
        assert_eq!(json["from_the_future"]["n"], 5);
        drop(scope);
        close(runtime);
        runtime = ground.start().await;
    }
    assert_eq!(seen(&*the_scope(&runtime).await).await.len(), 7);
    close(runtime);
    assert_eq!(
        aside(&ground, "from_the_future"),
        0,
        "nothing is laid aside"
    );
}

#[tokio::test]
async fn of_a_state_that_changed_new_fields_have_their_defaults_and_old_ones_go() {
    let (_, runtime) = written_by_another_build(r#"{"seen":["a"],"gone":5}"#).await;
    let scope = the_scope(&runtime).await;
    let read = |trial: &Trial| (trial.seen.len(), trial.secret);
    let read = scope.read(|| true, read).await.expect("it reads");
    assert_eq!(read, (1, 0));
    push(&scope, "b").await.expect("it is made");
    assert_eq!(seen(&scope).await, ["a", "b"]);
    close(runtime);
}

/// Whether this is the second build, which begins a shelf with something else. A store is read on other
/// threads.
static IS_SECOND_BUILD: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[derive(State, Clone, Debug)]
struct SeededShelf {
    books: List<String>,
    room: u32,
}

impl Default for SeededShelf {
    fn default() -> Self {
        let (books, room): (&[&str], u32) =
            match IS_SECOND_BUILD.load(std::sync::atomic::Ordering::Relaxed) {
                false => (&["Welcome"], 10),
                true => (&["News", "Welcome"], 20),
            };
        SeededShelf {
            books: books.iter().map(|&book| book.to_owned()).collect(),
            room,
        }
    }
}

#[tokio::test]
async fn a_state_stays_what_it_was_where_another_build_begins_with_something_else() {
    let (platter, runtime, scope) = on_a_platter().await;
    let shelf = async |scope: &Scope| {
        let read =
            |shelf: &SeededShelf| (shelf.books.iter().cloned().collect::<Vec<_>>(), shelf.room);
        scope.read(|| true, read).await.expect("it reads")
    };
    scope
        .update(|| true, |shelf: &mut SeededShelf| shelf.books[0].push('!'))
        .await
        .expect("it is made");
    scope
        .update(
            || true,
            |shelf: &mut SeededShelf| shelf.books.push("A".into()),
        )
        .await
        .expect("it is made");
    scope.stored().await;
    drop(scope);
    close(runtime);
    IS_SECOND_BUILD.store(true, std::sync::atomic::Ordering::Relaxed);
    let ground = Ground::Platter(platter);
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let was = (vec!["Welcome!".to_owned(), "A".to_owned()], 10);
    assert_eq!(shelf(&*scope).await, was);
    drop(scope);
    close(runtime);
}

#[tokio::test]
async fn a_state_that_fits_no_more_is_laid_aside_and_begins_anew() {
    let (ground, runtime) = written_by_another_build(r#"{"seen":7}"#).await;
    let scope = the_scope(&runtime).await;
    assert_eq!(seen(&scope).await, Vec::<String>::new());
    push(&scope, "anew").await.expect("it is made");
    scope.stored().await;
    drop(scope);
    close(runtime);
    assert_eq!(
        aside(&ground, r#"{"seen":7}"#),
        1,
        "who looks for it finds it"
    );
    let runtime = ground.start().await;
    assert_eq!(seen(&*the_scope(&runtime).await).await, ["anew"]);
    close(runtime);
}

#[event]
async fn dozes(cx: EventContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[tokio::test]
async fn where_it_is_not_known_any_more_how_events_ended_nobody_waits_for_them() {
    let (platter, runtime, scope) = on_a_platter().await;
    for n in 1..=2 {
        send(&scope, n, note(n.to_string())).await;
    }
    for n in 3..=4 {
        send(&scope, n, dozes()).await;
    }
    ended(&scope, 2).await;
    let at = scope.published().log.position();
    let ends = StateId::shared("uc_ends");
    let odd = r#"{"clients":7}"#.to_owned();
    scope.hand_over(vec![Record::Snapshot(ends, at.offset + 1, odd)]);
    drop(scope);
    close(runtime);
    let runtime = Ground::Platter(platter).start().await;
    let scope = the_scope(&runtime).await;
    assert_ne!(scope.epoch(), at.epoch, "pages ask again");
    // All that ended has, and what waits has not.
    let known = send(&scope, 2, note("2".into())).await;
    assert!(matches!(known, Accepted::Known), "{known:?}");
    ended(&scope, 2).await;
    let upto = |ends: &UcEnds| ends.clients.first().map(|ends| ends.upto);
    assert_eq!(scope.read(|| true, upto).await, Ok(Some(2)));
    assert_eq!(failures(&scope).await, []);
    assert_eq!(seen(&scope).await, ["before", "1", "2"]);
    close(runtime);
}

#[tokio::test]
async fn entries_that_fit_no_more_are_read_once_and_the_scope_keeps_its_life() {
    let (platter, runtime, scope) = on_a_platter().await;
    let at = scope.published().log.position();
    let snapshot = r#"{"seen":["a"],"gone":4}"#.to_owned();
    let trial = StateId::shared("trial");
    let entry = super::power::entry_of(at.offset + 2, r#"[["=","gone",5]]"#);
    scope.hand_over(vec![
        Record::Snapshot(trial.clone(), at.offset + 1, snapshot),
        Record::Entry(trial, entry),
    ]);
    drop(scope);
    close(runtime);
    let runtime = Ground::Platter(platter).start().await;
    let first = {
        let scope = the_scope(&runtime).await;
        assert_eq!(seen(&scope).await, ["a"]);
        scope.stored().await;
        let (_, json) = snapshot_of(&runtime, &scope);
        assert_eq!(json["gone"], 5, "who knows it finds it");
        scope.epoch()
    };
    until(|| async {
        runtime.scopes.expire(u64::MAX);
        runtime.scopes.count() == 0
    })
    .await;
    let scope = the_scope(&runtime).await;
    assert_eq!(seen(&scope).await, ["a"]);
    assert_eq!(scope.epoch().life(), first.life(), "it is the same");
    close(runtime);
}

/// A scope in memory, and one that is in the store alone.
async fn one_here_and_one_away(ground: &Ground) -> (Arc<Runtime>, Arc<Scope>, Place) {
    let runtime = ground.start().await;
    let away = place(&runtime, Visitor([2; 16]), &ScopeName::Session);
    let scope = runtime.scope_at(&away).await.expect("there is room");
    push(&scope, "away").await.expect("it is made");
    scope.stored().await;
    drop(scope);
    until(|| async {
        runtime.scopes.expire(u64::MAX);
        runtime.scopes.count() == 0
    })
    .await;
    let scope = the_scope(&runtime).await;
    push(&scope, "here").await.expect("it is made");
    let fill = |trial: &mut Trial| trial.secret = 7;
    scope.update(|| true, fill).await.expect("it is made");
    send(&scope, 1, note("acknowledged".into())).await;
    ended(&scope, 1).await;
    scope.stored().await;
    (runtime, scope, away)
}

async fn is_all_there(ground: &Ground) {
    let later = ground.start().await;
    let scope = the_scope(&later).await;
    assert_eq!(seen(&scope).await, ["here", "acknowledged", "after"]);
    let secret = scope.read(|| true, |trial: &Trial| trial.secret).await;
    assert_eq!(secret.expect("it reads"), 7);
    assert!(matches!(
        send(&scope, 1, note("acknowledged".into())).await,
        Accepted::Known
    ));
    close(later);
}

#[tokio::test]
async fn where_the_file_breaks_while_it_is_written_what_is_in_memory_goes_into_a_new_one() {
    let platter = Platter::new(3);
    let ground = Ground::Platter(platter.clone());
    let (runtime, scope, _) = one_here_and_one_away(&ground).await;
    let at = scope.published().log.position();
    platter.scramble();
    push(&scope, "after").await.expect("it is made");
    let in_time = tokio::time::timeout(Duration::from_secs(10), scope.stored()).await;
    in_time.expect("it is kept, in a new file");
    assert!(runtime.store.trouble().is_none());
    assert_eq!(scope.epoch(), at.epoch, "pages go on");
    is_all_there(&ground.as_if_killed()).await;
    drop(scope);
    close(runtime);
    is_all_there(&ground).await;
}

#[tokio::test]
async fn where_the_file_breaks_while_it_is_read_what_is_not_in_memory_begins_anew() {
    let platter = Platter::new(3);
    let ground = Ground::Platter(platter.clone());
    let (runtime, scope, away) = one_here_and_one_away(&ground).await;
    platter.scramble();
    until(|| async { runtime.load(&away).await }).await;
    let other = runtime.scope_at(&away).await.expect("it can be read");
    assert_eq!(seen(&other).await, Vec::<String>::new());
    push(&other, "anew").await.expect("it is made");
    push(&scope, "after").await.expect("it is made");
    other.stored().await;
    scope.stored().await;
    drop((scope, other));
    close(runtime);
    is_all_there(&ground).await;
    let later = ground.start().await;
    let other = later.scope_at(&away).await.expect("it is there");
    assert_eq!(seen(&other).await, ["anew"]);
    close(later);
}

#[tokio::test]
async fn where_the_file_is_repaired_pages_of_a_scope_that_is_not_in_memory_are_told() {
    let platter = Platter::new(3);
    let ground = Ground::Platter(platter.clone());
    for durability in [Durability::Relaxed, Durability::Commit] {
        let runtime = ground.start_as(durability).await;
        let away = place(&runtime, Visitor([2; 16]), &ScopeName::Session);
        let let_go = || async {
            until(|| async {
                runtime.scopes.expire(u64::MAX);
                runtime.scopes.find(away.key).is_none()
            })
            .await;
        };
        let scope = runtime.scope_at(&away).await.expect("there is room");
        push(&scope, "shown").await.expect("it is made");
        scope.stored().await;
        let shown = scope.epoch();
        drop(scope);
        let_go().await;
        let here = the_scope(&runtime).await;
        let of_here = here.epoch();
        let before = runtime.store.era();
        platter.tear();
        runtime
            .store
            .load(away.key)
            .expect_err("of it something can't be read");
        // In memory before the writer has looked, it would lose nothing.
        until(|| async { runtime.store.era() != before }).await;
        until(|| async { runtime.load(&away).await }).await;
        let scope = runtime.scope_at(&away).await.expect("it can be read");
        let told = scope.epoch();
        assert_ne!(told, shown, "what its pages saw may be missing");
        assert_eq!(told.life(), shown.life());
        assert_eq!(here.epoch(), of_here, "of this one nothing is");
        push(&scope, "again").await.expect("it is made");
        scope.stored().await;
        drop((scope, here));
        // It is told once.
        let_go().await;
        runtime.load(&away).await;
        let scope = runtime.scope_at(&away).await.expect("it can be read");
        assert_eq!(scope.epoch(), told);
        drop(scope);
        close(runtime);
        // No later run gives that epoch to anybody again.
        let later = ground.as_if_killed().start_as(Durability::Relaxed).await;
        assert!(later.store.turn() > told.turn());
        close(later);
    }
}

#[event]
async fn begins_and_waits(cx: EventContext<Trial>) -> Result {
    cx.update(|trial| trial.seen.push("begun".into())).await?;
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[event]
async fn does_nothing(cx: EventContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[tokio::test]
async fn what_runs_while_the_file_breaks_is_in_the_new_one_too() {
    let platter = Platter::new(3);
    let ground = Ground::Platter(platter.clone());
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let other = Visitor([2; 16]);
    let of_other = session_of(&runtime, other);
    send(&scope, 1, begins_and_waits()).await;
    until(|| async { seen(&scope).await == ["begun"] }).await;
    send_as(other, &of_other, 1, does_nothing()).await;
    send_as(other, &of_other, 2, note("behind".into())).await;
    of_other.stored().await;
    scope.stored().await;
    platter.scramble();
    push(&scope, "after").await.expect("it is made");
    scope.stored().await;
    let killed = ground.as_if_killed();
    runtime.interrupted.cancel();
    close(runtime);

    let later = killed.start().await;
    let scope = the_scope(&later).await;
    ended(&scope, 1).await;
    assert_eq!(seen(&scope).await, ["begun", "after"]);
    assert_eq!(failures(&scope).await[0].kind, EndKind::Interrupted);
    let place = place(&later, other, &ScopeName::Session);
    let of_other = later.scope_at(&place).await.expect("it is there");
    // It begins again, and what is behind it waits.
    until(|| async { tries(&later, &of_other).first() == Some(&2) }).await;
    assert_eq!(tries(&later, &of_other).len(), 2);
    later.interrupted.cancel();
    close(later);
}
