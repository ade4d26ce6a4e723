//! WebSocket, as far as the peers speak it: a client that sends short texts.

use super::{Wire, http};
use bytes::{Buf, BytesMut};
use std::{io, net::SocketAddr};

/// An open socket.
#[derive(Debug)]
pub struct WebSocket {
    wire: Wire,
}

const CONTINUED: u8 = 0;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

impl WebSocket {
    pub async fn open(address: SocketAddr, path: &str) -> io::Result<Self> {
        let headers = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut wire = Wire::connect(address).await?;
        wire.send(&http::request("GET", path, &headers, "")).await?;
        let head = http::head(&mut wire).await?;
        if head.status != 101 {
            return Err(io::Error::other(format!("no socket: {head:?}")));
        }
        Ok(WebSocket { wire })
    }

    /// Cuts the connection.
    pub async fn cut(&mut self) -> io::Result<()> {
        self.wire.cut().await
    }

    /// All bytes that came, as they were on the wire.
    pub fn bytes_in(&self) -> u64 {
        self.wire.bytes_in
    }

    pub async fn send(&mut self, text: &[u8]) -> io::Result<()> {
        self.wire.send(&frame(TEXT, text)).await
    }

    /// Texts that go out in one write, each a message of its own.
    pub async fn send_all(&mut self, text: &[u8], count: u64) -> io::Result<()> {
        let frame = frame(TEXT, text);
        let all: Vec<u8> = (0..count).flat_map(|_| frame.iter().copied()).collect();
        self.wire.send(&all).await
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> io::Result<BytesMut> {
        let mut message = BytesMut::new();
        loop {
            let Some(head) = FrameHead::parse(&self.wire.buffer) else {
                self.wire.fill().await?;
                continue;
            };
            self.wire.buffer.advance(head.bytes);
            while self.wire.buffer.len() < head.length {
                self.wire.fill().await?;
            }
            let payload = self.wire.buffer.split_to(head.length);
            match head.code {
                PING => self.wire.send(&frame(PONG, &payload)).await?,
                PONG => {}
                CLOSE => return Err(io::ErrorKind::UnexpectedEof.into()),
                CONTINUED => {
                    message.extend_from_slice(&payload);
                    if head.is_last {
                        return Ok(message);
                    }
                }
                _ if head.is_last => return Ok(payload),
                _ => message = payload,
            }
        }
    }
}

/// The head of a frame from the server, which is never masked.
struct FrameHead {
    is_last: bool,
    code: u8,
    length: usize,
    bytes: usize,
}

impl FrameHead {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (length, size) = match second & 0x7f {
            126 => (
                u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
                4,
            ),
            127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
            short => (u64::from(short), 2),
        };
        Some(FrameHead {
            is_last: first & 0x80 != 0,
            code: first & 0x0f,
            length: usize::try_from(length).ok()?,
            bytes: size,
        })
    }
}

/// A client masks what it sends; a mask of zeros leaves it as it is.
fn frame(code: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | code];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length as u8),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_each_length_tells_its_length() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let mut sent = frame(TEXT, &vec![b'a'; length]);
            sent[1] &= 0x7f; // as a server sends it
            let head = FrameHead::parse(&sent).unwrap();
            assert_eq!((head.code, head.length, head.is_last), (TEXT, length, true));
            assert_eq!(sent.len(), head.bytes + 4 + length);
            assert!(FrameHead::parse(&sent[..head.bytes - 1]).is_none());
        }
    }
}
