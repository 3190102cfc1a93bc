//! The budgets, held against what was measured.

use crate::budgets::{self, Budget, Limit, Mode, Peer};
use crate::figures::{Figures, Spread};
use crate::measure::{Better, Compared, Measure};
use crate::results::Results;
use crate::subjects::{self, Subject};

pub(crate) struct Verdict {
    pub(crate) budget: &'static Budget,
    pub(crate) is: f64,
    pub(crate) limit: f64,
    pub(crate) met: bool,
    /// Both sides were measured in rounds, and their spreads overlap.
    pub(crate) is_noise: bool,
    /// How many times the peer's it is, by rounds that were compared one by one.
    pub(crate) times: Option<f64>,
    /// Whom it was compared with.
    pub(crate) peer: Option<(&'static Subject, f64)>,
}

impl Verdict {
    pub(crate) fn fails(&self) -> bool {
        !self.met && matches!(self.budget.mode, Mode::Enforced)
    }
}

/// Those whose figures are there.
pub(crate) fn all(results: &Results) -> Vec<Verdict> {
    let of = |budget| results.iter().find_map(|taken| verdict(budget, &taken.figures));
    budgets::all().filter_map(of).collect()
}

/// Enforced budgets without a figure, or without a peer's: a gate that passed them would have checked nothing.
pub(crate) fn unjudged(results: &Results) -> impl Iterator<Item = &'static Budget> {
    let enforced = budgets::all().filter(|budget| matches!(budget.mode, Mode::Enforced));
    enforced.filter(|budget| results.iter().all(|taken| verdict(budget, &taken.figures).is_none()))
}

fn verdict(budget: &'static Budget, figures: &Figures) -> Option<Verdict> {
    let own = figures.spread(budget.measure, budget.subject)?;
    let (factor, more, peer) = match budget.limit {
        Limit::Times(factor, peer) | Limit::Beyond(factor, peer) => (factor, 0.0, Some(peer)),
        Limit::Plus(more, peer) => (1.0, more, Some(peer)),
        Limit::AtMost(most) => (0.0, most, None),
    };
    let peer = match peer {
        Some(peer) => Some(find(figures, budget.measure, peer)?),
        None => None,
    };
    // So many times nothing, or less, is no limit: what a peer adds may drown in noise.
    if more == 0.0 && peer.is_some_and(|(_, spread)| spread.median <= 0.0) {
        return None;
    }
    let limit = factor * peer.map_or(0.0, |(_, spread)| spread.median) + more;
    let is = own.median;
    let met = match (budget.limit, budget.measure.better) {
        (Limit::Beyond(..), Better::Less) => is < limit,
        (Limit::Beyond(..), Better::More) => is > limit,
        (_, Better::Less) => is <= limit,
        (_, Better::More) => is >= limit,
    };
    let is_noise = peer.is_some_and(|(_, spread)| own.overlaps(&spread.times(factor).plus(more)));
    let mut verdict = Verdict { budget, is, limit, met, is_noise, times: None, peer: None };
    verdict.peer = peer.map(|(subject, spread)| (subject, spread.median));
    if let (Limit::Times(factor, _) | Limit::Beyond(factor, _), Some((peer, _)), true) =
        (budget.limit, peer, budget.measure.compared == Compared::ByRounds)
    {
        let ratio = figures.ratio(budget.measure, budget.subject, peer)?;
        verdict.times = Some(ratio.median);
        verdict.is_noise = ratio.is_around(factor);
        verdict.met = match budget.measure.better {
            Better::Less => ratio.median <= factor,
            Better::More => ratio.median >= factor,
        };
    }
    Some(verdict)
}

/// The peer that is meant, among those that have a number.
fn find(figures: &Figures, measure: &Measure, peer: Peer) -> Option<(&'static Subject, Spread)> {
    match peer {
        Peer::Only(subject) => Some((subject, figures.spread(measure, subject)?)),
        Peer::BestOf(kind, family) => {
            let of_kind = subjects::all().filter(|it| it.kind == kind && it.family == family);
            let measured = of_kind.filter_map(|it| Some((it, figures.spread(measure, it)?)));
            let by_median = |a: &(_, Spread), b: &(_, Spread)| a.1.median.total_cmp(&b.1.median);
            match measure.better {
                Better::Less => measured.min_by(by_median),
                Better::More => measured.max_by(by_median),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enforced_budget_without_figures_is_told() {
        let enforced = budgets::all().filter(|budget| matches!(budget.mode, Mode::Enforced)).count();
        assert!(enforced > 0);
        assert_eq!(unjudged(&Results::default()).count(), enforced);
        assert!(all(&Results::default()).is_empty());
    }
}
