//! A proxy that does harm to what comes from the server, and to what is sent to it.

use std::{
    io::ErrorKind,
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

/// How often each was done to an answer, and any of them to a request.
#[derive(Debug, Default)]
pub struct Seen {
    pub cuts: AtomicU64,
    pub resets: AtomicU64,
    pub slices: AtomicU64,
    pub stalls: AtomicU64,
    pub requests: AtomicU64,
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
                let faults = match random.u8(0..3) {
                    // A request has some hundred bytes.
                    0 => (Fault::any(&mut random, 400), Fault::Sound),
                    // Some fall into the head of the answer, most into the events.
                    _ => (Fault::Sound, Fault::any(&mut random, 6_000)),
                };
                tokio::spawn(pass(client, server, faults, seen.clone()));
            }
        });
        Proxy { at, accepting }
    }

    pub fn close(self) {
        self.accepting.abort();
    }
}

impl Fault {
    fn any(random: &mut fastrand::Rng, most: usize) -> Self {
        let bytes = random.usize(1..most);
        match random.u8(0..8) {
            0 | 1 => Fault::Cut(bytes),
            2 | 3 => Fault::Reset(bytes),
            4 | 5 => Fault::Slices(bytes),
            6 => Fault::Stall(bytes),
            _ => Fault::Sound,
        }
    }
}

async fn pass(client: TcpStream, server: SocketAddr, faults: (Fault, Fault), seen: Arc<Seen>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (up, down) = faults;
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    // What is closed then is reset.
    if let Fault::Reset(_) = down {
        let _ = client.set_zero_linger();
    }
    if let Fault::Reset(_) = up {
        let _ = server.set_zero_linger();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let sent = async {
        if harm(from_client, to_server, up).await {
            seen.requests.fetch_add(1, Ordering::Relaxed);
        } else {
            // It has been sent; what is answered is still to come.
            std::future::pending::<()>().await;
        }
    };
    let answered = async {
        let counted = match down {
            Fault::Sound => None,
            Fault::Cut(_) => Some(&seen.cuts),
            Fault::Reset(_) => Some(&seen.resets),
            Fault::Slices(_) => Some(&seen.slices),
            Fault::Stall(_) => Some(&seen.stalls),
        };
        if harm(from_server, to_client, down).await
            && let Some(counted) = counted
        {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    };
    tokio::select! {
        () = sent => {}
        () = answered => {}
    }
}

/// Passes bytes on until the harm is done. `false`: all was said before.
async fn harm(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fault: Fault) -> bool {
    let left = match fault {
        Fault::Sound => {
            let _ = tokio::io::copy(&mut from, &mut to).await;
            return false;
        }
        Fault::Cut(bytes) | Fault::Reset(bytes) | Fault::Slices(bytes) | Fault::Stall(bytes) => {
            bytes
        }
    };
    if !part(&mut from, &mut to, left, fault).await {
        return false;
    }
    if let Fault::Stall(_) = fault {
        // Until one of the two gives up, which is what it is for.
        while !is_gone(to.as_ref()) && !is_gone(from.as_ref()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    true
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

/// This side has closed the connection. What it says meanwhile is lost.
fn is_gone(side: &TcpStream) -> bool {
    match side.try_read(&mut [0; 512]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}
