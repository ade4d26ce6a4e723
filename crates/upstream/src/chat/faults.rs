//! What the built-in model does wrong on purpose.

use std::str::FromStr;

/// One way in which an answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatFault {
    /// `400` to `599`: that status. 429 asks to wait [`WAIT_S`] seconds.
    Status(u16),
    /// `cut`: the connection ends in the middle of the answer.
    Cut,
    /// `stall`: in the middle of the answer nothing more comes, on a
    /// connection that stays open.
    Stall,
    /// `error`: an event in the middle of the stream tells an error.
    Error,
    /// `html`: a page of HTML with status 200.
    Html,
}

/// The seconds that a 429 asks to wait.
pub const WAIT_S: u64 = 2;

/// What goes wrong with the first requests, in their order: `429,ok,cut*2` has
/// the first refused, the second answered, the third and the fourth cut. Those
/// behind them are answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatFaults(Vec<Option<ChatFault>>);

/// The most requests that a text of faults speaks of.
const REQUESTS: usize = 1_000;

impl ChatFaults {
    /// What goes wrong with this request, counted from 0.
    pub fn at(&self, request: usize) -> Option<ChatFault> {
        self.0.get(request).copied().flatten()
    }
}

impl FromStr for ChatFaults {
    /// A sentence that quotes the part which cannot be read.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|e| !e.is_empty()) {
            let (name, times) = match entry.split_once('*') {
                None => (entry, 1),
                Some((name, times)) => {
                    let times = times.trim().parse().ok().filter(|times| *times > 0);
                    (
                        name.trim(),
                        times.ok_or_else(|| {
                            format!("{entry:?} needs a number of requests after its *")
                        })?,
                    )
                }
            };
            let fault = match name {
                "ok" => None,
                name => Some(ChatFault::named(name).ok_or_else(|| {
                    format!(
                        "{entry:?} names no fault; known are a status from 400 to 599, cut, \
                         stall, error, html, and ok"
                    )
                })?),
            };
            if faults.len() + times > REQUESTS {
                return Err(format!("faults for more than {REQUESTS} requests"));
            }
            faults.extend(std::iter::repeat_n(fault, times));
        }
        Ok(ChatFaults(faults))
    }
}

impl ChatFault {
    /// The fault that is called so.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cut" => Self::Cut,
            "stall" => Self::Stall,
            "error" => Self::Error,
            "html" => Self::Html,
            status => Self::Status(
                status
                    .parse()
                    .ok()
                    .filter(|code| (400..=599).contains(code))?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_stand_in_the_order_of_the_requests() {
        let faults: ChatFaults = "429, ok, cut*2".parse().unwrap();
        let told: Vec<_> = (0..6).map(|request| faults.at(request)).collect();
        let cut = Some(ChatFault::Cut);
        assert_eq!(
            told,
            [Some(ChatFault::Status(429)), None, cut, cut, None, None]
        );
        assert_eq!("".parse(), Ok(ChatFaults::default()));
    }

    #[test]
    fn what_cannot_be_read_is_quoted() {
        for text in ["399", "burn", "cut*0", "cut*x", "cut*1001"] {
            let problem = text.parse::<ChatFaults>().unwrap_err();
            let is_told = problem.contains(text) || problem.contains("1000");
            assert!(is_told, "{text}: {problem}");
        }
    }
}
