//! A connection that counts its bytes.

use bytes::BytesMut;
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection, and what came and was not looked at yet.
#[derive(Debug)]
pub struct Wire {
    socket: TcpStream,
    pub buffer: BytesMut,
    /// All bytes that came, as they were on the wire.
    pub bytes_in: u64,
    /// How much is read in one go: little, until there is much.
    read_size: usize,
}

const FIRST_READ: usize = 2 << 10;
const LARGEST_READ: usize = 64 << 10;

impl Wire {
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Wire {
            socket,
            buffer: BytesMut::new(),
            bytes_in: 0,
            read_size: FIRST_READ,
        })
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes).await
    }

    /// Cuts the connection.
    pub async fn cut(&mut self) -> io::Result<()> {
        self.socket.shutdown().await
    }

    /// Waits for more bytes.
    ///
    /// # Errors
    ///
    /// The other side has closed it, or the connection is broken.
    pub async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(self.read_size);
        let count = self.socket.read_buf(&mut self.buffer).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if count >= self.read_size {
            self.read_size = (self.read_size * 2).min(LARGEST_READ);
        }
        self.bytes_in += count as u64;
        Ok(())
    }
}
