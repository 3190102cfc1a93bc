//! The meters of all functions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::course::{Course, Point};
use super::meter::Meter;
use super::totals::Totals;

/// How long an interval of the course is.
pub(crate) const TICK: Duration = Duration::from_secs(5);

/// The most functions with a meter of their own. Their names come from the manifest and the API, not from clients.
const FUNCTIONS_MAX: usize = 200;

/// The name of what functions beyond that number use.
const OTHERS: &str = "(others)";

/// The meters of all functions by name. Clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Meters(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    begun: (Instant, SystemTime),
    meters: Mutex<BTreeMap<Arc<str>, Arc<Meter>>>,
    /// The course of all functions together.
    all: Arc<Meter>,
}

/// What was used since a time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UsageReport {
    pub(crate) since: SystemTime,
    pub(crate) until: SystemTime,
    pub(crate) functions: Vec<FunctionUsage>,
    /// Of the last minutes, all functions together.
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
}

/// What one function used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FunctionUsage {
    pub(crate) name: String,
    pub(crate) used: Totals,
    pub(crate) instances: usize,
    /// Of the last minutes.
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
}

impl Default for Meters {
    fn default() -> Self {
        let begun = (Instant::now(), SystemTime::now());
        Meters(Arc::new(Shared { begun, meters: Mutex::default(), all: Arc::default() }))
    }
}

impl Meters {
    /// The meter of a function.
    pub(crate) fn of(&self, name: &str) -> Arc<Meter> {
        let mut meters = self.lock();
        if let Some(meter) = meters.get(name) {
            return Arc::clone(meter);
        }
        let name = if meters.len() < FUNCTIONS_MAX { name } else { OTHERS };
        let make = || Arc::new(Meter::beside(&self.0.all));
        Arc::clone(meters.entry(Arc::from(name)).or_insert_with(make))
    }

    /// Ends an interval of each course. To be called once in a [`TICK`].
    pub(crate) fn tick(&self, now: Instant) {
        let (mut sum, mut instances) = (Totals::default(), 0);
        for (_, meter) in self.all() {
            let own = meter.totals(now);
            meter.tick(now, own);
            sum += own.0;
            instances += own.1;
        }
        self.0.all.tick(now, (sum, instances));
    }

    /// What was used, since `ago` or since the begin.
    pub(crate) fn usage(&self, ago: Option<Duration>) -> UsageReport {
        let (now, until) = (Instant::now(), SystemTime::now());
        let (begun, begun_at) = self.0.begun;
        let ago = ago.filter(|ago| *ago < now.saturating_duration_since(begun));
        let since = ago.and_then(|ago| now.checked_sub(ago));
        let functions = self.all().into_iter().map(|(name, meter)| {
            let (totals, instances) = meter.totals(now);
            let used = since.map_or(totals, |since| meter.course(|course| course.used_since(since, totals)));
            let (p50, p99) = meter.course(Course::percentiles);
            FunctionUsage { name: name.to_string(), used, instances, p50, p99 }
        });
        let functions = functions.collect();
        let (p50, p99) = self.0.all.course(Course::percentiles);
        UsageReport {
            since: ago.and_then(|ago| until.checked_sub(ago)).unwrap_or(begun_at),
            until,
            functions,
            p50,
            p99,
        }
    }

    /// The intervals of a function over the last quarter of an hour, the oldest first.
    pub(crate) fn course(&self, name: &str) -> Vec<Point> {
        let meter = self.lock().get(name).cloned();
        meter.map_or_else(Vec::new, |meter| meter.course(|course| course.fine().copied().collect()))
    }

    /// The intervals of all functions together.
    pub(crate) fn course_of_all(&self) -> Vec<Point> {
        self.0.all.course(|course| course.fine().copied().collect())
    }

    /// The functions with a meter.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.lock().keys().cloned().collect()
    }

    fn all(&self) -> Vec<(Arc<str>, Arc<Meter>)> {
        self.lock().iter().map(|(name, meter)| (Arc::clone(name), Arc::clone(meter))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<Meter>>> {
        self.0.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
