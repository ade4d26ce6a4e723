//! States that are told who is here.

use super::{store::Ground, waits::spin_until, *};
use crate::{
    builtin::UcPresent,
    server::{
        Durability,
        followed::Request,
        presence::{HIDDEN_LEASE, LEASE},
        stream::Stream,
    },
};
use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::time::Instant;

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anyone, present = note_people)]
struct Salon {
    people: Vec<String>,
    /// How often it was told.
    told: u32,
    members: Map<String, bool>,
    breaks: bool,
}

/// Lives beside it.
#[derive(State, Clone, Debug, Default)]
#[state(scope = Salon, present = count_people)]
struct Guests {
    most: usize,
}

fn anyone(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    Ok(())
}

fn note_people(salon: &mut Salon, here: &[Visitor]) {
    salon.people = here.iter().map(Visitor::id).collect();
    salon.told += 1;
    assert!(!salon.breaks, "it breaks");
    let members: Vec<String> = salon.members.iter().map(|(id, _)| id.clone()).collect();
    for id in members {
        let is_here = salon.people.contains(&id);
        salon.members.insert(id, is_here);
    }
}

fn count_people(guests: &mut Guests, here: &[Visitor]) {
    guests.most = guests.most.max(here.len());
}

#[event]
fn opens(salon: &mut Salon) {
    salon.breaks = false;
}

#[event]
fn breaks(salon: &mut Salon) {
    salon.breaks = true;
}

/// Lets in whoever asks.
#[event]
async fn joins(cx: EventContext<Salon>) -> Result {
    let me = cx.visitor();
    cx.update(|salon| {
        let is_here = cx.present().contains(&me);
        salon.members.insert(me.id(), is_here)
    })
    .await?;
    Ok(())
}

// === Helpers ===

const ADA: Visitor = Visitor([11; 16]);
const BOB: Visitor = Visitor([12; 16]);

fn name() -> ScopeName {
    ScopeName::Keyed {
        space: Salon::NAME,
        key: "tea".into(),
    }
}

/// The scope, read or made.
async fn salon(runtime: &Arc<Runtime>) -> Arc<Scope> {
    let place = place(runtime, Visitor::SERVER, &name());
    runtime.scope_at(&place).await.expect("there is room")
}

/// A page of a visitor, as it follows.
fn page(runtime: &Arc<Runtime>, visitor: Visitor, client: &str) -> Stream {
    page_that(runtime, visitor, client, false)
}

fn page_that(runtime: &Arc<Runtime>, visitor: Visitor, client: &str, is_hidden: bool) -> Stream {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut query = vec![
        pair("scope", &name().to_string()),
        pair("follow", "0.salon"),
        pair("client", client),
    ];
    query.extend(is_hidden.then(|| pair("hidden", "1")));
    let request = Request::parse(runtime, &query);
    let request = request.unwrap_or_else(|why| panic!("it is not read: {why:?}"));
    let stream = Stream::new(runtime.clone(), visitor, Default::default(), request);
    stream.unwrap_or_else(|why| panic!("it does not open: {why:?}"))
}

async fn read(scope: &Scope) -> Salon {
    scope.read(|| true, Salon::clone).await.expect("it reads")
}

fn ids(visitors: &[Visitor]) -> Vec<String> {
    visitors.iter().map(Visitor::id).collect()
}

