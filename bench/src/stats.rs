//! Medians and their spread.

use std::time::Duration;

/// Samples of one thing, in order.
#[derive(Clone, Debug)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn new(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Samples(samples)
    }

    pub fn of_millis(samples: &[Duration]) -> Self {
        Samples::new(samples.iter().map(|one| one.as_secs_f64() * 1e3).collect())
    }

    /// The sample that so great a part of all is not above. None of none.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        let at = part * last as f64;
        let (low, high) = (self.0[at.floor() as usize], self.0[at.ceil() as usize]);
        Some(low + (high - low) * (at - at.floor()))
    }

    /// The median, and the quartiles around it.
    pub fn figure(&self) -> Option<Figure> {
        Some(Figure {
            median: self.quantile(0.5)?,
            low: self.quantile(0.25)?,
            high: self.quantile(0.75)?,
        })
    }
}

/// A median with its quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Figure {
    /// What was measured once, and is no distribution.
    pub const fn exact(value: f64) -> Self {
        Figure {
            median: value,
            low: value,
            high: value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_and_the_quartiles_around_it() {
        let samples = Samples::new(vec![4.0, 1.0, 3.0, 2.0]);
        let figure = samples.figure().unwrap();
        assert_eq!((figure.low, figure.median, figure.high), (1.75, 2.5, 3.25));
        assert_eq!(samples.quantile(1.0), Some(4.0));
        assert_eq!(Samples::new(Vec::new()).figure(), None);
    }
}
