//! What a store is for: what was, is there again. The same scenarios run on a file, and on a disk
//! that loses at each crash what was not flushed.

mod conformance;
mod contract;
mod damaged;
mod durability;
mod earlier;
mod faults;
mod file;
mod journal;
mod moments;
mod platter;
mod power;
mod recovery;
mod stale;

use self::platter::Platter;
use super::*;
use crate::server::{
    Builder, Durability, StartError,
    store::{Disk, Store},
};
use std::path::PathBuf;

/// What a store of these tests is on.
#[derive(Clone, Debug)]
pub(super) enum Ground {
    File(Arc<Folder>),
    Platter(Platter),
}

/// A folder that goes with the test.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

// === impl Ground ===

impl Ground {
    pub(super) fn file() -> Self {
        Ground::File(Arc::new(Folder::new()))
    }

    fn platter() -> Self {
        Ground::Platter(Platter::new(crate::server::random_u64()))
    }

    /// How a server begins on it.
    pub(super) fn build(&self, durability: Durability) -> Result<Undercurrent, StartError> {
        self.build_with(durability, Limits::default())
    }

    pub(super) fn build_with(
        &self,
        durability: Durability,
        limits: Limits,
    ) -> Result<Undercurrent, StartError> {
        self.build_and(durability, limits, |builder| builder)
    }

    /// The same of an app that does more as it starts.
    fn build_and(
        &self,
        durability: Durability,
        limits: Limits,
        more: impl FnOnce(Builder) -> Builder,
    ) -> Result<Undercurrent, StartError> {
        let config = Config {
            session_key_file: std::env::temp_dir().join("undercurrent-store-tests.key"),
            store_file: match self {
                Ground::File(folder) => folder.file(),
                Ground::Platter(_) => PathBuf::from("platter"),
            },
            durability,
            limits,
            ..Config::default()
        };
        let options = LeptosOptions::builder().output_name("trial").build();
        let builder = more(Undercurrent::with(options, config));
        match self {
            Ground::File(_) => builder.build(),
            Ground::Platter(platter) => builder.build_on(|config| {
                let keeps_first = config.durability == Durability::Commit;
                let medium = Box::new(platter.clone());
                let disk = Disk::on(medium, keeps_first, &config.limits);
                let disk = disk.map_err(|error| StartError::Store("platter".into(), error))?;
                Ok(Arc::new(disk) as Arc<dyn Store>)
            }),
        }
    }

    async fn start(&self) -> Arc<Runtime> {
        self.start_as(Durability::Relaxed).await
    }

    async fn start_as(&self, durability: Durability) -> Arc<Runtime> {
        self.start_with(durability, Limits::default()).await
    }

    async fn start_with(&self, durability: Durability, limits: Limits) -> Arc<Runtime> {
        let built = self.build_with(durability, limits);
        let runtime = built.expect("it starts").runtime;
        runtime.go_on().await.expect("it reads");
        runtime
    }

    /// What a server would find that is killed at this moment; of a platter, when the power fails.
    pub(super) fn as_if_killed(&self) -> Ground {
        match self {
            Ground::File(folder) => {
                let copy = Folder::new();
                std::fs::create_dir_all(&copy.0).expect("there is room");
                std::fs::copy(folder.file(), copy.file()).expect("it is there");
                // With `durability = "commit"` there is a note of what is kept.
                let _ = std::fs::copy(folder.note(), copy.note());
                let _ = std::fs::copy(folder.run_note(), copy.run_note());
                Ground::File(Arc::new(copy))
            }
            Ground::Platter(platter) => Ground::Platter(platter.as_after_a_power_cut()),
        }
    }

    /// Bytes that it takes.
    fn bytes(&self) -> u64 {
        match self {
            Ground::File(folder) => {
                let metadata = std::fs::metadata(folder.file());
                metadata.expect("it is there").len()
            }
            Ground::Platter(platter) => platter.bytes(),
        }
    }
}

impl Folder {
    fn new() -> Self {
        let name = format!("undercurrent-store-{}", crate::server::random_id());
        Folder(std::env::temp_dir().join(name))
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.redb")
    }

    fn note(&self) -> PathBuf {
        self.0.join("state.redb.kept")
    }

    fn run_note(&self) -> PathBuf {
        self.0.join("state.redb.run")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

// === Helpers ===

/// The server goes down in good order.
fn close(runtime: Arc<Runtime>) {
    runtime.store.close();
}

async fn the_scope(runtime: &Arc<Runtime>) -> Arc<Scope> {
    let place = place(runtime, VISITOR, &ScopeName::Session);
    runtime.load(&place).await;
    scope(runtime)
}

/// How often the events that the store has of a scope were begun, as far as it knows.
fn tries(runtime: &Runtime, scope: &Scope) -> Vec<u32> {
    let stored = runtime.store.load(scope.slot.key()).expect("it reads");
    let events = stored.expect("it is there").events;
    events.iter().map(|(_, event)| event.tries).collect()
}

fn numbers(upto: u32) -> Vec<String> {
    (1..=upto).map(|n| n.to_string()).collect()
}

async fn push(scope: &Scope, text: impl ToString) -> Result<(), UpdateError> {
    let text = text.to_string();
    let push = move |trial: &mut Trial| trial.seen.push(text);
    scope.update(|| true, push).await
}
