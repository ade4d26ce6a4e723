//! A server on a free port of this machine, and what tests over sockets say to it.

use leptos::{config::LeptosOptions, prelude::*};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use undercurrent::{
    Limits, Undercurrent,
    server::{Config, StoreKind},
};

/// A running server. Its states are in memory.
pub struct Served {
    pub uc: Undercurrent,
    pub at: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Served {
    /// Serves an app, whose files would be called by this name.
    pub async fn open<App, Shell>(
        name: &str,
        limits: Limits,
        app: fn() -> App,
        shell: fn(LeptosOptions) -> Shell,
    ) -> Self
    where
        App: IntoView + 'static,
        Shell: IntoView + 'static,
    {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (id, nth) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("undercurrent-{name}-{id}-{nth}"));
        let config = Config {
            session_key_file: folder.join("key"),
            store: StoreKind::Memory,
            limits,
            ..Config::default()
        };
        let options = LeptosOptions::builder().output_name(name).build();
        let uc = Undercurrent::with(options, config).build();
        let uc = uc.expect("it starts");
        // The key was read, and nobody else comes for it.
        std::fs::remove_dir_all(folder).expect("it was made here");
        let app = uc.router(app, shell);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("it has one");
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { drop(stopped.await) };
        let server = tokio::spawn(uc.clone().serve_on(listener, app, stopped));
        Served {
            uc,
            at,
            stop,
            server,
        }
    }

    pub async fn close(self) {
        drop(self.stop);
        self.server.await.expect("it ends").expect("it served");
    }
}

/// A request of a page of this site, on a connection that ends with the answer.
pub fn request(at: SocketAddr, head: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{head}\r\nhost: {at}\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// The cookie that came with a page.
pub fn cookie_of(page: &str) -> String {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = line.and_then(|line| line.split(';').next());
    cookie.expect("a cookie").to_owned()
}
