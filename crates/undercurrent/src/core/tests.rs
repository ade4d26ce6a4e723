//! The core's tests: random programs over a state, and streams that are cut at random.

use super::{
    frame::{Frame, parse_id, write_state_event},
    list::List,
    log::{Entry, Log, LogLimits, Resume},
    node::Node,
    numbers::Numbers,
    ops::Applied,
    position::{Epoch, Position},
    replica::{Replica, Verdict},
    state::{apply_ops, from_json, to_json, to_json_with_server},
    untyped::apply_json,
    writer::OpsWriter,
};
use crate::State;
use serde_json::Value;
use std::sync::Arc;

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Sample {
    rows: List<String>,
    others: List<u32>,
    count: u32,
    name: Option<String>,
    #[state(server)]
    secret: u32,
    #[state(server)]
    secrets: List<String>,
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }

    fn word(&mut self) -> String {
        format!("w{}", self.below(1000))
    }
}

/// One random thing that user code may do.
fn step(random: &mut Random, state: &mut Sample, kept: &mut List<String>) {
    let len = state.rows.len();
    match random.below(20) {
        0..=4 => state.rows.push(random.word()),
        5 => drop(state.rows.pop()),
        6 if len > 0 => drop(state.rows.remove(random.below(len))),
        7 => state.rows.insert(random.below(len + 1), random.word()),
        8 if len > 0 => state.rows[random.below(len)].push('!'),
        9 => state.rows.truncate(random.below(len + 1)),
        10 => state.rows.iter_mut().for_each(|row| row.push('.')),
        11 => state.rows.sort_by_key(String::clone),
        12 => state.rows.retain(|row| row.len() % 2 == 0),
        13 => state.count += 1,
        14 => state.name = Some(random.word()),
        15 => std::mem::swap(&mut state.rows, kept),
        16 => *kept = std::mem::take(&mut state.rows),
        17 => state.rows = state.rows.clone(),
        18 => {
            *state = Sample {
                others: state.others.clone(),
                ..Sample::default()
            }
        }
        _ => {
            state.others.push(random.below(9) as u32);
            state.secret += 1;
            state.secrets.push(random.word());
        }
    }
}

#[test]
fn ops_lead_from_the_old_state_to_the_new_one_and_undo_leads_back() {
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let mut kept = List::from(vec!["kept".to_owned()]);
        let mut state = Sample::default();
        let mut shadow = state.arm();
        let mut typed = Sample::default();
        let mut untyped: Value = serde_json::from_str(&to_json(&state).unwrap()).unwrap();
        for _ in 0..12 {
            let before = state.clone();
            for _ in 0..=random.below(6) {
                step(&mut random, &mut state, &mut kept);
            }
            if random.below(4) == 0 {
                // `Lost` is an answer, too: the cell then rebuilds the value from the log.
                if state.undo(shadow).is_err() {
                    state = before.clone();
                }
                shadow = state.arm();
                assert_eq!(state, before, "seed {seed}: undone");
                continue;
            }
            let mut out = OpsWriter::new::<Sample>();
            state.record(&shadow, &mut out.out()).unwrap();
            state.settle(&mut shadow);
            let (ops, server_ops) = out.finish();
            let ops = String::from_utf8(ops).unwrap();
            apply_json(&mut untyped, &ops).unwrap();
            let all = server_ops.map_or(ops.clone(), |all| String::from_utf8(all).unwrap());
            apply_ops(&mut typed, &all, &mut Applied::default()).unwrap();
            assert_eq!(typed, state, "seed {seed}: {ops}");
            assert_eq!(
                untyped.to_string(),
                canonical(&to_json(&state).unwrap()),
                "seed {seed}: {ops}"
            );
        }
    }
}

fn canonical(json: &str) -> String {
    serde_json::from_str::<Value>(json).unwrap().to_string()
}

