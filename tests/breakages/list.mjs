// Deliberate breakages of the runtime, each with the test that must fail. `make breakages` makes each
// in a copy of the tree and runs that test: a suite that lets one pass proves nothing there.
//
// `find` stands once in the file; `put` comes in its place. `make test` checks that all still fit.

const core = 'crates/undercurrent/src/core';
const server = 'crates/undercurrent/src/server';
const runtime = ['-p', 'undercurrent', '--features', 'ssr', '--lib'];
const crate = (name) => ['-p', name, '--features', 'undercurrent/ssr', '--tests'];

export const breakages = [
  {
    name: 'a replica takes a change that begins elsewhere',
    file: `${core}/replica.rs`,
    find: 'if same_history && since == at.offset {',
    put: 'if same_history && since <= to.offset {',
    test: [...crate('simulation'), 'a_replica_shows_what_the_scope_was'],
  },
  {
    name: 'a replica goes back to an older snapshot',
    file: `${core}/replica.rs`,
    find: 'to.offset < at.offset',
    put: 'to.offset + 1_000_000 < at.offset',
    test: [...crate('simulation'), 'a_replica_shows_what_the_scope_was'],
  },
  {
    name: 'a page counts nothing as lost',
    file: `${core}/witness.rs`,
    find: 'counts.lost += u64::from(since > before);',
    put: 'counts.lost += u64::from(since > to.offset);',
    test: [...runtime, 'witness'],
  },
  {
    name: 'a page counts nothing as applied twice',
    file: `${core}/witness.rs`,
    find: 'counts.twice += u64::from(since < before || to.offset <= before);',
    put: 'counts.twice += u64::from(since < before && to.offset <= since);',
    test: [...runtime, 'witness'],
  },
  {
    name: 'a stream resumes though entries were cut off',
    file: `${core}/log.rs`,
    find: 'Some(first) if first.since == from.offset => Resume::Entries(entries),',
    put: 'Some(_) => Resume::Entries(entries),',
    test: [...crate('simulation'), 'a_replica_shows_what_the_scope_was'],
  },
  {
    name: 'positions of another epoch are taken for those of this one',
    file: `${core}/log.rs`,
    find: 'from == Position::NONE || from.epoch == self.epoch;',
    put: 'from == Position::NONE || from.epoch != Epoch::NONE;',
    test: [...crate('simulation'), 'a_replica_shows_what_the_scope_was'],
  },
  {
    name: 'a stream clears its news before it asks to be woken',
    file: `${server}/handover.rs`,
    find: `        self.waker.register(waker);
        self.waits.swap(false, Ordering::SeqCst);`,
    put: `        self.waits.swap(false, Ordering::SeqCst);
        self.waker.register(waker);`,
    test: ['-p', 'handover', '--test', 'orders'],
  },
  {
    name: 'who comes while another leaves is not counted',
    file: `${server}/handover.rs`,
    find: 'all.retain(|known| !Arc::ptr_eq(known, one));',
    put: 'let _ = one;\n        all.clear();',
    test: ['-p', 'handover', '--test', 'orders', 'who_comes_while_another_leaves'],
  },
  {
    name: 'items move before what changed in place is written',
    file: `${core}/list/change.rs`,
    find: '        recorder.flush(&mut self.items);\n        Some(recorder)',
    put: '        Some(recorder)',
    test: [...crate('programs'), 'whatever_a_program_does'],
  },
  {
    name: 'a taken value of a map is not put back',
    file: `${core}/map/record.rs`,
    find: 'Before::Taken(value) => Some(value),',
    put: 'Before::Taken(_) => None,',
    test: [...crate('programs'), 'whatever_a_program_does'],
  },
  {
    name: 'what is for the server alone is written for pages',
    file: `${core}/writer.rs`,
    find: 'self.hidden |= visibility == Visibility::Server;',
    put: 'self.hidden |= visibility != Visibility::Server && was_hidden;',
    test: [...crate('programs'), 'whatever_a_program_does'],
  },
  {
    name: 'a change copies its chunk though nobody shares it',
    file: `${core}/seq/tree.rs`,
    find: 'if Arc::get_mut(node).is_none() {',
    put: 'if Arc::get_mut(node).is_none() || Arc::strong_count(node) == 1 {',
    test: [...crate('costs'), 'a_change_of_one_item_costs_the_same'],
  },
  {
    name: 'to take back a push splits the list',
    file: `${core}/seq/mod.rs`,
    find: 'if self.len().saturating_sub(len) > FEW {',
    put: 'if self.len() > len {',
    test: [...crate('costs'), 'a_change_of_one_item_costs_the_same'],
  },
  {
    name: 'a number that was accepted runs again',
    file: `${core}/numbers.rs`,
    find: 'number <= known.highest',
    put: 'number < known.highest',
    test: [...runtime, 'core::tests::numbers_make_a_retry_harmless'],
  },
  {
    name: 'an update that fails leaves its changes',
    file: `${server}/cell.rs`,
    find: '                self.undo();\n                return Err(error);',
    put: '                return Err(error);',
    test: [...runtime, 'an_event_that_fails_changes_nothing'],
  },
  {
    name: 'an update lands after the cancel',
    file: `${server}/scope.rs`,
    find: 'Look::Refuse => return Err(UpdateError::Cancelled),',
    put: 'Look::Refuse => return Ok(writing),',
    test: [...runtime, 'a_task_that_does_not_listen_is_dropped'],
  },
  {
    name: 'another site may send events',
    file: `${server}/door.rs`,
    find: 'Some(site) => site == "same-origin",',
    put: 'Some(site) => !site.is_empty(),',
    test: [...runtime, 'server::door::'],
  },
  {
    name: 'a commit wakes no stream',
    file: `${server}/writing.rs`,
    find: '            scope.slot.followers.wake_all();\n',
    put: '',
    test: ['-p', 'undercurrent', '--features', 'ssr', '--test', 'canary'],
  },
  {
    name: 'an event is acknowledged before it is kept',
    file: `${server}/scope.rs`,
    find: '            runtime.store.stored(self.ticket()).await;',
    put: '            let _ = runtime;',
    test: ['-p', 'undercurrent', '--features', 'ssr', '--test', 'crashes'],
  },
  {
    name: 'a stream shows what is not kept yet',
    file: `${server}/reading.rs`,
    find: 'only_until(shown, published.log.resume(state, from))',
    put: 'only_until(shown.max(u64::MAX), published.log.resume(state, from))',
    test: [...runtime, 'with_commit_nothing_is_shown_before_it_is_kept'],
  },
  {
    name: 'a page shows what is not kept yet',
    file: `${server}/reading.rs`,
    find: 'let may_be_shown = !runtime.keeps_first || is_kept();',
    put: 'let may_be_shown = is_kept() || true;',
    test: [...runtime, 'with_commit_nothing_is_shown_before_it_is_kept'],
  },
  {
    name: 'a snapshot takes an entry with it that is not in it',
    file: `${server}/store/disk/batch.rs`,
    find: 'rows::entry_key(scope, id, offset.saturating_add(1))',
    put: 'rows::entry_key(scope, id, offset.saturating_add(2))',
    test: [...runtime, 'wherever_the_power_fails'],
  },
  {
    name: 'a snapshot that comes late brings a scope back',
    file: `${server}/store/disk/batch.rs`,
    find: 'if !is_there || known',
    put: 'if known',
    test: [...runtime, 'what_comes_too_late_for_a_scope_that_is_gone'],
  },
  {
    name: 'after a crash pages go on in the same epoch',
    file: `${server}/store/disk/mod.rs`,
    find: '            false => run,',
    put: '            false => run - run,',
    test: [...runtime, 'relaxed_a_power_cut_begins_a_new_epoch'],
  },
  {
    name: 'handlers go on while nothing can be stored',
    file: `${server}/scope.rs`,
    find: 'if let Some(why) = writing.runtime().store.trouble() {',
    put: 'if let Some(why) = writing.runtime().store.trouble().filter(|_| false) {',
    test: [...runtime, 'a_full_disk_refuses_updates'],
  },
  {
    name: 'memory fills while the disk is slow',
    file: `${server}/scope.rs`,
    find: 'runtime.keeps_first || runtime.store.is_behind()',
    put: 'runtime.keeps_first',
    test: [...runtime, 'a_slow_disk_slows_handlers_down'],
  },
  {
    name: 'what a newer build wrote is lost',
    file: `${server}/restored.rs`,
    find: 'other.is_none_or(|other| has_more(one, other))',
    put: 'other.is_some_and(|other| has_more(one, other))',
    test: [...runtime, 'what_a_newer_build_has_written'],
  },
  {
    name: 'a retry runs again',
    file: `${core}/numbers.rs`,
    find: 'known.highest = number.max(known.highest);',
    put: 'known.highest = known.highest.max(number.saturating_sub(1));',
    test: [...crate('simulation'), 'events_run_once_in_order_and_alone'],
  },
];
