//! What pages take in a browser. The specs of `end2end` measure it and note it in a file, a figure a
//! line; here it comes into the table.

use crate::{
    Fallible,
    report::{Goal, Report, Row},
    stats::Samples,
};
use serde::Deserialize;

/// Names the file that the specs write.
pub const FIGURES_VARIABLE: &str = "BENCH_FIGURES";

/// A line of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Noted {
    what: String,
    against: String,
    unit: Unit,
    ours: Vec<f64>,
    theirs: Vec<f64>,
    #[serde(default)]
    at_most: Option<AtMost>,
    #[serde(default)]
    remark: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    S,
    Ms,
    #[serde(rename = "µs")]
    Us,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AtMost {
    Times(f64),
    Value(f64),
}

pub fn run(report: &mut Report) -> Fallible {
    let file = std::env::var_os(FIGURES_VARIABLE).ok_or("the pages were not measured")?;
    let text = std::fs::read_to_string(file)?;
    report.rows.extend(rows(&text)?);
    Ok(())
}

/// What is measured again replaces what was measured before: a spec may be tried twice.
fn rows(text: &str) -> Fallible<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        let noted: Noted = serde_json::from_str(line)?;
        rows.retain(|row| row.what != noted.what || row.against != noted.against);
        rows.push(Row {
            what: noted.what,
            against: noted.against,
            unit: match noted.unit {
                Unit::S => "s",
                Unit::Ms => "ms",
                Unit::Us => "µs",
            },
            ours: Samples::new(noted.ours).figure(),
            theirs: Samples::new(noted.theirs).figure(),
            goal: match noted.at_most {
                None => Goal::None,
                Some(AtMost::Times(times)) => Goal::AtMost(times),
                Some(AtMost::Value(value)) => Goal::Value(value),
            },
            remark: noted.remark,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    #[test]
    fn a_line_is_a_row_and_the_last_of_a_kind_counts() {
        let line = |ours: &str| {
            format!(
                r#"{{"what":"a key","against":"bare","unit":"ms","ours":[{ours}],"theirs":[2,2,4],"atMost":{{"times":1.5}}}}"#
            ) + "\n"
        };
        let other = r#"{"what":"an edit","against":"–","unit":"s","ours":[0.5],"theirs":[],"atMost":{"value":1}}"#;
        let rows = rows(&(line("9") + &line("3,3,3") + other)).unwrap();
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (&*row.what, row.ours.unwrap().median, row.verdict()))
            .collect();
        assert_eq!(
            seen,
            [("a key", 3.0, Verdict::Met), ("an edit", 0.5, Verdict::Met)]
        );
        assert!(super::rows("{}").is_err());
    }
}
