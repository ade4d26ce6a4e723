//! Who asks.

use std::fmt;

/// Who asks: one browser, as its signed cookie proves, or the server itself.
///
/// Rules of scopes and handlers get it. It is the same for all tabs of a browser, and over
/// restarts of the server.
///
/// ```
/// use undercurrent::{ForVisitor, Visitor};
///
/// /// The rule of a room: keys that begin with a dash are kept for the server.
/// fn may_join(visitor: &Visitor, key: &str) -> Result<(), ForVisitor> {
///     if key.starts_with('-') && !visitor.is_server() {
///         return Err(ForVisitor::new("This room is not open."));
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Visitor(pub(crate) [u8; 16]);

impl Visitor {
    /// The server: timers, other routes, start-up.
    pub(crate) const SERVER: Visitor = Visitor([0; 16]);

    /// Sixteen hexadecimal digits that tell visitors apart. They may be shown to others: they
    /// open nothing. The server's own are zeros.
    pub fn id(&self) -> String {
        self.0[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// It is the server itself that asks.
    pub fn is_server(&self) -> bool {
        *self == Visitor::SERVER
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visitor({})", &self.id()[..6])
    }
}
