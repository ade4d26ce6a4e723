//! What comes from outside is read: cut anywhere, ended anywhere, resumed anywhere.

mod formula;
mod incoming;
mod inspect;
mod large;
mod records;
mod sheet;

use crate::{Uploads, config::Config, is_file_of, sample::Sample, wrong_files};
use std::{io, io::Read, path::PathBuf};

#[test]
fn a_file_of_the_table_is_known_by_its_name() {
    for file in wrong_files() {
        let sample = Sample::named(file.sample).expect("it is one");
        let name = sample.file_name();
        let called = wrong_files().into_iter();
        let called = called.filter(|file| is_file_of(file.sample, &name));
        assert_eq!(called.collect::<Vec<_>>(), [file]);
    }
    assert!(!is_file_of("ragged", "orders-20.csv"));
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("uploads-test-{:016x}", fastrand::u64(..));
        Folder(std::env::temp_dir().join(name))
    }

    fn open(&self) -> Uploads {
        let config = Config {
            folder: self.0.clone(),
            files: 3,
            ..Config::default()
        };
        Uploads::open(config).expect("a folder")
    }

    /// The names of what is in it, as `visitor/file/part`.
    fn parts(&self) -> Vec<String> {
        fn look(folder: &PathBuf, below: &str, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let name = format!("{below}/{}", entry.file_name().display());
                match entry.path().is_dir() {
                    true => look(&entry.path(), &name, found),
                    false => found.push(name),
                }
            }
        }
        let mut found = Vec::new();
        look(&self.0, "", &mut found);
        found.sort();
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Gives a few bytes at a time.
struct Trickle<'a>(&'a [u8], fastrand::Rng);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let few = self.1.usize(1..20).min(self.0.len()).min(buffer.len());
        buffer[..few].copy_from_slice(&self.0[..few]);
        self.0 = &self.0[few..];
        Ok(few)
    }
}

/// Bytes of which many mean something in CSV or in UTF-8.
fn odd_bytes(rng: &mut fastrand::Rng, most: usize) -> Vec<u8> {
    const ODD: [&[u8]; 14] = [
        b",",
        b"\"",
        b"\n",
        b"\r\n",
        b"\r",
        b"a",
        b"bc",
        b"\"\"",
        b" ",
        b";",
        b"\xC3\xA9",
        b"\xE2\x82\xAC",
        b"\xEF\xBB\xBF",
        b"\xF0\x9F\x90\xA6",
    ];
    let pieces = rng.usize(0..most);
    (0..pieces)
        .flat_map(|_| ODD[rng.usize(..ODD.len())].to_vec())
        .collect()
}
