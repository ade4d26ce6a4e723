//! The server of a test: one after another, where it is started anew.

use crate::{
    Limits,
    server::{Builder, Config, Runtime, StartError, StoreKind, TestStore, Undercurrent, random_id},
};
use leptos::config::LeptosOptions;
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

pub(super) struct Server {
    /// The one that runs, and how many there were before it.
    // A std mutex, held to put or to copy out.
    now: Mutex<(Undercurrent, usize)>,
    /// Where it keeps what outlives it.
    store: Mutex<Option<Arc<TestStore>>>,
    anew: Option<Anew>,
}

/// How another is started.
struct Anew {
    limits: Limits,
    provide: Box<dyn Fn(Builder) -> Builder + Send + Sync>,
    folder: Folder,
}

/// A folder that goes with the app.
struct Folder(PathBuf);

impl Server {
    pub(super) fn in_memory(limits: Limits, provide: impl FnOnce(Builder) -> Builder) -> Self {
        let built = provide(builder(config(limits))).provides_partly().build();
        Server {
            now: Mutex::new((started(built), 0)),
            store: Mutex::default(),
            anew: None,
        }
    }

    pub(super) fn with_a_file(
        limits: Limits,
        provide: impl Fn(Builder) -> Builder + Send + Sync + 'static,
    ) -> Self {
        let anew = Anew {
            limits,
            provide: Box::new(provide),
            folder: Folder::new(),
        };
        let (app, store) = anew.start();
        Server {
            now: Mutex::new((app, 0)),
            store: Mutex::new(Some(store)),
            anew: Some(anew),
        }
    }

    pub(super) async fn restart(&self) {
        let anew = self.anew.as_ref();
        let anew = anew.expect("what outlives a restart is in a store: `TestApp::kept` has one");
        self.app().stop().await;
        self.begin(anew).await;
    }

    async fn begin(&self, anew: &Anew) {
        let (app, store) = anew.start();
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = Some(store);
        let went_on = app.runtime.go_on().await;
        went_on.unwrap_or_else(|error| panic!("what was kept can't be read: {error}"));
        let mut now = self.lock();
        *now = (app, now.1 + 1);
    }

    /// What it does from now on is not kept.
    pub(super) async fn dies(&self) {
        let store = self.store.lock();
        let store = store.unwrap_or_else(PoisonError::into_inner).clone();
        let store = store.expect("what is kept is in a store: `TestApp::kept` has one");
        store.dies().await;
    }

    /// Another begins with what is kept.
    pub(super) async fn begin_again(&self) {
        let anew = self.anew.as_ref();
        let anew = anew.expect("what is kept is in a store: `TestApp::kept` has one");
        let (file, as_killed) = (anew.file(), anew.folder.0.join("killed.redb"));
        let copied = std::fs::copy(&file, &as_killed);
        copied.expect("there is room for another file");
        // Whatever it says as it goes is said to a file that nobody reads any more.
        self.app().stop().await;
        std::fs::rename(as_killed, file).expect("it is there");
        self.begin(anew).await;
    }

    pub(super) fn app(&self) -> Undercurrent {
        self.lock().0.clone()
    }

    pub(super) fn runtime(&self) -> Arc<Runtime> {
        self.lock().0.runtime.clone()
    }

    /// How often it was started anew.
    pub(super) fn restarts(&self) -> usize {
        self.lock().1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Undercurrent, usize)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Anew {
    fn file(&self) -> PathBuf {
        self.folder.0.join("state.redb")
    }

    fn start(&self) -> (Undercurrent, Arc<TestStore>) {
        let config = Config {
            store: StoreKind::Disk,
            store_file: self.file(),
            ..config(self.limits.clone())
        };
        let builder = (self.provide)(builder(config)).provides_partly();
        let mut opened = None;
        let app = started(builder.build_on(|config| {
            let store = TestStore::open(config)?;
            opened = Some(store.clone());
            Ok(store)
        }));
        (app, opened.expect("the app has it"))
    }
}

impl Folder {
    fn new() -> Self {
        let name = format!("undercurrent-testing-{}", random_id());
        Folder(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn config(limits: Limits) -> Config {
    Config {
        limits,
        store: StoreKind::Memory,
        session_key_file: std::env::temp_dir().join(key_file_name()),
        ..Config::default()
    }
}

fn key_file_name() -> String {
    format!("undercurrent-testing-{}.key", std::process::id())
}

fn builder(config: Config) -> Builder {
    let options = LeptosOptions::builder().output_name("test").build();
    Undercurrent::with(options, config)
}

fn started(built: Result<Undercurrent, StartError>) -> Undercurrent {
    let app = built.unwrap_or_else(|error| panic!("the app does not fit: {error}"));
    app.runtime.holds_clock.get_or_init(|| ());
    app
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("restarts", &self.restarts())
            .finish_non_exhaustive()
    }
}
