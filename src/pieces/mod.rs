//! Pieces that pages share, one a file, each with a file of the same name in style/.

mod banner;
mod card;
mod latency;
mod notes;
mod picture;
mod place;
mod region;
mod run;

pub use banner::Banner;
pub use card::{FailedCard, ProductCard};
pub use latency::Latency;
pub use notes::{Notes, waiting};
pub use place::Places;
pub use region::{Run, RunRegion};
pub use run::RunLine;
