//! The servers that are measured and live in this program. Each runs in a process of its own:
//! `bench serve <name>` binds a free port of this machine and prints `listening at http://…`.

pub mod floor;
pub mod leptos_ws;
pub mod undercurrent;

use crate::Fallible;
use ::undercurrent::server::Durability;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// A post: 41 bytes of JSON, up to eight million of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Post {
    pub id: u64,
    pub title: String,
}

/// So that every number has seven digits.
pub const FIRST_POST: u64 = 1_000_000;

/// What a text grows by.
pub const WORD: &str = "word ";

impl Post {
    /// The nth post of a list.
    pub fn nth(nth: usize) -> Self {
        let id = FIRST_POST + nth as u64;
        let title = format!("Post nr. {id}");
        Post { id, title }
    }

    /// What its title is after the nth change: as long as before.
    pub fn changed_title(nth: u64) -> String {
        format!("Edit nr. {}", FIRST_POST + nth)
    }
}

/// Runs one of the servers until the process is told to end.
pub async fn serve(name: &str) -> Fallible {
    match name {
        "undercurrent" => undercurrent::serve(None).await,
        "undercurrent-relaxed" => undercurrent::serve(Some(Durability::Relaxed)).await,
        "undercurrent-commit" => undercurrent::serve(Some(Durability::Commit)).await,
        "floor" => floor::serve().await,
        "leptos-ws" => leptos_ws::serve(1_000).await,
        "leptos-ws-long" => leptos_ws::serve(10_000).await,
        other => Err(format!("there is no server {other}").into()),
    }
}

/// Any free port of this machine.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Serves an axum router, as one writes it by hand.
async fn serve_router(app: axum::Router) -> Fallible {
    use axum::serve::ListenerExt;
    let listener = TcpListener::bind(ANY_PORT).await?;
    println!("listening at http://{}", listener.local_addr()?);
    // Without it a small frame waits 40 ms for an acknowledgement: no floor to compare with.
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_has_41_bytes() {
        for nth in [0, 9, 99_999] {
            let json = serde_json::to_string(&Post::nth(nth)).unwrap();
            assert_eq!(json.len(), 41, "{json}");
        }
        assert_eq!(Post::changed_title(7).len(), Post::nth(7).title.len());
    }
}
