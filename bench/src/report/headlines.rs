//! The figures that the home page and the README show: those against Reflex that a reader asks for
//! first.

use super::{Report, Row, number};
use crate::{Fallible, process::Kind};
use serde_json::json;

/// Rows of the table, by what they are of; behind that how they are called outside of it, and
/// whether more is better.
const HEADLINES: [(&str, &str, bool); 7] = [
    (
        "events a second, 50 clients × 50",
        "Events a second, fifty clients",
        true,
    ),
    (
        "click → update, one client",
        "From a click to its update",
        false,
    ),
    (
        "4000 posts appended by one task",
        "4,000 posts from one task",
        false,
    ),
    (
        "one append of a 41-byte post at 4000 posts",
        "Bytes for one more post, at 4,000",
        false,
    ),
    (
        "1,000 words added to a text by one task",
        "A text that grows by 1,000 words",
        false,
    ),
    (
        "memory of an open page that has clicked once",
        "Memory of an open page",
        false,
    ),
    (
        "from the start to the first answer",
        "From its start to the first answer",
        false,
    ),
];

struct Headline<'a> {
    row: &'a Row,
    name: &'static str,
    more_is_better: bool,
    ours: f64,
    theirs: f64,
}

impl Headline<'_> {
    fn unit(&self) -> &'static str {
        match self.row.unit {
            "1/s" => "/s",
            unit => unit,
        }
    }
}

fn headlines(report: &Report) -> impl Iterator<Item = Headline<'_>> {
    let reflex = Kind::Reflex.name();
    HEADLINES
        .into_iter()
        .filter_map(move |(what, name, more_is_better)| {
            let mut rows = report.rows.iter();
            let row = rows.find(|row| row.what == what && row.against == reflex)?;
            Some(Headline {
                row,
                name,
                more_is_better,
                ours: row.ours?.median,
                theirs: row.theirs?.median,
            })
        })
}

/// What the home page is compiled with.
pub fn json(report: &Report) -> Fallible<String> {
    let rows = headlines(report).map(|line| {
        json!({
            "what": line.name,
            "unit": line.unit(),
            "ours": line.ours,
            "reflex": line.theirs,
            "more_is_better": line.more_is_better,
        })
    });
    let file = json!({ "machine": where_and_how(report), "rows": rows.collect::<Vec<_>>() });
    Ok(serde_json::to_string_pretty(&file)? + "\n")
}

fn where_and_how(report: &Report) -> String {
    let quick = match report.is_quick {
        true => " The quick form, with fewer turns.",
        false => "",
    };
    format!("{}{quick}", report.machine)
}

/// Where the README has its part.
const BEGIN: &str = "<!-- figures: `make bench` writes them -->\n";
const END: &str = "<!-- end of the figures -->\n";

/// The README with its part written anew.
pub fn readme(text: &str, report: &Report) -> Fallible<String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("README.md has no place for figures")?;
    let (_, after) = rest
        .split_once(END)
        .ok_or("README.md has no end of the figures")?;
    let mut table = "| | Undercurrent | Reflex 0.10.1 | |\n|---|---|---|---|\n".to_owned();
    for line in headlines(report) {
        let (better, worse) = match line.more_is_better {
            true => (line.ours, line.theirs),
            false => (line.theirs, line.ours),
        };
        let unit = line.unit();
        table.push_str(&format!(
            "| {} | {} {unit} | {} {unit} | {} × |\n",
            line.name,
            number(line.ours),
            number(line.theirs),
            number(better / worse),
        ));
    }
    let machine = where_and_how(report);
    Ok(format!("{before}{BEGIN}{table}\n{machine}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::Goal, stats::Figure};

    fn report() -> Report {
        let row = |what: &str, ours: f64, theirs: Option<f64>| Row {
            what: what.to_owned(),
            against: Kind::Reflex.name().to_owned(),
            unit: "ms",
            ours: Some(Figure::exact(ours)),
            theirs: theirs.map(Figure::exact),
            goal: Goal::None,
            remark: String::new(),
        };
        Report {
            machine: "A machine.".to_owned(),
            rows: vec![
                row("click → update, one client", 0.1, Some(0.5)),
                row("4000 posts appended by one task", 60.0, None),
            ],
            ..Report::default()
        }
    }

    #[test]
    fn the_readme_gets_what_was_measured_against_both_and_keeps_the_rest() {
        let before = format!("# Head\n{BEGIN}old\n{END}tail\n");
        let after = readme(&before, &report()).unwrap();
        assert!(after.starts_with("# Head\n") && after.ends_with("tail\n"));
        assert!(
            !after.contains("old") && !after.contains("4,000"),
            "{after}"
        );
        assert!(after.contains("| From a click to its update | 0.1 ms | 0.5 ms | 5 × |"));
        assert_eq!(readme(&after, &report()).unwrap(), after);
        assert!(readme("# No place", &report()).is_err());
    }

    #[test]
    fn the_home_page_gets_medians() {
        let file: serde_json::Value = serde_json::from_str(&json(&report()).unwrap()).unwrap();
        let rows = file["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (&rows[0]["ours"], &rows[0]["reflex"]),
            (&json!(0.1), &json!(0.5))
        );
    }
}
