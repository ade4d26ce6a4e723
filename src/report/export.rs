//! The report as files, for the routes that give them.

use super::state::Report;

/// The sections, under their titles.
pub fn markdown(report: &Report) -> String {
    let section = |title: &str, text: &str| format!("## {title}\n\n{text}\n");
    let sections = report.sections.iter();
    let sections = sections.map(|one| section(&one.title, &one.text));
    format!("# A year of sales\n\n{}", sections.collect::<String>())
}

/// A line for each product, after one that says what is what.
pub fn csv(report: &Report) -> String {
    let cells = report.cells.iter();
    reports::csv(cells.map(|cell| (cell.id, cell.name.as_str(), cell.figures())))
}
