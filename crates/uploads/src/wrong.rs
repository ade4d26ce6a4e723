//! What happens with a file that is wrong, from case to case.

use crate::Refusal;

/// A kind of file that is wrong, and how it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongFile {
    /// What is wrong with it.
    pub what: &'static str,
    /// The name of a sample that is so.
    pub sample: &'static str,
    /// What is said of it.
    pub said: String,
}

/// Whether a file of this name is what a sample makes that is wrong.
pub fn is_file_of(sample: &str, name: &str) -> bool {
    name.strip_suffix(".csv") == Some(sample) || (sample, name) == ("binary", "picture.png")
}

/// All of them.
pub fn wrong_files() -> [WrongFile; 8] {
    let file = |what, sample, refusal: Refusal| WrongFile {
        what,
        sample,
        said: refusal.to_string(),
    };
    [
        file(
            "A picture, or another file that is no text",
            "binary",
            Refusal::Binary { line: 1 },
        ),
        file(
            "Text in another encoding",
            "latin-1",
            Refusal::NotUtf8 { line: 3 },
        ),
        WrongFile {
            what: "Rows with fields too many or too few",
            sample: "ragged",
            said: "Line 3: It has 5 fields, and the header 6. The other rows are imported."
                .to_owned(),
        },
        file("Nothing in it", "empty", Refusal::Empty),
        file(
            "No line that names the columns",
            "no-header",
            Refusal::NoHeader,
        ),
        file("More than it may have", "too-large", Refusal::TooLarge),
        file(
            "One line of 40 MB",
            "one-line",
            Refusal::LongLine { line: 2 },
        ),
        file(
            "The connection is lost midway",
            "cut",
            Refusal::Lost {
                received: 1_000_000,
            },
        ),
    ]
}
