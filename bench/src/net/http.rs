//! Requests and answers.

use super::Wire;
use bytes::{Buf, BytesMut};
use std::io;

/// A request as bytes.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);
    request.into_bytes()
}

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    pub body: Body,
    /// The cookie that is to be set, without its attributes.
    pub cookie: Option<String>,
}

/// How long the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    Sized(usize),
    Chunked,
}

/// Reads the head of an answer.
pub async fn head(wire: &mut Wire) -> io::Result<Head> {
    loop {
        if let Some((length, head)) = parse_head(&wire.buffer)? {
            wire.buffer.advance(length);
            return Ok(head);
        }
        wire.fill().await?;
    }
}

/// Reads an answer with its body.
pub async fn answer(wire: &mut Wire) -> io::Result<(Head, BytesMut)> {
    let head = head(wire).await?;
    let body = match head.body {
        Body::Sized(length) => {
            while wire.buffer.len() < length {
                wire.fill().await?;
            }
            wire.buffer.split_to(length)
        }
        Body::Chunked => {
            let (mut chunks, mut body) = (Chunks::default(), BytesMut::new());
            while !chunks.decode(&mut wire.buffer, &mut body)? {
                wire.fill().await?;
            }
            body
        }
    };
    Ok((head, body))
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<(usize, Head)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(bytes).map_err(io::Error::other)?
    else {
        return Ok(None);
    };
    let value = |wanted: &str| {
        let mut headers = response.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(wanted));
        header.and_then(|header| str::from_utf8(header.value).ok())
    };
    let body = match value("content-length").and_then(|value| value.parse().ok()) {
        Some(length) => Body::Sized(length),
        None if value("transfer-encoding") == Some("chunked") => Body::Chunked,
        None => Body::Sized(0),
    };
    let cookie = value("set-cookie").and_then(|cookie| cookie.split(';').next());
    let head = Head {
        status: response.code.unwrap_or_default(),
        body,
        cookie: cookie.map(str::to_owned),
    };
    Ok(Some((length, head)))
}

/// A body in chunks, on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chunks {
    /// The line with the length of the next chunk comes. Leads to `Data`, or to `Last`.
    #[default]
    Size,
    /// So many bytes of the chunk are to come, and then a line's end. Leads to `Size`.
    Data(usize),
    /// The chunk of no bytes came, and its line's end is to come. Leads to `Ended`.
    Last,
    Ended,
}

impl Chunks {
    /// Moves what came to the body. True at the body's end.
    pub fn decode(&mut self, from: &mut BytesMut, body: &mut BytesMut) -> io::Result<bool> {
        loop {
            match *self {
                Chunks::Ended => return Ok(true),
                Chunks::Size => {
                    let Some(end) = memchr::memchr(b'\n', from) else {
                        return Ok(false);
                    };
                    let line = str::from_utf8(&from[..end]).map_err(io::Error::other)?;
                    let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
                    from.advance(end + 1);
                    *self = if size == 0 {
                        Chunks::Last
                    } else {
                        Chunks::Data(size)
                    };
                }
                Chunks::Data(0) | Chunks::Last => {
                    if from.len() < 2 {
                        return Ok(false);
                    }
                    from.advance(2);
                    *self = if *self == Chunks::Last {
                        Chunks::Ended
                    } else {
                        Chunks::Size
                    };
                }
                Chunks::Data(left) => {
                    if from.is_empty() {
                        return Ok(false);
                    }
                    let count = left.min(from.len());
                    body.extend_from_slice(&from[..count]);
                    from.advance(count);
                    *self = Chunks::Data(left - count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_wherever_they_are_cut() {
        let whole = b"5\r\nhello\r\n1\r\n \r\n0a\r\nchunks 123\r\n0\r\n\r\n";
        for cut in 0..whole.len() {
            let (mut chunks, mut body) = (Chunks::default(), BytesMut::new());
            let mut from = BytesMut::from(&whole[..cut]);
            assert!(!chunks.decode(&mut from, &mut body).unwrap(), "{cut}");
            from.extend_from_slice(&whole[cut..]);
            assert!(chunks.decode(&mut from, &mut body).unwrap(), "{cut}");
            assert_eq!(&body[..], b"hello chunks 123");
        }
    }

    #[test]
    fn the_head_tells_the_cookie_and_the_length() {
        let bytes = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\ncontent-length: 3\r\n\r\nabc";
        let (length, head) = parse_head(bytes).unwrap().unwrap();
        assert_eq!(&bytes[length..], b"abc");
        assert_eq!((head.status, head.body), (200, Body::Sized(3)));
        assert_eq!(head.cookie.as_deref(), Some("a=b"));
        assert!(parse_head(&bytes[..20]).unwrap().is_none());
    }
}
