//! Files on their way: whole, cut, refused, in nobody's place.

use super::Folder;
use crate::{
    Arriving, Refusal, Upload, Uploads,
    config::Config,
    limits::{HEAD_BYTES, STALL_MS, SWEEP_S},
    sample::Sample,
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use futures_util::{StreamExt, stream};
use std::{
    io, iter,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

const VISITOR: &str = "0a";

/// A form with a file, as a browser writes it.
fn form(file: &[u8]) -> Vec<u8> {
    let head = b"--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"C:\\\\a/b\t.csv\"\r\ncontent-type: text/csv\r\n\r\n";
    [head, file, b"\r\n--X--\r\n"].concat()
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let kind = "multipart/form-data; boundary=X".parse().expect("a header");
    headers.insert(header::CONTENT_TYPE, kind);
    headers
}

/// A body in pieces; it may end in the middle.
fn body(bytes: Vec<u8>, piece: usize, is_cut: bool) -> Body {
    let pieces: Vec<io::Result<Bytes>> = bytes
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    // The end comes by itself, as from a network.
    let end = match is_cut {
        true => Err(io::ErrorKind::ConnectionReset.into()),
        false => Ok(Bytes::new()),
    };
    let pieces = stream::iter(pieces.into_iter().chain([end]));
    Body::from_stream(pieces.then(async |piece| {
        tokio::task::yield_now().await;
        piece
    }))
}

pub(super) async fn begin(uploads: &Uploads, visitor: &str, body: Body) -> Result<Upload, Refusal> {
    uploads.begin(visitor, &headers(), body).await
}

/// Takes a file, and what whoever waits for it hears at last.
pub(super) async fn take(upload: Upload) -> (Result<u64, Refusal>, Option<Result<u64, Refusal>>) {
    let mut arriving = upload.kept().arriving().expect("it comes");
    let end = upload.receive().await;
    (end, arriving.next().await.end)
}

#[tokio::test]
async fn a_form_becomes_a_file_however_it_is_cut_into_pieces() {
    let folder = Folder::new();
    let uploads = folder.open();
    for piece in [1, 7, 4_096] {
        let file = b"a,b\n1,\"--X\r\n\"\n";
        let upload = begin(&uploads, VISITOR, body(form(file), piece, false)).await;
        let upload = upload.expect("it is taken");
        assert_eq!(upload.name(), "b.csv");
        let kept = upload.kept().clone();
        assert!(!kept.is_here());
        let end = Ok(file.len() as u64);
        assert_eq!(take(upload).await, (end, Some(end)), "pieces of {piece}");
        assert!(kept.is_here() && kept.arriving().is_none());
        // One file of a visitor is kept: the last.
        assert_eq!(
            folder.parts(),
            [format!("/{VISITOR}/{}/source.csv", kept.name())]
        );
    }
}

#[tokio::test]
async fn what_is_cut_or_refused_leaves_nothing() {
    let folder = Folder::new();
    let uploads = folder.open();
    let file = b"a,b\n".repeat(1_000);
    let half = form(&file)[..2_000].to_vec();
    for is_cut in [true, false] {
        let upload = begin(&uploads, VISITOR, body(half.clone(), 100, is_cut)).await;
        let (end, told) = take(upload.expect("it is taken")).await;
        assert!(
            matches!(end, Err(Refusal::Lost { received }) if (1_000..2_000).contains(&received))
        );
        assert_eq!(told, Some(end));
        assert_eq!(folder.parts(), [""; 0]);
    }
    for (file, refusal) in [
        (&b""[..], Refusal::Empty),
        (b"a\0b", Refusal::Binary { line: 1 }),
        (b"a,b\n\xE9,b\n", Refusal::NotUtf8 { line: 2 }),
    ] {
        let upload = begin(&uploads, VISITOR, body(form(file), 100, false)).await;
        let ends = take(upload.expect("it is taken")).await;
        assert_eq!(ends, (Err(refusal), Some(Err(refusal))));
        assert_eq!(folder.parts(), [""; 0]);
    }
    for sample in ["too-large", "one-line", "cut"] {
        let sample = Sample::named(sample).expect("a sample");
        let upload = uploads.begin_sample(VISITOR, sample).expect("it is taken");
        let (end, told) = take(upload).await;
        assert!(end.is_err() && told == Some(end), "{sample:?}");
        assert_eq!(folder.parts(), [""; 0]);
    }
}

#[tokio::test]
async fn who_asks_for_it_when_it_has_come_hears_how_it_ended_once() {
    let folder = Folder::new();
    let uploads = folder.open();
    for (file, end) in [(&b"a,b\n"[..], Ok(4)), (b"", Err(Refusal::Empty))] {
        let upload = begin(&uploads, VISITOR, body(form(file), 10, false)).await;
        let upload = upload.expect("it is taken");
        let kept = upload.kept().clone();
        assert_eq!(upload.receive().await, end);
        let mut arriving = kept.arriving().expect("it is told");
        assert_eq!(arriving.next().await.end, Some(end));
        assert!(kept.arriving().is_none());
    }
    // Of the last that nobody has asked for nothing is told when another comes in its place.
    let mut last = None;
    for _ in 0..2 {
        let upload = begin(&uploads, VISITOR, body(form(b"a,b\n"), 10, false)).await;
        let upload = upload.expect("its place is free");
        let kept = last.replace(upload.kept().clone());
        assert!(kept.is_none_or(|kept| kept.arriving().is_none()));
        upload.receive().await.expect("it comes");
    }
    // Nor when its session has gone.
    uploads.sweep(|_| false).await;
    assert!(last.is_some_and(|kept| kept.arriving().is_none()));
    assert_eq!(folder.parts(), [""; 0]);
}

#[tokio::test]
async fn a_form_without_a_file_is_none() {
    let folder = Folder::new();
    let uploads = folder.open();
    let refused = async |headers: &HeaderMap, bytes: &[u8]| {
        let body = body(bytes.to_vec(), 10, false);
        uploads
            .begin(VISITOR, headers, body)
            .await
            .map(|_| ())
            .err()
    };
    let none = Some(Refusal::NoFile);
    let unchosen =
        b"--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--X--\r\n";
    assert_eq!(refused(&headers(), unchosen).await, none);
    assert_eq!(refused(&headers(), b"").await, none);
    assert_eq!(refused(&headers(), b"a,b\n1,2\n").await, none);
    assert_eq!(refused(&HeaderMap::new(), b"a,b\n1,2\n").await, none);
    // None of it keeps a place.
    assert!(
        begin(&uploads, VISITOR, body(form(b"a"), 10, false))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_visitor_has_one_file_on_its_way_and_only_so_many_visitors_have_files() {
    let folder = Folder::new();
    let uploads = folder.open();
    let some = || body(form(b"a,b\n"), 10, false);
    let first = begin(&uploads, VISITOR, some()).await.expect("it is taken");
    assert_eq!(
        begin(&uploads, VISITOR, some()).await.map(|_| ()).err(),
        Some(Refusal::Busy)
    );
    // Those on their way count as well as those that are here.
    take(begin(&uploads, "0b", some()).await.expect("it is taken"))
        .await
        .0
        .expect("it comes");
    let third = begin(&uploads, "0c", some()).await.expect("it is taken");
    assert_eq!(
        begin(&uploads, "0d", some()).await.map(|_| ()).err(),
        Some(Refusal::Full)
    );
    assert_eq!(third.refuse(Refusal::Busy).await, Refusal::Busy);
    drop(
        begin(&uploads, "0d", some())
            .await
            .expect("there is room again"),
    );
    // Another of a visitor who has one takes no place.
    drop(begin(&uploads, "0b", some()).await.expect("it is taken"));
    take(first).await.0.expect("it comes");
    assert_eq!(
        begin(&uploads, "..", some()).await.map(|_| ()).err(),
        Some(Refusal::Gone)
    );
}

/// A form that begins, and brings nothing more.
fn endless() -> Body {
    let whole = form(b"a,b\n");
    let head = whole[..whole.len() - b"\r\n--X--\r\n".len()].to_vec();
    let pieces = stream::unfold(Some(head), |head| async {
        match head {
            Some(head) => Some((Ok::<_, io::Error>(Bytes::from(head)), None)),
            None => std::future::pending().await,
        }
    });
    Body::from_stream(pieces)
}

#[tokio::test]
async fn a_form_whose_file_does_not_begin_is_not_read_on() {
    let folder = Folder::new();
    let uploads = folder.open();
    let field = b"--X\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nb\r\n";
    let zeros = [0; 1_000];
    let pieces: [(&[u8], &[u8]); 3] = [
        (b"", &zeros),
        // A head without end.
        (b"--X\r\na: ", b"aaaaaaaaaa"),
        // One field after another.
        (field, field),
    ];
    for (first, then) in pieces {
        let given = Arc::new(AtomicU64::new(0));
        let told = given.clone();
        let pieces = [first].into_iter().chain(iter::repeat_n(then, 100_000));
        let pieces = pieces.map(Bytes::copy_from_slice).collect::<Vec<_>>();
        let pieces = stream::iter(pieces).map(move |piece| {
            told.fetch_add(piece.len() as u64, Ordering::Relaxed);
            Ok::<_, io::Error>(piece)
        });
        let end = begin(&uploads, VISITOR, Body::from_stream(pieces)).await;
        assert_eq!(end.err(), Some(Refusal::NoFile));
        let given = given.load(Ordering::Relaxed);
        assert!(given <= HEAD_BYTES + 5_000, "{given} bytes were read");
    }
    // A large piece with the whole head in it is none of these.
    let file = b"a,b\n".repeat(50_000);
    let upload = begin(
        &uploads,
        VISITOR,
        body([field, &form(&file)[..]].concat(), 150_000, false),
    );
    let (end, _) = take(upload.await.expect("it is taken")).await;
    assert_eq!(end, Ok(file.len() as u64));
}

#[tokio::test(start_paused = true)]
async fn one_that_nobody_wants_any_more_or_that_brings_nothing_ends() {
    let folder = Folder::new();
    let uploads = folder.open();
    for is_wanted in [false, true] {
        let upload = begin(&uploads, VISITOR, endless())
            .await
            .expect("it is taken");
        let kept = upload.kept().clone();
        let arriving: Option<Arriving> = kept.arriving();
        assert!(arriving.is_some() && kept.arriving().is_none());
        let arriving = arriving.filter(|_| is_wanted);
        let began = tokio::time::Instant::now();
        let end = upload.receive().await;
        assert!(matches!(end, Err(Refusal::Lost { .. })), "{end:?}");
        // What is on its way of it is thrown away, as long as something comes.
        let stalls = if is_wanted { 2 } else { 1 };
        assert_eq!(began.elapsed().as_millis() as u64 / STALL_MS, stalls);
        assert_eq!(folder.parts(), [""; 0]);
        drop(arriving);
    }
}

#[tokio::test]
async fn one_whose_request_is_dropped_leaves_nothing_and_whoever_waits_hears_of_it() {
    let folder = Folder::new();
    let uploads = folder.open();
    let upload = begin(&uploads, VISITOR, endless()).await;
    let upload = upload.expect("it is taken");
    let mut arriving = upload.kept().arriving().expect("it comes");
    let receives = tokio::spawn(upload.receive());
    while folder.parts().is_empty() {
        tokio::task::yield_now().await;
    }
    receives.abort();
    let end = loop {
        if let Some(end) = arriving.next().await.end {
            break end;
        }
    };
    assert!(matches!(end, Err(Refusal::Lost { .. })), "{end:?}");
    assert_eq!(folder.parts(), [""; 0]);
    // Its place is free.
    let next = begin(&uploads, VISITOR, body(form(b"a,b\n"), 10, false)).await;
    take(next.expect("it is taken")).await.0.expect("it comes");
}

#[tokio::test]
async fn what_was_on_its_way_when_the_server_went_down_is_gone_and_the_rest_is_here() {
    let folder = Folder::new();
    let uploads = folder.open();
    let put = |visitor: &str, file: &str, part: &str| {
        let kept = uploads.of(visitor, file);
        kept.make().expect("a folder");
        std::fs::write(kept.path(part).expect("a path"), "x").expect("there is room");
    };
    put("0a", "1", "source.part");
    put("0a", "2", "source.csv");
    put("0b", "3", "source.part");
    let again = folder.open();
    assert_eq!(folder.parts(), ["/0a/2/source.csv"]);
    assert!(again.of("0a", "2").is_here());
    assert!(!folder.0.join("0b").exists());
}

#[tokio::test]
async fn files_go_with_their_session_and_when_they_are_removed() {
    let folder = Folder::new();
    let uploads = folder.open();
    for visitor in ["0a", "0b", "0c"] {
        let upload = begin(&uploads, visitor, body(form(b"a,b\n"), 10, false)).await;
        take(upload.expect("it is taken"))
            .await
            .0
            .expect("it comes");
    }
    let coming = begin(&uploads, "0c", body(form(b"a,b\n"), 10, false)).await;
    uploads.sweep(|visitor| visitor == "0a").await;
    // That of a visitor whose file comes just now stays.
    let visitors = || -> Vec<String> {
        folder
            .parts()
            .iter()
            .map(|part| part[1..3].to_owned())
            .collect()
    };
    assert_eq!(visitors(), ["0a", "0c"]);
    drop(coming);
    uploads.remove("0a").await;
    uploads.remove("0a").await;
    assert_eq!(visitors(), ["0c"]);
    uploads.sweep(|_| false).await;
    assert_eq!(visitors(), [""; 0]);
    assert!(folder.0.exists());
}

/// The clock stands still but for what waits for it.
#[tokio::test(start_paused = true)]
async fn a_file_goes_at_the_next_look_after_its_session_went() {
    let folder = Folder::new();
    let uploads = folder.open();
    let upload = begin(&uploads, VISITOR, body(form(b"a,b\n"), 10, false)).await;
    let ends = take(upload.expect("it is taken")).await;
    assert_eq!(ends.0, Ok(4));
    let is_known = Arc::new(AtomicBool::new(true));
    let known = is_known.clone();
    uploads.sweep_always(move |_| known.load(Ordering::Relaxed));
    let between = Duration::from_secs(SWEEP_S);
    tokio::time::sleep(between * 3).await;
    assert_eq!(folder.parts().len(), 1);
    is_known.store(false, Ordering::Relaxed);
    tokio::time::sleep(between).await;
    // It was looked; the disk is slower than a clock that stands still.
    while !folder.parts().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn how_often_it_is_looked_is_a_setting() {
    let config = |toml: &str, variable: Option<&str>| {
        let get = |name: &str| (name == "UPLOADS_SWEEP_S").then_some(variable?.to_owned());
        Config::parse(toml)?.overridden(get)
    };
    let sweep = |toml, variable| config(toml, variable).map(|config| config.sweep_s).ok();
    assert_eq!(sweep("", None), Some(SWEEP_S));
    assert_eq!(sweep("[uploads]\nsweep-s = 5", None), Some(5));
    assert_eq!(sweep("[uploads]\nsweep-s = 5", Some("7")), Some(7));
    for (toml, variable) in [
        ("[uploads]\nsweep-s = 0", None),
        ("", Some("0")),
        ("", Some("x")),
    ] {
        let error = config(toml, variable).expect_err("it is none");
        assert!(error.to_string().starts_with("[uploads]: "), "{error}");
    }
}

#[test]
fn what_has_a_word_is_found_by_it() {
    let said = |word| Refusal::of_word(word).and_then(|refusal| refusal.word());
    for word in [
        "no-session",
        "no-file",
        "busy",
        "full",
        "many-tasks",
        "no-space",
        "disk",
    ] {
        assert_eq!(said(word), Some(word));
    }
    assert_eq!(Refusal::of_word("nothing"), None);
    // What is wrong with a file stands in the state.
    assert_eq!(Refusal::Empty.word(), None);
}
