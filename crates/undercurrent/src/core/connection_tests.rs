//! The connection's tests: what leads from each phase where. `crates/programs` adds random weather.

use super::{
    connection::{Action, Connection, Input, Link, Moment, Phase, Stay, Timer, backoff, jittered},
    frame::ByeReason,
};

/// A page with a clock that is turned by hand, and chance that has no say.
struct Page {
    connection: Connection,
    ms: f64,
    /// The clock on the wall, which goes on by itself alone.
    wall_ms: f64,
    is_online: bool,
}

impl Page {
    fn new() -> Self {
        Page {
            connection: Connection::default(),
            ms: 1_000.0,
            wall_ms: 1_700_000_000_000.0,
            is_online: true,
        }
    }

    /// Its stream is there.
    fn open() -> (Self, u64) {
        let mut page = Page::new();
        let stream = opened(&page.on(START));
        assert_eq!(page.on(Input::Opened(stream)), []);
        assert_eq!(page.on(hello(stream)), [Action::Show(Link::Connected)]);
        (page, stream)
    }

    fn on(&mut self, input: Input) -> Vec<Action> {
        let now = Moment {
            ms: self.ms,
            wall_ms: self.wall_ms,
            chance: 0.5,
            is_online: self.is_online,
        };
        self.connection.on(input, now)
    }

    fn later(&mut self, ms: f64, input: Input) -> Vec<Action> {
        self.ms += ms;
        self.on(input)
    }

    fn phase(&self) -> Phase {
        self.connection.phase()
    }

    /// Its stream is lost, and a timer runs.
    fn waiting() -> (Self, Timer) {
        let (mut page, stream) = Page::open();
        let (timer, _) = wait(&page.on(bye(stream, ByeReason::Turn)));
        (page, timer)
    }
}

const START: Input = Input::Start {
    follows: true,
    is_hidden: false,
};

fn hello(stream: u64) -> Input {
    Input::Hello { stream, ping_s: 15 }
}

fn bye(stream: u64, reason: ByeReason) -> Input {
    Input::Bye {
        stream,
        reason,
        retry_ms: 500,
        is_end_awaited: false,
    }
}

/// The stream that is to be opened, by a page that is looked at.
fn opened(actions: &[Action]) -> u64 {
    let mut opened = actions.iter().filter_map(|action| match action {
        Action::Open {
            stream,
            stay: Stay::Lasting,
        } => Some(*stream),
        _ => None,
    });
    match (opened.next(), opened.next()) {
        (Some(stream), None) => stream,
        _ => panic!("this opens no stream, or two: {actions:?}"),
    }
}

/// The timer that is to be waited for.
fn wait(actions: &[Action]) -> (Timer, f64) {
    match actions.last() {
        Some(Action::Wait(timer, ms)) => (*timer, *ms),
        _ => panic!("this waits for nothing: {actions:?}"),
    }
}

#[test]
fn a_stream_opens_when_there_is_something_to_follow() {
    let mut page = Page::new();
    let nothing = Input::Start {
        follows: false,
        is_hidden: false,
    };
    assert_eq!(page.on(nothing), [Action::Show(Link::Connected)]);
    assert_eq!(page.on(Input::Resync), []);
    let stream = opened(&page.on(Input::Follows(true)));
    let opening = Phase::Opening {
        stream,
        replaced: None,
    };
    assert_eq!(page.phase(), opening);
    assert_eq!(page.on(Input::Opened(stream)), []);
    assert_eq!(page.phase(), Phase::Open { stream });
}

#[test]
fn a_page_that_follows_nothing_any_more_waits_for_nothing() {
    let (mut page, stream) = Page::open();
    let idle = Action::Show(Link::Connected);
    assert_eq!(
        page.on(Input::Follows(false)),
        [Action::Close(stream), idle]
    );
    assert_eq!(page.phase(), Phase::Idle);
    // And the network is of no concern to it, or to what it is said to be.
    assert_eq!(page.on(Input::Offline), [Action::Show(Link::Offline)]);
    assert_eq!(page.on(Input::Online), [idle, Action::SendAgain]);
}

