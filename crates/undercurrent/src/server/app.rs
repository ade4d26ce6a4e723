//! Start-up: from Leptos.toml to a router.

use super::{
    Config, Durability, Runtime, StartError, StoreKind,
    door::{Door, EVENTS_PATH, STREAM_PATH},
    doors::StartUp,
    events::events,
    follow::Streams,
    logs::LogBudget,
    pages::{page_view, provide_page},
    polls::Polls,
    presence::closed,
    registry::{Provided, Registry},
    scopes::Scopes,
    scripts::{Names, Scripts},
    session::Sessions,
    store::{Disk, Memory, Store},
    stream::stream,
};
use crate::{Call, TaskDef};
use axum::{Extension, Router, middleware, routing::post};
use leptos::{config::LeptosOptions, context::provide_context, prelude::IntoView};
use leptos_axum::{LeptosRoutes, file_and_error_handler_with_context, generate_route_list};
use std::{
    any::Any,
    path::Path,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicUsize},
};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The runtime on the server.
///
/// ```no_run
/// # use leptos::prelude::*;
/// # use undercurrent::Undercurrent;
/// # #[component] fn App() -> impl IntoView {}
/// # fn shell(_: LeptosOptions) -> impl IntoView { view! { <App/> } }
/// # struct Upstream;
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let uc = Undercurrent::open("Leptos.toml")?.provide(Upstream).build()?;
/// let app = uc.router(App, shell); // an axum Router: add your own routes
/// uc.serve(app).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Undercurrent {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) options: LeptosOptions,
    pub(crate) door: Arc<Door>,
    pub(super) start_up: Arc<StartUp>,
    names_scripts: bool,
}

/// What start-up gathers before it builds.
#[derive(Debug)]
pub struct Builder {
    options: LeptosOptions,
    config: Config,
    provided: Provided,
    start_up: StartUp,
}

impl Undercurrent {
    /// Reads leptos' options and the runtime's own from a file. `LEPTOS_…` variables override
    /// the former.
    ///
    /// # Errors
    ///
    /// The file can't be read, or has a key or a value that does not exist.
    pub fn open(path: impl AsRef<Path>) -> Result<Builder, StartError> {
        let (options, config) = Config::read(path.as_ref())?;
        Ok(Undercurrent::with(options, config))
    }

    /// From options that are there already.
    pub fn with(options: LeptosOptions, config: Config) -> Builder {
        Builder {
            options,
            config,
            provided: Provided::default(),
            start_up: StartUp::default(),
        }
    }

    /// Pages, events, streams and files, as an axum router. Add your own routes to it.
    ///
    /// This is in leptos' context of each page and of each `#[server]` function: see
    /// [`session_here`](Self::session_here).
    pub fn router<App, Shell>(&self, app: fn() -> App, shell: fn(LeptosOptions) -> Shell) -> Router
    where
        App: IntoView + 'static,
        Shell: IntoView + 'static,
    {
        let uc = self.clone();
        let context = move || {
            provide_page(&uc.options);
            provide_context(uc.clone());
        };
        let names = match std::env::var_os("LEPTOS_WATCH") {
            _ if !self.names_scripts => Names::Plain,
            Some(_) => Names::Watched,
            None => Names::Kept,
        };
        let scripts = Arc::new(Scripts::new(&self.options, names));
        let of = scripts.clone();
        let shell_of = move || shell(of.options());
        let pages = Router::new()
            .leptos_routes_with_context(
                &self.options,
                generate_route_list(app),
                context.clone(),
                shell_of.clone(),
            )
            .fallback(file_and_error_handler_with_context::<LeptosOptions, _>(
                context,
                move |_| shell_of(),
            ))
            .with_state(self.options.clone())
            .layer(middleware::from_fn_with_state(scripts, page_view))
            .route("/api/closed", post(closed))
            .layer(Extension(self.runtime.clone()));
        // Not within the layers: axum makes those anew for each request.
        pages
            .route(EVENTS_PATH, events(self.runtime.clone()))
            .route(STREAM_PATH, stream(self.runtime.clone()))
    }

    /// leptos' options, as the file and the environment have them.
    pub fn options(&self) -> &LeptosOptions {
        &self.options
    }
}

