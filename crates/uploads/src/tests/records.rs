//! The border to the parser: what was written is read, whatever comes ends, and the reading goes on
//! from wherever it was.

use super::{Trickle, odd_bytes};
use crate::{
    Lines, Records, Refusal,
    limits::{COLUMNS, LINE_BYTES},
    records::write_record,
};

/// All records from a place on: the line of each, and its fields.
fn read(bytes: &[u8], at: u64, lines: Lines, seed: u64) -> Vec<(u64, Vec<String>)> {
    let source = Trickle(&bytes[at as usize..], fastrand::Rng::with_seed(seed));
    let mut records = Records::new(source, b',', at, lines);
    let mut all = Vec::new();
    while let Some(record) = records.read().expect("they are short") {
        let fields = record.fields().into_iter().map(Into::into).collect();
        all.push((record.line, fields));
    }
    assert_eq!(records.place().0, bytes.len() as u64, "all of it was read");
    all
}

fn count_lines(bytes: &[u8]) -> u64 {
    let mut lines = Lines::default();
    for byte in bytes {
        lines.pass(*byte);
    }
    lines.ended
}

#[test]
fn what_is_written_is_read_again_with_the_line_that_it_begins_on() {
    for seed in 0..500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..rng.usize(0..20) {
            let field = |rng: &mut fastrand::Rng| {
                String::from_utf8(odd_bytes(rng, 8)).expect("it is made of letters")
            };
            let fields: Vec<String> = (0..rng.usize(1..6)).map(|_| field(&mut rng)).collect();
            expected.push((count_lines(&bytes) + 1, fields.clone()));
            write_record(&fields, &mut bytes);
        }
        assert_eq!(
            read(&bytes, 0, Lines::default(), seed),
            expected,
            "seed {seed}"
        );
    }
}

#[test]
fn whatever_comes_is_read_to_its_end_and_from_any_record_on_the_same() {
    for seed in 0..2_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = odd_bytes(&mut rng, 80);
        if rng.bool() {
            let odd = rng.usize(0..=bytes.len());
            bytes.insert(odd, rng.u8(..));
        }
        let whole = read(&bytes, 0, Lines::default(), seed);
        let mut records = Records::new(&bytes[..], b',', 0, Lines::default());
        for passed in 0..=whole.len() {
            let (at, lines) = records.place();
            let rest = read(&bytes, at, lines, seed + 1);
            assert_eq!(rest, whole[passed..], "seed {seed}, after {passed}");
            let _ = records.read().expect("they are short");
        }
    }
}

#[test]
fn lines_are_counted_over_quotes_empty_lines_and_every_kind_of_end() {
    let bytes = b"a,b\r\n\r\n\n1,\"x\ny\r\nz\"\r2,3\n";
    let lines: Vec<u64> = read(bytes, 0, Lines::default(), 7)
        .iter()
        .map(|(line, _)| *line)
        .collect();
    assert_eq!(lines, [1, 4, 7]);
}

#[test]
fn a_record_has_an_end_to_its_length_and_to_its_fields() {
    let next = |bytes: &[u8]| {
        let mut records = Records::new(bytes, b',', 0, Lines::default());
        let _ = records.read();
        records
            .read()
            .map(|record| record.map(|record| record.fields().len()))
    };
    let long = [b"a,b\n\"", &vec![b'x'; LINE_BYTES][..], b"\n\"\n"].concat();
    assert_eq!(next(&long), Err(Refusal::LongLine { line: 2 }));
    // A quote that is not closed takes all that is behind it.
    let open = [b"a,b\n1,\"2\n".to_vec(), b"3,4\n".repeat(LINE_BYTES)].concat();
    assert_eq!(next(&open), Err(Refusal::LongLine { line: 2 }));
    let wide =
        |fields: usize| [b"a\n".to_vec(), b"1,".repeat(fields - 1), b"1\n".to_vec()].concat();
    assert_eq!(next(&wide(COLUMNS)), Ok(Some(COLUMNS)));
    assert_eq!(
        next(&wide(COLUMNS + 1)),
        Err(Refusal::ManyColumns { line: 2 })
    );
}
