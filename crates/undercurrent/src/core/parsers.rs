//! Whatever parsers of the core are given: none panics, what is written is read as it was, and what is
//! not read is refused with a sentence. Inputs are kept in `corpus/`.

use super::{
    frame::{
        Control, Frame, HelloScope, StateFrame, parse_id, write_control_event, write_state_event,
    },
    ops::Applied,
    position::{Epoch, Position},
    scope::ScopeName,
    sse::{EventReader, ServerEvent},
    state::{apply_ops, from_json, to_json},
    untyped::apply_json,
};
use crate::{
    State,
    answer::Answers,
    core::{list::List, map::Map, text::Text},
    corpus::replay,
};
use fastrand::Rng;
use serde_json::Value;

/// A state with everything that ops lead into.
#[derive(State, Clone, Debug, Default, PartialEq)]
struct Sheet {
    title: Text,
    rows: List<Row>,
    words: List<String>,
    by_key: Map<String, u32>,
    kind: Kind,
    name: Option<String>,
    count: u32,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
struct Row {
    text: String,
    cells: List<u32>,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Idle,
    Running(Row),
}

const SHEET: &str = r#"{"title":"éé","rows":[{"text":"a","cells":[1,2]}],"words":["a","b"],
    "by_key":{"k":1},"kind":"Idle","name":"n","count":3}"#;

/// So many inputs by chance where one takes microseconds.
const TIMES: usize = 20_000;

fn text(bytes: &[u8]) -> Result<&str, String> {
    str::from_utf8(bytes).map_err(|error| error.to_string())
}

#[test]
fn positions_and_ids() {
    replay("positions", TIMES, |bytes| {
        let text = text(bytes)?;
        let position: Position = text.parse().map_err(|error| format!("{error}"))?;
        assert_eq!(position.to_string(), text, "one spelling for one position");
        Ok(())
    });
    replay("ids", TIMES, |bytes| {
        let text = text(bytes)?;
        let (tag, position) = parse_id(text).map_err(|error| error.to_string())?;
        assert_eq!(format!("{tag}-{position}"), text);
        Ok(())
    });
    let mut random = Rng::with_seed(1);
    for _ in 0..TIMES {
        let epoch = Epoch::from_bits(random.u64(..) >> random.u8(..64));
        let position = Position::new(epoch, random.u64(..) >> random.u8(..64));
        assert_eq!(position.to_string().parse(), Ok(position));
        let id = format!("r2k8-{position}");
        assert_eq!(parse_id(&id), Ok(("r2k8", position)));
    }
}

#[test]
fn names_of_scopes() {
    replay("scopes", TIMES, |bytes| {
        let text = text(bytes)?;
        let space_of = |space: &str| (space == "room").then_some("room");
        let name = ScopeName::parse(text, space_of).map_err(|error| error.to_string())?;
        assert_eq!(name.to_string(), text);
        Ok(())
    });
}

/// The one event that was written.
fn event_of(bytes: &[u8]) -> ServerEvent {
    let mut events = EventReader::new(1 << 20).take(bytes).unwrap();
    let event = events.pop().expect("it ends");
    assert_eq!(events, []);
    event
}

