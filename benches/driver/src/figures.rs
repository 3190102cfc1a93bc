//! What was measured: of each measure and subject the value of every round.

use std::collections::BTreeMap;

use crate::measure::Measure;
use crate::subjects::Subject;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Figure {
    /// In the order of the rounds. An exact count has one.
    Rounds(Vec<f64>),
    /// Why there is no number.
    Absent(String),
}

impl Figure {
    /// Median, least and most.
    pub(crate) fn spread(&self) -> Option<Spread> {
        let Self::Rounds(rounds) = self else {
            return None;
        };
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let upper = sorted.len() / 2;
        let median = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[upper]);
        Some(Spread { median, least, most })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Whether the difference of two is within their noise. Exact counts have none.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let exact = self.is_exact() && other.is_exact();
        !exact && self.least <= other.most && other.least <= self.most
    }

    pub(crate) fn times(&self, factor: f64) -> Self {
        Self { median: self.median * factor, least: self.least * factor, most: self.most * factor }
    }

    pub(crate) fn plus(&self, more: f64) -> Self {
        Self { median: self.median + more, least: self.least + more, most: self.most + more }
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.least.total_cmp(&self.most).is_eq()
    }
}

/// Keyed by ids, as the data file has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures(BTreeMap<(String, String), Figure>);

impl Figures {
    /// One more round.
    pub(crate) fn push(&mut self, measure: &Measure, subject: &Subject, value: f64) {
        let figure = self.0.entry(key(measure, subject)).or_insert_with(|| Figure::Rounds(Vec::new()));
        if let Figure::Rounds(rounds) = figure {
            rounds.push(value);
        }
    }

    /// There is no number, and this is why. Rounds that were taken are dropped.
    pub(crate) fn absent(&mut self, measure: &Measure, subject: &Subject, reason: &str) {
        self.0.insert(key(measure, subject), Figure::Absent(reason.to_owned()));
    }

    pub(crate) fn get(&self, measure: &Measure, subject: &Subject) -> Option<&Figure> {
        self.0.get(&key(measure, subject))
    }

    pub(crate) fn is_absent(&self, measure: &Measure, subject: &Subject) -> bool {
        matches!(self.get(measure, subject), Some(Figure::Absent(_)))
    }

    pub(crate) fn spread(&self, measure: &Measure, subject: &Subject) -> Option<Spread> {
        self.get(measure, subject)?.spread()
    }

    pub(crate) fn insert(&mut self, measure: &str, subject: &str, figure: Figure) {
        self.0.insert((measure.to_owned(), subject.to_owned()), figure);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, &Figure)> {
        self.0.iter().map(|((measure, subject), figure)| (measure.as_str(), subject.as_str(), figure))
    }
}

fn key(measure: &Measure, subject: &Subject) -> (String, String) {
    (measure.id.to_owned(), subject.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(rounds: &[f64]) -> Spread {
        Figure::Rounds(rounds.to_vec()).spread().unwrap()
    }

    #[test]
    fn a_median_stands_in_the_middle() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Spread { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(spread(&[4.0, 1.0]), Spread { median: 2.5, least: 1.0, most: 4.0 });
        assert_eq!(Figure::Rounds(Vec::new()).spread(), None);
    }

    #[test]
    fn noise_is_seen() {
        assert!(spread(&[1.0, 3.0]).overlaps(&spread(&[3.0, 5.0])));
        assert!(!spread(&[1.0, 3.0]).overlaps(&spread(&[3.1, 5.0])));
        assert!(!spread(&[1.0]).overlaps(&spread(&[1.0])), "exact counts");
    }
}
