//! Who may do what with a scope. One function, asked before every stream, event, snapshot and
//! control. What it gives back is the only way to a scope.

use super::{
    Runtime,
    scopes::{ScopeKey, Tag},
};
use crate::{Visitor, core::scope::ScopeName};
use sha2::{Digest, Sha256};

/// Why the scope stays shut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no scope of that name: no kind of it, or a key that none can have.
    NoSuch(String),
    /// Its rule says no. The text is for the visitor.
    ByRule(String),
}

/// A scope that a visitor may go to. Made by [`authorize`] alone.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) key: ScopeKey,
    pub(crate) name: ScopeName,
    pub(crate) tag: Tag,
}

/// A visitor may do everything in its own session and its tabs, nothing in those of others, and
/// in a keyed scope what its rule allows, whatever it is: to follow it, to send to it, to ask
/// something of its tasks. The server itself may go everywhere.
pub(crate) fn authorize(
    runtime: &Runtime,
    visitor: Visitor,
    name: &ScopeName,
) -> Result<Place, Refused> {
    match name {
        ScopeName::Session => {}
        ScopeName::Tab(id) if is_tab_id(id) => {}
        ScopeName::Tab(_) => return Err(Refused::NoSuch("This is no tab.".to_owned())),
        ScopeName::Keyed { space, key } => {
            let Some(space) = runtime.registry.space(space) else {
                return Err(Refused::NoSuch("There is no such scope.".to_owned()));
            };
            let max = runtime.limits.key_bytes;
            if key.is_empty() != space.is_process || key.len() > max {
                let message = format!("A key has 1 to {max} bytes.");
                return Err(Refused::NoSuch(message));
            }
            if !visitor.is_server() {
                let asked = space.ask(&runtime.polls, &visitor, key);
                asked.map_err(Refused::ByRule)?;
            }
        }
    }
    let key = place_key(visitor, name);
    let tag = Tag::new(name, key);
    let name = name.clone();
    Ok(Place { key, name, tag })
}

/// How the table calls a scope, for who says that a page of its visitor's has gone: no rule is asked,
/// since nothing is told, and nobody else's page is touched.
pub(super) fn key_left(visitor: Visitor, name: &ScopeName) -> ScopeKey {
    place_key(visitor, name)
}

/// Names are hashed: they come from pages, and may be long, odd, or a secret.
fn place_key(visitor: Visitor, name: &ScopeName) -> ScopeKey {
    let mut hash = Sha256::new();
    match name {
        ScopeName::Session => return ScopeKey(visitor.0),
        ScopeName::Tab(id) => {
            hash.update(b"tab\0");
            hash.update(visitor.0);
            hash.update(id.as_bytes());
        }
        ScopeName::Keyed { space, key } => {
            hash.update(b"keyed\0");
            hash.update(space.as_bytes());
            hash.update(b"\0");
            hash.update(key.as_bytes());
        }
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    ScopeKey(key)
}

/// A tab's id is made by the page.
fn is_tab_id(id: &str) -> bool {
    (1..=MAX_TAB_BYTES).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

const MAX_TAB_BYTES: usize = 64;

impl Refused {
    /// What the visitor is told.
    pub(crate) fn message(self) -> String {
        match self {
            Refused::NoSuch(message) | Refused::ByRule(message) => message,
        }
    }
}