#[test]
fn an_open_stream_goes_on_until_the_next_one_is_there() {
    let (mut page, first) = Page::open();
    let second = opened(&page.on(Input::Follows(true)));
    let replacing = |stream| Phase::Opening {
        stream,
        replaced: Some(first),
    };
    assert_eq!(page.phase(), replacing(second));
    // A third takes the place of what is not there yet.
    let actions = page.on(Input::Resync);
    let third = opened(&actions);
    assert_eq!(actions[0], Action::Close(second));
    assert_eq!(page.phase(), replacing(third));
    // The second is none any more, whatever still comes of it.
    assert_eq!(page.on(Input::Opened(second)), []);
    assert_eq!(page.phase(), replacing(third));
    assert_eq!(page.on(Input::Opened(third)), [Action::Close(first)]);
    assert_eq!(page.phase(), Phase::Open { stream: third });
}

#[test]
fn what_an_old_stream_says_of_itself_is_not_heard() {
    let (mut page, old) = Page::open();
    let new = opened(&page.on(Input::Follows(true)));
    for reason in [ByeReason::Turn, ByeReason::Shutdown, ByeReason::Outdated] {
        assert_eq!(page.on(bye(old, reason)), []);
    }
    assert_eq!(page.on(hello(old)), []);
    // Lost, it is closed: the browser would open it again by itself.
    assert_eq!(page.on(Input::Failed(old)), [Action::Close(old)]);
    assert_eq!(page.on(Input::Failed(old)), []);
    let opening = Phase::Opening {
        stream: new,
        replaced: None,
    };
    assert_eq!(page.phase(), opening);
}

#[test]
fn the_new_stream_fails_and_takes_the_old_one_along() {
    let (mut page, old) = Page::open();
    let new = opened(&page.on(Input::Follows(true)));
    let actions = page.on(Input::Failed(new));
    let both = [Action::Close(old), Action::Close(new)];
    assert_eq!(actions[1..3], both);
    assert!(matches!(page.phase(), Phase::Waiting { .. }));
}

#[test]
fn tries_grow_apart_while_nothing_opens() {
    let mut page = Page::new();
    let mut stream = opened(&page.on(START));
    let mut waited = Vec::new();
    for _ in 0..7 {
        let actions = page.on(Input::Failed(stream));
        assert_eq!(
            actions[..2],
            [Action::Show(Link::Reconnecting), Action::Close(stream)]
        );
        let (timer, ms) = wait(&actions);
        waited.push(ms);
        stream = opened(&page.later(ms, Input::Fired(timer)));
    }
    assert_eq!(
        waited,
        [200.0, 400.0, 800.0, 1_600.0, 2_000.0, 2_000.0, 2_000.0]
    );
}

#[test]
fn only_a_stream_that_has_lived_begins_the_tries_anew() {
    for (lived_ms, expected) in [(5_001.0, 200.0), (4_999.0, 800.0)] {
        let mut page = Page::new();
        let mut stream = opened(&page.on(START));
        for _ in 0..2 {
            let (timer, ms) = wait(&page.on(Input::Failed(stream)));
            stream = opened(&page.later(ms, Input::Fired(timer)));
        }
        page.on(Input::Opened(stream));
        let (timer, ms) = wait(&page.later(lived_ms, Input::Failed(stream)));
        assert_eq!(ms, expected);
        // It counts once.
        let next = opened(&page.later(60_000.0, Input::Fired(timer)));
        assert_eq!(wait(&page.on(Input::Failed(next))).1, 2.0 * expected);
    }
}

#[test]
fn spans_differ_by_a_quarter() {
    assert_eq!(jittered(1_000.0, 0.0), 750.0);
    assert_eq!(jittered(1_000.0, 1.0), 1_250.0);
    assert_eq!(backoff((250.0, 2_000.0), u32::MAX), 2_000.0);
}

