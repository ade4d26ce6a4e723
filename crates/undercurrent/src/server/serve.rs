//! The accept loop: `TCP_NODELAY`, a time-out for heads, a limit of connections, a way to cut one
//! off, and a shutdown that drains.

use super::{
    Undercurrent,
    door::{Door, EVENTS_PATH, STREAM_PATH},
    heads::HeadTimer,
    scope::Scope,
};
use crate::{Limits, core::frame::ByeReason};
use axum::{Router, body::Body, extract::DefaultBodyLimit};
use futures::future::Either;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    future::{Future, poll_fn, ready},
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::{Semaphore, oneshot},
    task::AbortHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

/// Ends the connection that a request came by. In the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionToken(pub(crate) CancellationToken);

impl Undercurrent {
    /// Serves at the address of leptos' options until the process is told to stop (SIGTERM, or
    /// Ctrl-C), then drains within `limits.shutdown-ms`. A second signal ends the process at once.
    ///
    /// What minds the signals and the shutdown's time is a thread of its own, so that handlers which
    /// compute hold up neither. Where one holds up the process itself, it is ended a second after
    /// the shutdown's time: this has returned by then, and the store is closed.
    ///
    /// # Errors
    ///
    /// The address can't be bound: another server has it, or it is not of this machine. The
    /// system gives no thread. As [`serve_on`](Self::serve_on).
    pub async fn serve(self, app: Router) -> io::Result<()> {
        let address = self.options.site_addr;
        let listener = TcpListener::bind(address).await.map_err(|error| {
            let hint = "another server may have it; `site-addr` in Leptos.toml or LEPTOS_SITE_ADDR \
                        sets another";
            io::Error::new(
                error.kind(),
                format!("can't listen at {address}: {error} ({hint})"),
            )
        })?;
        let at = listener.local_addr()?;
        let app = self.begin(app).await?;
        let open = Open::new(&self);
        let stop = Stop::on_a_thread(&self, &open).await?;
        // What is waited for by whoever starts this process.
        println!("listening at http://{at}");
        let told = stop.told.cancelled();
        self.accept(listener, app, told, &open).await;
        stop.done.cancelled().await;
        Ok(())
    }

    /// Serves on a listener until the future ends, then drains.
    ///
    /// # Errors
    ///
    /// A task of `on_start` could not be started. A connection that can't be accepted is logged,
    /// and the next one is waited for.
    pub async fn serve_on(
        self,
        listener: TcpListener,
        app: Router,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let app = self.begin(app).await?;
        let open = Open::new(&self);
        self.accept(listener, app, stop, &open).await;
        self.shut_down(&open).await;
        Ok(())
    }

    /// What was under way goes on, what starts with the server starts. Returns the app behind
    /// its door.
    async fn begin(&self, app: Router) -> io::Result<App> {
        let go_on = self.runtime.go_on().await;
        go_on.map_err(|error| io::Error::other(format!("scopes can't be read: {error}")))?;
        self.start_up().await.map_err(|(task, why)| {
            io::Error::other(format!("{task} can't be started with the server: {why}"))
        })?;
        Ok(App {
            router: app.with_state(()),
            door: self.door.clone(),
            body_bytes: self.runtime.limits.body_bytes,
        })
    }

    /// Takes connections until the future ends.
    async fn accept(
        &self,
        listener: TcpListener,
        app: App,
        stop: impl Future<Output = ()>,
        open: &Open,
    ) {
        let limits = &self.runtime.limits;
        let permits = Arc::new(Semaphore::new(limits.connections));
        tokio::pin!(stop);
        loop {
            // One more connection than allowed waits in the kernel's backlog.
            let permit = tokio::select! {
                () = &mut stop => break,
                permit = permits.clone().acquire_owned() => permit,
            };
            let (stream, peer) = tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        pause_after(&error).await;
                        continue;
                    }
                },
            };
            set_options(&stream, limits);
            let header_timeout = Duration::from_millis(limits.header_ms);
            let draining = open.draining.clone();
            let serving = serve_connection(stream, peer, app.clone(), header_timeout, draining);
            open.connections.spawn(async move {
                serving.await;
                drop(permit);
            });
        }
    }

    /// Goes down in good order, for who serves nobody.
    #[cfg(feature = "testing")]
    pub(crate) async fn stop(&self) {
        self.shut_down(&Open::new(self)).await;
    }

    /// Drains, and closes the store.
    async fn shut_down(&self, open: &Open) {
        self.drain(&open.connections, &open.draining).await;
        open.sweeper.abort();
        let store = self.runtime.store.clone();
        if store.outlives() {
            self.runtime.note_uses(0);
            let closed = tokio::task::spawn_blocking(move || store.close());
            if closed.await.is_err() {
                tracing::error!("the store was not closed");
            }
        }
    }

    /// Streams are told to come back, requests end, events and tasks end or are cut off.
    async fn drain(&self, connections: &TaskTracker, draining: &CancellationToken) {
        let runtime = &self.runtime;
        runtime.shutdown.cancel();
        runtime
            .streams
            .say_bye_to_all(ByeReason::Shutdown, SHUTDOWN_RETRY_MS);
        draining.cancel();
        // Nobody will resume what is paused; what the server itself has started ends with it.
        runtime.each_scope(Scope::interrupt_endless);
        connections.close();
        runtime.tracker.close();
        let patience = Duration::from_millis(runtime.limits.shutdown_ms) / 2;
        let quiet = async { tokio::join!(connections.wait(), runtime.tracker.wait()) };
        if tokio::time::timeout(patience, quiet).await.is_ok() {
            return;
        }
        runtime.interrupted.cancel();
        runtime.each_scope(Scope::interrupt_tasks);
        let quiet = async { tokio::join!(connections.wait(), runtime.tracker.wait()) };
        if tokio::time::timeout(patience, quiet).await.is_err() {
            let (open, running) = (connections.len(), runtime.tracker.len());
            tracing::warn!(
                open,
                running,
                "the time for the shutdown is over; the rest is cut off"
            );
        }
    }
}

