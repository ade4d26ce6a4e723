//! No field of a download begins a formula, wherever its pieces are cut.

use super::{Folder, odd_bytes};
use crate::{Download, folder::SOURCE, formula::NoFormulas, no_formula, write_record};
use futures_util::TryStreamExt;
use std::fs;

#[test]
fn what_begins_a_formula_is_a_text() {
    for field in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
        assert_eq!(no_formula(field), format!("'{field}"));
    }
    for field in ["", "a=1", "'=1", "\"=1", " =1", "A-1"] {
        assert_eq!(no_formula(field), field);
    }
}

#[test]
fn a_file_that_passes_in_pieces_has_none() {
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..2_000 {
        let (mut written, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..rng.usize(1..5) {
            let mut field = |_| {
                let begin = ["", "=", "-", "\t", "\"", "\"=", "\r", "\n="][rng.usize(..8)];
                let rest = String::from_utf8(odd_bytes(&mut rng, 4)).expect("letters");
                format!("{begin}{rest}")
            };
            let fields: Vec<String> = (0..3).map(&mut field).collect();
            write_record(&fields, &mut written);
            let fields: Vec<_> = fields.iter().map(|field| no_formula(field)).collect();
            write_record(&fields, &mut expected);
        }
        let (mut passing, mut passed) = (NoFormulas::new(), Vec::new());
        let mut rest = written.as_slice();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rng.usize(1..=rest.len()));
            passed.extend(passing.pass(piece));
            rest = behind;
        }
        assert_eq!(
            String::from_utf8_lossy(&passed),
            String::from_utf8_lossy(&expected)
        );
    }
}

#[tokio::test]
async fn what_is_downloaded_has_none_and_what_is_shown_is_as_it_was_written() {
    let folder = Folder::new();
    let uploads = folder.open();
    let kept = uploads.of("0a", "1");
    kept.make().expect("a folder");
    let source = "=one,two\n\"=HYPERLINK(\"\"http://a\"\",\"\"b\"\")\",2\n+bad,\n-3,@4\n";
    fs::write(kept.path(SOURCE).expect("a path"), source).expect("there is room");
    let (mut sheet, _) = kept.open(&["one", "two"], None).expect("it opens");
    let check = |fields: &[std::borrow::Cow<'_, str>]| match fields[1].is_empty() {
        true => Err("It has no second.".to_owned()),
        false => Ok(fields.iter().map(ToString::to_string).collect()),
    };
    let mark = sheet.next(10, check).expect("it reads").mark;
    let text = async |which| {
        let body = kept.download(which, mark).await.expect("it is there");
        let pieces: Vec<_> = body
            .into_data_stream()
            .try_collect()
            .await
            .expect("it is read");
        String::from_utf8(pieces.concat()).expect("text")
    };
    assert_eq!(
        text(Download::Accepted).await,
        "one,two\n\"'=HYPERLINK(\"\"http://a\"\",\"\"b\"\")\",2\n'-3,'@4\n"
    );
    assert_eq!(
        text(Download::Rejected).await,
        "line,why,'=one,two\n3,It has no second.,'+bad,\n"
    );
    let rows = kept.rows(mark, 1, 1).await.expect("they are there");
    assert_eq!(rows, [["-3", "@4"]]);
}