#[test]
fn each_goodbye_leads_somewhere() {
    let lost = Some(Link::Reconnecting);
    for (reason, retry_ms, is_end_awaited, expected_ms, link) in [
        // It is another tab's turn: what the page shows is current.
        (ByeReason::Turn, 500, false, 500.0, None),
        (ByeReason::Turn, 500, true, 100.0, None),
        (ByeReason::Turn, 50, true, 50.0, None),
        (ByeReason::Shutdown, 0, false, 200.0, lost),
        (ByeReason::Full, 5_000, false, 5_000.0, lost),
        (ByeReason::Slow, 1_000, true, 1_000.0, lost),
    ] {
        let (mut page, stream) = Page::open();
        let bye = Input::Bye {
            stream,
            reason,
            retry_ms,
            is_end_awaited,
        };
        let actions = page.on(bye);
        let (timer, ms) = wait(&actions);
        assert_eq!(ms, expected_ms, "{reason:?}");
        let shown = actions.iter().find_map(|action| match action {
            Action::Show(link) => Some(*link),
            _ => None,
        });
        assert_eq!(shown, link, "{reason:?}");
        opened(&page.later(ms, Input::Fired(timer)));
    }
}

#[test]
fn given_up_it_stays_given_up() {
    let reasons = [
        ByeReason::NoSession,
        ByeReason::UnknownState,
        ByeReason::Outdated,
    ];
    for reason in reasons {
        let (mut page, stream) = Page::open();
        assert_eq!(
            page.on(bye(stream, reason)),
            [Action::Close(stream), Action::GiveUp]
        );
        for input in [
            Input::Follows(true),
            Input::Follows(false),
            Input::Follows(true),
            Input::Resync,
            Input::Offline,
            Input::LookNow,
            Input::HeardElsewhere,
            Input::Cut(10.0),
            Input::Tick,
            Input::ChangeMisfits,
            Input::Visible,
            Input::Failed(stream),
        ] {
            assert_eq!(page.later(100_000.0, input), [], "{input:?}");
        }
        // What waits in the outbox may well be taken.
        for input in [Input::Online, Input::Shown] {
            assert_eq!(page.on(input), [Action::SendAgain], "{input:?}");
        }
        let (rest, _) = wait(&page.on(Input::Hidden));
        assert_eq!(page.on(Input::Fired(rest)), []);
        assert_eq!(page.phase(), Phase::GivenUp);
    }
}

#[test]
fn what_does_not_fit_is_asked_for_once_more_and_a_snapshot_is_not() {
    let (mut page, stream) = Page::open();
    let actions = page.on(Input::ChangeMisfits);
    assert_eq!(actions[1], Action::Close(stream));
    assert_eq!(wait(&actions).1, 1_000.0);
    // It is heard once.
    assert_eq!(page.on(Input::ChangeMisfits), []);
    assert_eq!(page.on(Input::SnapshotMisfits), []);
    let (mut page, stream) = Page::open();
    assert_eq!(
        page.on(Input::SnapshotMisfits),
        [Action::Close(stream), Action::GiveUp]
    );
}

#[test]
fn three_missed_pings_are_a_lost_stream() {
    let (mut page, stream) = Page::open();
    page.on(Input::Hello { stream, ping_s: 10 });
    page.on(Input::Heard(stream));
    assert_eq!(page.later(30_000.0, Input::Tick), []);
    assert_eq!(page.on(Input::Heard(stream)), []);
    assert_eq!(page.later(30_000.0, Input::Tick), []);
    let actions = page.later(1.0, Input::Tick);
    assert_eq!(actions[1], Action::Close(stream));
    // Nor is one waited for that never opens, while another speaks.
    let (timer, ms) = wait(&actions);
    let old = opened(&page.later(ms, Input::Fired(timer)));
    page.on(Input::Opened(old));
    let new = opened(&page.on(Input::Follows(true)));
    page.later(30_001.0, Input::Heard(old));
    assert_eq!(
        page.on(Input::Tick)[1..3],
        [Action::Close(old), Action::Close(new)]
    );
    // Without a stream there is nothing to be missed.
    assert_eq!(page.later(100_000.0, Input::Tick), []);
}

