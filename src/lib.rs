//! The gallery: pages that each show one thing background tasks are good for.
//!
//! One folder a page: its state, its events, its view. `app` has the shell around them, `pieces`
//! what they share, `minis` what each looks like from afar, `vitals` the server's meters. The products that the server fetches are the crate `upstream`'s.

pub mod app;
pub mod assistant;
pub mod dashboard;
pub mod dice;
pub mod files;
#[cfg(feature = "ssr")]
pub mod give;
pub mod home;
pub mod import;
#[path = "import/routes.rs"]
#[cfg(feature = "ssr")]
pub mod import_routes;
pub mod lab;
pub mod lobby;
pub mod lorem;
pub mod minis;
pub mod monitor;
pub mod pieces;
pub mod posts;
pub mod random;
pub mod report;
pub mod room;
#[cfg(feature = "ssr")]
pub mod routes;
pub mod vitals;

undercurrent::hydrate!(app::App);
