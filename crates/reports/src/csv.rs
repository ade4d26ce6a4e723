//! The report as a table.

use uploads::no_formula;
use upstream::sales::figures::Figures;

/// A line for each product, after one that says what is what. Those that did not come have no
/// figures.
pub fn csv<'a>(products: impl IntoIterator<Item = (u32, &'a str, Option<&'a Figures>)>) -> String {
    let mut text =
        "id,name,category,sold,returned,return_rate,revenue,rating,trend,verdict\r\n".to_owned();
    for (id, name, figures) in products {
        let name = field(name);
        let figures = figures.map_or_else(|| ",,,,,,,missing".to_owned(), columns);
        text.push_str(&format!("{id},{name},{figures}\r\n"));
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
    let text = no_formula(text);
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into_owned(),
    }
}