#[test]
fn something_large_that_takes_longer_than_three_pings_comes_in_the_end() {
    let (mut page, _) = Page::open();
    // A browser tells of it when it is there as a whole, and pings stand behind it.
    let mut waited = Vec::new();
    for _ in 0..7 {
        let begun = page.ms;
        let actions = loop {
            let actions = page.later(5_000.0, Input::Tick);
            if !actions.is_empty() {
                break actions;
            }
        };
        waited.push(page.ms - begun);
        let (timer, ms) = wait(&actions);
        let stream = opened(&page.later(ms, Input::Fired(timer)));
        page.on(Input::Opened(stream));
        for small in [Input::Heard(stream), hello(stream), Input::Heard(stream)] {
            page.later(100.0, small);
        }
    }
    let pings = [3, 6, 12, 24, 48, 48, 48].map(|pings| f64::from(pings) * 15_000.0);
    assert!(
        waited
            .iter()
            .zip(pings)
            .all(|(waited, pings)| (*waited - pings).abs() <= 5_000.0),
        "{waited:?}"
    );
    // It has come: what is silent from now on is dead.
    let Phase::Open { stream } = page.phase() else {
        panic!("it is open: {:?}", page.phase());
    };
    page.later(80_000.0, Input::Heard(stream));
    assert_eq!(page.later(45_000.0, Input::Tick), []);
    let lost = page.later(1.0, Input::Tick);
    // And one that does not even open is waited for no longer than ever.
    let (timer, ms) = wait(&lost);
    opened(&page.later(ms, Input::Fired(timer)));
    assert_eq!(page.later(45_000.0, Input::Tick), []);
    wait(&page.later(1.0, Input::Tick));
}

#[test]
fn a_machine_that_has_slept_is_current_a_look_later_though_its_clock_stood_still() {
    for input in [Input::Tick, Input::Visible] {
        let (mut page, stream) = Page::open();
        if input == Input::Visible {
            // It was hidden, and slept at once: no timer has given the stream back.
            page.on(Input::Hidden);
        }
        // Before the first look, too.
        page.wall_ms += 3_600_000.0;
        let actions = page.later(1_000.0, input);
        assert_eq!(actions[0], Action::Close(stream), "{input:?}");
        // Until it is, its clicks wait behind what the server may have forgotten meanwhile.
        assert_eq!(actions[1], Action::Show(Link::Reconnecting), "{input:?}");
        opened(&actions);
        assert_eq!(actions.last(), Some(&Action::SendAgain), "{input:?}");
        // Once; and a clock that is set back is none of it.
        page.wall_ms -= 7_200_000.0;
        assert_eq!(page.on(Input::Tick), [], "{input:?}");
        assert_eq!(page.on(Input::Visible), [], "{input:?}");
    }
    // One that nobody looks at waits for who does.
    let (mut page, _) = Page::open();
    page.on(Input::Hidden);
    page.on(Input::Tick);
    page.wall_ms += 60_000.0;
    assert_eq!(page.later(1_000.0, Input::Tick), []);
}

#[test]
fn a_page_that_is_hidden_for_long_keeps_no_stream() {
    let (mut page, first) = Page::open();
    let (rest, ms) = wait(&page.on(Input::Hidden));
    assert_eq!(ms, 30_000.0);
    let look = Action::Open {
        stream: first + 2,
        stay: Stay::Resting,
    };
    assert_eq!(page.later(ms, Input::Fired(rest)), [look]);
    let stream = first + 2;
    assert_eq!(page.on(Input::Opened(stream)), [Action::Close(first)]);
    let actions = page.on(bye(stream, ByeReason::Turn));
    assert_eq!(actions[0], Action::Close(stream));
    // It looks now and then, says that it goes, and is there at once when somebody looks at it.
    let (timer, ms) = wait(&actions);
    let actions = page.later(ms, Input::Fired(timer));
    assert!(matches!(
        actions[..],
        [Action::Open {
            stay: Stay::Resting,
            ..
        }]
    ));
    assert_eq!(page.on(Input::Left), [Action::SayClosed]);
    let actions = page.on(Input::Visible);
    opened(&actions);
    assert_eq!(actions.last(), Some(&Action::SendAgain));
    assert_eq!(page.on(Input::Left), []);
}

