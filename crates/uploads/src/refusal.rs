//! Why a file is not taken, or not further: each a sentence for whoever sent it.

use crate::{
    limits::{COLUMNS, FILE_BYTES, LINE_BYTES, ROWS},
    orders,
};
use std::fmt;

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody knows whose it would be.
    NoSession,
    /// The form has no file.
    NoFile,
    /// It has no letter in it.
    Empty,
    /// It is no text.
    Binary {
        /// Where that shows.
        line: u64,
    },
    /// It is text, and says so, but in another encoding.
    Utf16,
    /// It is text in another encoding.
    NotUtf8 {
        /// The first line that shows it.
        line: u64,
    },
    /// Its first line names none of the columns.
    NoHeader,
    /// It has more bytes than a file may have.
    TooLarge,
    /// A line or a record has more bytes than it may have.
    LongLine {
        /// Where it begins.
        line: u64,
    },
    /// A record has more fields than it may have.
    ManyColumns {
        /// Where it begins.
        line: u64,
    },
    /// It has more rows than a file may have.
    ManyRows,
    /// The connection went before the file was whole.
    Lost {
        /// Bytes that had come.
        received: u64,
    },
    /// Another file of this visitor is under way.
    Busy,
    /// As many visitors as may have left files.
    Full,
    /// As many tasks as may run in this session already.
    ManyTasks,
    /// The disk is nearly full.
    NoSpace,
    /// The server can't write, or read, what it should.
    Disk,
    /// The file is not there any more.
    Gone,
}

/// Those that have nothing to do with what is in a file, and what stands for each in an address.
const WORDS: [(&str, Refusal); 7] = [
    ("no-session", Refusal::NoSession),
    ("no-file", Refusal::NoFile),
    ("busy", Refusal::Busy),
    ("full", Refusal::Full),
    ("many-tasks", Refusal::ManyTasks),
    ("no-space", Refusal::NoSpace),
    ("disk", Refusal::Disk),
];

impl Refusal {
    /// A word for an address, by which the page there can tell; `None` where the file itself is wrong.
    pub fn word(&self) -> Option<&'static str> {
        let found = WORDS.iter().find(|(_, refusal)| refusal == self);
        found.map(|(word, _)| *word)
    }

    /// Why the task that would read a file was not started: there is no room for another, or one
    /// reads another file.
    pub fn not_started(is_full: bool) -> Refusal {
        match is_full {
            true => Refusal::ManyTasks,
            false => Refusal::Busy,
        }
    }

    /// What a [`word`](Refusal::word) stands for.
    pub fn of_word(word: &str) -> Option<Refusal> {
        let found = WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, refusal)| *refusal)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoSession => {
                f.write_str("Your session was over, and the file was not taken. Choose it again.")
            }
            Refusal::NoFile => f.write_str("No file was chosen."),
            Refusal::Empty => f.write_str("The file is empty."),
            Refusal::Binary { line } => {
                write!(
                    f,
                    "This is no text: line {line} has bytes that no text has."
                )
            }
            Refusal::Utf16 => {
                f.write_str("The file is in UTF-16. Save it as UTF-8, and choose it again.")
            }
            Refusal::NotUtf8 { line } => write!(
                f,
                "Line {line} is not UTF-8. Save the file as UTF-8, and choose it again."
            ),
            Refusal::NoHeader => write!(
                f,
                "The first line has none of the names {}. It may be a row already.",
                orders::COLUMNS.join(", ")
            ),
            Refusal::TooLarge => write!(
                f,
                "The file is larger than {}. Split it, and import one part after the other.",
                bytes_in_words(FILE_BYTES)
            ),
            Refusal::LongLine { line } => write!(
                f,
                "Line {line} goes on for more than {} KiB. A quote may not be closed, or this is no \
                 CSV.",
                LINE_BYTES >> 10
            ),
            Refusal::ManyColumns { line } => {
                write!(f, "Line {line} has more than {COLUMNS} fields.")
            }
            Refusal::ManyRows => write!(
                f,
                "The file has more than {} thousand rows. Those up to there are imported.",
                ROWS / 1_000
            ),
            Refusal::Lost { received } => write!(
                f,
                "The connection was lost after {}, and nothing was imported. Import the file again.",
                bytes_in_words(*received)
            ),
            Refusal::Busy => f.write_str("A file is being imported. Stop it to import another."),
            Refusal::Full => {
                f.write_str("Too many files of other visitors are here. Try again later.")
            }
            Refusal::ManyTasks => f.write_str(
                "As many tasks of yours run as may. Stop one, and import the file again.",
            ),
            Refusal::NoSpace => f.write_str("The server has no room for a file. Try again later."),
            Refusal::Disk => f.write_str("The server could not keep the file. Try again."),
            Refusal::Gone => f.write_str("The file is not there any more. Choose it again."),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}

/// "41.9 MB", "50 MB", "7 kB".
pub fn bytes_in_words(bytes: u64) -> String {
    if bytes < 100_000 {
        return format!("{} kB", bytes.div_ceil(1_000));
    }
    let tenths = (bytes + 50_000) / 100_000;
    match tenths % 10 {
        0 => format!("{} MB", tenths / 10),
        tenth => format!("{}.{tenth} MB", tenths / 10),
    }
}