/// What a server has open.
#[derive(Clone)]
struct Open {
    connections: TaskTracker,
    /// Connections end with the answer under way.
    draining: CancellationToken,
    sweeper: AbortHandle,
}

impl Open {
    fn new(uc: &Undercurrent) -> Self {
        Open {
            connections: TaskTracker::new(),
            draining: CancellationToken::new(),
            sweeper: tokio::spawn(sweep(uc.clone())).abort_handle(),
        }
    }
}

/// Pages try again so soon: a restart takes about as long.
pub(crate) const SHUTDOWN_RETRY_MS: u32 = 250;

fn set_options(stream: &TcpStream, limits: &Limits) {
    // Without it a small frame waits for the acknowledgement of the one before: 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection without TCP_NODELAY");
    }
    // A client that has vanished without a word acknowledges nothing. The system would send
    // again for a quarter of an hour, and the stream would count as open for as long.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let patience = Duration::from_millis(limits.stall_ms);
        let socket = socket2::SockRef::from(stream);
        if let Err(error) = socket.set_tcp_user_timeout(Some(patience)) {
            tracing::debug!(%error, "a connection without TCP_USER_TIMEOUT");
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = limits;
}

/// What answers requests.
#[derive(Clone)]
struct App {
    router: Router,
    /// It stands before all routes.
    door: Arc<Door>,
    body_bytes: usize,
}

