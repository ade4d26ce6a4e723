//! Server-sent events, as the servers here write them: lines end with a line feed. Any other end is
//! refused, so that no event is missed.

use super::{
    Wire,
    http::{self, Body, Chunks},
};
use bytes::{Buf, BytesMut};
use memchr::memmem;
use std::{io, net::SocketAddr};

/// An open stream.
#[derive(Debug)]
pub struct EventStream {
    wire: Wire,
    chunks: Chunks,
    text: BytesMut,
    /// Bytes of `text` that belong to the event that was given out last.
    used: usize,
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub struct Event<'a> {
    pub id: &'a str,
    pub data: &'a str,
}

/// What [`EventStream::skim`] saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Skimmed {
    pub events: u64,
    /// The last of them is the one that was looked for.
    pub is_there: bool,
}

impl EventStream {
    pub async fn open(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<Self> {
        let mut wire = Wire::connect(address).await?;
        wire.send(&http::request("GET", path, headers, "")).await?;
        let head = http::head(&mut wire).await?;
        if head.status != 200 || head.body != Body::Chunked {
            return Err(io::Error::other(format!("no stream: {head:?}")));
        }
        let mut stream = EventStream {
            wire,
            chunks: Chunks::default(),
            text: BytesMut::new(),
            used: 0,
        };
        // What came with the head.
        stream.decode()?;
        Ok(stream)
    }

    /// Cuts the connection.
    pub async fn cut(&mut self) -> io::Result<()> {
        self.wire.cut().await
    }

    /// All bytes that came, as they were on the wire.
    pub fn bytes_in(&self) -> u64 {
        self.wire.bytes_in
    }

    /// Waits for the next event.
    pub async fn next(&mut self) -> io::Result<Event<'_>> {
        self.text.advance(self.used);
        self.used = 0;
        let end = loop {
            if let Some(end) = memmem::find(&self.text, b"\n\n") {
                break end;
            }
            self.more().await?;
        };
        self.used = end + 2;
        parse(&self.text[..end])
    }

    /// Waits for more, counts the events and shows the last one. For measurements of so many
    /// events that reading each would measure the reader.
    pub async fn skim(&mut self, is_last: impl Fn(&Event<'_>) -> bool) -> io::Result<Skimmed> {
        self.text.advance(self.used);
        self.used = 0;
        if memmem::find(&self.text, b"\n\n").is_none() {
            self.more().await?;
        }
        let (mut seen, mut start, mut last) = (Skimmed::default(), 0, None);
        for end in memmem::find_iter(&self.text, b"\n\n") {
            seen.events += 1;
            last = Some(start..end);
            start = end + 2;
        }
        if let Some(last) = last {
            seen.is_there = is_last(&parse(&self.text[last])?);
        }
        self.text.advance(start);
        Ok(seen)
    }

    async fn more(&mut self) -> io::Result<()> {
        self.wire.fill().await?;
        match self.decode()? {
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(()),
        }
    }

    /// Takes over what has come. Says whether the stream has ended.
    fn decode(&mut self) -> io::Result<bool> {
        let known = self.text.len();
        let has_ended = self.chunks.decode(&mut self.wire.buffer, &mut self.text)?;
        only_line_feeds(&self.text[known..])?;
        Ok(has_ended)
    }
}

fn only_line_feeds(text: &[u8]) -> io::Result<()> {
    match memchr::memchr(b'\r', text) {
        Some(_) => Err(io::Error::other(
            "a line of a stream ends with a carriage return",
        )),
        None => Ok(()),
    }
}

fn parse(text: &[u8]) -> io::Result<Event<'_>> {
    let text = str::from_utf8(text).map_err(io::Error::other)?;
    let (mut id, mut data) = ("", "");
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => id = value,
            Some(("data", value)) => data = value,
            _ => {}
        }
    }
    Ok(Event { id, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_misread_is_refused() {
        assert!(only_line_feeds(b"id: s-1-2\ndata: [\"a\\r\"]\n\n").is_ok());
        assert!(only_line_feeds(b"data: 1\r\n\r\n").is_err());
        let event = parse(b"id: s-1-2\ndata: {}").expect("it is text");
        assert_eq!((event.id, event.data), ("s-1-2", "{}"));
    }
}
