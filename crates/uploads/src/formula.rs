//! What a spreadsheet would run as a formula is a text to it, with a `'` before it: whoever opens a
//! download did not write what stands in it.

use std::borrow::Cow;

/// A field of others', for a CSV that is opened in a spreadsheet.
pub fn no_formula(field: &str) -> Cow<'_, str> {
    match field.bytes().next().is_some_and(begins_formula) {
        true => Cow::Owned(format!("'{field}")),
        false => Cow::Borrowed(field),
    }
}

fn begins_formula(byte: u8) -> bool {
    matches!(byte, b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')
}

/// The same of each field of a file as [`write_record`](crate::write_record) has written it, which
/// passes in pieces.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoFormulas {
    /// The next byte is the first of a field.
    begins: bool,
    is_quoted: bool,
}

#[cfg(feature = "ssr")]
impl NoFormulas {
    pub(crate) fn new() -> Self {
        NoFormulas {
            begins: true,
            is_quoted: false,
        }
    }

    pub(crate) fn pass(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut passed = Vec::with_capacity(piece.len() + 64);
        for &byte in piece {
            if self.begins && begins_formula(byte) {
                passed.push(b'\'');
            }
            let opens = self.begins && !self.is_quoted && byte == b'"';
            // A quote within is written twice.
            self.is_quoted ^= byte == b'"';
            let ends = !self.is_quoted && matches!(byte, b',' | b'\n');
            self.begins = opens || ends;
            passed.push(byte);
        }
        passed
    }
}
