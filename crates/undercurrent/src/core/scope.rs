//! Scopes: who shares a state, and how a scope is called.

use std::{fmt, sync::Arc};

/// Who shares a state. Said by `#[state(scope = …)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// One browser: all its tabs.
    Session,
    /// One tab. It keeps its state over a reload.
    Tab,
    /// All who are let in under one key. The name tells the rooms from the documents.
    Keyed(&'static str),
    /// All visitors of this server: a keyed scope with one key, which nobody need name.
    Process(&'static str),
    /// Every scope has one: the runtime's own states.
    Each,
}

/// One scope, as pages and messages call it.
///
/// Written `s` (the session), `~<id>` (a tab), `<kind>:<key>` (a keyed scope; the process-wide
/// one has an empty key).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeName {
    /// The visitor's own.
    Session,
    /// A tab's, by its id. A page calls its own by an empty one, since it learns it late.
    Tab(Arc<str>),
    /// A keyed one. The key comes from pages: never trust it.
    Keyed {
        /// What kind of thing it is: the name of the state that declared it.
        space: &'static str,
        /// Which of them.
        key: Arc<str>,
    },
}

/// A text that names no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAScope;

impl ScopeKind {
    /// Whether states of both kinds live in the same scopes, so that one update can change both.
    pub const fn is_with(self, other: ScopeKind) -> bool {
        match (self, other) {
            (ScopeKind::Session, ScopeKind::Session) | (ScopeKind::Tab, ScopeKind::Tab) => true,
            (ScopeKind::Keyed(one), ScopeKind::Keyed(other))
            | (ScopeKind::Process(one), ScopeKind::Process(other)) => is_same(one, other),
            _ => false,
        }
    }
}

/// `==` of texts, where only constants may be computed.
pub(crate) const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl ScopeName {
    /// The page's own tab.
    pub fn this_tab() -> Self {
        ScopeName::Tab("".into())
    }

    /// A visitor's own: no other gets into it.
    pub fn is_own(&self) -> bool {
        !matches!(self, ScopeName::Keyed { .. })
    }

    /// The one scope of a process-wide state.
    pub fn process(space: &'static str) -> Self {
        let key = "".into();
        ScopeName::Keyed { space, key }
    }

    /// Reads a written name. `space_of` finds the kind of keyed scopes that has a name.
    ///
    /// # Errors
    ///
    /// [`NotAScope`]: no such form, or no such kind.
    pub fn parse(
        text: &str,
        space_of: impl FnOnce(&str) -> Option<&'static str>,
    ) -> Result<Self, NotAScope> {
        if text == "s" {
            return Ok(ScopeName::Session);
        }
        if let Some(id) = text.strip_prefix('~') {
            return match id.is_empty() {
                true => Err(NotAScope),
                false => Ok(ScopeName::Tab(id.into())),
            };
        }
        let (space, key) = text.split_once(':').ok_or(NotAScope)?;
        let space = space_of(space).ok_or(NotAScope)?;
        let key = key.into();
        Ok(ScopeName::Keyed { space, key })
    }

    /// Whether states of this kind live in it.
    pub fn has(&self, kind: ScopeKind) -> bool {
        match (self, kind) {
            (_, ScopeKind::Each)
            | (ScopeName::Session, ScopeKind::Session)
            | (ScopeName::Tab(_), ScopeKind::Tab) => true,
            (ScopeName::Keyed { space, .. }, ScopeKind::Keyed(of)) => *space == of,
            (ScopeName::Keyed { space, key }, ScopeKind::Process(of)) => {
                *space == of && key.is_empty()
            }
            _ => false,
        }
    }

    /// Its key: empty where it has none.
    pub fn key(&self) -> &str {
        match self {
            ScopeName::Session => "",
            ScopeName::Tab(key) | ScopeName::Keyed { key, .. } => key,
        }
    }
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeName::Session => f.write_str("s"),
            ScopeName::Tab(id) => write!(f, "~{id}"),
            ScopeName::Keyed { space, key } => write!(f, "{space}:{key}"),
        }
    }
}

impl fmt::Display for NotAScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scope is written s, ~<tab> or <kind>:<key>")
    }
}

impl std::error::Error for NotAScope {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ScopeName, NotAScope> {
        ScopeName::parse(text, |space| (space == "room").then_some("room"))
    }

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for text in ["s", "~3f", "room:lobby", "room:", "room:a:b,c@d ü"] {
            assert_eq!(parse(text).map(|name| name.to_string()), Ok(text.into()));
        }
        for text in ["", "~", "r", "hall:lobby", "room"] {
            assert_eq!(parse(text), Err(NotAScope), "{text}");
        }
    }

    #[test]
    fn a_state_lives_in_scopes_of_its_kind() {
        let lobby = parse("room:lobby").unwrap();
        assert!(lobby.has(ScopeKind::Keyed("room")) && lobby.has(ScopeKind::Each));
        for other in [
            ScopeKind::Session,
            ScopeKind::Tab,
            ScopeKind::Keyed("hall"),
            ScopeKind::Process("room"),
        ] {
            assert!(!lobby.has(other), "{other:?}");
        }
        assert!(ScopeName::process("room").has(ScopeKind::Process("room")));
        assert!(ScopeKind::Keyed("room").is_with(ScopeKind::Keyed("room")));
        assert!(!ScopeKind::Keyed("room").is_with(ScopeKind::Keyed("hall")));
        assert!(!ScopeKind::Keyed("room").is_with(ScopeKind::Process("room")));
    }
}
