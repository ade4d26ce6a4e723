//! The report in words, computed from the figures of the products.

use crate::grouped;
use std::{collections::BTreeMap, fmt::Write};
use upstream::sales::figures::{Figures, TOO_FEW_STARS, TOO_MANY_RETURNS, Verdict};

/// The sections, in their order.
pub const TITLES: [&str; 4] = ["Overview", "Best sellers", "Problems", "Recommendations"];

/// So many best sellers, problems, and names in a row.
const MOST: usize = 5;
/// So many words come at once.
const WORDS: usize = 3;

/// A product that is here.
type Product<'a> = (String, &'a Figures);

/// The texts of the sections, as Markdown, of products and what is known of them: none of those that
/// did not come.
pub fn sections<'a>(
    products: impl IntoIterator<Item = (&'a str, Option<&'a Figures>)>,
) -> [String; 4] {
    let (mut here, mut missing) = (Vec::new(), Vec::new());
    for (name, figures) in products {
        match figures {
            Some(figures) => here.push((plain(name), figures)),
            None => missing.push(plain(name)),
        }
    }
    here.sort_by(|(_, one), (_, other)| other.revenue.total_cmp(&one.revenue));
    if here.is_empty() {
        let nothing = "None of the products came. Retry them, and this is written anew.\n";
        return [nothing, "None.\n", "None.\n", "None.\n"].map(str::to_owned);
    }
    [
        overview(&here, &missing),
        best_sellers(&here),
        problems(&here),
        recommendations(&here, &missing),
    ]
}

/// Sections under their titles, as one text.
pub fn markdown<'a>(sections: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let section = |(title, text)| format!("## {title}\n\n{text}\n");
    let sections: String = sections.into_iter().map(section).collect();
    format!("# A year of sales\n\n{sections}")
}

fn overview(here: &[Product], missing: &[String]) -> String {
    let all = Figures::together(here.iter().map(|(_, figures)| *figures));
    let count = here.len() + missing.len();
    let mut text = format!(
        "**{} of {count} products** brought **{}** in twelve months. {} units were sold, and {:.1}\u{a0}% \
         of them came back. {} buyers gave {:.1} stars of five.\n\n\
         | Category | Revenue | Came back | Stars |\n|---|---|---|---|\n",
        here.len(),
        euros(all.revenue),
        grouped(all.sold as usize),
        all.returns(),
        grouped(all.ratings as usize),
        all.rating,
    );
    let mut categories: BTreeMap<&str, Vec<&Figures>> = BTreeMap::new();
    for (_, figures) in here {
        categories
            .entry(&figures.category)
            .or_default()
            .push(figures);
    }
    let sum = |(name, all): (&str, Vec<&Figures>)| (plain(name), Figures::together(all));
    let mut rows: Vec<(String, Figures)> = categories.into_iter().map(sum).collect();
    rows.sort_by(|(_, one), (_, other)| other.revenue.total_cmp(&one.revenue));
    for (name, sum) in rows {
        let (revenue, returns, rating) = (euros(sum.revenue), sum.returns(), sum.rating);
        let _ = writeln!(
            text,
            "| {name} | {revenue} | {returns:.1} % | {rating:.1} |"
        );
    }
    if !missing.is_empty() {
        let _ = writeln!(text, "\nNot in these figures: {}.", names(missing));
    }
    text
}

fn best_sellers(here: &[Product]) -> String {
    let mut text = String::new();
    for (place, (name, figures)) in (1..).zip(here.iter().take(MOST)) {
        let (revenue, sold) = (euros(figures.revenue), grouped(figures.sold as usize));
        let (trend, rating) = (trend(figures.trend), figures.rating);
        let _ = writeln!(
            text,
            "{place}. **{name}**: {revenue} from {sold} units, {trend}, {rating:.1} stars"
        );
    }
    let best: f64 = here.iter().take(MOST).map(|(_, one)| one.revenue).sum();
    let all: f64 = here.iter().map(|(_, one)| one.revenue).sum();
    let share = best * 100.0 / all.max(1.0);
    let count = here.len().min(MOST);
    let _ = writeln!(
        text,
        "\nTogether these {count} bring {share:.0}\u{a0}% of the revenue."
    );
    text
}

fn problems(here: &[Product]) -> String {
    let mut found: Vec<&Product> = of(here, Verdict::Problem).collect();
    found.sort_by(|(_, one), (_, other)| other.returns().total_cmp(&one.returns()));
    let mut text = format!(
        "{TOO_MANY_RETURNS:.0}\u{a0}% or more of a problem comes back, or its buyers give fewer than \
         {TOO_FEW_STARS} stars. There {}.\n\n",
        match found.len() {
            0 => "is none".to_owned(),
            1 => "is one".to_owned(),
            count => format!("are {count}"),
        }
    );
    for (name, figures) in found.into_iter().take(MOST) {
        let (returns, rating) = (figures.returns(), figures.rating);
        let _ = write!(
            text,
            "- **{name}**: {returns:.1}\u{a0}% came back, {rating:.1} stars."
        );
        let _ = match figures.complaint.as_str() {
            "" => writeln!(text),
            words => writeln!(text, " “{}”", plain(words)),
        };
    }
    text
}

