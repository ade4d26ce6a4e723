//! Server-sent events, out of bytes that are cut anywhere.

use super::ChatError;

/// The longest event that is read, in bytes.
const EVENT_BYTES: usize = 256 * 1024;

/// Collects the data of events. Other fields (`event`, `id`, comments) are not
/// needed here.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Bytes of a line that has not ended.
    line: Vec<u8>,
    /// The data of an event that has not ended.
    data: Option<String>,
    /// The last byte was a carriage return: a line feed behind it belongs to it.
    returned: bool,
    /// A first line was there: a byte order mark may stand before that one alone.
    begun: bool,
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl Events {
    /// Takes the next bytes, and gives the data of each event that ends in them. Those before what
    /// can't be read are good.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (Vec<String>, Result<(), ChatError>) {
        let mut ended = Vec::new();
        let read = bytes
            .iter()
            .try_for_each(|byte| self.byte(*byte, &mut ended));
        (ended, read)
    }

    fn byte(&mut self, byte: u8, ended: &mut Vec<String>) -> Result<(), ChatError> {
        let follows_return = std::mem::replace(&mut self.returned, byte == b'\r');
        match byte {
            b'\n' if follows_return => {}
            b'\n' | b'\r' => self.line_ended(ended)?,
            byte => self.line.push(byte),
        }
        match self.line.len() + self.data.as_ref().map_or(0, String::len) > EVENT_BYTES {
            true => Err(ChatError::TooLong),
            false => Ok(()),
        }
    }

    fn line_ended(&mut self, ended: &mut Vec<String>) -> Result<(), ChatError> {
        let line = std::mem::take(&mut self.line);
        let line = match std::mem::replace(&mut self.begun, true) {
            false => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line),
            true => &line[..],
        };
        if line.is_empty() {
            ended.extend(self.data.take());
            return Ok(());
        }
        let line = str::from_utf8(line).map_err(|_| ChatError::NotEvents)?;
        // A field without a colon has no value; a comment is a field without a name.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field != "data" {
            return Ok(());
        }
        let value = value.strip_prefix(' ').unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(parts: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        parts
            .iter()
            .flat_map(|part| {
                let (ended, read) = events.take(part);
                read.map(|()| ended).unwrap()
            })
            .collect()
    }

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        let text =
            ": a comment\ndata: one\n\nevent: x\r\ndata:two\r\ndata: three\r\n\r\ndata: \u{fc}\n\n";
        let whole = events(&[text.as_bytes()]);
        assert_eq!(whole, ["one", "two\nthree", "\u{fc}"]);
        for at in 0..text.len() {
            let (left, right) = text.as_bytes().split_at(at);
            assert_eq!(events(&[left, right]), whole, "cut at {at}");
        }
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(events(&single), whole);
    }

    /// The cases of the web-platform-tests' folder `eventsource` that are about the format, as the
    /// runtime's own reader is held against them.
    #[test]
    fn events_are_read_as_browsers_read_them() {
        let cases = include_str!("../../../undercurrent/corpus/events.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        for case in cases {
            let (name, text) = (&case["name"], case["text"].as_str().unwrap());
            let expected = case["events"].as_array().unwrap().iter();
            let expected: Vec<_> = expected
                .map(|event| event["data"].as_str().unwrap())
                .collect();
            assert_eq!(events(&[text.as_bytes()]), expected, "{name}");
            let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(events(&single), expected, "{name}, byte by byte");
        }
    }

    #[test]
    fn what_has_not_ended_is_not_told() {
        assert_eq!(events(&[b"data: one\n"]), Vec::<String>::new());
        assert_eq!(events(&[b"data: one"]), Vec::<String>::new());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut events = Events::default();
        let part = [b'x'; 64 * 1024];
        let refused = (0..5).find_map(|_| events.take(&part).1.err());
        assert_eq!(refused, Some(ChatError::TooLong));
    }
}
