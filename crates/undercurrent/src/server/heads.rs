//! The time-out for heads. hyper makes a sleep for each head and drops it when the head is there;
//! tokio's takes a place in a wheel for that, and gives it back, under a lock that all connections
//! share. Here a connection has one sleep that goes on, and is put off when it is over and the head
//! that is waited for may still come.

use hyper::rt::{Sleep, Timer};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::time::{self, Instant};

/// The timer of one connection.
#[derive(Clone, Default)]
pub(super) struct HeadTimer(
    // A std mutex, held to ask. Only the connection's own task does.
    Arc<Mutex<Running>>,
);

#[derive(Default)]
struct Running {
    sleep: Option<Pin<Box<time::Sleep>>>,
    /// Whom it wakes.
    waker: Option<Waker>,
}

/// What hyper waits for: that no head has come until then.
struct NoHead {
    running: Arc<Mutex<Running>>,
    until: Instant,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(NoHead {
            running: self.0.clone(),
            until: deadline.into(),
        })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into()
    }
}

impl Future for NoHead {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Running { sleep, waker } = &mut *running;
        let sleep = sleep.get_or_insert_with(|| Box::pin(time::sleep_until(self.until)));
        let is_awaited = waker
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()));
        if is_awaited && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        *waker = Some(cx.waker().clone());
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= self.until {
                return Poll::Ready(());
            }
            // It was begun for an earlier head, which came.
            sleep.as_mut().reset(self.until);
        }
    }
}

impl Sleep for NoHead {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_head_has_the_whole_time() {
        let (timer, begin) = (HeadTimer::default(), Instant::now());
        let span = Duration::from_millis(100);
        let first = timer.sleep(span);
        let waits = time::timeout(Duration::from_millis(60), first).await;
        assert!(waits.is_err(), "its head came after 60 ms");
        timer.sleep(span).await;
        assert_eq!(begin.elapsed(), Duration::from_millis(160));
        timer.sleep(span).await;
        assert_eq!(begin.elapsed(), Duration::from_millis(260));
    }
}
