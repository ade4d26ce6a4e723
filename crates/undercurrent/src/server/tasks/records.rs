//! What is written of runs into the state that pages follow.

use super::{
    super::{queue::Origin, registration::PreparedTask, store::hex, writing::Writing},
    TaskRun,
};
use crate::{
    Progress, TaskRecord, TaskStatus, Visitor,
    builtin::{self, UcTasks},
};
use std::{
    convert::Infallible,
    time::{SystemTime, UNIX_EPOCH},
};

impl Writing<'_> {
    pub(super) fn add_record(
        &mut self,
        task: &PreparedTask,
        (visitor, origin): (Visitor, Option<&Origin>),
        waits: bool,
    ) -> u64 {
        let max_ended = self.runtime().limits.ended_tasks;
        let mut id = 0;
        self.change_tasks(|tasks| {
            tasks.last_id += 1;
            id = tasks.last_id;
            let ended = tasks.runs.iter().filter(|run| run.status.is_end());
            let surplus = (ended.count() + 1).saturating_sub(max_ended);
            for _ in 0..surplus {
                let oldest = tasks.runs.iter().position(|run| run.status.is_end());
                let Some(index) = oldest else { break };
                let old = tasks.runs.remove(index).id;
                let kept = tasks.arguments.iter().position(|kept| kept.run == old);
                if let Some(index) = kept {
                    tasks.arguments.remove(index);
                }
            }
            tasks.runs.push(TaskRecord {
                id,
                name: task.name.to_owned(),
                key: task.key.clone(),
                status: match waits {
                    true => TaskStatus::Queued,
                    false => TaskStatus::Running,
                },
                attempts: task.policy.retries.saturating_add(1),
                started_ms: now_ms(),
                ..TaskRecord::default()
            });
            tasks.arguments.push(builtin::Arguments {
                run: id,
                json: task.arguments.clone(),
                visitor: hex::write(visitor),
                origin: origin.map(|origin| (origin.client.clone(), origin.number)),
            });
        });
        id
    }

    pub(super) fn change_record(&mut self, id: u64, change: impl FnOnce(&mut TaskRecord)) {
        self.change_tasks(|tasks| {
            // From behind: it is one of the last.
            let index = (0..tasks.runs.len())
                .rev()
                .find(|index| tasks.runs[*index].id == id);
            if let Some(index) = index {
                change(&mut tasks.runs[index]);
            }
        });
    }

    pub(super) fn end_record(&mut self, id: u64, status: TaskStatus, error: Option<String>) {
        self.change_tasks(|tasks| {
            if let Some(index) = tasks.cursors.iter().position(|cursor| cursor.run == id) {
                tasks.cursors.remove(index);
            }
        });
        self.change_record(id, |record| {
            record.status = status;
            record.error = error;
            record.ended_ms = Some(now_ms());
        });
    }

    pub(super) fn write_progress(&mut self, run: &TaskRun) {
        if let Some((done, of)) = run.take_progress() {
            self.change_record(run.id, |record| record.progress = Progress { done, of });
        }
    }

    /// Where a run goes on after a crash, and how often it was resumed without another.
    pub(super) fn write_cursor(&mut self, run: u64, json: Option<&str>, resumes: u32) {
        self.change_tasks(|tasks| {
            let new = builtin::Cursor {
                run,
                json: json.map(str::to_owned),
                resumes,
            };
            match tasks.cursors.iter().position(|cursor| cursor.run == run) {
                Some(index) => tasks.cursors[index] = new,
                None => tasks.cursors.push(new),
            }
        });
    }

    fn change_tasks(&mut self, change: impl FnOnce(&mut UcTasks)) {
        let changed = self.change_own(|tasks: &mut UcTasks| {
            change(tasks);
            Ok::<(), Infallible>(())
        });
        debug_assert!(changed.is_ok(), "the runtime's own states are plain data");
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
