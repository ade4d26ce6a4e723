//! This program once more, as the server of a test that kills it, and a folder for its files.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// A folder that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = format!("undercurrent-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("there is room");
        Folder(folder)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Has a command that starts this program run an ignored test of it, by itself. What that says can be
/// read.
pub fn with_test(mut command: Command, test: &str) -> Command {
    command
        .args(["--exact", test, "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

pub fn program() -> PathBuf {
    std::env::current_exe().expect("this program")
}
