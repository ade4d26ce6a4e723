//! Into a room, and out of it.

use super::state::Rooms;
use undercurrent::prelude::*;

/// Goes into a room: by its rule, and under a name.
#[event]
pub async fn enter(
    cx: EventContext<Rooms>,
    room: String,
    name: String,
    passphrase: String,
) -> Result<()> {
    use crate::room::state::{Room, admit};
    let name = rooms::person_name(&name).map_err(ForVisitor::new)?;
    let key = rooms::key_for(&room, &passphrase).map_err(ForVisitor::new)?;
    let (me, shared) = (cx.visitor().id(), cx.keyed::<Room>(&key));
    shared.read(|room| room.check_name(&me, &name)).await??;
    shared.dispatch(admit(me.clone(), name.clone())).await?;
    // The door is open a moment after it was asked for. The page must not come before.
    let is_in = |room: &Room| {
        let member = room.members.get(&me)?;
        (member.name == name).then_some(())
    };
    let admitted = shared.until_within(Millis(2_000), is_in).await?;
    admitted.ok_or(ForVisitor::new("The room did not let you in. Try again."))?;
    cx.update(|rooms| {
        (rooms.name, rooms.me) = (name, me);
        rooms.enter(room, key);
    })
    .await?;
    Ok(())
}

/// Makes the name of a room, and leads there. Nothing is kept of it: a room comes into being with
/// the first who enters.
#[event]
pub async fn open_room(
    cx: EventContext<Rooms>,
    room: String,
    name: String,
    passphrase: String,
) -> Result<()> {
    let room = rooms::room_name(&room, &passphrase).map_err(ForVisitor::new)?;
    // As who comes by the address does.
    cx.dispatch(enter(room.clone(), name, passphrase));
    cx.page().go_to(format!("/room/{room}")).await?;
    Ok(())
}

/// Forgets a room that was entered. Its others see who left as away.
#[event]
pub fn leave(rooms: &mut Rooms, room: String) {
    rooms.entered.retain(|one| one.room != room);
}
