//! A monitor of several services: one task a service, by its name, started for everybody with the
//! server or by who adds one.

use std::{collections::BTreeMap, sync::Mutex};
use undercurrent::prelude::*;

/// All services that are watched, for everybody.
#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
pub struct Monitor {
    /// By name.
    pub probes: Map<String, Probe>,
}

/// What is known of one service.
#[derive(State, Clone, Debug, Default)]
pub struct Probe {
    /// How long the last calls took, newest last.
    pub ms: List<u64>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// An operator has said so.
    pub is_down: bool,
}

/// Where services are asked. An app provides a real one, a test one that answers as it likes.
pub trait Ask: Send + Sync {
    /// Asks a service: milliseconds that it took, or what went wrong.
    fn ask(&self, name: &str) -> Result<u64, String>;
}

/// What handlers expect of the server.
pub struct Services(pub Box<dyn Ask>);

/// So many calls are kept of each.
pub const KEPT: usize = 60;

/// Watches a service until it is removed.
#[background(key = name, overlap = reject)]
pub async fn watch(cx: TaskContext<Monitor>, name: String) -> Result {
    cx.update(|monitor| {
        monitor.probes.entry(name.clone()).or_default();
    })
    .await?;
    loop {
        let answer = cx.expect::<Services>().0.ask(&name);
        let is_there = cx
            .update(|monitor| {
                let Some(probe) = monitor.probes.get_mut(&name) else {
                    return false;
                };
                match answer {
                    Ok(ms) => probe.ms.push(ms),
                    Err(why) => probe.last_error = Some(why),
                }
                if probe.ms.len() > KEPT {
                    probe.ms.remove(0);
                }
                true
            })
            .await?;
        if !is_there {
            return Ok(());
        }
        cx.sleep(Millis(5_000)).await?;
    }
}

/// Watches some at once.
#[event]
pub async fn watch_all(cx: EventContext<Monitor>, names: Vec<String>) {
    for name in names {
        cx.dispatch(watch(name));
    }
}

/// Forgets one. Its task ends by itself.
#[event]
pub fn forget(monitor: &mut Monitor, name: String) {
    monitor.probes.remove(&name);
}

/// What a webhook calls: a service is down, whatever it answers.
#[event]
pub fn mark_down(monitor: &mut Monitor, name: String) -> Result<(), ForVisitor> {
    match monitor.probes.get_mut(&name) {
        Some(probe) => {
            probe.is_down = true;
            Ok(())
        }
        None => Err(ForVisitor::new(format!("Nobody watches {name}."))),
    }
}

/// Answers written beforehand, by name; a name that has none left does not answer.
#[derive(Debug, Default)]
pub struct Scripted(Mutex<BTreeMap<String, Vec<u64>>>);

impl Scripted {
    /// Adds what a service will answer.
    pub fn answers(self, name: &str, ms: impl IntoIterator<Item = u64>) -> Self {
        let mut script = self.0.lock().unwrap_or_else(|error| error.into_inner());
        script.insert(name.to_owned(), ms.into_iter().collect());
        drop(script);
        self
    }
}

impl Ask for Scripted {
    fn ask(&self, name: &str) -> Result<u64, String> {
        let mut script = self.0.lock().unwrap_or_else(|error| error.into_inner());
        let answers = script.get_mut(name).filter(|answers| !answers.is_empty());
        let answers = answers.ok_or_else(|| format!("{name} does not answer"))?;
        Ok(answers.remove(0))
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services")
    }
}