impl App {
    /// Answers a request. What a layer would do is done here: axum puts layers together anew for
    /// each request.
    fn answer(
        &self,
        request: Request<Incoming>,
        cut: &CancellationToken,
    ) -> impl Future<Output = Result<axum::response::Response, std::convert::Infallible>> + use<>
    {
        if let Some(answer) = self.door.turns_away(&request) {
            return Either::Left(ready(Ok(answer)));
        }
        let mut request = request.map(Body::new);
        match request.uri().path() {
            STREAM_PATH => {
                let token = ConnectionToken(cut.clone());
                request.extensions_mut().insert(token);
            }
            // It has a look at the length itself.
            EVENTS_PATH => {}
            _ => DefaultBodyLimit::max(self.body_bytes).apply(&mut request),
        }
        Either::Right(self.router.clone().call(request))
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    app: App,
    header_timeout: Duration,
    draining: CancellationToken,
) {
    let cut = CancellationToken::new();
    let service = service_fn(|request| app.answer(request, &cut));
    let connection = http1::Builder::new()
        .timer(HeadTimer::default())
        .header_read_timeout(header_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    // Each token is asked to wake this task once, and then looked at: to wait for it anew with each
    // poll takes the locks of all who wait. A child, since all connections share its parent.
    let draining = draining.child_token();
    let mut orders = pin!(async {
        tokio::join!(cut.cancelled(), draining.cancelled());
    });
    let mut has_asked = false;
    let served = poll_fn(|cx| {
        if let Poll::Ready(served) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(served));
        }
        if !std::mem::replace(&mut has_asked, true) {
            let _ = orders.as_mut().poll(cx);
        }
        match cut.is_cancelled() || draining.is_cancelled() {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    });
    let served = match served.await {
        Some(served) => served,
        None if cut.is_cancelled() => return,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = connection.as_mut() => served,
                () = cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = served {
        // Clients go away; nobody need act on it.
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

/// Seconds between two looks for scopes that nobody uses.
const EXPIRE_EVERY_S: u64 = 5;

/// Seconds between two looks for scopes of the store that nobody uses.
const FORGET_EVERY_S: u64 = 600;

/// Once a second: pings, clients that take nothing; now and then scopes that nobody uses.
async fn sweep(uc: Undercurrent) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    for tick in 0_u64.. {
        ticks.tick().await;
        let runtime = &uc.runtime;
        let (limits, now_ms) = (&runtime.limits, runtime.uptime_ms());
        runtime
            .streams
            .sweep(now_ms, limits.ping_ms, limits.stall_ms);
        if tick % EXPIRE_EVERY_S == 0 {
            // What a store has need not be in memory.
            let idle_ms = match runtime.store.outlives() {
                true => limits.idle_ms.min(limits.unload_ms),
                false => limits.idle_ms,
            };
            runtime.scopes.expire(now_ms.saturating_sub(idle_ms));
        }
        if tick % FORGET_EVERY_S == FORGET_EVERY_S - 1 {
            let runtime = runtime.clone();
            tokio::task::spawn_blocking(move || runtime.forget_unused());
        }
    }
}

/// A connection that went away before it was accepted is nothing; a lack of file descriptors
/// passes, but not in a loop without a pause.
async fn pause_after(error: &io::Error) {
    let is_passing = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    );
    if !is_passing {
        tracing::error!(%error, "a connection can't be accepted");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

// === What tells the process to stop ===

/// A stop, as the thread that minds it tells of it.
struct Stop {
    /// The first signal has come.
    told: CancellationToken,
    /// The shutdown is over.
    done: CancellationToken,
}

/// Milliseconds behind the shutdown's time in which the process may end by itself.
const LAST_MS: u64 = 1_000;

/// What a process ends with that was told to stop twice.
const STOPPED_TWICE: i32 = 130;

impl Stop {
    /// A thread listens for signals, shuts the server down at the first, and ends the process at
    /// the second. It has timers and a signal driver of its own: those of the server run when a
    /// worker has nothing else to do, and handlers that compute leave it none.
    async fn on_a_thread(uc: &Undercurrent, open: &Open) -> io::Result<Self> {
        let stop = Stop {
            told: CancellationToken::new(),
            done: CancellationToken::new(),
        };
        let (uc, open) = (uc.clone(), open.clone());
        let (told, done) = (stop.told.clone(), stop.done.clone());
        let (tell, listens) = oneshot::channel();
        let mind = move || {
            let own = match Builder::new_current_thread().enable_all().build() {
                Ok(own) => own,
                Err(error) => return drop(tell.send(Err(error))),
            };
            own.block_on(async {
                match Signals::listen() {
                    Ok(signals) => {
                        drop(tell.send(Ok(())));
                        mind(uc, open, signals, told, done).await;
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            });
        };
        let thread = std::thread::Builder::new().name("undercurrent-stop".into());
        thread.spawn(mind)?;
        let listens = listens.await;
        listens.map_err(|_| io::Error::other("nothing listens for signals"))??;
        Ok(stop)
    }
}

async fn mind(
    uc: Undercurrent,
    open: Open,
    mut signals: Signals,
    told: CancellationToken,
    done: CancellationToken,
) {
    signals.next().await;
    tracing::info!("stopping; a second signal stops at once");
    told.cancel();
    let time = Duration::from_millis(uc.runtime.limits.shutdown_ms + LAST_MS);
    let shut_down = async {
        uc.shut_down(&open).await;
        done.cancel();
        // The process ends when the server's main function does.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = shut_down => {}
        () = signals.next() => std::process::exit(STOPPED_TWICE),
        () = tokio::time::sleep(time) => {
            tracing::warn!("something holds up the end of the process, which is ended");
            std::process::exit(i32::from(!done.is_cancelled()));
        }
    }
}

/// SIGTERM and Ctrl-C. Listened for from the moment that this is made.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Signals {})
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Without it the system sends to a client that has vanished for a quarter of an hour.
    #[tokio::test]
    async fn a_client_that_acknowledges_nothing_is_given_up_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("it has one");
        let _client = TcpStream::connect(at).await.expect("it listens");
        let (stream, _) = listener.accept().await.expect("it was asked");
        let limits = Limits::default();
        set_options(&stream, &limits);
        let patience = socket2::SockRef::from(&stream).tcp_user_timeout();
        let expected = Duration::from_millis(limits.stall_ms);
        assert_eq!(patience.expect("it is read"), Some(expected));
        assert!(stream.nodelay().expect("it is read"));
    }
}
