//! A span of time that both sides have a name for.

use std::time::Duration;

/// A span of time in whole milliseconds, for `cx.sleep(Millis(400))`.
///
/// It comes with the prelude, so that an import is not unused in the browser's build, where
/// handlers have no bodies. A `Duration` will do, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl From<Millis> for Duration {
    fn from(span: Millis) -> Self {
        Duration::from_millis(span.0)
    }
}
