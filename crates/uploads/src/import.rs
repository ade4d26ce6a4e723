//! Where the import of a file is, and how fast it goes.

use crate::{Refusal, bytes_in_words};
use serde::{Deserialize, Serialize};

/// Where an import is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// There is none.
    #[default]
    Empty,
    /// The file comes.
    Receiving,
    /// It is read; or the task waits until it is said which column is which.
    Reading,
    /// All of it was read.
    Done,
    /// The visitor stopped it. What was taken in is here.
    Stopped,
    /// The connection went before all of it had come. A browser may send it again by itself.
    Lost,
    /// It ended early. What was taken in is here.
    Failed(String),
}

/// How fast a file is read: at its own speed nobody would see anything of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// Two updates a second.
    Two,
    /// Ten updates a second.
    #[default]
    Ten,
    /// As fast as it goes.
    Full,
}

impl Stage {
    /// It goes on no more by itself.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Stage::Done | Stage::Stopped | Stage::Lost | Stage::Failed(_)
        )
    }

    /// As a sentence: so many bytes were done, of so many.
    pub fn in_words(&self, done: u64, size: u64) -> String {
        let of = || format!("{} of {}", bytes_in_words(done), bytes_in_words(size));
        match self {
            Stage::Empty => {
                "Choose a file, and it is taken in here, 500 rows an update.".to_owned()
            }
            Stage::Receiving => format!("The server has {}.", of()),
            Stage::Reading => format!("{} are read.", of()),
            Stage::Done => "All of it is read.".to_owned(),
            Stage::Stopped => "Stopped. What was imported stays until you remove it.".to_owned(),
            Stage::Lost | Stage::Failed(_) => "The import ended early.".to_owned(),
        }
    }

    /// As it is said aloud, where so many percent of a file are read: it changes with each tenth, and
    /// when something else happens.
    pub fn aloud(&self, done: u64, size: u64) -> String {
        match self {
            Stage::Receiving => "The file comes.".to_owned(),
            Stage::Reading => {
                let tenth = (done * 10).checked_div(size).unwrap_or_default();
                format!("The import is at {} percent.", tenth * 10)
            }
            stage => stage.in_words(done, size),
        }
    }

    /// Why it ended early, if it did, after so many bytes had come.
    pub fn fault(&self, received: u64) -> Option<String> {
        match self {
            Stage::Failed(why) => Some(why.clone()),
            Stage::Lost => Some(Refusal::Lost { received }.to_string()),
            _ => None,
        }
    }
}

impl Pace {
    /// From the slowest to the fastest.
    pub const ALL: [Pace; 3] = [Pace::Two, Pace::Ten, Pace::Full];

    /// As a button says it.
    pub fn words(self) -> String {
        let words = match self {
            Pace::Two => "2 updates/s",
            Pace::Ten => "10 updates/s",
            Pace::Full => "Full speed",
        };
        words.to_owned()
    }

    /// Milliseconds between two updates, if any.
    pub fn rest_ms(self) -> Option<u64> {
        match self {
            Pace::Two => Some(500),
            Pace::Ten => Some(100),
            Pace::Full => None,
        }
    }
}
