//! The table on a terminal.

use super::{Report, Row, figure, ratio};

/// The table as lines.
pub fn text(report: &Report) -> String {
    let mut lines = vec![
        [
            "what", "against", "unit", "ours", "theirs", "ratio", "goal", "",
        ]
        .map(str::to_owned),
    ];
    lines.extend(report.rows.iter().map(cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..8).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (line, row) in lines
        .iter()
        .zip(std::iter::once(None).chain(report.rows.iter().map(Some)))
    {
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
        if let Some(row) = row
            && !row.remark.is_empty()
        {
            text.push_str(&format!("    {}\n", row.remark));
        }
    }
    text
}

fn cells(row: &Row) -> [String; 8] {
    [
        row.what.clone(),
        row.against.clone(),
        row.unit.to_owned(),
        figure(row.ours),
        figure(row.theirs),
        row.ratio().map_or("–".to_owned(), ratio),
        row.goal.text(row.unit),
        row.verdict().text().to_owned(),
    ]
}
