//! States that are told who is here, `#[state(present = …)]`: one task of the runtime for each scope
//! that has such states, while somebody is here or stands there as here.

use super::{
    Runtime,
    context::until,
    presence::{HIDDEN_LEASE, Presence},
    registration::Tell,
    scope::Scope,
    scopes::Slot,
};
use crate::{Visitor, builtin::UcPresent, core::scope::ScopeName};
use std::{collections::BTreeSet, convert::Infallible, pin::pin, sync::Arc, time::Duration};
use tokio::time::Instant;

/// So often at most a scope is told. The first who comes is told of at once, and whoever comes or
/// goes right behind that is gathered: a thousand at once are a few updates.
pub(super) const GATHER: Duration = Duration::from_millis(100);

/// How long one waits with a store that can't write.
const TROUBLE: Duration = Duration::from_secs(1);

/// What the states of a scope were told.
struct Attendance {
    here: Vec<Visitor>,
    /// Of those who stood there when the scope was read, the ones that have not been seen since.
    awaited: BTreeSet<Visitor>,
    /// When they are waited for no longer.
    awaited_until: Instant,
    /// Cookies can be had for nothing: so many are told of. Who is told of stays.
    most: usize,
    /// They are to be told whatever stands there: by another build, it may be, or before somebody was
    /// back.
    is_due: bool,
}

impl Runtime {
    /// Sees to it that the states of a scope are told who is here, if there is the scope and one of
    /// its states wants to know.
    pub(super) fn attend(self: &Arc<Self>, slot: &Arc<Slot>) {
        let ScopeName::Keyed { space, .. } = &slot.name else {
            return;
        };
        let is_wanted = !self.registry.told_in(space).is_empty() && slot.scope().is_some();
        if is_wanted && !self.is_shutting_down() && slot.followers.presence.attend() {
            let (runtime, slot) = (self.clone(), slot.clone());
            self.tracker.spawn(attend(runtime, slot, space));
        }
    }
}

/// Ends when nobody is here and that was told, with the scope, and with the server: who is here
/// then stands there for the next one. It holds no scope while it waits.
async fn attend(runtime: Arc<Runtime>, slot: Arc<Slot>, space: &'static str) {
    let tell = runtime.registry.told_in(space);
    let presence = &slot.followers.presence;
    let mut known = None;
    loop {
        // Listens before it looks, so that who comes or goes in between is not missed.
        let mut moved = pin!(presence.moved.notified());
        moved.as_mut().enable();
        let looked = Instant::now();
        let Some(scope) = slot.scope().filter(|_| !runtime.is_shutting_down()) else {
            return presence.let_be();
        };
        let attendance = match &mut known {
            Some(attendance) => attendance,
            None => match Attendance::read(&runtime, &scope).await {
                Some(read) => known.insert(read),
                None => return presence.let_be(),
            },
        };
        let next = attendance.tell(&scope, presence, tell).await;
        // As any update does at a store that has much to write.
        tokio::select! {
            biased;
            () = runtime.shutdown.cancelled() => {}
            () = scope.kept_up() => {}
        }
        drop(scope);
        if attendance.here.is_empty() && !attendance.is_due {
            presence.let_be();
            // Who came before that was said has left it to this one.
            if !presence.is_any() || !presence.attend() {
                return;
            }
        }
        tokio::select! {
            biased;
            () = runtime.shutdown.cancelled() => {}
            () = moved => {}
            () = until(next) => {}
        }
        tokio::select! {
            biased;
            () = runtime.shutdown.cancelled() => {}
            () = tokio::time::sleep_until(looked + GATHER) => {}
        }
    }
}

impl Attendance {
    async fn read(runtime: &Runtime, scope: &Scope) -> Option<Self> {
        let stood = |present: &UcPresent| -> BTreeSet<Visitor> {
            let keys = present.here.iter().map(|(key, _)| key);
            keys.filter_map(|key| Visitor::from_key(key)).collect()
        };
        let awaited = scope.look(|| true, stood).await.ok()?;
        let since_left = Duration::from_secs(super::now_s().saturating_sub(scope.left_s));
        let left = Instant::now().checked_sub(since_left);
        // Pages come back to a server, and not to a scope; but of one that gave place while somebody
        // was here nobody knew since. A hidden page takes its time.
        let begin = left.map_or(runtime.started, |left| left.max(runtime.started));
        Some(Attendance {
            here: awaited.iter().copied().collect(),
            awaited,
            awaited_until: begin + HIDDEN_LEASE,
            most: runtime.limits.visitors_of_scope,
            is_due: true,
        })
    }

    /// Tells the states, where it is another who is here. Says when it is to be looked at again,
    /// unless somebody moves.
    async fn tell(&mut self, scope: &Scope, presence: &Presence, tell: &[Tell]) -> Option<Instant> {
        let (mut here, mut next) = presence.visitors();
        let awaited = self.awaited.len();
        self.awaited
            .retain(|visitor| here.binary_search(visitor).is_err());
        // Who has come back is told of, too: meanwhile a handler that asked did not find them.
        self.is_due |= self.awaited.len() < awaited;
        if Instant::now() >= self.awaited_until {
            self.awaited.clear();
        }
        if !self.awaited.is_empty() {
            let until = self.awaited_until;
            next = Some(next.map_or(until, |next| next.min(until)));
            here.extend(&self.awaited);
            here.sort_unstable();
        }
        if here.len() > self.most {
            here.sort_by_key(|visitor| self.here.binary_search(visitor).is_err());
            here.truncate(self.most);
            here.sort_unstable();
        }
        if here == self.here && !self.is_due {
            return next;
        }
        let Some(mut writing) = scope.write().await else {
            return next;
        };
        if writing.runtime().store.trouble().is_some() {
            return Some(Instant::now() + TROUBLE);
        }
        for tell in tell {
            tell(&mut writing, &here);
        }
        let (before, now) = (&self.here, &here);
        let noted = writing.change_own(|present: &mut UcPresent| {
            for gone in before.iter().filter(|one| now.binary_search(one).is_err()) {
                present.here.remove(&gone.key());
            }
            for come in now.iter().filter(|one| before.binary_search(one).is_err()) {
                present.here.insert(come.key(), true);
            }
            Ok::<(), Infallible>(())
        });
        // It is bounded, plain, and nobody's code.
        debug_assert!(noted.is_ok());
        writing.publish();
        self.here = here;
        self.is_due = false;
        next
    }
}
