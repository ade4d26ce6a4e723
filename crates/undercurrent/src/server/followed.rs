//! What a stream follows: scopes, and the states in each of them.

use super::{
    Runtime,
    authorize::authorize,
    cell::AnySnapshot,
    follow::Follower,
    presence::{PageId, leaves},
    scope::Scope,
    scopes::Slot,
};
use crate::{
    Visitor,
    core::{
        frame::{ByeReason, Control, write_control_event},
        log::{Entry, Resume},
        position::{Epoch, Position},
        scope::ScopeName,
    },
};
use axum::body::Bytes;
use std::sync::Arc;

/// A scope that a stream follows.
pub(super) struct FollowedScope {
    pub(super) slot: Arc<Slot>,
    states: FollowedStates,
}

/// States, each with the position to go on from; without one it gets a snapshot.
pub(super) type FollowedStates = Vec<(&'static str, Option<Position>)>;

/// What a client asks for.
pub(super) struct Request {
    pub(super) session: FollowedStates,
    pub(super) others: Vec<(ScopeName, FollowedStates)>,
    /// Which page asks, and whether it is hidden.
    pub(super) page: PageId,
    pub(super) is_hidden: bool,
    /// Something on the way holds back what does not end.
    pub(super) is_brief: bool,
    /// Of the cookie that comes with it.
    pub(super) generation: u64,
}

/// `name!schema`: who does not know the schema leaves it out, and reads at its own risk. One that
/// is no number fits nothing.
pub(super) fn split_schema(name: &str) -> (&str, Option<Option<u32>>) {
    match name.split_once('!') {
        None => (name, None),
        Some((name, schema)) => (name, Some(u32::from_str_radix(schema, 16).ok())),
    }
}

/// The places of the scopes that let the visitor in.
pub(super) struct Opened {
    pub(super) scopes: Vec<FollowedScope>,
    pub(super) refused: Vec<(ScopeName, String)>,
    /// Streams that the visitor has beside this one.
    pub(super) others_of_visitor: usize,
}

impl Request {
    /// Reads `follow=s.<state>!<schema>@<position>,0.<state>@…` and `scope=<name>`: a number is that of a
    /// `scope`, counted from 0. `client` says which page it is, and `hidden` that nobody looks at it.
    ///
    /// `Last-Event-ID` is not read: it is one position, of the frame that came last, and of an
    /// update over several states the others may not have come. The URL is exact, and what comes
    /// twice is known by its position.
    pub(super) fn parse(runtime: &Runtime, query: &[(String, String)]) -> Result<Self, ByeReason> {
        let values = |name: &'static str| {
            let of_name = query.iter().filter(move |(known, _)| known == name);
            of_name.map(|(_, value)| value.as_str())
        };
        let mut request = Request {
            session: Vec::new(),
            others: Vec::new(),
            page: PageId::of(values("client").next().unwrap_or_default()),
            is_hidden: values("hidden").next().is_some(),
            is_brief: values("brief").next().is_some(),
            generation: 0,
        };
        for name in values("scope") {
            if request.others.len() >= runtime.limits.followed_scopes {
                return Err(ByeReason::UnknownState);
            }
            let name = runtime.scope_name(name);
            let name = name.map_err(|_| ByeReason::UnknownState)?;
            request.others.push((name, Vec::new()));
        }
        let follows = values("follow").flat_map(|list| list.split(','));
        let mut count = 0;
        for one in follows.filter(|one| !one.is_empty()) {
            count += 1;
            if count > runtime.limits.followed_states {
                return Err(ByeReason::UnknownState);
            }
            request.follow(runtime, one)?;
        }
        Ok(request)
    }

    /// The scopes that are named, and the session.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &ScopeName> {
        let others = self.others.iter().map(|(name, _)| name);
        std::iter::once(&ScopeName::Session).chain(others)
    }

    fn follow(&mut self, runtime: &Runtime, one: &str) -> Result<(), ByeReason> {
        let (name, position) = one.split_once('@').unwrap_or((one, ""));
        let (scope, name) = name.split_once('.').ok_or(ByeReason::UnknownState)?;
        let (name, schema) = split_schema(name);
        let state = runtime.registry.state(name);
        let state = state.ok_or(ByeReason::UnknownState)?;
        if schema.is_some_and(|schema| schema != runtime.registry.schema(name)) {
            return Err(ByeReason::Outdated);
        }
        let (scope, states) = match scope {
            "s" => (&ScopeName::Session, &mut self.session),
            nth => {
                let nth = nth.parse::<usize>().ok();
                let other = nth.and_then(|nth| self.others.get_mut(nth));
                let (scope, states) = other.ok_or(ByeReason::UnknownState)?;
                (&*scope, states)
            }
        };
        if !scope.has(state.scope) {
            return Err(ByeReason::UnknownState);
        }
        if states.iter().all(|(known, _)| *known != state.name) {
            states.push((state.name, position.parse().ok()));
        }
        Ok(())
    }
}

