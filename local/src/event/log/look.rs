//! Looking at the latest events without reading them: for pages, which ask now and then and take nothing away.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Hub, Log};
use crate::event::entry::Event;
use crate::event::kind::Kind;

/// The most rare events that are kept.
const NEWS_MAX: usize = 512;

/// The most of an event that is kept among the rare ones, in bytes: one long text must not fill the memory.
const NEWS_BYTES_MAX: usize = 16 * 1024;

/// Events with their numbers, the oldest first. The first event of a log has the number 1.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    pub(crate) events: Vec<(u64, Arc<Event>)>,
    /// How many events behind the asked number are no longer there.
    pub(crate) lost: u64,
    /// The number of the latest event; 0 before the first one.
    pub(crate) last: u64,
}

/// The rare events, which many requests and lines must not push away: those of instances, builds and the platform.
#[derive(Debug, Default)]
pub(super) struct News(VecDeque<(u64, Arc<Event>)>);

impl News {
    pub(super) fn note(&mut self, number: u64, event: &Arc<Event>) {
        if !event.kind.is_rare() || event.bytes() > NEWS_BYTES_MAX {
            return;
        }
        if self.0.len() == NEWS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((number, Arc::clone(event)));
    }
}

impl Kind {
    /// Whether events of this kind do not come with each call or line.
    pub(in crate::event) fn is_rare(&self) -> bool {
        !matches!(
            self,
            Kind::Stdout(_)
                | Kind::Stderr(_)
                | Kind::Build(_)
                | Kind::Request(_)
                | Kind::CallFailed(_)
                | Kind::CallCancelled { .. }
                | Kind::AsyncCall(_)
                | Kind::MessageStored(_)
                | Kind::FaultInjected { .. }
                | Kind::EventsDropped { .. }
        )
    }
}

impl Log {
    /// The events behind the number `after`, as far as the ring has them: at most 4 096 and 4 MiB.
    pub(crate) fn latest(&self, after: u64) -> Latest {
        let state = self.hub().lock();
        let last = state.emitted;
        let kept = u64::try_from(state.recent.events.len()).unwrap_or(u64::MAX);
        let before = last.saturating_sub(kept);
        // A number of another run may be beyond the last one.
        let after = if after > last { 0 } else { after };
        let skipped = usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX);
        let events = state.recent.events.iter().skip(skipped).map(|queued| Arc::clone(&queued.event));
        let events = (after.max(before) + 1..).zip(events).collect();
        Latest { events, lost: before.saturating_sub(after), last }
    }

    /// The latest of the rare events, the oldest first.
    pub(crate) fn news(&self) -> Vec<(u64, Arc<Event>)> {
        self.hub().lock().news.0.iter().cloned().collect()
    }

    /// The number of the latest event.
    pub(crate) fn last_number(&self) -> u64 {
        self.hub().lock().emitted
    }

    fn hub(&self) -> &Hub {
        &self.0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Source;
    use crate::event::log::Limits;

    fn log(events: usize) -> (Log, crate::event::Events) {
        let bytes = 1024 * 1024;
        Log::bounded(Limits { events, bytes }, Limits { events: 8, bytes })
    }

    fn numbers(latest: &Latest) -> Vec<u64> {
        latest.events.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn events_have_numbers_and_what_is_gone_is_counted() {
        let (log, _events) = log(3);
        assert_eq!((log.latest(0).last, log.latest(7).lost), (0, 0));
        for line in 0..5 {
            log.emit(&Source::default(), Kind::Stdout(format!("line {line}")));
        }
        for (after, expected, lost) in [
            (0, vec![3, 4, 5], 2),
            (1, vec![3, 4, 5], 1),
            (2, vec![3, 4, 5], 0),
            (4, vec![5], 0),
            (5, vec![], 0),
        ] {
            let latest = log.latest(after);
            assert_eq!((numbers(&latest), latest.lost, latest.last), (expected, lost, 5), "{after}");
        }
        // The number of a former run.
        assert_eq!(numbers(&log.latest(99)), [3, 4, 5]);
        assert!(matches!(&log.latest(4).events[0].1.kind, Kind::Stdout(text) if text == "line 4"));
    }

    #[test]
    fn lines_do_not_push_rare_events_away() {
        let (log, _events) = log(2);
        log.emit(&Source::default(), Kind::Swapped);
        for _ in 0..10 {
            log.emit(&Source::default(), Kind::Stderr("busy".to_owned()));
        }
        let kinds: Vec<_> = log.news().iter().map(|(number, event)| (*number, event.kind.name())).collect();
        assert_eq!(kinds, [(1, "swapped")]);
        for _ in 0..NEWS_MAX {
            log.emit(&Source::default(), Kind::InstanceHealthy);
        }
        let news = log.news();
        assert_eq!((news.len(), news[0].0, log.last_number()), (NEWS_MAX, 12, 523));
    }
}
