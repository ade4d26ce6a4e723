//! The report as files.

use super::{
    figures::Figures,
    state::{Report, Stage},
};
use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;

/// What a report is downloaded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The sections.
    Markdown,
    /// The figures, a line a product.
    Csv,
}

/// Makes a file of the report, and has the page download it.
#[event]
pub async fn save(cx: EventContext<Report>, format: Format) -> Result<()> {
    let (name, text) = cx
        .read(|report| match format {
            Format::Markdown => ("report.md", markdown(report)),
            Format::Csv => ("report.csv", csv(report)),
        })
        .await?;
    crate::give::give(&cx, name, text).await
}

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
