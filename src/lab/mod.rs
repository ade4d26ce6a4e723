//! Fixtures, not pages: what other frameworks' tests of background tasks click through, and a list
//! and a map with a button for each change. They are off the navigation. The browser tests
//! `lab.spec.ts`, `chain.spec.ts`, `ends.spec.ts`, `sessions.spec.ts`, `rows.spec.ts` and
//! `words.spec.ts` drive them.

pub mod chain;
pub mod ends;
pub mod pace;
pub mod rows;
pub mod sheet;
pub mod state;
mod tasks;
mod view;
pub mod words;

pub use self::{
    chain::ChainRoutes,
    ends::EndsPage,
    pace::{BarePacePage, PacePage},
    rows::{RowsPage, WindowPage},
    sheet::SheetPage,
    view::LabPage,
    words::WordsPage,
};
