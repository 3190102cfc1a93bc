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

/// What paired rounds say of two servers: the ratio in the middle, and where the middle half of them begins and ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

impl Ratio {
    /// Whether the rounds do not say on which side of a limit it is.
    pub(crate) fn is_around(&self, limit: f64) -> bool {
        self.lower <= limit && limit <= self.upper
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

    /// A server's figure over another's, round by round. Rounds that only one of them has are left out.
    pub(crate) fn ratio(&self, measure: &Measure, subject: &Subject, base: &Subject) -> Option<Ratio> {
        let (Figure::Rounds(own), Figure::Rounds(base)) =
            (self.get(measure, subject)?, self.get(measure, base)?)
        else {
            return None;
        };
        let ratios = own.iter().zip(base).map(|(own, base)| own / base);
        // There is none of two that could not keep up.
        let mut sorted: Vec<f64> = ratios.filter(|ratio| !ratio.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let quarter = |quarters: usize| {
            let at = last * quarters;
            f64::midpoint(sorted[at / 4], sorted[at.div_ceil(4)])
        };
        Some(Ratio { median: quarter(2), lower: quarter(1), upper: quarter(3) })
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
    fn rounds_are_compared_one_by_one() {
        static TIME: Measure = Measure::new("time", "", 0).paired();
        let (own, peer) = (&crate::subjects::http::OURS, &crate::subjects::http::RAW_HYPER);
        let mut figures = Figures::default();
        assert_eq!(figures.ratio(&TIME, own, peer), None);
        // A slow moment of the machine, and one in which neither could keep up.
        for (ours, theirs) in [(10.0, 20.0), (500.0, 1000.0), (15.0, 20.0), (f64::INFINITY, f64::INFINITY)] {
            figures.push(&TIME, own, ours);
            figures.push(&TIME, peer, theirs);
        }
        figures.push(&TIME, own, 7.0);
        let ratio = figures.ratio(&TIME, own, peer).unwrap();
        assert_eq!(ratio, Ratio { median: 0.5, lower: 0.5, upper: 0.625 });
        assert!(ratio.is_around(0.6) && !ratio.is_around(1.0));
    }

    #[test]
    fn noise_is_seen() {
        assert!(spread(&[1.0, 3.0]).overlaps(&spread(&[3.0, 5.0])));
        assert!(!spread(&[1.0, 3.0]).overlaps(&spread(&[3.1, 5.0])));
        assert!(!spread(&[1.0]).overlaps(&spread(&[1.0])), "exact counts");
    }
}