#[test]
fn a_short_look_elsewhere_changes_nothing() {
    let (mut page, stream) = Page::open();
    let (first, _) = wait(&page.on(Input::Hidden));
    assert_eq!(page.later(20_000.0, Input::Visible), []);
    let (second, _) = wait(&page.on(Input::Hidden));
    // The time of the first look counts no more.
    assert_eq!(page.later(10_000.0, Input::Fired(first)), []);
    assert_eq!(page.phase(), Phase::Open { stream });
    assert_eq!(page.later(20_000.0, Input::Fired(second)).len(), 1);
}

#[test]
fn a_page_that_begins_hidden_rests_too() {
    let mut page = Page::new();
    let start = Input::Start {
        follows: true,
        is_hidden: true,
    };
    let actions = page.on(start);
    opened(&actions);
    let [Action::Wait(rest @ Timer::Rest(_), _), _] = actions[..] else {
        panic!("it does not wait: {actions:?}");
    };
    let actions = page.later(30_000.0, Input::Fired(rest));
    assert!(matches!(
        actions.last(),
        Some(Action::Open {
            stay: Stay::Resting,
            ..
        })
    ));
}

#[test]
fn a_page_that_waits_is_current_when_somebody_looks_or_its_event_was_taken() {
    for input in [Input::Visible, Input::LookNow, Input::Online, Input::Shown] {
        let (mut page, timer) = Page::waiting();
        let stream = opened(&page.on(input));
        // And its timer opens no second one.
        assert_eq!(page.later(500.0, Input::Fired(timer)), [], "{input:?}");
        let opening = Phase::Opening {
            stream,
            replaced: None,
        };
        assert_eq!(page.phase(), opening);
    }
    // With a stream of its own it hears of it anyway.
    let (mut page, _) = Page::open();
    assert_eq!(page.on(Input::LookNow), []);
    assert_eq!(page.on(Input::Visible), []);
}

#[test]
fn a_tab_without_a_turn_looks_when_another_has_heard_something() {
    let (mut page, _) = Page::waiting();
    opened(&page.on(Input::HeardElsewhere));
    assert_eq!(page.on(Input::HeardElsewhere), [], "it looks already");
    let (mut page, _) = Page::open();
    assert_eq!(page.on(Input::HeardElsewhere), [], "it has a stream");
    let (mut page, stream) = Page::open();
    page.on(Input::Failed(stream));
    assert_eq!(page.on(Input::HeardElsewhere), [], "its stream was lost");
    let (mut page, _) = Page::waiting();
    page.on(Input::Hidden);
    assert_eq!(page.on(Input::HeardElsewhere), [], "nobody looks at it");
}

#[test]
fn a_network_that_is_back_is_tried_at_once() {
    let (mut page, stream) = Page::open();
    page.is_online = false;
    let actions = page.on(Input::Offline);
    assert_eq!(actions[0], Action::Show(Link::Offline));
    let actions = page.on(Input::Failed(opened(&actions)));
    assert_eq!(actions[0], Action::Show(Link::Offline));
    assert!(actions.contains(&Action::Close(stream)));
    let (mut timer, mut ms) = wait(&actions);
    for _ in 0..5 {
        let stream = opened(&page.later(ms, Input::Fired(timer)));
        (timer, ms) = wait(&page.on(Input::Failed(stream)));
    }
    page.is_online = true;
    let actions = page.on(Input::Online);
    let stream = opened(&actions);
    assert_eq!(actions.last(), Some(&Action::SendAgain));
    assert_eq!(wait(&page.on(Input::Failed(stream))).1, 200.0);
}

