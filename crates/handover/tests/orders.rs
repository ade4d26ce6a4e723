//! Every order of a commit, a stream that looks, and one that comes.

#[path = "../../undercurrent/src/server/handover.rs"]
#[expect(dead_code, reason = "the runtime uses the rest")]
mod handover;

/// loom's, in the place of what the runtime uses.
mod sync {
    pub(super) use loom::sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    };
    use std::task::Waker;

    pub(super) struct AtomicWaker(loom::future::AtomicWaker);

    impl AtomicWaker {
        pub(super) fn new() -> Self {
            AtomicWaker(loom::future::AtomicWaker::new())
        }

        pub(super) fn register(&self, waker: &Waker) {
            self.0.register_by_ref(waker);
        }

        pub(super) fn wake(&self) {
            self.0.wake();
        }
    }
}

use handover::{Audience, News};
use loom::{
    future::block_on,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use std::{future::poll_fn, sync::Arc, task::Poll};

/// A scope: a log, of which only the length matters, and those who follow it.
#[derive(Default)]
struct Scope {
    log: Mutex<usize>,
    streams: Audience<News>,
}

fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // Every order with up to three interruptions; those with more take minutes and found nothing.
    builder.preemption_bound = Some(3);
    builder.check(run);
}

impl Scope {
    fn commit(&self) {
        *self.log.lock().unwrap() += 1;
        self.streams.each(|news| {
            news.tell();
        });
    }

    /// Comes, and follows until the log is so long.
    fn follow(&self, until: usize) {
        let news = Arc::new(News::new());
        self.streams.add(news.clone());
        block_on(poll_fn(|cx| {
            // As a stream that has written all there was: what nobody has told of is not there.
            if !news.look(cx.waker()) {
                return Poll::Pending;
            }
            match *self.log.lock().unwrap() {
                len if len >= until => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
        self.streams.remove(&news);
        self.streams.each(|one| assert!(!std::ptr::eq(one, &*news)));
    }
}

/// A stream that slept for ever would be found by loom: no thread could go on.
#[test]
fn no_stream_sleeps_through_a_commit() {
    model(|| {
        let scope = Arc::new(Scope::default());
        let commits = {
            let scope = scope.clone();
            thread::spawn(move || {
                scope.commit();
                scope.commit();
            })
        };
        scope.follow(2);
        commits.join().unwrap();
        assert_eq!(scope.streams.count(), 0);
    });
}

#[test]
fn two_commits_at_once_are_seen() {
    model(|| {
        let scope = Arc::new(Scope::default());
        let commits = [(); 2].map(|()| {
            let scope = scope.clone();
            thread::spawn(move || scope.commit())
        });
        scope.follow(2);
        commits
            .into_iter()
            .for_each(|commit| commit.join().unwrap());
    });
}

/// As a ping: put down without a lock, in an order that promises nothing by itself.
#[test]
fn what_is_put_down_without_a_lock_is_seen_too() {
    model(|| {
        let (news, ping) = (Arc::new(News::new()), Arc::new(AtomicUsize::new(0)));
        let sweeper = {
            let (news, ping) = (news.clone(), ping.clone());
            thread::spawn(move || {
                ping.store(1, Ordering::Relaxed);
                news.tell();
            })
        };
        block_on(poll_fn(|cx| {
            news.look(cx.waker());
            match ping.load(Ordering::Relaxed) {
                1 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
        sweeper.join().unwrap();
    });
}

/// A place in the table of scopes is dropped when nobody counts: who comes while another leaves
/// must not be forgotten.
#[test]
fn who_comes_while_another_leaves_is_counted() {
    model(|| {
        let streams = Arc::new(Audience::<News>::default());
        let one = Arc::new(News::new());
        streams.add(one.clone());
        let leaves = {
            let streams = streams.clone();
            thread::spawn(move || streams.remove(&one))
        };
        streams.add(Arc::new(News::new()));
        assert!(streams.count() >= 1);
        leaves.join().unwrap();
        assert_eq!(streams.count(), 1);
    });
}