/// Waits until these are told of. Says how long it took.
async fn told_of(scope: &Scope, visitors: &[Visitor]) -> Duration {
    let begin = Instant::now();
    until(|| async { read(scope).await.people == ids(visitors) }).await;
    begin.elapsed()
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

// === Tests ===

#[tokio::test(start_paused = true)]
async fn who_comes_is_told_at_once_and_who_has_closed_within_ten_seconds_and_a_reload_never() {
    let runtime = runtime(Limits::default());
    let scope = salon(&runtime).await;
    let mut ada = page(&runtime, ADA, "page-0");
    assert!(told_of(&scope, &[ADA]).await < Duration::from_millis(20));
    seconds(1).await;
    let bob = page(&runtime, BOB, "bob");
    assert!(told_of(&scope, &[ADA, BOB]).await < Duration::from_millis(20));
    for nth in 1..=5 {
        drop(ada);
        seconds(5).await;
        ada = page(&runtime, ADA, &format!("page-{nth}"));
        // A second tab is nobody else.
        drop(page(&runtime, ADA, "tab"));
        seconds(20).await;
    }
    assert_eq!(read(&scope).await.told, 2, "it never flickered");
    drop(ada);
    let took = told_of(&scope, &[BOB]).await;
    assert!((LEASE..Duration::from_secs(10)).contains(&took), "{took:?}");
    drop(bob);
    let took = told_of(&scope, &[]).await;
    assert!((LEASE..Duration::from_secs(10)).contains(&took), "{took:?}");
    assert_eq!(read(&scope).await.told, 4);
    // Nobody is here: nothing is asked any more, until somebody comes.
    until(|| async { !scope.slot.followers.presence.is_attended() }).await;
    let _bob = page(&runtime, BOB, "bob");
    assert!(told_of(&scope, &[BOB]).await < Duration::from_millis(20));
}

#[tokio::test(start_paused = true)]
async fn all_states_of_a_scope_that_want_to_know_are_told_in_one_update() {
    let runtime = runtime(Limits::default());
    let scope = salon(&runtime).await;
    let _ada = page(&runtime, ADA, "ada");
    told_of(&scope, &[ADA]).await;
    let most = |guests: &Guests| guests.most;
    assert_eq!(scope.read(|| true, most).await.expect("it reads"), 1);
    let of = |state| matrix::entries(&scope, state)[0].offset;
    assert_eq!(of(Salon::NAME), of(Guests::NAME));
    // Pages see nothing of what the runtime keeps of it.
    assert_eq!(matrix::ops(&scope, UcPresent::NAME), ["[]"]);
}

#[tokio::test(start_paused = true)]
async fn to_look_at_a_scope_that_does_not_exist_makes_none_and_who_looks_is_here_once_it_does() {
    let runtime = runtime(Limits::default());
    let _ada = page(&runtime, ADA, "ada");
    seconds(60).await;
    assert_eq!(runtime.scopes.count(), 0);
    let scope = salon(&runtime).await;
    assert!(told_of(&scope, &[ADA]).await < Duration::from_millis(20));
}

#[tokio::test(start_paused = true)]
async fn a_scope_goes_from_memory_when_its_states_know_that_nobody_is_here_and_comes_by_no_update()
{
    let runtime = runtime(Limits::default());
    let scope = salon(&runtime).await;
    let ada = page(&runtime, ADA, "ada");
    told_of(&scope, &[ADA]).await;
    drop((scope, ada));
    let expire = || runtime.scopes.expire(u64::MAX);
    for _ in 0..6 {
        seconds(1).await;
        expire();
        assert_eq!(
            runtime.scopes.count(),
            1,
            "it still has it that she is here"
        );
    }
    let told = || async {
        let scope = salon(&runtime).await;
        read(&scope).await.people.is_empty()
    };
    until(told).await;
    until(|| async {
        expire();
        runtime.scopes.count() == 0
    })
    .await;
    seconds(600).await;
    assert_eq!(runtime.scopes.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_room_is_needed_scopes_with_somebody_here_go_last_and_yet_go() {
    let runtime = runtime(Limits {
        scopes: 2,
        ..Limits::default()
    });
    let scope = salon(&runtime).await;
    drop(page_that(&runtime, ADA, "ada", true));
    told_of(&scope, &[ADA]).await;
    drop(scope);
    drop(session_of(&runtime, BOB));
    seconds(10).await;
    let is_here = || {
        let place = place(&runtime, Visitor::SERVER, &name());
        runtime.scopes.find(place.key).is_some()
    };
    // Of the two the session was used later, and it goes.
    drop(session_of(&runtime, Visitor([20; 16])));
    assert!(is_here());
    let _busy = session_of(&runtime, Visitor([20; 16]));
    drop(session_of(&runtime, Visitor([21; 16])));
    assert!(!is_here(), "who keeps others out is no longer kept");
    // Nothing of it is left that would bring it back.
    seconds(600).await;
    assert!(!is_here());
}

#[tokio::test(start_paused = true)]
async fn what_panics_is_undone_and_the_next_who_comes_is_told_with_all() {
    let runtime = runtime(Limits::default());
    let scope = salon(&runtime).await;
    let _ada = page(&runtime, ADA, "ada");
    told_of(&scope, &[ADA]).await;
    send_as(ADA, &scope, 1, breaks()).await;
    let bob = page(&runtime, BOB, "bob");
    seconds(1).await;
    let now = read(&scope).await;
    assert_eq!((now.people, now.told), (ids(&[ADA]), 1), "it is undone");
    // The other state was told, and the scope goes on.
    let most = |guests: &Guests| guests.most;
    assert_eq!(scope.read(|| true, most).await.expect("it reads"), 2);
    send_as(ADA, &scope, 2, opens()).await;
    drop(bob);
    let cleo = Visitor([13; 16]);
    let _cleo = page(&runtime, cleo, "cleo");
    told_of(&scope, &[ADA, BOB, cleo]).await;
    told_of(&scope, &[ADA, cleo]).await;
}

thread_local! {
    /// A test has a thread of its own.
    static DEFAULT_BREAKS: Cell<bool> = const { Cell::new(false) };
}

#[derive(State, Clone, Debug)]
#[state(scope = keyed, join = anyone, present = count_in_parlor)]
struct Parlor {
    people: usize,
}

impl Default for Parlor {
    fn default() -> Self {
        assert!(!DEFAULT_BREAKS.get(), "on purpose");
        Parlor { people: 0 }
    }
}

fn count_in_parlor(parlor: &mut Parlor, here: &[Visitor]) {
    parlor.people = here.len();
}

/// A page that looks at a scope, and at none of its states.
fn looks_at(runtime: &Arc<Runtime>, visitor: Visitor, scope: &str) -> Stream {
    let query = [("scope".to_owned(), scope.to_owned())];
    let request = Request::parse(runtime, &query).expect("it is read");
    let stream = Stream::new(runtime.clone(), visitor, Default::default(), request);
    stream.unwrap_or_else(|why| panic!("it does not open: {why:?}"))
}

async fn scope_named(runtime: &Arc<Runtime>, name: &str) -> Arc<Scope> {
    let name = runtime.scope_name(name).expect("it is one");
    let place = place(runtime, Visitor::SERVER, &name);
    runtime.scope_at(&place).await.expect("there is room")
}

#[tokio::test(start_paused = true)]
async fn a_state_that_can_t_even_begin_is_told_the_next_time() {
    let runtime = runtime(Limits::default());
    let scope = scope_named(&runtime, "parlor:a").await;
    DEFAULT_BREAKS.set(true);
    let _ada = looks_at(&runtime, ADA, "parlor:a");
    seconds(1).await;
    DEFAULT_BREAKS.set(false);
    let bob = looks_at(&runtime, BOB, "parlor:a");
    let people = |parlor: &Parlor| parlor.people;
    until(|| async { scope.read(|| true, people).await == Ok(2) }).await;
    drop(bob);
    until(|| async { scope.read(|| true, people).await == Ok(1) }).await;
}

static NAMED: AtomicUsize = AtomicUsize::new(0);

/// Who comes in is asked long, and noted long.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = asks_long, present = notes_long)]
struct Attic {
    people: usize,
}

fn asks_long(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    spin_until(|| NAMED.load(Ordering::SeqCst) >= 1);
    Ok(())
}

fn notes_long(attic: &mut Attic, here: &[Visitor]) {
    spin_until(|| NAMED.load(Ordering::SeqCst) >= 2);
    attic.people = here.len();
}

#[tokio::test]
async fn a_rule_that_holds_up_its_thread_is_named_and_so_is_a_state_that_is_told() {
    let runtime = runtime(Limits {
        slow_poll_ms: 40,
        ..Limits::default()
    });
    let polls = runtime.polls.clone();
    let watch = tokio::task::spawn_blocking(move || {
        spin_until(|| {
            let named = polls.named().len();
            NAMED.store(named, Ordering::SeqCst);
            named >= 2
        });
    });
    let scope = scope_named(&runtime, "attic:a").await;
    let _ada = looks_at(&runtime, ADA, "attic:a");
    watch.await.expect("both are named");
    let people = |attic: &Attic| attic.people;
    until(|| async { scope.read(|| true, people).await == Ok(1) }).await;
    assert_eq!(*runtime.polls.named(), ["attic", "attic"]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_come_at_once_are_few_updates_and_so_are_pings_and_turns() {
    let runtime = runtime(Limits::default());
    let scope = salon(&runtime).await;
    let visitor = |n: u16| {
        let mut bytes = [7; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        Visitor(bytes)
    };
    let all: Vec<Visitor> = (1..=1_000).map(visitor).collect();
    let mut pages = Vec::new();
    for visitor in &all {
        pages.push(page(&runtime, *visitor, "page"));
        // The server does other things meanwhile.
        tokio::task::yield_now().await;
    }
    assert!(told_of(&scope, &all).await < Duration::from_millis(250));
    let told = read(&scope).await.told;
    assert!(told <= 3, "{told} updates");
    // Tabs that take turns come and go all the time.
    for _ in 0..100 {
        drop(page(&runtime, all[0], "turns"));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(read(&scope).await.told, told);
    drop(pages);
    told_of(&scope, &[]).await;
    let told = read(&scope).await.told - told;
    assert!(told <= 3, "{told} updates");
}

#[tokio::test(start_paused = true)]
async fn no_more_are_told_of_than_a_scope_has_places_and_who_has_one_keeps_it() {
    let runtime = runtime(Limits {
        visitors_of_scope: 2,
        ..Limits::default()
    });
    let scope = salon(&runtime).await;
    let one = page(&runtime, BOB, "bob");
    told_of(&scope, &[BOB]).await;
    let others: Vec<Stream> = (1..=9)
        .map(|n| page(&runtime, Visitor([n; 16]), "page"))
        .collect();
    told_of(&scope, &[Visitor([1; 16]), BOB]).await;
    let told = read(&scope).await.told;
    seconds(60).await;
    assert_eq!(read(&scope).await.told, told);
    drop(one);
    told_of(&scope, &[Visitor([1; 16]), Visitor([2; 16])]).await;
    drop(others);
    told_of(&scope, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_here_can_be_asked_in_the_update_that_lets_them_in() {
    let runtime = runtime(Limits::default());
    let scope = salon(&runtime).await;
    send_as(BOB, &scope, 1, joins()).await;
    let _ada = page(&runtime, ADA, "ada");
    told_of(&scope, &[ADA]).await;
    send_as(ADA, &scope, 1, joins()).await;
    let here = |salon: &Salon, who: Visitor| salon.members.get(&who.id()).copied();
    until(|| async { here(&read(&scope).await, ADA) == Some(true) }).await;
    assert_eq!(here(&read(&scope).await, BOB), Some(false));
    let _bob = page(&runtime, BOB, "bob");
    until(|| async { here(&read(&scope).await, BOB) == Some(true) }).await;
}

// === Servers that are started anew ===

/// Waits until all of it is kept. The clock stands still meanwhile.
fn keep(runtime: &Runtime, scope: &Scope) {
    let patience = Duration::from_secs(30);
    assert!(runtime.store.is_stored_within(scope.ticket(), patience));
}

async fn start(ground: &Ground) -> Arc<Runtime> {
    let built = ground.build(Durability::Relaxed);
    let runtime = built.expect("it starts").runtime;
    runtime.go_on().await.expect("it reads");
    runtime
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_back_behind_a_restart_goes_and_who_is_never_was_away() {
    for is_killed in [false, true] {
        let ground = Ground::file();
        let before = start(&ground).await;
        let scope = salon(&before).await;
        let pages = [page(&before, ADA, "ada"), page(&before, BOB, "bob")];
        told_of(&scope, &[ADA, BOB]).await;
        keep(&before, &scope);
        let ground = match is_killed {
            true => ground.as_if_killed(),
            false => ground,
        };
        before.shutdown.cancel();
        drop(pages);
        seconds(60).await;
        assert_eq!(read(&scope).await.people, ids(&[ADA, BOB]), "as it was");
        drop(scope);
        before.store.close();
        drop(before);

        let after = start(&ground).await;
        let scope = salon(&after).await;
        seconds(1).await;
        assert_eq!(read(&scope).await.people, ids(&[ADA, BOB]));
        let ada = page(&after, ADA, "ada");
        // As long as a hidden page may take to say that it is there.
        tokio::time::sleep(HIDDEN_LEASE - Duration::from_secs(10)).await;
        assert_eq!(read(&scope).await.people, ids(&[ADA, BOB]));
        assert!(told_of(&scope, &[ADA]).await < Duration::from_secs(10));
        // Whoever was back once is gone as soon as ever.
        drop(ada);
        assert!(told_of(&scope, &[]).await < Duration::from_secs(10));
        // Later it is read with nobody in it.
        keep(&after, &scope);
        drop(scope);
        until(|| async {
            after.scopes.expire(u64::MAX);
            after.scopes.count() == 0
        })
        .await;
        let scope = salon(&after).await;
        seconds(1).await;
        assert_eq!(read(&scope).await.people, ids(&[]));
        after.store.close();
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_gave_place_while_a_hidden_page_was_here_tells_of_no_absence() {
    let ground = Ground::file();
    let limits = Limits {
        scopes: 2,
        ..Limits::default()
    };
    let built = ground.build_with(Durability::Relaxed, limits);
    let runtime = built.expect("it starts").runtime;
    // The server runs for long.
    seconds(1_000).await;
    let scope = salon(&runtime).await;
    for (visitor, client) in [(ADA, "ada"), (BOB, "bob")] {
        drop(page_that(&runtime, visitor, client, true));
    }
    told_of(&scope, &[ADA, BOB]).await;
    keep(&runtime, &scope);
    drop(scope);
    let is_here = || {
        let place = place(&runtime, Visitor::SERVER, &name());
        runtime.scopes.find(place.key).is_some()
    };
    let others = [20, 21].map(|n| session_of(&runtime, Visitor([n; 16])));
    assert!(!is_here(), "it gave place");
    drop(others);
    // Somebody looks at it, and sees who is here.
    let scope = salon(&runtime).await;
    seconds(1).await;
    let now = read(&scope).await;
    assert_eq!(now.people, ids(&[ADA, BOB]));
    // Who comes back never was away, and who does not has gone in its time.
    seconds(120).await;
    drop(page_that(&runtime, ADA, "ada", true));
    seconds(1).await;
    assert_eq!(read(&scope).await.people, ids(&[ADA, BOB]));
    told_of(&scope, &[ADA]).await;
    drop(scope);
    runtime.store.close();
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_build_has_left_in_a_state_is_set_right_when_it_is_read() {
    let ground = Ground::file();
    let before = start(&ground).await;
    let scope = salon(&before).await;
    // Nobody was told of: that build had no such attribute.
    let stands = |salon: &mut Salon| salon.people = ids(&[ADA]);
    scope.update(|| true, stands).await.expect("it is changed");
    keep(&before, &scope);
    before.shutdown.cancel();
    drop(scope);
    before.store.close();
    let after = start(&ground).await;
    let scope = salon(&after).await;
    told_of(&scope, &[]).await;
    after.store.close();
}
