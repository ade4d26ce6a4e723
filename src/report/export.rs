//! The report as files, for the routes that give them.

use super::state::{Report, Stage};
use upstream::sales::figures::Figures;

/// The sections, under their titles.
pub fn markdown(report: &Report) -> String {
    let section = |title: &str, text: &str| format!("## {title}\n\n{text}\n");
    let sections = report.sections.iter();
    let sections = sections.map(|one| section(&one.title, &one.text));
    format!("# A year of sales\n\n{}", sections.collect::<String>())
}

/// A line for each product, after one that says what is what. Those that did not come have no
/// figures.
pub fn csv(report: &Report) -> String {
    let mut text =
        "id,name,category,sold,returned,return_rate,revenue,rating,trend,verdict\r\n".to_owned();
    for cell in report.cells.iter() {
        let name = field(&cell.name);
        let figures = match &cell.stage {
            Stage::Done(figures) => columns(figures),
            _ => ",,,,,,,missing".to_owned(),
        };
        text.push_str(&format!("{},{name},{figures}\r\n", cell.id));
    }
    text
}

fn columns(figures: &Figures) -> String {
    let Figures {
        sold,
        returned,
        revenue,
        rating,
        trend,
        verdict,
        ..
    } = figures;
    let (category, returns) = (field(&figures.category), figures.returns());
    let verdict = verdict.word().to_lowercase();
    format!("{category},{sold},{returned},{returns:.1},{revenue:.2},{rating:.2},{trend},{verdict}")
}

/// A text of others: in quotes where it must be, and no formula for who opens it in a spreadsheet.
fn field(text: &str) -> String {
    let text = match text.starts_with(['=', '+', '-', '@', '\t']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}
