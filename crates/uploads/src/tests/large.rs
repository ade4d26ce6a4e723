//! A file of nearly as many bytes and rows as one may have.

use super::{
    Folder,
    incoming::{begin, take},
};
use crate::{
    Download,
    limits::{FILE_BYTES, ROWS},
    records::write_record,
};
use axum::body::{Body, Bytes};
use futures_util::stream;
use std::{convert::Infallible, io::Write};

const HEADER: &[u8] = b"one,two\n";
/// So many bytes a row has.
const ROW: u64 = FILE_BYTES / ROWS - 1;
/// More than a page takes at once: each batch waits for the disk.
const AT_ONCE: usize = 10_000;

/// A row: its number, and letters up to its length.
fn row(number: u64, to: &mut Vec<u8>) {
    let from = to.len();
    let _ = write!(to, "{number},");
    to.resize(from + ROW as usize - 1, b'x');
    to.push(b'\n');
}

/// The form that brings it, made while it is read.
fn form() -> Body {
    let head = b"--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
    let rows = (0..ROWS).step_by(1_000).map(|from| {
        let mut bytes = Vec::with_capacity(1_000 * ROW as usize);
        (from..from + 1_000).for_each(|number| row(number, &mut bytes));
        bytes
    });
    let begin = std::iter::once([&head[..], HEADER].concat());
    let pieces = begin.chain(rows).chain([b"\r\n--X--\r\n".to_vec()]);
    Body::from_stream(stream::iter(
        pieces.map(|piece| Ok::<_, Infallible>(Bytes::from(piece))),
    ))
}

#[tokio::test]
async fn a_file_that_is_as_large_as_one_may_be_is_taken_in_over_crashes_and_read_anywhere() {
    let folder = Folder::new();
    let uploads = folder.open();
    let upload = begin(&uploads, "0a", form()).await.expect("it is taken");
    let kept = upload.kept().clone();
    let bytes = HEADER.len() as u64 + ROWS * ROW;
    assert!(bytes < FILE_BYTES && bytes > FILE_BYTES / 100 * 97);
    assert_eq!(take(upload).await.0, Ok(bytes));

    let (mut sheet, _) = kept.open(&["one", "two"], None).expect("it opens");
    let mut mark = sheet.mark();
    for batch in 0.. {
        let check = |fields: &[std::borrow::Cow<'_, str>]| {
            let number: u64 = fields[0].parse().expect("a number");
            match number.is_multiple_of(1_000) {
                true => Err("It is a thousand.".to_owned()),
                false => Ok(vec![fields[0].to_string()]),
            }
        };
        let mut read = sheet.next(AT_ONCE, check).expect("it reads");
        // Now and then the server goes down before a batch is committed.
        if batch % 7 == 3 {
            let again = kept.open(&["one", "two"], Some(mark));
            sheet = again.expect("it opens again").0;
            read = sheet.next(AT_ONCE, check).expect("it reads");
        }
        mark = read.mark;
        if read.is_last {
            break;
        }
    }
    assert_eq!(mark.at, bytes);
    assert_eq!(
        (mark.accepted.rows, mark.rejected.rows),
        (ROWS - ROWS / 1_000, ROWS / 1_000)
    );
    for from in [0, ROWS / 2, mark.accepted.rows - 2] {
        let rows = kept.rows(mark, from, 2).await.expect("they are there");
        // Of each thousand the first is not among them.
        let numbers = [from, from + 1].map(|at| at + at / 999 + 1);
        assert_eq!(rows, numbers.map(|number| vec![number.to_string()]));
    }
    let mut header = Vec::new();
    write_record(&["one", "two"], &mut header);
    let body = kept
        .download(Download::Accepted, mark)
        .await
        .expect("it is there");
    let given = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("it comes");
    assert_eq!(given.len() as u64, mark.accepted.bytes);
    assert!(given.starts_with(&header));
    assert!(given.ends_with(format!("{}\n", ROWS - 1).as_bytes()));
}
