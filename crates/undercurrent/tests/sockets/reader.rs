//! A client of a stream, from PROTOCOL.md and the runtime's pure core.

use super::assert_whole;
use serde_json::Value;
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use undercurrent::core::{
    frame::{Frame, parse_id},
    replica::{Replica, Verdict},
    sse::{EventReader, ServerEvent},
    untyped::apply_json,
};

/// A stream that is silent for so long is taken for dead. A page waits for three pings.
pub const SILENCE: Duration = Duration::from_millis(500);

/// What takes longer is a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A page with one state.
pub struct Reader {
    at: SocketAddr,
    cookie: String,
    replica: Replica,
    /// Null until something has come.
    pub shown: Value,
    connections: u64,
    /// Connections that went on where the last one had ended.
    pub resumed: u64,
}

pub fn request(at: SocketAddr, cookie: &str, follow: &str) -> String {
    format!(
        "GET /api/stream?follow={follow} HTTP/1.1\r\nhost: {at}\r\ncookie: {cookie}\r\n\
         sec-fetch-site: same-origin\r\n\r\n"
    )
}

impl Reader {
    pub fn new(at: SocketAddr, cookie: &str) -> Self {
        Reader {
            at,
            cookie: cookie.to_owned(),
            replica: Replica::Pending,
            shown: Value::Null,
            connections: 0,
            resumed: 0,
        }
    }

    /// Follows, over as many connections as it takes, until the state is as wanted.
    pub async fn follow(&mut self, is: impl Fn(&Value) -> bool) {
        let following = async {
            while !is(&self.shown) {
                self.connections += 1;
                // However it ended: once more, from where this stands.
                let _ = self.connection(&is).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, following).await;
        assert!(
            in_time.is_ok(),
            "after {} connections: {}",
            self.connections,
            self.shown
        );
    }

    async fn connection(&mut self, is: impl Fn(&Value) -> bool) -> io::Result<()> {
        let mut socket = TcpStream::connect(self.at).await?;
        let from = self.replica.resume_from();
        let follow = match from {
            Some(position) => format!("s.tape@{position}"),
            None => "s.tape".to_owned(),
        };
        let request = request(self.at, &self.cookie, &follow);
        socket.write_all(request.as_bytes()).await?;
        let (mut raw, mut body, mut text) = (Vec::new(), Body::default(), Vec::new());
        let mut reader = EventReader::new(1 << 24);
        let mut has_head = false;
        while !is(&self.shown) {
            let read = tokio::time::timeout(SILENCE, socket.read_buf(&mut raw)).await;
            if read?? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !has_head {
                let Some(end) = find(&raw, b"\r\n\r\n") else {
                    continue;
                };
                assert!(raw.starts_with(b"HTTP/1.1 200"), "{:?}", raw.escape_ascii());
                raw.drain(..end + 4);
                has_head = true;
            }
            body.take(&mut raw, &mut text);
            let events = reader.take(&text).expect("they are no longer than that");
            text.clear();
            for event in events {
                let snapshot = self.event(&event);
                self.resumed += u64::from(snapshot == Some(false) && from.is_some());
            }
        }
        Ok(())
    }

    /// Takes an event. Says whether what it brought was a snapshot.
    fn event(&mut self, event: &ServerEvent) -> Option<bool> {
        let Frame::State(frame) = Frame::parse(&event.data).expect("a frame") else {
            return None;
        };
        let (_, to) = parse_id(&event.id).expect("a position");
        match self.replica.receive(frame.since, to) {
            Verdict::Drop => return None,
            Verdict::Resync => panic!("a gap within a connection: {event:?} at {:?}", self.replica),
            Verdict::Apply => {}
        }
        match frame.since {
            None => self.shown = serde_json::from_str(frame.body).expect("a state"),
            Some(_) => {
                if self.shown.is_null() {
                    panic!("ops before anything was shown: {event:?}");
                }
                apply_json(&mut self.shown, frame.body).expect("ops that fit");
            }
        }
        assert_whole(&self.shown);
        Some(frame.since.is_none())
    }
}

/// A body in chunks that are cut anywhere.
#[derive(Debug, Default)]
struct Body {
    /// Bytes of the chunk that have not come, the line end behind it with them.
    left: usize,
}

impl Body {
    /// Moves what has come whole from `raw` to `text`.
    fn take(&mut self, raw: &mut Vec<u8>, text: &mut Vec<u8>) {
        loop {
            if self.left == 0 {
                let Some(end) = find(raw, b"\r\n") else {
                    return;
                };
                let size = std::str::from_utf8(&raw[..end]).expect("a size");
                let size = usize::from_str_radix(size, 16).expect("a size");
                raw.drain(..end + 2);
                self.left = size + 2;
            }
            let here = raw.len().min(self.left);
            if here == 0 {
                return;
            }
            // The last two of a chunk are its line end.
            let content = here.min(self.left.saturating_sub(2));
            text.extend_from_slice(&raw[..content]);
            raw.drain(..here);
            self.left -= here;
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
