//! Who asks.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

    /// Whether this is what [`id`](Self::id) gives. A number is read: nothing is written for it.
    #[cfg(feature = "ssr")]
    pub(crate) fn has_id(&self, id: &str) -> bool {
        let (first, _) = self.0.split_at(8);
        let number = u64::from_str_radix(id, 16).map(u64::to_be_bytes);
        id.len() == 16 && number.is_ok_and(|number| number == first)
    }

    /// All that tells visitors apart, as 32 hexadecimal digits: the name of what an app keeps of a
    /// visitor beside the states, a file or a row. It opens no session.
    pub fn key(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// The visitor of a [`key`](Visitor::key) that the app itself has kept. Of one that came from
    /// elsewhere nobody knows whose it is.
    ///
    /// ```
    /// use undercurrent::Visitor;
    ///
    /// let key = "0123456789abcdef0123456789abcdef";
    /// assert_eq!(Visitor::from_key(key).expect("a key").key(), key);
    /// assert_eq!(Visitor::from_key("not a key"), None);
    /// ```
    pub fn from_key(key: &str) -> Option<Visitor> {
        let is_key = key.len() == 32 && key.bytes().all(|digit| digit.is_ascii_hexdigit());
        let bits = u128::from_str_radix(key, 16).ok().filter(|_| is_key)?;
        // The server is no visitor whom a key could name.
        (bits != 0).then(|| Visitor(bits.to_be_bytes()))
    }

    /// It is the server itself that asks.
    pub fn is_server(&self) -> bool {
        *self == Visitor::SERVER
    }
}

/// Half of it: it is a hash itself, and all of it takes twice as long.
impl Hash for Visitor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Visitor([a, b, c, d, e, f, g, h, ..]) = *self;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visitor({})", &self.id()[..6])
    }
}
