//! What a run reports.

mod headlines;
mod markdown;
mod plot;
mod text;

pub use self::{
    headlines::{json, readme},
    markdown::markdown,
    plot::plot,
    text::text,
};

use crate::stats::Figure;

/// A line of the table.
#[derive(Debug)]
pub struct Row {
    pub what: String,
    pub against: String,
    pub unit: &'static str,
    pub ours: Option<Figure>,
    pub theirs: Option<Figure>,
    pub goal: Goal,
    /// Why something is missing, or what one should know of it.
    pub remark: String,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Ours is at least so many times theirs.
    AtLeast(f64),
    /// Ours is at most so many times theirs.
    AtMost(f64),
    /// Ours is at most this.
    Value(f64),
    /// Only shown.
    None,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Met,
    Missed,
    /// There is no goal.
    Shown,
    /// Something that is needed to measure it is not there; the remark says what.
    Open,
}

/// What else was seen while a row was measured.
#[derive(Debug)]
pub struct Detail {
    pub what: String,
    pub server: &'static str,
    /// Processor time of the server and of the load generator for one operation.
    pub cpu_us: f64,
    pub generator_us: f64,
    pub note: String,
}

/// Everything, in order.
#[derive(Debug, Default)]
pub struct Report {
    pub is_quick: bool,
    pub machine: String,
    pub rows: Vec<Row>,
    pub details: Vec<Detail>,
}

impl Row {
    /// Of a load that broke off, and whose other rows are missing.
    pub fn failed(load: &str, why: &str) -> Self {
        Row {
            what: format!("the rest of the load {load}"),
            against: "–".to_owned(),
            unit: "",
            ours: None,
            theirs: None,
            goal: Goal::None,
            remark: format!("it failed: {why}"),
        }
    }

    pub fn ratio(&self) -> Option<f64> {
        Some(self.ours?.median / self.theirs?.median)
    }

    pub fn verdict(&self) -> Verdict {
        let met = match (self.goal, self.ours, self.ratio()) {
            (_, None, _) => return Verdict::Open,
            (Goal::None, ..) => return Verdict::Shown,
            (Goal::Value(most), Some(ours), _) => ours.median <= most,
            (_, _, None) => return Verdict::Open,
            (Goal::AtLeast(least), _, Some(ratio)) => ratio >= least,
            (Goal::AtMost(most), _, Some(ratio)) => ratio <= most,
        };
        if met { Verdict::Met } else { Verdict::Missed }
    }

    /// How many times better than the goal: 1 is just met.
    pub fn margin(&self) -> Option<f64> {
        match self.goal {
            Goal::AtLeast(least) => Some(self.ratio()? / least),
            Goal::AtMost(most) => Some(most / self.ratio()?),
            Goal::Value(most) => Some(most / self.ours?.median),
            Goal::None => None,
        }
    }
}

impl Goal {
    fn text(self, unit: &str) -> String {
        match self {
            Goal::AtLeast(least) => format!("≥ {} ×", number(least)),
            Goal::AtMost(most) if most < 1.0 => format!("≤ 1/{} ×", number(1.0 / most)),
            Goal::AtMost(most) => format!("≤ {} ×", number(most)),
            Goal::Value(most) => format!("≤ {} {unit}", number(most)),
            Goal::None => "–".to_owned(),
        }
    }
}

impl Verdict {
    fn text(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::Shown => "",
            Verdict::Open => "open",
        }
    }
}

/// Three digits that count, thousands apart.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 => 3,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (nth, digit) in whole.chars().enumerate() {
        if nth > 0 && (whole.len() - nth).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() {
        grouped
    } else {
        format!("{grouped}.{rest}")
    }
}

/// A ratio: times, or a fraction.
fn ratio(value: f64) -> String {
    if value < 0.5 {
        format!("1/{}", number(1.0 / value))
    } else {
        format!("{} ×", number(value))
    }
}

fn figure(figure: Option<Figure>) -> String {
    figure.map_or("–".to_owned(), |Figure { median, low, high }| {
        if low == high {
            number(median)
        } else {
            format!("{} ({} to {})", number(median), number(low), number(high))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, theirs: Option<f64>, goal: Goal) -> Row {
        Row {
            what: String::new(),
            against: String::new(),
            unit: "",
            ours: Some(Figure::exact(ours)),
            theirs: theirs.map(Figure::exact),
            goal,
            remark: String::new(),
        }
    }

    #[test]
    fn a_goal_is_met_or_missed_by_the_ratio_or_the_value() {
        let verdict = |ours, theirs, goal| row(ours, theirs, goal).verdict();
        assert_eq!(verdict(12.0, Some(1.0), Goal::AtLeast(12.0)), Verdict::Met);
        assert_eq!(
            verdict(11.0, Some(1.0), Goal::AtLeast(12.0)),
            Verdict::Missed
        );
        assert_eq!(verdict(1.0, Some(4.0), Goal::AtMost(0.25)), Verdict::Met);
        assert_eq!(verdict(131.0, None, Goal::Value(130.0)), Verdict::Missed);
        assert_eq!(verdict(1.0, None, Goal::AtLeast(2.0)), Verdict::Open);
        assert_eq!(verdict(1.0, None, Goal::None), Verdict::Shown);
    }

    #[test]
    fn the_margin_is_above_one_where_the_goal_is_met() {
        assert_eq!(
            row(24.0, Some(1.0), Goal::AtLeast(12.0)).margin(),
            Some(2.0)
        );
        assert_eq!(row(1.0, Some(8.0), Goal::AtMost(0.25)).margin(), Some(2.0));
        assert_eq!(row(260.0, None, Goal::Value(130.0)).margin(), Some(0.5));
    }

    #[test]
    fn numbers_are_read_by_people() {
        let texts = [92_345.6, 5.0, 0.0812, 12.34, 999.0, 0.5].map(number);
        assert_eq!(texts, ["92,346", "5", "0.0812", "12.3", "999", "0.5"]);
        assert_eq!([ratio(12.0), ratio(0.01)], ["12 ×", "1/100"]);
    }
}
