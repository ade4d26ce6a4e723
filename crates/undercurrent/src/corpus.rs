//! Inputs of parsers: those that are kept in `corpus/`, and what comes of them by chance.
//!
//! A file has one input a line. One that begins with `+` is read, one with `-` is refused, one with
//! `?` may be either. `\n`, `\\`, `\x7f` mean what they mean in a text of Rust; `\{[*9000}` is so
//! many of what stands before the star. What a run finds is kept as a further line.

use fastrand::Rng;
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

/// What an input says, and what must come of it.
struct Input {
    mark: u8,
    bytes: Vec<u8>,
}

/// An input that takes longer holds up whoever waits behind it.
const LONGEST: Duration = Duration::from_secs(2);
/// Mutated inputs have no more bytes.
const BYTES: usize = 8 << 10;

/// Gives a parser what is kept for it, and so many inputs that are made of that by chance;
/// `PARSERS=100000` gives it more. `parse` asserts what must be so of whatever was read, and says
/// why it refuses.
pub(crate) fn replay(parser: &str, times: usize, parse: impl Fn(&[u8]) -> Result<(), String>) {
    let inputs = read(parser);
    for Input { mark, bytes } in &inputs {
        let came = run(parser, bytes, &parse);
        let is_expected = match mark {
            b'+' => came.is_ok(),
            b'-' => came.is_err(),
            _ => true,
        };
        let (mark, input) = (char::from(*mark), escape(bytes));
        assert!(is_expected, "corpus/{parser}.txt: {mark} {input}: {came:?}");
    }
    let more = std::env::var("PARSERS").ok();
    let times = more.and_then(|more| more.parse().ok()).unwrap_or(times);
    let mut random = Rng::with_seed(times as u64);
    for _ in 0..times {
        let bytes = mutated(&mut random, &inputs);
        let _ = run(parser, &bytes, &parse);
    }
}

fn run(
    parser: &str,
    bytes: &[u8],
    parse: &impl Fn(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let keep = || format!("a line for corpus/{parser}.txt:\n? {}", escape(bytes));
    let began = Instant::now();
    let came = catch_unwind(AssertUnwindSafe(|| parse(bytes))).unwrap_or_else(|panic| {
        eprintln!("{}", keep());
        resume_unwind(panic)
    });
    assert!(began.elapsed() < LONGEST, "it takes long; {}", keep());
    if let Err(why) = &came {
        let is_sentence = why.split_whitespace().count() > 1;
        assert!(is_sentence, "{why:?} tells nobody why; {}", keep());
    }
    came
}

fn read(parser: &str) -> Vec<Input> {
    let path = format!("{}/corpus/{parser}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = text.lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let inputs = lines.map(|line| {
        let mark = line.as_bytes()[0];
        assert!(b"+-?".contains(&mark), "{path}: {line}");
        let text = line[1..].strip_prefix(' ').unwrap_or(&line[1..]);
        let bytes = unescape(text).unwrap_or_else(|| panic!("{path}: {line}"));
        Input { mark, bytes }
    });
    inputs.collect()
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (kind, after) = after.split_at_checked(1)?;
        rest = after;
        match kind {
            "n" => bytes.push(b'\n'),
            "r" => bytes.push(b'\r'),
            "t" => bytes.push(b'\t'),
            "\\" => bytes.push(b'\\'),
            "x" => {
                let (digits, after) = rest.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            "{" => {
                let ends = rest.match_indices('}');
                let repeats = ends.filter_map(|(end, _)| {
                    let (what, times) = rest[..end].rsplit_once('*')?;
                    Some((what, times.parse().ok()?, end))
                });
                let (what, times, end) = { repeats }.next()?;
                bytes.extend_from_slice(&unescape(what)?.repeat(times));
                rest = &rest[end + 1..];
            }
            _ => return None,
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

fn escape(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(BYTES)];
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b' '..=b'~' => text.push(char::from(byte)),
            byte => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}

// === Chance ===

/// Bytes that parsers stumble over.
const ODD: [&[u8]; 16] = [
    b"\0",
    b"\n",
    b"\r",
    b" ",
    b"%",
    b"\"",
    b"\\",
    b"\xff",
    b"\xc3",
    "\u{feff}".as_bytes(),
    "é".as_bytes(),
    "🐎".as_bytes(),
    b"\\ud800",
    b"[]",
    b"{}",
    b"null",
];
const NUMBERS: [&str; 10] = [
    "0",
    "-1",
    "007",
    "255",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "1e400",
    "-0.0",
    "+1",
];

fn mutated(random: &mut Rng, inputs: &[Input]) -> Vec<u8> {
    let any = |random: &mut Rng| &*inputs[random.usize(..inputs.len())].bytes;
    let mut bytes = any(random).to_vec();
    bytes.truncate(BYTES);
    for _ in 0..random.usize(1..5) {
        let at = random.usize(..=bytes.len());
        let until = (at + random.usize(..24)).min(bytes.len());
        let other = any(random);
        let from = random.usize(..=other.len());
        match random.u8(..9) {
            0 if at < bytes.len() => bytes[at] = random.u8(..),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let again = bytes[at..until].to_vec();
                bytes.splice(at..at, again);
            }
            3 => drop(bytes.splice(at..until, ODD[random.usize(..ODD.len())].to_vec())),
            4 => {
                let number = NUMBERS[random.usize(..NUMBERS.len())];
                let digits = bytes.iter().skip(at).position(u8::is_ascii_digit);
                let start = digits.map_or(at, |digits| at + digits);
                let rest = &bytes[start..];
                let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                bytes.splice(start..start + len, number.bytes());
            }
            5 => {
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            6 => {
                let part = &other[from..(from + random.usize(..24)).min(other.len())];
                bytes.splice(at..at, part.iter().copied());
            }
            7 => bytes.truncate(at),
            _ => {
                let bit = 1 << random.u8(..8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bit;
                }
            }
        }
        bytes.truncate(BYTES);
    }
    bytes
}

/// The same input, changed a little.
#[cfg(feature = "ssr")]
pub(crate) fn changed(random: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.to_vec();
    mutated(random, &[Input { mark: b'?', bytes }])
}

#[test]
fn a_line_of_a_corpus_is_unescaped() {
    assert_eq!(
        unescape(r"a\x00\n\\\{[{}\n]*2}z").as_deref(),
        Some(&b"a\0\n\\[{}\n][{}\n]z"[..])
    );
    assert_eq!(unescape(r"\q"), None);
    let every: Vec<u8> = (0..=255).collect();
    assert_eq!(unescape(&escape(&every)), Some(every));
}
