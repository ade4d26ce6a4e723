//! Server-sent events, out of bytes that are cut anywhere: for clients that are no browsers. They are
//! read as browsers read them.

use std::fmt;

/// An event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// Its type; empty where the stream names none, which browsers call `message`.
    pub event: String,
    /// The last `id` up to here. It holds for all events until the next one.
    pub id: String,
    /// Its lines of data, with a line end between each two.
    pub data: String,
}

/// Reads events out of bytes.
///
/// ```
/// use undercurrent::core::sse::EventReader;
///
/// let mut reader = EventReader::new(1 << 20);
/// assert_eq!(reader.take(b"id: s-1-7\nda").unwrap(), []);
/// let events = reader.take(b"ta: one\n\n").unwrap();
/// assert_eq!((&*events[0].id, &*events[0].data), ("s-1-7", "one"));
/// ```
#[derive(Debug)]
pub struct EventReader {
    /// Bytes of a line that has not ended.
    line: Vec<u8>,
    /// An event that has not ended; no data yet is not the same as an empty line of it.
    event: String,
    data: Option<String>,
    id: String,
    retry_ms: Option<u64>,
    /// The last byte was a carriage return: a line feed behind it belongs to it.
    returned: bool,
    /// A first line was there: a byte order mark may stand before that one alone.
    begun: bool,
    max_bytes: usize,
}

/// An event is longer than is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The most that is read, in bytes.
    pub max_bytes: usize,
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl EventReader {
    /// Reads events of so many bytes at most.
    pub fn new(max_bytes: usize) -> Self {
        EventReader {
            line: Vec::new(),
            event: String::new(),
            data: None,
            id: String::new(),
            retry_ms: None,
            returned: false,
            begun: false,
            max_bytes,
        }
    }

    /// Takes the next bytes, and gives the events that end in them. What has not ended when the
    /// stream ends is not told.
    ///
    /// # Errors
    ///
    /// [`TooLong`]. Nothing that comes behind it can be read.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<ServerEvent>, TooLong> {
        let mut ended = Vec::new();
        for &byte in bytes {
            let follows_return = std::mem::replace(&mut self.returned, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => ended.extend(self.line_ended()),
                byte => self.line.push(byte),
            }
            let data = self.data.as_ref().map_or(0, String::len);
            if self.line.len() + data > self.max_bytes {
                return Err(TooLong {
                    max_bytes: self.max_bytes,
                });
            }
        }
        Ok(ended)
    }

    /// How long the stream asks to wait before it is opened anew, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    fn line_ended(&mut self) -> Option<ServerEvent> {
        let line = std::mem::take(&mut self.line);
        let line = match std::mem::replace(&mut self.begun, true) {
            false => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line),
            true => &line[..],
        };
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let id = self.id.clone();
            return self.data.take().map(|data| ServerEvent { event, id, data });
        }
        let line = String::from_utf8_lossy(line);
        // A field without a colon has no value; a comment is a field without a name.
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => self.event = value.to_owned(),
            "id" if !value.contains('\0') => self.id = value.to_owned(),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok().or(self.retry_ms);
            }
            _ => {}
        }
        None
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.max_bytes;
        write!(f, "an event of the stream is longer than {max} bytes")
    }
}

impl std::error::Error for TooLong {}
