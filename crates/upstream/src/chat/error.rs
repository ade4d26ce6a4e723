//! Why an answer did not come, or not to its end, in words for the visitor.

use crate::UpstreamError;
use std::{error::Error, fmt, time::Duration};

/// The most characters in which a model's own words on an error are told.
const DETAIL_CHARS: usize = 160;

/// Why there is no answer, or no more of it. Each one is shown as a short
/// sentence, without a capital or a full stop, that tells no address.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatError {
    /// The connection or the answer's status.
    Upstream(UpstreamError),
    /// It takes no more for now: status 429, and how long it asks to wait.
    Limited(Option<Duration>),
    /// Nothing came for this time.
    Silent(Duration),
    /// The stream ended before the answer did.
    Cut,
    /// What came is no stream of events, or not of this kind.
    NotEvents,
    /// An event of the stream tells an error.
    Told(String),
    /// The answer is longer than [`super::client::ANSWER_BYTES`].
    TooLong,
    /// The model ended its answer early, as it may not be longer or as a filter
    /// says: the interface's word for why.
    EndedEarly(&'static str),
}

impl fmt::Display for ChatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream(error) => write!(f, "{error}"),
            Self::Limited(None) => write!(f, "the model takes no more questions for now (429)"),
            Self::Limited(Some(wait)) => write!(
                f,
                "the model takes no more questions for now (429) and asks to wait {} s",
                wait.as_secs()
            ),
            Self::Silent(time) => write!(f, "the model was silent for {} s", time.as_secs_f64()),
            Self::Cut => write!(f, "the connection to the model was cut"),
            Self::NotEvents => write!(f, "what the model sent is not an answer"),
            Self::Told(words) => write!(f, "the model says: {words}"),
            Self::TooLong => write!(f, "the answer is over 64 KiB"),
            Self::EndedEarly(why) => write!(f, "the model ended its answer early ({why})"),
        }
    }
}

impl Error for ChatError {}

impl From<UpstreamError> for ChatError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Closed => Self::Cut,
            error => Self::Upstream(error),
        }
    }
}

impl ChatError {
    /// What an event of the stream tells of an error, kept short.
    pub(super) fn told(words: &str) -> Self {
        let mut short: String = words.chars().take(DETAIL_CHARS).collect();
        if short.len() < words.len() {
            short.push('…');
        }
        Self::Told(short)
    }

    /// How long to wait before another try, if that was said.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Limited(wait) => *wait,
            _ => None,
        }
    }
}
