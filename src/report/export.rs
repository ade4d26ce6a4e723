//! The report as files, for the routes that give them.

use super::state::Report;

/// The sections, under their titles.
pub fn markdown(report: &Report) -> String {
    let sections = report.sections.iter();
    reports::markdown(sections.map(|one| (one.title.as_str(), one.text.as_str())))
}

/// A line for each product, after one that says what is what.
pub fn csv(report: &Report) -> String {
    let cells = report.cells.iter();
    reports::csv(cells.map(|cell| (cell.id, cell.name.as_str(), cell.stage.figures())))
}
