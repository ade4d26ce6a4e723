//! The accept loop: `TCP_NODELAY`, a time-out for heads, a limit of connections, a way to cut one
//! off, and a shutdown that drains.

use super::{Undercurrent, door::door, scope::Scope};
use crate::core::frame::ByeReason;
use axum::{Router, extract::DefaultBodyLimit, middleware};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// Ends the connection that a request came by. In the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionToken(pub(crate) CancellationToken);

impl Undercurrent {
    /// Serves at the address of leptos' options until the process is told to stop (SIGTERM, or
    /// Ctrl-C), then drains within `limits.shutdown-ms`. A second signal ends at once.
    ///
    /// # Errors
    ///
    /// The address can't be bound: another server has it, or it is not of this machine.
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
        // What is waited for by whoever starts this process.
        println!("listening at http://{}", listener.local_addr()?);
        self.serve_on(listener, app, stop_signal()).await
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
        let go_on = self.runtime.go_on().await;
        go_on.map_err(|error| io::Error::other(format!("scopes can't be read: {error}")))?;
        self.start_up().await.map_err(|(task, why)| {
            io::Error::other(format!("{task} can't be started with the server: {why}"))
        })?;
        let limits = self.runtime.limits.clone();
        let app = app
            .layer(DefaultBodyLimit::max(limits.body_bytes))
            .layer(middleware::from_fn_with_state(self.door.clone(), door));
        let sweeper = tokio::spawn(sweep(self.clone()));
        let connections = TaskTracker::new();
        let permits = Arc::new(Semaphore::new(limits.connections));
        let draining = CancellationToken::new();
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
            let header_timeout = Duration::from_millis(limits.header_ms);
            let serving =
                serve_connection(stream, peer, app.clone(), header_timeout, draining.clone());
            connections.spawn(async move {
                serving.await;
                drop(permit);
            });
        }
        drop(listener);
        self.drain(&connections, &draining).await;
        sweeper.abort();
        let store = self.runtime.store.clone();
        if store.outlives() {
            let closed = tokio::task::spawn_blocking(move || store.close());
            if closed.await.is_err() {
                tracing::error!("the store was not closed");
            }
        }
        Ok(())
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

/// Pages try again so soon: a restart takes about as long.
pub(crate) const SHUTDOWN_RETRY_MS: u32 = 250;

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    header_timeout: Duration,
    draining: CancellationToken,
) {
    // Without it a small frame waits for the acknowledgement of the one before: 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "a connection without TCP_NODELAY");
    }
    let cut = CancellationToken::new();
    let token = ConnectionToken(cut.clone());
    let app = app.map_request(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(token.clone());
        request
    });
    let service = TowerToHyperService::new(app);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = cut.cancelled() => return,
        () = draining.cancelled() => {
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

/// Resolves at the first signal to stop; the second ends the process at once.
async fn stop_signal() {
    signal().await;
    tracing::info!("stopping; a second signal stops at once");
    tokio::spawn(async {
        signal().await;
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(error) => {
            tracing::error!(%error, "SIGTERM can't be listened for");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