impl Builder {
    /// Gives handlers something of the server's: they get it by `cx.expect::<T>()`.
    pub fn provide<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.provided.add(value);
        self
    }

    #[cfg(feature = "testing")]
    pub(crate) fn provides_partly(mut self) -> Self {
        self.provided.be_partial();
        self
    }

    /// Starts a task of a process-wide state once the server serves: what watches, sweeps or
    /// refreshes for all visitors. One that goes on from before a restart (`on_crash = resume`) is not
    /// started a second time. As of any task, whoever may look at the state may cancel or pause it.
    ///
    /// ```
    /// # use undercurrent::{prelude::*, Undercurrent, server::{Builder, StartError}};
    /// # #[derive(State, Clone, Debug, Default)] #[state(scope = process)] pub struct Rates { euro: f64 }
    /// #[background(overlap = reject)]
    /// pub async fn refresh(cx: TaskContext<Rates>) -> Result<()> {
    ///     loop {
    ///         cx.update(|rates| rates.euro += 0.1).await?;
    ///         cx.sleep(Millis(60_000)).await?;
    ///     }
    /// }
    ///
    /// fn start(builder: Builder) -> Result<Undercurrent, StartError> {
    ///     builder.on_start(refresh()).build()
    /// }
    /// ```
    ///
    /// It does not compile for a task of a session or a keyed state: there is none of these at
    /// the start.
    pub fn on_start<E: TaskDef>(mut self, task: Call<E>) -> Self {
        self.start_up.add(task);
        self
    }

    /// Checks that everything fits.
    ///
    /// # Errors
    ///
    /// Two handlers or states of one name, a handler that expects what was not provided, a
    /// signing key that can't be read.
    pub fn build(self) -> Result<Undercurrent, StartError> {
        self.build_on(open_store)
    }

    /// The same on a store that is opened otherwise.
    pub(crate) fn build_on(
        self,
        open_store: impl FnOnce(&Config) -> Result<Arc<dyn Store>, StartError>,
    ) -> Result<Undercurrent, StartError> {
        let Builder {
            options,
            config,
            provided,
            start_up,
        } = self;
        let registry = Registry::collect(&provided)?;
        let app = options.output_name.to_string();
        if app.is_empty()
            || !app
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            return Err(StartError::OutputName(app));
        }
        let sessions = Sessions::open(&app, &config.session_key_file, config.https)?;
        let door = Arc::new(Door::new(&config.hosts, &config.open_paths, config.https));
        config
            .limits
            .check()
            .map_err(|(name, value, can_be)| StartError::Limit(name, value, can_be))?;
        let had_scopes = config.store == StoreKind::Disk && config.store_file.exists();
        let store = open_store(&config)?;
        if sessions.is_key_new() && had_scopes {
            tracing::error!(
                path = %config.session_key_file.display(),
                "the key that signs cookies was not there, and is a new one: no browser finds the \
                 session again that it had. Put the old one back, if there is a copy"
            );
        }
        let limits = config.limits;
        let runtime = Arc::new(Runtime {
            keeps_first: store.outlives() && config.durability == Durability::Commit,
            store,
            registry,
            provided,
            sessions,
            scopes: Scopes::new(limits.scopes),
            logs: Arc::new(LogBudget::new(limits.log_bytes_in_process)),
            streams: Streams::default(),
            polls: Arc::new(Polls::new(limits.slow_poll_ms)),
            suspects: Arc::new(Semaphore::new(1)),
            blocking_threads: Arc::new(Semaphore::new(limits.blocking_threads)),
            holds_clock: OnceLock::new(),
            tasks_running: AtomicUsize::new(0),
            events_under_way: AtomicUsize::new(0),
            tracker: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            interrupted: CancellationToken::new(),
            warned_of: Mutex::default(),
            started: Instant::now(),
            limits,
        });
        let weak = Arc::downgrade(&runtime);
        runtime.store.when_begun_anew(Arc::new(move || {
            if let Some(runtime) = weak.upgrade() {
                runtime.hand_over_all();
            }
        }));
        let weak = Arc::downgrade(&runtime);
        runtime.store.when_moved_on(Box::new(move || {
            if let Some(runtime) = weak.upgrade() {
                runtime.sessions.write_key_again();
            }
        }));
        Ok(Undercurrent {
            runtime,
            options,
            door,
            start_up: Arc::new(start_up),
            names_scripts: config.name_scripts,
        })
    }
}

fn open_store(config: &Config) -> Result<Arc<dyn Store>, StartError> {
    let file = &config.store_file;
    Ok(match config.store {
        StoreKind::Memory => Arc::new(Memory),
        StoreKind::Disk => {
            let keeps_first = config.durability == Durability::Commit;
            let opened = Disk::open(file, keeps_first, &config.limits);
            Arc::new(opened.map_err(|error| StartError::Store(file.clone(), error))?)
        }
    })
}
