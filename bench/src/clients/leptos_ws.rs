//! A client of leptos_ws 0.9.10: a server function over a WebSocket, a byte before each message.

use crate::{
    net::{Wire, http, socket::WebSocket},
    servers::Post,
};
use memchr::memmem;
use std::{io, net::SocketAddr};

/// One open page that follows the signal.
#[derive(Debug)]
pub struct LeptosWs {
    socket: WebSocket,
    wire: Wire,
    changes: u64,
}

impl LeptosWs {
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut socket = WebSocket::open(address, "/api/leptos_ws_websocket").await?;
        socket
            .send(b"\0{\"ServerSignal\":{\"Establish\":\"feed\"}}")
            .await?;
        let first = socket.next().await?;
        if memmem::find(&first, b"EstablishResponse").is_none() {
            let first = String::from_utf8_lossy(&first).into_owned();
            return Err(io::Error::other(format!("not established: {first}")));
        }
        let wire = Wire::connect(address).await?;
        Ok(LeptosWs {
            socket,
            wire,
            changes: 0,
        })
    }

    /// Has one post changed so many times, and waits until the last change is here.
    pub async fn changes(&mut self, updates: u64) -> io::Result<()> {
        let from = self.changes;
        self.changes += updates;
        let path = format!("/change?from={from}&updates={updates}");
        self.wire
            .send(&http::request("POST", &path, &[], ""))
            .await?;
        http::answer(&mut self.wire).await?;
        let last = Post::changed_title(self.changes - 1);
        loop {
            let message = self.socket.next().await?;
            if memmem::find(&message, last.as_bytes()).is_some() {
                return Ok(());
            }
        }
    }
}
