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
}

impl Events {
    /// Takes the next bytes, and gives the data of each event that ends in them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<String>, ChatError> {
        let mut ended = Vec::new();
        for &byte in bytes {
            let follows_return = std::mem::replace(&mut self.returned, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => self.line_ended(&mut ended)?,
                byte => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > EVENT_BYTES {
                return Err(ChatError::TooLong);
            }
        }
        Ok(ended)
    }

    fn line_ended(&mut self, ended: &mut Vec<String>) -> Result<(), ChatError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            ended.extend(self.data.take());
            return Ok(());
        }
        let line = str::from_utf8(&line).map_err(|_| ChatError::NotEvents)?;
        let Some(value) = line.strip_prefix("data:") else {
            return Ok(());
        };
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
            .flat_map(|part| events.take(part).unwrap())
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

    #[test]
    fn what_has_not_ended_is_not_told() {
        assert_eq!(events(&[b"data: one\n"]), Vec::<String>::new());
        assert_eq!(events(&[b"data: one"]), Vec::<String>::new());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut events = Events::default();
        let part = [b'x'; 64 * 1024];
        let refused = (0..5).find_map(|_| events.take(&part).err());
        assert_eq!(refused, Some(ChatError::TooLong));
    }
}
