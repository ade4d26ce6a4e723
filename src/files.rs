//! Files that handlers make: one is kept for a moment, under an address that nobody guesses, and
//! the page that asked downloads it.

use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;

/// So many files are kept. The oldest goes.
const KEPT: usize = 32;

/// The files of all visitors. No page follows them, and no visitor's event gets in: the server
/// itself is not asked by the rule.
#[derive(State, Clone, Debug, Default)]
#[state(scope = process, join = nobody)]
pub struct Files {
    /// Oldest first.
    #[state(server)]
    kept: List<File>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// The last part of its address.
    pub token: String,
    /// What it is called when it is saved.
    pub name: String,
    /// What is in it.
    pub text: String,
}

fn nobody(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    Err(ForVisitor::new("Files are the server's to keep."))
}

/// Keeps a file.
#[event]
pub fn keep(files: &mut Files, file: File) {
    files.add(file);
}

impl Files {
    /// One more; the oldest goes where there is no room.
    pub fn add(&mut self, file: File) {
        self.kept.push(file);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// The file with this token, if it is still kept.
    pub fn find(&self, token: &str) -> Option<File> {
        self.kept.iter().find(|file| file.token == token).cloned()
    }
}