#[test]
fn several_changes_of_one_update_are_few_ops() {
    let mut state = Sample::default();
    let mut shadow = state.arm();
    state.rows.push("a".into());
    state.rows[0].push('b');
    state.rows.push("c".into());
    let mut out = OpsWriter::new::<Sample>();
    state.record(&shadow, &mut out.out()).unwrap();
    state.settle(&mut shadow);
    assert_eq!(
        String::from_utf8(out.finish().0).unwrap(),
        r#"[["+","rows","ab","c"]]"#
    );
    state.rows[1].push('d');
    state.count = 7;
    let mut out = OpsWriter::new::<Sample>();
    state.record(&shadow, &mut out.out()).unwrap();
    assert_eq!(
        String::from_utf8(out.finish().0).unwrap(),
        r#"[["=",["rows",1],"cd"],["=","count",7]]"#
    );
}

#[test]
fn an_append_of_a_post_of_41_bytes_takes_at_most_130_on_the_wire() {
    let post = r#"["+","posts",{"id":4000,"title":"A post of 41 bytes."}]"#;
    assert_eq!(post.len() - r#"["+","posts",]"#.len(), 41);
    let position = Position::new(Epoch::from_random(u64::MAX), 100_000);
    let event = write_state_event(
        "s",
        position,
        "feed",
        Some(99_999),
        format!("[{post}]").as_bytes(),
    );
    // As one chunk of HTTP/1.1: its length in hexadecimal, and two line ends.
    let framing = format!("{:x}\r\n\r\n", event.len()).len();
    assert!(
        event.len() + framing <= 130,
        "{} bytes",
        event.len() + framing
    );
}

#[test]
fn server_fields_are_in_no_byte_for_pages() {
    let mut state = Sample::default();
    let shadow = state.arm();
    state.secret = 424_242;
    state.secrets.push("canary".into());
    let mut out = OpsWriter::new::<Sample>();
    state.record(&shadow, &mut out.out()).unwrap();
    let (ops, server_ops) = out.finish();
    assert_eq!(ops, b"[]");
    assert!(
        String::from_utf8(server_ops.unwrap())
            .unwrap()
            .contains("canary")
    );
    let json = to_json(&state).unwrap();
    assert!(
        !json.contains("canary") && !json.contains("424242"),
        "{json}"
    );
    assert_eq!(
        from_json::<Sample>(&to_json_with_server(&state).unwrap()).unwrap(),
        state
    );
}

#[test]
fn a_snapshot_is_patched_in_by_what_differs() {
    let mut state = Sample {
        rows: ["a", "b", "c", "d"].map(String::from).into_iter().collect(),
        ..Default::default()
    };
    let mailbox = state.rows.observe(|| {});
    let new = Sample {
        rows: ["a", "x", "d"].map(String::from).into_iter().collect(),
        ..Default::default()
    };
    let mut applied = Applied::default();
    state.patch(new.clone(), &mut applied);
    assert_eq!(state, new);
    assert_eq!(applied.touched, [[0]]);
    use super::list::ListChange::{Remove, Set};
    assert_eq!(mailbox.take(), [Remove(2, 1), Set(1, "x".into())]);
}

#[test]
fn an_item_that_changes_places_with_itself_stays_and_no_view_is_told() {
    let rows = ["a", "b", "c"].map(String::from);
    let mut state = Sample {
        rows: List::from(rows.clone()),
        ..Default::default()
    };
    let mailbox = state.rows.observe(|| {});
    apply_ops(&mut state, r#"[["s","rows",1,1]]"#, &mut Applied::default()).unwrap();
    assert_eq!(state.rows, List::from(rows));
    assert_eq!(mailbox.take(), []);
}

#[test]
fn ops_that_do_not_fit_are_errors() {
    for ops in [
        r#"[["=","nothing",1]]"#,
        r#"[["=",["rows",0],"x"]]"#,
        r#"[["-","rows",0,1]]"#,
        r#"[["-","rows",18446744073709551615,2]]"#,
        r#"[["i","rows",1,"x"]]"#,
        r#"[["+","count",1]]"#,
        r#"[["=","count","x"]]"#,
        r#"[["?","count",1]]"#,
        r#"[["=",[],1]]"#,
        r#"[[]]"#,
        r#"{}"#,
    ] {
        let applied = apply_ops(&mut Sample::default(), ops, &mut Applied::default());
        assert!(applied.is_err(), "{ops}");
    }
}

#[test]
fn positions_have_one_spelling() {
    for position in [
        Position::NONE,
        Position::new(Epoch::from_random(u64::MAX), u64::MAX),
    ] {
        assert_eq!(position.to_string().parse(), Ok(position));
    }
    assert_eq!(Position::NONE.to_string(), "0-0");
    for text in [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "A-1",
        "01-1",
        "1-+1",
        "1--1",
        "1-1x",
        "zzzzzzzzzzzzzzzz-1",
    ] {
        assert!(text.parse::<Position>().is_err(), "{text}");
    }
}

/// A log and replicas that follow it over cuts: each ends with exactly what the scope has.
#[test]
fn a_replica_that_is_cut_at_random_ends_with_the_state_of_the_scope() {
    for seed in 0..400 {
        let mut random = Random(seed);
        let limits = LogLimits {
            entries: 1 + random.below(8),
            bytes: 1 << 20,
        };
        let epoch = Epoch::from_random(seed + 1);
        let mut log = Log::new(epoch, limits);
        let mut truth: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
        let mut shown: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
        let mut replicas = [Replica::Pending; 2];
        for _ in 0..60 {
            let (state, offset) = (random.below(2), log.position().offset + 1);
            let since = log.last_changed(state);
            truth[state].push(offset);
            let event =
                write_state_event("s", Position::new(epoch, offset), "x", Some(since), b"[]");
            let ops = event.len() - 5..event.len() - 3;
            log.push([Arc::new(Entry {
                state,
                since,
                offset,
                event,
                ops,
                server_ops: None,
            })]);
            for state in 0..2 {
                if random.below(3) > 0 {
                    continue;
                }
                let from = replicas[state].resume_from();
                match from.map_or(Resume::Snapshot, |from| log.resume(state, from)) {
                    Resume::Current => {}
                    Resume::Snapshot => {
                        let at = Position::new(epoch, log.last_changed(state));
                        assert_eq!(replicas[state].receive(None, at), Verdict::Apply);
                        shown[state] = truth[state].clone();
                    }
                    Resume::Entries(entries) => {
                        // Some are lost on the way, at times, and some come twice.
                        let lost = if random.below(4) == 0 {
                            random.below(entries.len())
                        } else {
                            usize::MAX
                        };
                        for (nth, entry) in
                            entries.iter().enumerate().filter(|(nth, _)| *nth != lost)
                        {
                            for _ in 0..=random.below(2) {
                                let to = Position::new(epoch, entry.offset);
                                if replicas[state].receive(Some(entry.since), to) == Verdict::Apply
                                {
                                    assert!(nth < lost, "seed {seed}: a hole was not seen");
                                    shown[state].push(entry.offset);
                                }
                            }
                        }
                    }
                }
                let known = shown[state].len();
                assert_eq!(
                    shown[state],
                    truth[state][..known],
                    "seed {seed}: in order, each once"
                );
            }
        }
        for (state, replica) in replicas.iter_mut().enumerate() {
            let from = replica.resume_from();
            match from.map_or(Resume::Snapshot, |from| log.resume(state, from)) {
                Resume::Current => {}
                Resume::Snapshot => {
                    replica.receive(None, Position::new(epoch, log.last_changed(state)));
                }
                Resume::Entries(entries) => {
                    for entry in entries {
                        let to = Position::new(epoch, entry.offset);
                        assert_eq!(replica.receive(Some(entry.since), to), Verdict::Apply);
                    }
                }
            }
            let at = replica.resume_from().map(|position| position.offset);
            assert_eq!(at, Some(log.last_changed(state)), "seed {seed}");
        }
    }
}

#[test]
fn a_replica_of_another_history_asks_for_a_snapshot() {
    let (old, new) = (Epoch::from_random(1), Epoch::from_random(2));
    let mut replica = Replica::Live(Position::new(old, 105));
    assert_eq!(
        replica.receive(Some(105), Position::new(new, 106)),
        Verdict::Resync
    );
    assert_eq!(replica.resume_from(), None);
    assert_eq!(
        replica.receive(Some(106), Position::new(new, 107)),
        Verdict::Drop
    );
    assert_eq!(replica.receive(None, Position::new(new, 3)), Verdict::Apply);
    assert_eq!(replica, Replica::Live(Position::new(new, 3)));
    let mut log = Log::new(
        new,
        LogLimits {
            entries: 9,
            bytes: 999,
        },
    );
    assert!(matches!(
        log.resume(0, Position::new(old, 0)),
        Resume::Snapshot
    ));
    assert!(
        matches!(log.resume(0, Position::new(new, 1)), Resume::Snapshot),
        "ahead of the server"
    );
    log.push([]);
    assert!(matches!(log.resume(0, Position::NONE), Resume::Current));
}

#[test]
fn numbers_make_a_retry_harmless_and_stay_bounded() {
    let mut numbers = Numbers::new(2);
    for number in 1..=3 {
        numbers.accept("a", number);
    }
    assert!(numbers.is_known("a", 3) && numbers.is_known("a", 1) && !numbers.is_known("a", 4));
    numbers.accept("b", 1);
    numbers.accept("a", 4);
    numbers.accept("c", 1);
    assert!(
        numbers.is_known("a", 4) && !numbers.is_known("b", 1),
        "the most silent one goes"
    );
}

#[test]
fn a_number_that_comes_behind_a_later_one_is_neither_known_nor_new() {
    let mut numbers = Numbers::new(2);
    let said =
        |numbers: &Numbers, number| (numbers.is_known("a", number), numbers.is_late("a", number));
    assert_eq!(said(&numbers, 1), (false, false), "new");
    numbers.accept("a", 2);
    assert_eq!(said(&numbers, 1), (false, true), "late");
    assert_eq!(said(&numbers, 2), (true, false), "known");
    numbers.accept("a", 5);
    assert_eq!(
        [3, 4].map(|number| said(&numbers, number)),
        [(false, true); 2]
    );
    assert_eq!(said(&numbers, 6), (false, false));
    // A client that leaves out every second number takes no more room for it.
    for number in (7..10_000).step_by(2) {
        numbers.accept("a", number);
    }
    assert_eq!(said(&numbers, 9_998), (false, true));
    assert_eq!(said(&numbers, 4), (true, false), "forgotten");
    numbers.accept("a", u64::MAX);
    assert_eq!(said(&numbers, u64::MAX - 1), (false, true));
    // What a store had tells nothing of the numbers below.
    numbers.remember("b", 9);
    assert!(numbers.is_known("b", 1) && !numbers.is_late("b", 1));
}

#[test]
fn frames_are_read_as_they_were_written() {
    let position = Position::new(Epoch::from_random(7), 9);
    let event = String::from_utf8(write_state_event("s", position, "feed", None, b"{}")).unwrap();
    let (id, data) = event.trim_end().split_once('\n').unwrap();
    assert_eq!(
        parse_id(id.strip_prefix("id: ").unwrap()),
        Ok(("s", position))
    );
    let Ok(Frame::State(frame)) = Frame::parse(data.strip_prefix("data: ").unwrap()) else {
        panic!()
    };
    assert_eq!(
        (&*frame.state, frame.since, frame.body),
        ("feed", None, "{}")
    );
    assert!(
        Frame::parse("[1]").is_err() && Frame::parse("").is_err() && Frame::parse("{}").is_err()
    );
}
