//! What a file is refused for while it comes.

use super::odd_bytes;
use crate::{
    Inspector, Refusal,
    limits::{FILE_BYTES, LINE_BYTES},
};

/// What is found, if the file comes in these pieces.
fn found<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<u64, Refusal> {
    let mut inspector = Inspector::default();
    for piece in pieces {
        inspector.look(piece)?;
    }
    inspector.finish()
}

#[test]
fn each_kind_of_bad_file_is_told_from_the_others() {
    let line = |letters: usize| vec![b'x'; letters];
    let of = |parts: &[&[u8]]| parts.concat();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let cases: Vec<(Vec<u8>, Result<u64, Refusal>)> = vec![
        (b"a,b\n1,2\n".to_vec(), Ok(8)),
        (b"\xEF\xBB\xBFa,b\n".to_vec(), Ok(7)),
        ("é,€,🐦\n".into(), Ok(12)),
        (b"".to_vec(), Err(Refusal::Empty)),
        (b" \r\n\t\n".to_vec(), Err(Refusal::Empty)),
        ("é\n".into(), Ok(3)),
        (b"\xEF\xBB\xBF \n".to_vec(), Err(Refusal::Empty)),
        (b"\xEF\xBB\xBF".to_vec(), Err(Refusal::Empty)),
        (png.to_vec(), Err(Refusal::Binary { line: 1 })),
        (b"PK\x03\x04".to_vec(), Err(Refusal::Binary { line: 1 })),
        (b"a,b\n1,\0\n".to_vec(), Err(Refusal::Binary { line: 2 })),
        (b"\xFF\xFEa\0,\0".to_vec(), Err(Refusal::Utf16)),
        (b"\xFE\xFF\0a\0,".to_vec(), Err(Refusal::Utf16)),
        (
            b"a,b\n1,Caf\xE9 au lait\n".to_vec(),
            Err(Refusal::NotUtf8 { line: 2 }),
        ),
        // It ends in the middle of a letter.
        (b"a\n\xE2\x82".to_vec(), Err(Refusal::NotUtf8 { line: 2 })),
        (line(LINE_BYTES), Ok(LINE_BYTES as u64)),
        (
            of(&[b"a\r", &line(LINE_BYTES + 1)]),
            Err(Refusal::LongLine { line: 2 }),
        ),
        (
            of(&[b"a\r\n", &line(LINE_BYTES), b"\n"]),
            Ok(LINE_BYTES as u64 + 4),
        ),
    ];
    for (bytes, expected) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        assert_eq!(found([&bytes[..]]), expected, "{shown:?}");
        assert_eq!(found(bytes.chunks(1)), expected, "{shown:?}, byte by byte");
    }
}

#[test]
fn one_byte_too_many_is_too_large() {
    let line = [&[b'x'; 99][..], b"\n"].concat().repeat(10_000);
    let times = (FILE_BYTES as usize) / line.len();
    let whole = || std::iter::repeat_n(&line[..], times);
    assert_eq!(found(whole()), Ok(FILE_BYTES));
    assert_eq!(found(whole().chain([&b"x"[..]])), Err(Refusal::TooLarge));
}

#[test]
fn what_is_found_does_not_depend_on_how_the_bytes_are_cut_and_is_what_the_standard_library_says() {
    for seed in 0..2_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = odd_bytes(&mut rng, 60);
        // Some are spoilt.
        for _ in 0..rng.usize(0..3) {
            if !bytes.is_empty() {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
        }
        let whole = found([&bytes[..]]);
        for _ in 0..4 {
            let mut pieces = Vec::new();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, further) = rest.split_at(rng.usize(1..=rest.len()));
                pieces.push(piece);
                rest = further;
            }
            assert_eq!(found(pieces), whole, "seed {seed}");
        }
        let text = std::str::from_utf8(&bytes);
        let is_control = |byte: &u8| *byte < 0x20 && !b"\t\n\r\x0B\x0C\x1B".contains(byte);
        match whole {
            Ok(len) => assert!(text.is_ok() && len == bytes.len() as u64, "seed {seed}"),
            Err(Refusal::Empty) => {
                let text = text.unwrap_or_else(|_| panic!("seed {seed}"));
                let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
                assert!(text.trim().is_empty(), "seed {seed}: {text:?}");
            }
            Err(Refusal::Binary { .. }) => assert!(bytes.iter().any(is_control), "seed {seed}"),
            Err(Refusal::NotUtf8 { .. } | Refusal::Utf16) => assert!(text.is_err(), "seed {seed}"),
            Err(other) => panic!("seed {seed}: {other:?}"),
        }
    }
}