fn assert_same(written: &StateFrame<'_>, position: Position) {
    let event = write_state_event(
        "s",
        position,
        &written.state,
        written.since,
        written.body.as_bytes(),
    );
    let event = event_of(&event);
    assert_eq!(parse_id(&event.id), Ok(("s", position)));
    match Frame::parse(&event.data) {
        Ok(Frame::State(read)) => assert_eq!(
            (&*read.state, read.since, read.body),
            (&*written.state, written.since, written.body)
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn frames() {
    replay("frames", TIMES, |bytes| {
        let text = text(bytes)?;
        match Frame::parse(text).map_err(|error| error.to_string())? {
            Frame::Control(control) => {
                let event = event_of(&write_control_event(&control));
                match Frame::parse(&event.data) {
                    Ok(Frame::Control(read)) => assert_eq!(read, control),
                    other => panic!("{other:?}"),
                }
            }
            Frame::State(frame) => {
                // Names of states are those of structs, and ops have no line end in them.
                let is_name = frame.state.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if is_name && !frame.body.contains(['\n', '\r']) {
                    assert_same(&frame, Position::new(Epoch::from_random(7), 9));
                }
            }
        }
        Ok(())
    });
    let scope = HelloScope {
        scope: "room:\"\n\u{2028}é".to_owned(),
        tag: "r1".to_owned(),
        epoch: "0".to_owned(),
    };
    let hello = Control::Hello {
        ping_s: u32::MAX,
        epoch: "5kq2m8x1".to_owned(),
        session: "0123456789abcdef".to_owned(),
        scopes: vec![scope],
    };
    let event = event_of(&write_control_event(&hello));
    let read = Frame::parse(&event.data);
    assert!(matches!(read, Ok(Frame::Control(read)) if read == hello));
}

/// Applied to the typed state and to plain JSON it is the same.
#[test]
fn ops_on_a_state_and_on_plain_json() {
    let sheet: Sheet = from_json(SHEET).unwrap();
    replay("ops", TIMES, |bytes| {
        let ops = text(bytes)?;
        let mut untyped: Value = serde_json::from_str(SHEET).unwrap();
        let in_json = apply_json(&mut untyped, ops);
        let mut typed = sheet.clone();
        let in_state = apply_ops(&mut typed, ops, &mut Applied::default());
        in_state.map_err(|error| error.to_string())?;
        // A value of which fields are missing has them in the state alone. Nobody writes such.
        in_json.map_err(|error| error.to_string())?;
        let read: Sheet = from_json(&untyped.to_string()).expect("it is the state's JSON");
        assert_eq!(read, typed);
        Ok(())
    });
}

#[test]
fn snapshots() {
    replay("states", TIMES, |bytes| {
        let sheet: Sheet = from_json(text(bytes)?).map_err(|error| error.to_string())?;
        let written = to_json(&sheet).expect("it was read");
        assert_eq!(from_json::<Sheet>(&written).expect("it was written"), sheet);
        Ok(())
    });
}

#[test]
fn answers() {
    replay("answers", TIMES, |bytes| {
        let answers: Answers = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let written = serde_json::to_string(&answers).unwrap();
        let read: Answers = serde_json::from_str(&written).expect("it was written");
        assert_eq!(format!("{read:?}"), format!("{answers:?}"));
        Ok(())
    });
}

// === Server-sent events ===

fn events(parts: impl IntoIterator<Item = Vec<u8>>) -> Result<Vec<ServerEvent>, String> {
    let mut reader = EventReader::new(512);
    let mut all = Vec::new();
    for part in parts {
        all.extend(reader.take(&part).map_err(|error| error.to_string())?);
    }
    Ok(all)
}

#[test]
fn streams_are_read_the_same_however_they_are_cut() {
    replay("streams", TIMES / 4, |bytes| {
        let whole = events([bytes.to_vec()])?;
        let single = events(bytes.chunks(1).map(<[u8]>::to_vec));
        assert_eq!(single.as_ref(), Ok(&whole), "byte by byte");
        for cut in [1, 2, 3, 5, 7] {
            let at = bytes.len() / cut;
            let (left, right) = bytes.split_at(at);
            let parts = events([left.to_vec(), right.to_vec()]);
            assert_eq!(parts.as_ref(), Ok(&whole), "cut at {at}");
        }
        assert!(whole.iter().all(|event| event.data.len() <= 3 * 512));
        Ok(())
    });
}

/// The cases of the web-platform-tests' folder `eventsource` that are about the format.
#[test]
fn streams_are_read_as_browsers_read_them() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../corpus/events.json")).unwrap();
    assert!(cases.len() >= 20, "{}", cases.len());
    for case in cases {
        let bytes = case["text"].as_str().unwrap().as_bytes();
        let field = |event: &Value, name: &str| event[name].as_str().unwrap_or("").to_owned();
        let expected = case["events"].as_array().unwrap().iter();
        let expected: Vec<_> = expected
            .map(|event| ServerEvent {
                event: field(event, "event"),
                id: field(event, "id"),
                data: field(event, "data"),
            })
            .collect();
        for size in [bytes.len(), 1, 2] {
            let mut reader = EventReader::new(1 << 20);
            let read = bytes
                .chunks(size)
                .flat_map(|part| reader.take(part).unwrap());
            assert_eq!(read.collect::<Vec<_>>(), expected, "{}", case["name"]);
            assert_eq!(
                reader.retry_ms(),
                case["retry"].as_u64(),
                "{}",
                case["name"]
            );
        }
    }
}
