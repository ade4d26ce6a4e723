//! What a room shares.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use undercurrent::prelude::*;

/// So many people a room has. Who is away goes first.
pub const MEMBERS: usize = 1_000;
/// So many lines of the chat are kept. The oldest goes.
pub const LINES: usize = 200;
/// The longest line, in characters.
pub const LINE: usize = 500;
/// Minutes that can be set.
pub const MINUTES: [u32; 3] = [1, 5, 25];
/// What can be voted for.
pub const CHOICES: [&str; 4] = ["Events", "Background tasks", "Both", "Neither"];

/// The state of a room.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = may_join, present = note_present)]
pub struct Room {
    /// By the visitor's id.
    pub members: Map<String, Member>,
    /// The chat, oldest first.
    pub lines: List<Line>,
    /// The timer that was started last.
    pub timer: Option<Timer>,
    #[state(server)]
    last_line: u32,
}

/// Who was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// How they call themselves. Others see it: nothing vouches for it.
    pub name: String,
    /// They have the room open.
    pub here: bool,
    /// The number of what they voted for.
    pub vote: Option<u32>,
}

/// A line of the chat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counted from 1.
    pub id: u32,
    /// Whose, by the visitor's id.
    pub by: String,
    /// How they called themselves.
    pub name: String,
    /// What they said.
    pub text: String,
}

/// A timer that all see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// Seconds that are left.
    pub left_s: u32,
    /// Seconds in all.
    pub of_s: u32,
    /// Who started it.
    pub by: String,
}

impl Room {
    /// Whether someone may be called so: two of a name can't be told apart.
    pub fn check_name(&self, id: &str, name: &str) -> Result<(), ForVisitor> {
        let lower = name.to_lowercase();
        let is_taken = |(other, member): (&String, &Member)| {
            other != id && member.name.to_lowercase() == lower
        };
        match self.members.iter().any(is_taken) {
            true => Err(ForVisitor::new(format!(
                "{name} is what somebody is called here. Take another name."
            ))),
            false => Ok(()),
        }
    }

    /// Lets someone in, or gives them another name. They may have the room open already.
    pub fn admit(&mut self, id: String, name: String, here: bool) -> Result<(), ForVisitor> {
        self.check_name(&id, &name)?;
        if let Some(member) = self.members.get_mut(&id) {
            member.name = name;
            return Ok(());
        }
        if self.members.len() >= MEMBERS {
            let mut away = self.members.iter().filter(|(_, member)| !member.here);
            let gone = away.next().map(|(id, _)| id.clone());
            let Some(gone) = gone else {
                return Err(ForVisitor::new("The room is full."));
            };
            self.members.remove(&gone);
        }
        self.members.insert(
            id,
            Member {
                name,
                here,
                vote: None,
            },
        );
        Ok(())
    }

    /// Someone says something.
    pub fn say(&mut self, by: &str, text: &str) -> Result<(), ForVisitor> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LINE || rooms::has_heaps(text) {
            return Err(ForVisitor::new(format!(
                "A line has 1 to {LINE} characters, and no heaps of marks on any."
            )));
        }
        let name = self.member(by)?.name.clone();
        self.last_line += 1;
        self.lines.push(Line {
            id: self.last_line,
            by: by.to_owned(),
            name,
            text: text.to_owned(),
        });
        if self.lines.len() > LINES {
            self.lines.remove(0);
        }
        Ok(())
    }

    /// Someone votes; for the same again takes the vote back.
    pub fn vote(&mut self, by: &str, choice: u32) -> Result<(), ForVisitor> {
        if choice as usize >= CHOICES.len() {
            return Err(ForVisitor::new("There is no such choice."));
        }
        let member = self.member(by)?;
        let before = member.vote.take();
        member.vote = Some(choice).filter(|_| before != Some(choice));
        Ok(())
    }

    /// The timer that someone may start, under their own name. Its task asks, too: anyone may send it.
    pub fn timer_of(&mut self, by: &str, minutes: u32) -> Result<Timer, ForVisitor> {
        if !MINUTES.contains(&minutes) {
            return Err(ForVisitor::new("A timer has 1, 5 or 25 minutes."));
        }
        let (by, of_s) = (self.member(by)?.name.clone(), minutes * 60);
        let left_s = of_s;
        Ok(Timer { left_s, of_s, by })
    }

    /// How many of them are here.
    pub fn here(members: &Map<String, Member>) -> usize {
        members.iter().filter(|(_, member)| member.here).count()
    }

    /// How many voted for each choice.
    pub fn votes(members: &Map<String, Member>) -> [u32; CHOICES.len()] {
        let mut votes = [0; CHOICES.len()];
        for choice in members.iter().filter_map(|(_, member)| member.vote) {
            if let Some(count) = votes.get_mut(choice as usize) {
                *count += 1;
            }
        }
        votes
    }

    /// Who has been let in.
    pub fn member(&mut self, id: &str) -> Result<&mut Member, ForVisitor> {
        let member = self.members.get_mut(&id.to_owned());
        member.ok_or_else(|| ForVisitor::new("Enter the room first."))
    }
}

/// The rule of rooms: who knows the passphrase may join, whoever they are.
pub fn may_join(_visitor: &Visitor, key: &str) -> Result<(), ForVisitor> {
    rooms::opens(key).map_err(ForVisitor::new)
}

// excerpt: note_present
/// Notes who has the room open. The runtime says who, whenever it is someone else.
pub fn note_present(room: &mut Room, here: &[Visitor]) {
    let here: BTreeSet<String> = here.iter().map(Visitor::id).collect();
    let moved = room.members.iter();
    let moved = moved.filter(|(id, member)| member.here != here.contains(*id));
    let moved: Vec<String> = moved.map(|(id, _)| id.clone()).collect();
    for id in moved {
        if let Some(member) = room.members.get_mut(&id) {
            member.here = !member.here;
        }
    }
}
// end

/// Lets someone in. The server sends it when they have passed the door.
#[event]
pub async fn admit(cx: EventContext<Room>, id: String, name: String) -> Result<()> {
    if !cx.visitor().is_server() {
        return Err(ForVisitor::new("Enter by the door.").into());
    }
    cx.try_update(|room| {
        let here = cx.present().iter().any(|one| one.id() == id);
        room.admit(id, name, here)
    })
    .await
}
