//! A state as PROTOCOL.md says that a client holds it: plain JSON, without knowing the types.

use super::ops::apply;
use crate::net::events::Event;
use serde::Deserialize;
use serde_json::Value;
use std::{fmt, io, str::FromStr};

/// `<epoch>-<offset>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    epoch: String,
    pub offset: u64,
}

/// A state of a scope, and where it stands.
#[derive(Debug)]
pub struct Replica {
    pub name: &'static str,
    pub state: Value,
    pub at: Option<Position>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Applied,
    Snapshot,
    Dropped,
    /// Something is missing before it: the stream must begin anew for this state.
    Gap,
}

/// The data of a state's frame: `[state, since, body]`.
#[derive(Deserialize)]
pub struct Frame<'a>(
    pub &'a str,
    pub Option<u64>,
    #[serde(borrow)] pub &'a serde_json::value::RawValue,
);

impl Replica {
    pub fn new(name: &'static str) -> Self {
        Replica {
            name,
            state: Value::Null,
            at: None,
        }
    }

    /// Takes a frame that leads to a position.
    pub fn take(&mut self, to: Position, frame: &Frame<'_>) -> io::Result<Taken> {
        let Frame(_, since, body) = frame;
        let known = |at: &Position| at.epoch == to.epoch && to.offset <= at.offset;
        let Some(since) = since else {
            if self.at.as_ref().is_some_and(|at| known(at) && *at != to) {
                return Ok(Taken::Dropped);
            }
            self.state = serde_json::from_str(body.get())?;
            self.at = Some(to);
            return Ok(Taken::Snapshot);
        };
        match &self.at {
            Some(at) if at.leads(*since, &to) => {
                let ops: Vec<Vec<Value>> = serde_json::from_str(body.get())?;
                for op in ops {
                    apply(&mut self.state, op)
                        .ok_or_else(|| io::Error::other("an op that does not fit"))?;
                }
                self.at = Some(to);
                Ok(Taken::Applied)
            }
            Some(at) if known(at) => Ok(Taken::Dropped),
            _ => Ok(Taken::Gap),
        }
    }
}

impl Replica {
    /// Takes over where a frame leads, and leaves its ops unread. `None` if it does not go on from
    /// here: then it is to be looked at in whole.
    pub fn skip(&mut self, event: &Event<'_>) -> Option<()> {
        let at = self.at.as_mut()?;
        let (epoch, offset) = event.id.strip_prefix("s-")?.split_once('-')?;
        let head = event.data.strip_prefix("[\"")?.strip_prefix(self.name)?;
        let (since, _) = head.strip_prefix("\",")?.split_once(',')?;
        let leads_on = at.epoch == epoch && since.parse() == Ok(at.offset);
        at.offset = offset.parse().ok().filter(|_| leads_on)?;
        Some(())
    }
}

impl Position {
    /// A frame from `since` to the position goes on from here.
    fn leads(&self, since: u64, to: &Position) -> bool {
        let is_default = self.epoch == "0" && self.offset == 0;
        since == self.offset && (self.epoch == to.epoch || is_default)
    }
}

impl FromStr for Position {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let (epoch, offset) = text
            .split_once('-')
            .ok_or_else(|| io::Error::other(format!("no position: {text}")))?;
        Ok(Position {
            epoch: epoch.to_owned(),
            offset: offset.parse().map_err(io::Error::other)?,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn take(replica: &mut Replica, to: &str, data: &str) -> Taken {
        let frame: Frame<'_> = serde_json::from_str(data).unwrap();
        replica.take(to.parse().unwrap(), &frame).unwrap()
    }

    #[test]
    fn a_frame_is_applied_dropped_or_a_gap_as_the_protocol_says() {
        let mut replica = Replica::new("feed");
        let ops = |since: u64| format!(r#"["feed",{since},[]]"#);
        assert_eq!(
            take(&mut replica, "e-5", &ops(4)),
            Taken::Gap,
            "no position"
        );
        let snapshot = r#"["feed",null,{}]"#;
        assert_eq!(take(&mut replica, "e-5", snapshot), Taken::Snapshot);
        assert_eq!(take(&mut replica, "e-4", snapshot), Taken::Dropped);
        assert_eq!(take(&mut replica, "e-5", &ops(3)), Taken::Dropped, "known");
        assert_eq!(take(&mut replica, "e-9", &ops(7)), Taken::Gap);
        assert_eq!(take(&mut replica, "f-6", &ops(5)), Taken::Gap, "epoch");
        assert_eq!(take(&mut replica, "e-9", &ops(5)), Taken::Applied);
        assert_eq!(take(&mut replica, "f-1", snapshot), Taken::Snapshot);
        let mut fresh = Replica::new("feed");
        take(&mut fresh, "0-0", snapshot);
        assert_eq!(take(&mut fresh, "e-1", &ops(0)), Taken::Applied);
    }

    #[test]
    fn a_frame_is_skipped_only_if_it_goes_on_from_here() {
        let mut replica = Replica::new("feed");
        take(&mut replica, "e-5", r#"["feed",null,{}]"#);
        let mut skip = |id, data| replica.skip(&Event { id, data });
        assert_eq!(skip("s-e-9", r#"["feed",6,[]]"#), None, "a gap");
        assert_eq!(skip("s-f-9", r#"["feed",5,[]]"#), None, "epoch");
        assert_eq!(skip("s-e-9", r#"["fees",5,[]]"#), None, "another state");
        assert_eq!(skip("s-e-9", r#"["feed",null,{}]"#), None, "a snapshot");
        assert_eq!(skip("s-e-9", r#"["feed",5,[]]"#), Some(()));
        assert_eq!(replica.at, "e-9".parse().ok());
    }
}