/// Goes to each scope that was asked for, as far as its rule allows.
pub(super) fn open_scopes(
    runtime: &Arc<Runtime>,
    visitor: Visitor,
    request: Request,
    follower: &Arc<Follower>,
) -> Result<Opened, ByeReason> {
    let mut opened = Opened {
        scopes: Vec::new(),
        refused: Vec::new(),
        others_of_visitor: 0,
    };
    // All rules first: one that panics or refuses leaves no follower behind.
    let mut places = Vec::new();
    let session = (ScopeName::Session, request.session);
    for (name, states) in std::iter::once(session).chain(request.others) {
        match authorize(runtime, visitor, &name) {
            // Two names of one tag can't be told apart by their frames.
            Ok(place) if places.iter().any(|(known, _)| is_of_tag(known, &place)) => {
                return Err(ByeReason::UnknownState);
            }
            // Not shown as empty. What it is can be read later, with luck.
            Ok(place) if !runtime.load_now(&place) => return Err(ByeReason::Full),
            Ok(place) => places.push((place, states)),
            Err(refused) => {
                // It may have said before that it is hidden.
                leaves(runtime, visitor, &name, request.page);
                opened.refused.push((name, refused.message()));
            }
        }
    }
    let mut can_be_read = true;
    for (nth, (place, states)) in places.into_iter().enumerate() {
        let (slot, others) = runtime.scopes.follow(&place, follower);
        if nth == 0 {
            // Each stream is in its visitor's session: so many there are.
            opened.others_of_visitor = others;
        }
        // While another was read it may have been let go. What is followed stays.
        can_be_read &= runtime.found_now(&place).is_ok();
        runtime.attend(&slot);
        opened.scopes.push(FollowedScope { slot, states });
    }
    if !can_be_read {
        opened.leave(runtime, follower);
        return Err(ByeReason::Full);
    }
    Ok(opened)
}

impl Opened {
    /// What was opened in vain.
    fn leave(self, runtime: &Runtime, follower: &Arc<Follower>) {
        for FollowedScope { slot, .. } in self.scopes {
            slot.followers.remove(follower);
            runtime.scopes.tidy(&slot);
        }
    }
}

fn is_of_tag(known: &super::authorize::Place, place: &super::authorize::Place) -> bool {
    known.tag == place.tag
}

impl FollowedScope {
    /// The history that the scope is in; `0` where there is no scope.
    pub(super) fn epoch(&self) -> String {
        let scope = self.slot.scope();
        scope.map_or(Epoch::NONE, |scope| scope.epoch()).to_string()
    }

    /// No scope: every state is its default. Who shows something else had another one.
    pub(super) fn write_defaults(&mut self, runtime: &Runtime, out: &mut Vec<u8>) {
        for (name, from) in &mut self.states {
            if *from != Some(Position::NONE)
                && let Some(state) = runtime.registry.state(name)
            {
                let snapshot = (state.default_snapshot)(Position::NONE);
                let tag = self.slot.tag.as_str();
                write_ahead(tag, name, *from, Position::NONE, out);
                out.extend_from_slice(snapshot.event(tag));
                *from = Some(Position::NONE);
            }
        }
    }

    /// Writes the entries that lead on, in the order of their offsets, and returns the states to
    /// which none lead.
    pub(super) fn write_entries(
        &mut self,
        scope: &Scope,
        visitor: Visitor,
        out: &mut Vec<u8>,
        max: usize,
    ) -> Vec<&'static str> {
        let mut missing = Vec::new();
        let mut entries: Vec<(usize, Arc<Entry>)> = Vec::new();
        let resumes = scope.resume(&self.states, visitor);
        for (nth, resume) in resumes.into_iter().enumerate() {
            match resume {
                Resume::Current => {}
                Resume::Entries(found) => {
                    entries.extend(found.into_iter().map(|entry| (nth, entry)));
                }
                Resume::Snapshot => missing.push(self.states[nth].0),
            }
        }
        entries.sort_by_key(|(_, entry)| entry.offset);
        let epoch = scope.epoch();
        // At once: to grow step by step was 600 instructions of a click.
        let bytes = entries.iter().map(|(_, entry)| entry.event.len());
        out.reserve(bytes.sum::<usize>().min(max));
        let mut last = None;
        for (nth, entry) in entries {
            // The entries of one update go in one write.
            if out.len() >= max && last != Some(entry.offset) {
                break;
            }
            out.extend_from_slice(&entry.event);
            self.states[nth].1 = Some(Position::new(epoch, entry.offset));
            last = Some(entry.offset);
        }
        missing
    }

    /// The stream goes on from a snapshot. Its event is to be written.
    pub(super) fn take_snapshot<'a>(
        &mut self,
        snapshot: &'a dyn AnySnapshot,
        out: &mut Vec<u8>,
    ) -> &'a Bytes {
        let (name, tag) = (snapshot.name(), self.slot.tag.as_str());
        if let Some(follow) = self.states.iter_mut().find(|(known, _)| *known == name) {
            write_ahead(tag, name, follow.1, snapshot.at(), out);
            follow.1 = Some(snapshot.at());
        }
        snapshot.event(tag)
    }
}

/// A client drops a snapshot that is older than what it has: another stream may have brought more.
/// If it has what never was, it must be told.
fn write_ahead(
    tag: &str,
    state: &str,
    asked: Option<Position>,
    snapshot: Position,
    out: &mut Vec<u8>,
) {
    if asked.is_some_and(|at| at.epoch == snapshot.epoch && at.offset > snapshot.offset) {
        let (tag, state) = (tag.to_owned(), state.to_owned());
        out.extend_from_slice(&write_control_event(&Control::Ahead { tag, state }));
    }
}
