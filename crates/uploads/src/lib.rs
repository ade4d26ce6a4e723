//! Files that visitors send: received as a stream into a folder beside the session, looked at while
//! they come, read as CSV in batches from wherever the last one ended.
//!
//! ```text
//! <folder>/<visitor>/<file>/source.part    on its way
//!                          /source.csv     whole
//!                          /accepted.csv   what was taken in, and an index of every 50th row
//!                          /rejected.csv   what was not, and why
//! ```
//!
//! A visitor has one file: another takes its place. It goes when the visitor says so, and when the
//! session does. A browser's build has the limits, the sentences and what a batch is.

#[cfg(feature = "ssr")]
mod answer;
mod batch;
#[cfg(feature = "ssr")]
mod config;
#[cfg(feature = "ssr")]
mod desk;
#[cfg(feature = "ssr")]
mod folder;
mod formula;
mod import;
#[cfg(feature = "ssr")]
mod incoming;
#[cfg(feature = "ssr")]
mod inspect;
pub mod limits;
pub mod orders;
#[cfg(feature = "ssr")]
mod records;
mod refusal;
#[cfg(feature = "ssr")]
mod rows;
#[cfg(feature = "ssr")]
pub mod sample;
#[cfg(feature = "ssr")]
mod sheet;
#[cfg(all(test, feature = "ssr"))]
mod tests;
mod wrong;

#[cfg(feature = "ssr")]
pub use self::{
    answer::{PRIVATE, attached},
    config::ConfigError,
    desk::{Desk, Owner},
    folder::{Kept, Uploads},
    incoming::{Arriving, Progress, Upload, throw_away},
    inspect::Inspector,
    records::{Record, Records, write_record},
    rows::Download,
    sheet::{Sheet, ragged},
};
pub use self::{
    batch::{Batch, Lines, Mark, Part, Row, Wrong},
    formula::no_formula,
    import::{Pace, Stage},
    refusal::{Refusal, bytes_in_words},
    wrong::{WrongFile, is_file_of, wrong_files},
};