#[test]
fn a_browser_that_is_wrong_about_the_network_is_not_believed() {
    let (mut page, first) = Page::open();
    page.is_online = false;
    let second = opened(&page.on(Input::Offline));
    assert_eq!(page.on(Input::Opened(second)), [Action::Close(first)]);
    let hello = Input::Hello {
        stream: second,
        ping_s: 15,
    };
    let connected = Action::Show(Link::Connected);
    assert_eq!(page.on(hello), [Action::SendAgain, connected]);
}

#[test]
fn a_page_from_the_cache_opens_its_stream_anew() {
    let (mut page, stream) = Page::open();
    let actions = page.on(Input::Shown);
    assert_eq!(actions[0], Action::Close(stream));
    assert!(opened(&actions) > stream);
}

#[test]
fn a_cut_heals_by_its_timer_alone() {
    let (mut page, stream) = Page::open();
    let actions = page.on(Input::Cut(5_000.0));
    let (timer, ms) = wait(&actions);
    let cut = [
        Action::Close(stream),
        Action::Show(Link::Reconnecting),
        Action::ShowCut(true),
    ];
    assert_eq!(actions[..3], cut);
    assert_eq!(ms, 5_000.0);
    for input in [
        Input::Follows(true),
        Input::Resync,
        Input::LookNow,
        Input::Visible,
        Input::Tick,
        Input::Failed(stream),
    ] {
        assert_eq!(page.later(500.0, input), [], "{input:?}");
    }
    assert_eq!(page.on(Input::Online), [Action::SendAgain]);
    // Cut again meanwhile, the later cut heals.
    let (later, _) = wait(&page.on(Input::Cut(5_000.0)));
    assert_eq!(page.on(Input::Fired(timer)), []);
    let actions = page.later(5_000.0, Input::Fired(later));
    assert_eq!(actions[0], Action::ShowCut(false));
    opened(&actions);
}

#[test]
fn who_is_back_sends_again_what_was_silent() {
    let (mut page, stream) = Page::open();
    let (timer, ms) = wait(&page.on(Input::Failed(stream)));
    let stream = opened(&page.later(ms, Input::Fired(timer)));
    page.on(Input::Opened(stream));
    assert_eq!(page.connection.asked_ms(), page.ms);
    assert_eq!(
        page.on(hello(stream)),
        [Action::SendAgain, Action::Show(Link::Connected)]
    );
    assert_eq!(page.on(hello(stream)), [Action::Show(Link::Connected)]);
}

/// As of a proxy that waits for the end of an answer before it passes any of it on.
#[test]
fn where_streams_are_held_back_the_page_asks_for_brief_ones() {
    let mut page = Page::new();
    let mut stream = opened(&page.on(START));
    for again in 1..=2 {
        // However long the head took.
        page.later(9_000.0, Input::Opened(stream));
        assert_eq!(page.later(10_000.0, Input::Tick), []);
        let actions = page.later(1.0, Input::Tick);
        assert_eq!(actions[0], Action::Show(Link::Reconnecting));
        let (timer, ms) = wait(&actions);
        let actions = page.later(ms, Input::Fired(timer));
        let stay = if again < 2 {
            Stay::Lasting
        } else {
            Stay::Brief
        };
        stream += 2;
        assert_eq!(actions, [Action::Open { stream, stay }]);
    }
    // All of it comes at once, and the next look is brief, too.
    let looks = |page: &mut Page, stream: u64| {
        page.on(Input::Opened(stream));
        page.on(Input::Heard(stream));
        page.on(hello(stream));
        let (timer, ms) = wait(&page.on(bye(stream, ByeReason::Turn)));
        page.later(ms, Input::Fired(timer))
    };
    for _ in 0..3 {
        let actions = looks(&mut page, stream);
        stream += 2;
        let stay = Stay::Brief;
        assert_eq!(actions, [Action::Open { stream, stay }]);
    }
    // In another network it may be otherwise.
    let actions = page.on(Input::Online);
    stream = opened(&actions);
    page.on(Input::Opened(stream));
    page.on(Input::Heard(stream));
    // One that dies later than with its first words has not been held back.
    assert_eq!(page.later(45_000.0, Input::Tick), []);
    wait(&page.later(1.0, Input::Tick));
}
