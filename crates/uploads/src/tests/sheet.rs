//! A file, read in batches: no row is lost and none comes twice, wherever the server goes down.

use super::{Folder, odd_bytes};
use crate::{
    Download, Kept, Mark, Refusal, Row, Sheet, Wrong,
    folder::{SOURCE, Uploads},
    limits::INDEXED,
    orders::{self, Column},
    records::write_record,
    sample::Sample,
};
use std::{borrow::Cow, fs};

const VISITOR: &str = "0a";
const COLUMNS: [&str; 2] = ["one", "two"];

/// A file that is here.
fn put(uploads: &Uploads, file: &str, bytes: &[u8]) -> Kept {
    let kept = uploads.of(VISITOR, file);
    kept.make().expect("a folder");
    fs::write(kept.path(SOURCE).expect("a path"), bytes).expect("there is room");
    kept
}

/// The first two fields, unless the first begins with a `b`.
fn check(fields: &[Cow<'_, str>]) -> Result<Vec<String>, String> {
    match fields[0].starts_with('b') {
        true => Err("It begins with a b.".to_owned()),
        false => Ok(fields
            .iter()
            .take(2)
            .map(|field| field.to_string())
            .collect()),
    }
}

/// A file with rows of all kinds.
fn some_file(rng: &mut fastrand::Rng, rows: usize) -> Vec<u8> {
    let mut bytes = b"x,y,z\n".to_vec();
    for _ in 0..rows {
        let count = if rng.u8(..10) == 0 { 2 } else { 3 };
        let field = |_| String::from_utf8(odd_bytes(rng, 4)).expect("letters");
        let fields: Vec<String> = (0..count).map(field).collect();
        write_record(&fields, &mut bytes);
    }
    bytes
}

#[derive(Debug, Default, PartialEq)]
struct Taken {
    accepted: Vec<Row>,
    rejected: Vec<Wrong>,
    mark: Mark,
}

/// Reads a file to its end. Where `dies` says so the server goes down: what was not committed is
/// forgotten, what was written is not.
fn read(kept: &Kept, mut rows: impl FnMut() -> usize, mut dies: impl FnMut() -> bool) -> Taken {
    let (mut sheet, header) = kept.open(&COLUMNS, None).expect("it opens");
    assert_eq!(header, ["x", "y", "z"]);
    let mut taken = Taken {
        mark: sheet.mark(),
        ..Taken::default()
    };
    loop {
        let batch = sheet.next(rows(), check).expect("it reads");
        if dies() {
            sheet = kept
                .open(&COLUMNS, Some(taken.mark))
                .expect("it opens again")
                .0;
            continue;
        }
        taken.accepted.extend(batch.accepted);
        taken.rejected.extend(batch.rejected);
        taken.mark = batch.mark;
        if batch.is_last {
            return taken;
        }
    }
}

async fn text(kept: &Kept, which: Download, mark: Mark) -> String {
    let body = kept.download(which, mark).await.expect("it is there");
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("it reads");
    String::from_utf8(bytes.to_vec()).expect("it is text")
}

#[tokio::test]
async fn over_any_crash_the_rows_and_both_files_are_those_of_one_that_ran_through() {
    let folder = Folder::new();
    let uploads = folder.open();
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let rows = rng.usize(0..200);
        let bytes = some_file(&mut rng, rows);
        let (one, other) = (put(&uploads, "1", &bytes), put(&uploads, "2", &bytes));
        let expected = read(&one, || 500, || false);
        let mut deaths = fastrand::Rng::with_seed(seed);
        let found = read(&other, || rng.usize(1..40), || deaths.u8(..3) == 0);
        assert_eq!(found, expected, "seed {seed}");
        for which in [Download::Accepted, Download::Rejected] {
            let text_of = async |kept: &Kept| text(kept, which, expected.mark).await;
            assert_eq!(text_of(&other).await, text_of(&one).await, "seed {seed}");
        }
        let values = |row: &Row| row.values.clone();
        let expected: Vec<_> = expected.accepted.iter().map(values).collect();
        for _ in 0..5 {
            let (from, count) = (rng.usize(0..=expected.len()), rng.usize(0..120));
            let page = other.rows(found.mark, from as u64, count).await;
            let end = expected.len().min(from + count);
            assert_eq!(
                page.as_deref(),
                Ok(&expected[from..end]),
                "seed {seed}, from {from}"
            );
        }
        for file in ["1", "2"] {
            uploads.of(VISITOR, file).remove();
        }
    }
}

#[tokio::test]
async fn what_was_written_and_not_committed_is_not_given_out() {
    let folder = Folder::new();
    let uploads = folder.open();
    let mut bytes = b"one,two\n".to_vec();
    (0..200).for_each(|row| write_record(&[row.to_string(), "x".to_owned()], &mut bytes));
    let kept = put(&uploads, "1", &bytes);
    let (mut sheet, _) = kept.open(&COLUMNS, None).expect("it opens");
    let mark = sheet.next(60, check).expect("it reads").mark;
    sheet.next(60, check).expect("it reads");
    let last = kept.rows(mark, INDEXED, 100).await.expect("it reads");
    assert_eq!((last.len(), &*last[9][0]), (10, "59"));
    assert_eq!(
        text(&kept, Download::Accepted, mark).await.lines().count(),
        61
    );
    assert_eq!(kept.rows(mark, 60, 1).await, Ok(vec![]));
}

