//! Tasks of a scope that was read from a store: those that go on, and those that were interrupted.

use super::{
    super::{
        queue::Origin,
        registration::{Arguments, OnCrash, OnEnd, Prepared, PreparedTask},
        scope::Scope,
        store::hex,
    },
    TaskRun, drive, gone,
    run::Control,
};
use crate::{
    State, TaskEnd, TaskRecord, TaskStatus, Visitor,
    builtin::{self, UcTasks},
};
use std::sync::Arc;

/// What becomes of the runs that had not ended.
#[derive(Default)]
pub(in crate::server) struct Recovered {
    goes_on: Vec<(Arc<TaskRun>, u32)>,
    ends: Vec<(TaskRecord, Option<OnEnd>)>,
}

impl Recovered {
    pub(in crate::server) fn is_empty(&self) -> bool {
        self.goes_on.is_empty() && self.ends.is_empty()
    }
}

impl TaskRun {
    /// The store has it, and it goes on when the server is back.
    pub(super) fn goes_on_later(&self) -> bool {
        self.runtime.store.outlives() && self.policy.on_crash == OnCrash::Resume
    }

    /// Runs it, if its turn has come.
    pub(in crate::server) fn drive_again(self: Arc<Self>) {
        let tracker = self.runtime.tracker.clone();
        if self.policy.on_disconnect_ms.is_some() && !self.visitor.is_server() {
            tracker.spawn(gone::cancel_when_gone(self.clone(), true));
        }
        if !self.waits() {
            tracker.spawn(drive::drive(self));
        }
    }
}

impl Scope {
    /// Puts the runs that go on in the table, so that `overlap` knows them.
    pub(in crate::server) fn restore_tasks(
        self: &Arc<Self>,
        runtime: &Arc<super::super::Runtime>,
    ) -> Recovered {
        let mut recovered = Recovered::default();
        let mut states = self.states();
        let Some(number) = states.numbers.find(UcTasks::NAME) else {
            return recovered;
        };
        let tasks = states.cell::<UcTasks>(number).value();
        let mut table = self.lock_tasks();
        let open = tasks.runs.iter().filter(|run| !run.status.is_end());
        for record in open {
            let mut arguments = tasks.arguments.iter();
            let arguments = arguments.find(|kept| kept.run == record.id);
            let mut cursors = tasks.cursors.iter();
            let cursor = cursors.find(|cursor| cursor.run == record.id);
            let prepared = arguments.and_then(|kept| {
                let handler = runtime.registry.handler(&record.name)?;
                match handler.prepare(Arguments::Json(&kept.json)) {
                    Ok(Prepared::Task(task)) => Some((kept, task)),
                    _ => None,
                }
            });
            let Some((kept, task)) = prepared else {
                recovered.ends.push((record.clone(), None));
                continue;
            };
            // Nothing of a run that waited for its turn has happened.
            let has_not_begun = record.status == TaskStatus::Queued && record.attempt == 1;
            // A server that went down in good order was not taken down by it.
            let counts = u32::from(runtime.store.was_killed());
            let resumes = cursor.map_or(0, |cursor| cursor.resumes) + counts;
            let goes_on = has_not_begun
                || (task.policy.on_crash == OnCrash::Resume && resumes <= runtime.limits.resumes);
            if !goes_on || record.cancelling {
                let end = task.on_end;
                recovered.ends.push((record.clone(), Some(end)));
                continue;
            }
            let waits = has_not_begun
                && table
                    .all
                    .values()
                    .any(|run| run.is(&record.name, &record.key));
            let run = self.restore_run(runtime, record, kept, task, waits);
            run.set_cursor(cursor.and_then(|cursor| cursor.json.clone()));
            table.all.insert(run.id, run.clone());
            if waits {
                table.queued.insert(run.id);
            }
            let resumes = if has_not_begun { 0 } else { resumes };
            recovered.goes_on.push((run, resumes));
        }
        recovered
    }

    fn restore_run(
        self: &Arc<Self>,
        runtime: &Arc<super::super::Runtime>,
        record: &TaskRecord,
        kept: &builtin::Arguments,
        task: PreparedTask,
        waits: bool,
    ) -> Arc<TaskRun> {
        let visitor = hex::read(&kept.visitor).unwrap_or(Visitor::SERVER);
        let origin = kept.origin.clone();
        let origin = origin.map(|(client, number)| Origin { client, number });
        runtime
            .tasks_running
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut run = TaskRun::new(
            record.id,
            task,
            (visitor, origin),
            waits,
            self.clone(),
            runtime.clone(),
        );
        run.first_attempt = record.attempt.max(1);
        if record.status == TaskStatus::Paused {
            run.ask(Control::Pause);
        }
        Arc::new(run)
    }

    /// Tells what was interrupted, and what goes on.
    pub(in crate::server) async fn recover_tasks(&self, recovered: Recovered) -> Vec<Arc<TaskRun>> {
        let Some(mut writing) = self.write().await else {
            return Vec::new();
        };
        for (record, on_end) in recovered.ends {
            let status = match record.cancelling {
                true => TaskStatus::Cancelled,
                false => TaskStatus::Interrupted,
            };
            // An update each: what one does at its end stands, should the next one's panic.
            writing.commit();
            let end = TaskEnd {
                key: record.key.clone(),
                status,
                error: None,
            };
            if let Some(on_end) = on_end {
                on_end(&mut writing, &end);
            }
            writing.end_record(record.id, status, None);
        }
        writing.commit();
        // One that waited for its turn may have been cancelled meanwhile. It has ended.
        let mut goes_on = recovered.goes_on;
        goes_on.retain(|(run, _)| !run.over.is_cancelled());
        for (run, resumes) in &goes_on {
            if *resumes > 0 {
                let cursor = run.cursor();
                writing.write_cursor(run.id, cursor.as_deref(), *resumes);
            }
            writing.change_record(run.id, |record| record.status = run.status());
        }
        if self.lock_tasks().is_empty() {
            writing.notes.push(super::super::store::Record::Busy(false));
        }
        writing.publish();
        goes_on.into_iter().map(|(run, _)| run).collect()
    }

    /// It was read in vain: another is in its place.
    pub(in crate::server) fn discard(&self) {
        let runs = std::mem::take(&mut self.lock_tasks().all);
        for run in runs.values() {
            let running = &run.runtime.tasks_running;
            running.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}
