//! Pieces that pages share, one a file, most with a file of the same name in style/.

mod banner;
mod break_it;
mod card;
mod chain;
mod chart;
mod latency;
mod notes;
mod picture;
mod place;
mod region;
mod ring;
mod run;
mod span;
mod spark;
mod status;
mod task_buttons;
mod toasts;
mod tray;

pub use banner::Banner;
pub use break_it::BreakIt;
pub use card::{FailedCard, ProductCard};
pub use chain::Chain;
pub use chart::{Chart, grouped};
pub use latency::{Clicks, Latency, Style};
pub use notes::{Notes, waiting};
pub use place::{Places, Seen};
pub use region::{Region, Run, RunRegion};
pub use ring::Ring;
pub use run::RunLine;
pub use span::Span;
pub use spark::Spark;
pub use status::StatusChip;
pub use task_buttons::TaskButtons;
pub use toasts::Toasts;
pub use tray::Tray;