#[test]
fn what_ends_a_file_early_comes_behind_the_rows_before_it() {
    let folder = Folder::new();
    let uploads = folder.open();
    let mut bytes = b"one,two\n1,2\n3,4\n".to_vec();
    bytes.extend(b"x,".repeat(200));
    let kept = put(&uploads, "1", &bytes);
    let (mut sheet, _) = kept.open(&COLUMNS, None).expect("it opens");
    let batch = sheet.next(500, check).expect("there are two");
    assert_eq!((batch.accepted.len(), batch.is_last), (2, false));
    let end = Err(Refusal::ManyColumns { line: 4 });
    assert_eq!(sheet.next(500, check), end);
    // A server that comes back finds the same.
    let mut again = kept.open(&COLUMNS, Some(batch.mark)).expect("it opens").0;
    assert_eq!(again.next(500, check), end);
}

#[test]
fn the_first_line_tells_what_stands_between_fields() {
    let folder = Folder::new();
    let uploads = folder.open();
    for (bytes, expected) in [
        (&b"\xEF\xBB\xBFa;b;c\n1,5;2;3\n"[..], vec!["a", "b", "c"]),
        (b"\r\n\"a;b;c\",d\n", vec!["a;b;c", "d"]),
        (b"a\tb\r\n1\t2", vec!["a", "b"]),
        (b"a\n1,2,3,4", vec!["a"]),
        (b" a , b\x1B[31m\n", vec!["a", "b[31m"]),
    ] {
        let kept = put(&uploads, "1", bytes);
        let (_, header) = kept.open(&COLUMNS, None).expect("it opens");
        assert_eq!(header, expected);
    }
}

#[test]
fn a_file_that_is_not_there_or_lost_what_was_written_is_refused() {
    let folder = Folder::new();
    let uploads = folder.open();
    let gone = |kept: Kept| kept.open(&COLUMNS, None).map(|_: (Sheet, _)| ()).err();
    for name in ["2", "", "..", "../0a", "a/b", "x"] {
        assert_eq!(
            gone(uploads.of(VISITOR, name)),
            Some(Refusal::Gone),
            "{name:?}"
        );
        assert_eq!(gone(uploads.of(name, "2")), Some(Refusal::Gone), "{name:?}");
    }
    let kept = put(&uploads, "1", b"x,y\n1,2\n");
    let (mut sheet, _) = kept.open(&COLUMNS, None).expect("it opens");
    let mark = sheet.next(1, check).expect("it reads").mark;
    fs::write(kept.path("accepted.csv").expect("a path"), "").expect("it is written");
    let lost = kept.open(&COLUMNS, Some(mark)).map(|_| ()).err();
    assert_eq!(lost, Some(Refusal::Disk));
}

#[test]
fn a_sample_is_the_same_each_time_and_about_one_row_in_a_hundred_is_ragged_or_odd() {
    let bytes = |name: &str| -> Vec<u8> {
        let sample = Sample::named(name).expect("a sample");
        sample.chunks().map_while(Result::ok).flatten().collect()
    };
    let orders = bytes("20000");
    assert_eq!(orders, bytes("20000"));
    assert_eq!(orders.iter().filter(|byte| **byte == b'\n').count(), 20_001);
    assert!(orders.starts_with(b"order,date,e-mail,product,quantity,price\nA-100001,2024-01-"));
    let text = String::from_utf8(orders).expect("it is text");
    let wrong = text
        .lines()
        .filter(|line| line.contains(" at ") || line.contains(",two,"));
    assert!((20..120).contains(&wrong.count()));
    for none in ["0", "600001", "-1", "", "orders"] {
        assert_eq!(Sample::named(none), None, "{none:?}");
    }
}

#[test]
fn no_value_of_a_row_is_longer_than_its_column_needs() {
    let columns: Vec<Column> = (0..6).map(Column::At).collect();
    let good = ["A-1", "2024-05-31", "a@b.cc", "Mug", "10000", "12.50"];
    let check = |at: usize, value: String| {
        let mut fields = good.map(Cow::Borrowed);
        fields[at] = Cow::Owned(value);
        orders::check(&columns, &fields)
    };
    assert!(check(4, "10".to_owned()).is_ok());
    assert!(check(2, format!("{}@b.cc", "a".repeat(249))).is_ok());
    assert!(check(2, format!("{}@b.cc", "a".repeat(250))).is_err());
    assert!(check(4, "000001".to_owned()).is_err());
    for at in 0..6 {
        assert!(check(at, "1".repeat(1_000)).is_err(), "column {at}");
    }
}

#[tokio::test]
async fn who_goes_on_behind_the_last_row_of_a_file_that_was_dropped_finds_its_end() {
    let folder = Folder::new();
    let uploads = folder.open();
    let kept = put(&uploads, "0f", b"x,y,z\na,1,2\nb,3,4\nc,5,6\n");
    let taken = read(&kept, || 2, || false);
    kept.drop_source().await;
    assert!(!kept.is_here(), "nobody reads it from its begin");
    let (mut sheet, _) = kept.open(&COLUMNS, Some(taken.mark)).expect("it opens");
    let batch = sheet.next(2, check).expect("it reads");
    assert!(batch.is_last);
    assert_eq!((batch.accepted.len(), batch.rejected.len()), (0, 0));
    assert_eq!(batch.mark, taken.mark);
    assert_eq!(
        text(&kept, Download::Accepted, taken.mark)
            .await
            .lines()
            .count(),
        3
    );
}