fn recommendations(here: &[Product], missing: &[String]) -> String {
    let mut text = String::new();
    let named = |verdict| of(here, verdict).map(|(name, _)| name.clone());
    let rising: Vec<String> = named(Verdict::Rising).collect();
    if !rising.is_empty() {
        let rise = of(here, Verdict::Rising).map(|(_, one)| one.trend).min();
        let _ = writeln!(
            text,
            "- **Order more** of {}: each sold at least {}\u{a0}% more than in the quarter before, and \
             is liked.",
            names(&rising),
            rise.unwrap_or_default(),
        );
    }
    let problems: Vec<&Figures> = of(here, Verdict::Problem).map(|(_, one)| *one).collect();
    if !problems.is_empty() {
        let others = here
            .iter()
            .filter(|(_, one)| one.verdict != Verdict::Problem);
        let rate = Figures::together(others.map(|(_, one)| *one)).returns() / 100.0;
        // What a unit brings, for each that came back beyond what others do.
        let lost = problems.iter().map(|one| {
            let kept = (one.sold - one.returned).max(1) as f64;
            one.revenue / kept * (one.returned as f64 - one.sold as f64 * rate).max(0.0)
        });
        let _ = writeln!(
            text,
            "- **Talk to the makers** of {}: had they come back as rarely as the others, {} more \
             would have been kept.",
            names(&named(Verdict::Problem).collect::<Vec<_>>()),
            euros(lost.sum()),
        );
    }
    let watched: Vec<String> = named(Verdict::Watch).collect();
    if !watched.is_empty() {
        let _ = writeln!(
            text,
            "- **Look again** at {} in a quarter: they come back often, or sell less and less.",
            names(&watched),
        );
    }
    if !missing.is_empty() {
        let _ = writeln!(text, "- **Ask again** for {}.", names(missing));
    }
    if text.is_empty() {
        text.push_str("Nothing stands out.\n");
    }
    text
}

fn of<'a>(here: &'a [Product<'a>], verdict: Verdict) -> impl Iterator<Item = &'a Product<'a>> {
    here.iter()
        .filter(move |(_, figures)| figures.verdict == verdict)
}

/// Whole euros.
pub fn euros(value: f64) -> String {
    format!("€ {}", grouped(value.round() as usize))
}

fn trend(percent: i32) -> String {
    match percent {
        0 => "as much as before".to_owned(),
        1.. => format!("up {percent}\u{a0}%"),
        _ => format!("down {}\u{a0}%", -percent),
    }
}

/// "A, B and C", or "A, B, C, D, E and 3 more".
fn names(all: &[String]) -> String {
    let (shown, more) = all.split_at(all.len().min(MOST));
    match (shown.split_last(), more.len()) {
        (None, _) => String::new(),
        (Some((only, [])), 0) => only.clone(),
        (Some((last, others)), 0) => format!("{} and {last}", others.join(", ")),
        (Some(_), more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What others wrote, as Markdown that means itself.
fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if "\\*_`[]<>|&~#".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// How a text goes on: so many bytes of it stay, all of it or the lines that are as wanted, and
/// these words come next.
pub fn go_on<'a>(text: &str, wanted: &'a str) -> (usize, &'a str) {
    let kept = kept(text, wanted);
    (kept, next_piece(&wanted[kept..]))
}

/// So many bytes of a text stay: all of it, if it goes on; else the lines that are the same.
fn kept(text: &str, wanted: &str) -> usize {
    if wanted.starts_with(text) {
        return text.len();
    }
    let pairs = text.bytes().zip(wanted.bytes());
    let same = pairs.take_while(|(one, other)| one == other).count();
    let lines = &text.as_bytes()[..same];
    lines
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1)
}

/// What of a text comes next: some words, with all of what is bold among them; of a table its head
/// at once, then row by row.
pub fn next_piece(rest: &str) -> &str {
    if rest.starts_with('|') {
        let has_head = rest
            .lines()
            .nth(1)
            .is_some_and(|line| line.starts_with("|-"));
        let end = rest.match_indices('\n').nth(usize::from(has_head));
        return &rest[..end.map_or(rest.len(), |(at, _)| at + 1)];
    }
    for (count, (at, _)) in (1..).zip(rest.match_indices([' ', '\n'])) {
        let (piece, behind) = rest.split_at(at + 1);
        let is_bold_whole = piece.matches("**").count() % 2 == 0;
        if behind.starts_with('|') || count >= WORDS && is_bold_whole {
            return piece;
        }
    }
    rest
}
