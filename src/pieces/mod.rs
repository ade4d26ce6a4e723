//! Pieces that pages share.

mod banner;

pub use banner::Banner;
