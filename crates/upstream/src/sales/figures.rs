//! What a product's year comes to.

use super::SalesRecord;
use serde::{Deserialize, Serialize};

/// What is known of a product.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What it is one of.
    pub category: String,
    /// Units sold.
    pub sold: u64,
    /// Units of these that came back.
    pub returned: u64,
    /// Euros that were kept.
    pub revenue: f64,
    /// How many buyers gave stars.
    pub ratings: u64,
    /// The mean of their stars.
    pub rating: f64,
    /// Percent that the last quarter sold more than the one before.
    pub trend: i32,
    /// What the least happy buyer wrote.
    pub complaint: String,
    /// What to think of it.
    pub verdict: Verdict,
}

/// What to think of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Sells more and more, and is liked.
    Rising,
    /// Nothing to say.
    #[default]
    Solid,
    /// Comes back often, or sells less and less.
    Watch,
    /// Comes back too often, or is disliked.
    Problem,
}

/// Percent of returns and stars that make a problem.
pub const TOO_MANY_RETURNS: f64 = 10.0;
/// Fewer stars are a problem, too.
pub const TOO_FEW_STARS: f64 = 3.5;

impl Figures {
    /// Those of a year that came, or why it did not.
    pub fn came<E: ToString>(record: Result<SalesRecord, E>) -> Result<Self, String> {
        let figures = record.map(|record| Figures::of(&record));
        figures.map_err(|error| error.to_string())
    }

    /// Those of a year.
    pub fn of(record: &SalesRecord) -> Self {
        let sold = record.sold();
        let returned = u64::from(record.returned);
        let ratings: u64 = record.stars.iter().copied().map(u64::from).sum();
        let stars = (1..)
            .zip(record.stars)
            .map(|(n, count)| n * u64::from(count));
        let quarter = |months: &[u32]| months.iter().copied().map(f64::from).sum::<f64>();
        let (before, last) = (quarter(&record.months[6..9]), quarter(&record.months[9..]));
        let worst = record.reviews.iter().min_by_key(|review| review.stars);
        let mut figures = Figures {
            category: record.category.clone(),
            sold,
            returned,
            revenue: cents(record.price * (sold - returned) as f64),
            ratings,
            rating: cents(stars.sum::<u64>() as f64 / ratings.max(1) as f64),
            trend: ((last / before.max(1.0) - 1.0) * 100.0).round() as i32,
            complaint: worst.map(|review| review.text.clone()).unwrap_or_default(),
            verdict: Verdict::default(),
        };
        figures.verdict = figures.judged();
        figures
    }

    /// What some products come to, but for what is said of each alone.
    pub fn together<'a>(all: impl IntoIterator<Item = &'a Figures>) -> Self {
        let mut sum = Figures::default();
        let mut stars = 0.0;
        for one in all {
            sum.sold += one.sold;
            sum.returned += one.returned;
            sum.revenue += one.revenue;
            sum.ratings += one.ratings;
            stars += one.rating * one.ratings as f64;
        }
        sum.rating = stars / sum.ratings.max(1) as f64;
        sum
    }

    /// Percent of what was sold that came back.
    pub fn returns(&self) -> f64 {
        self.returned as f64 * 100.0 / self.sold.max(1) as f64
    }

    fn judged(&self) -> Verdict {
        let (returns, is_rated) = (self.returns(), self.ratings > 0);
        if returns >= TOO_MANY_RETURNS || is_rated && self.rating < TOO_FEW_STARS {
            Verdict::Problem
        } else if returns >= 8.0 || self.trend <= -10 {
            Verdict::Watch
        } else if self.trend >= 10 && returns < 6.0 && self.rating >= 4.4 {
            Verdict::Rising
        } else {
            Verdict::Solid
        }
    }
}

impl Verdict {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Rising => "Rising",
            Verdict::Solid => "Solid",
            Verdict::Watch => "Watch",
            Verdict::Problem => "Problem",
        }
    }
}

fn cents(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
