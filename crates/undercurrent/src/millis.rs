//! A span of time that both sides have a name for.

use std::time::Duration;

/// A span of time in whole milliseconds, for `cx.sleep(Millis(400))`.
///
/// It comes with the prelude, so that an import is not unused in the browser's build, where
/// handlers have no bodies. A `Duration` will do, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// What the time is, as the span since 1970 began in UTC: on a server by its clock, in a page by
    /// that of the browser, which may be another. What counts, the server counts.
    ///
    /// ```
    /// # use undercurrent::Millis;
    /// let before = Millis::since_1970();
    /// assert!(before <= Millis::since_1970());
    /// ```
    pub fn since_1970() -> Self {
        Millis(crate::browser::clock_ms())
    }
}

impl From<Millis> for Duration {
    fn from(span: Millis) -> Self {
        Duration::from_millis(span.0)
    }
}
