//! A proxy that does harm to what comes from the server.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// What becomes of a connection.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The connection ends behind so many bytes, as if all had been said.
    Cut(usize),
    /// It is reset behind so many.
    Reset(usize),
    /// Each of so many bytes goes by itself, then it ends.
    Slices(usize),
    /// Behind so many bytes nothing comes any more, and nothing ends.
    Stall(usize),
    /// None.
    Sound,
}

/// How often each was done.
#[derive(Debug, Default)]
pub struct Seen {
    pub cuts: AtomicU64,
    pub resets: AtomicU64,
    pub slices: AtomicU64,
    pub stalls: AtomicU64,
}

/// A running proxy.
pub struct Proxy {
    pub at: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn open(server: SocketAddr, seed: u64, seen: Arc<Seen>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("it has one");
        let mut random = fastrand::Rng::with_seed(seed);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let fault = Fault::any(&mut random);
                tokio::spawn(pass(client, server, fault, seen.clone()));
            }
        });
        Proxy { at, accepting }
    }

    pub fn close(self) {
        self.accepting.abort();
    }
}

impl Fault {
    fn any(random: &mut fastrand::Rng) -> Self {
        // Some fall into the head of the answer, most into the events.
        let bytes = random.usize(1..6_000);
        match random.u8(0..8) {
            0 | 1 => Fault::Cut(bytes),
            2 | 3 => Fault::Reset(bytes),
            4 | 5 => Fault::Slices(bytes),
            6 => Fault::Stall(bytes),
            _ => Fault::Sound,
        }
    }
}

async fn pass(client: TcpStream, server: SocketAddr, fault: Fault, seen: Arc<Seen>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    if let Fault::Reset(_) = fault {
        // What is closed then is reset.
        let _ = client.set_zero_linger();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = tokio::spawn(through(from_client, to_server));
    down(from_server, to_client, fault, &seen).await;
    up.abort();
}

async fn through(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fault: Fault, seen: &Seen) {
    let (left, counted) = match fault {
        Fault::Sound => {
            let _ = tokio::io::copy(&mut from, &mut to).await;
            return;
        }
        Fault::Cut(bytes) => (bytes, &seen.cuts),
        Fault::Reset(bytes) => (bytes, &seen.resets),
        Fault::Slices(bytes) => (bytes, &seen.slices),
        Fault::Stall(bytes) => (bytes, &seen.stalls),
    };
    if !part(&mut from, &mut to, left, fault).await {
        return;
    }
    counted.fetch_add(1, Ordering::Relaxed);
    if let Fault::Stall(_) = fault {
        // Until the client gives up, which is what it is for.
        let gone = async {
            while to.writable().await.is_ok() && !is_gone(&to) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        gone.await;
    }
}

/// Passes so many bytes on. `false`: one of the two has ended before.
async fn part(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut left: usize,
    fault: Fault,
) -> bool {
    let mut buffer = [0; 4_096];
    while left > 0 {
        let most = left.min(buffer.len());
        let Ok(read @ 1..) = from.read(&mut buffer[..most]).await else {
            return false;
        };
        let size = match fault {
            Fault::Slices(_) => 1,
            _ => read,
        };
        for slice in buffer[..read].chunks(size) {
            if to.write_all(slice).await.is_err() {
                return false;
            }
        }
        left -= read;
    }
    true
}

/// The other side has closed the connection.
fn is_gone(to: &OwnedWriteHalf) -> bool {
    matches!(to.as_ref().try_read(&mut [0; 1]), Ok(0))
}
