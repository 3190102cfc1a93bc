//! The timers of a platform: one task that waits for the next of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fc_events::timer::TimerEvent;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, At, Due};
use super::clock::Clock;
use crate::event::{Kind, Log, Source, TimerNews, TimerWhat, Via};
use crate::model::Function;
use crate::queue::{New, Queue, StoredCall};
use crate::wire::ids;

/// The timer triggers of all functions.
#[derive(Debug)]
pub(crate) struct Timers {
    queue: Arc<Queue>,
    log: Log,
    clock: Clock,
    agenda: Mutex<Agenda>,
    changed: Notify,
}

impl Timers {
    pub(crate) fn new(queue: Arc<Queue>, log: Log, clock: Clock) -> Arc<Self> {
        Arc::new(Timers { queue, log, clock, agenda: Mutex::default(), changed: Notify::new() })
    }

    /// Takes the timers of these functions in place of the former ones.
    pub(crate) fn set(&self, functions: &[Function]) {
        let own = functions.iter().filter(|function| function.local.timers).flat_map(|function| {
            let name: Arc<str> = Arc::from(function.name.as_str());
            function.timers.iter().map(move |timer| (Arc::clone(&name), timer.clone()))
        });
        let new = self.lock().set(own.collect(), self.clock.now());
        for At { function, trigger, time } in new {
            let what = TimerWhat::Set { schedule: trigger.times.to_string() };
            self.log.emit(&Source::function(&function), news(&trigger.name, time, what));
        }
        self.changed.notify_one();
    }

    /// Fires what is due, until the platform stops.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut clock = self.clock.clone();
        loop {
            let due = self.lock().take_due(clock.now());
            for due in due {
                match due {
                    Due::Fires(at) => self.fire(at).await,
                    Due::Missed(At { function, trigger, time }, times) => {
                        let missed = news(&trigger.name, time, TimerWhat::Missed { times });
                        self.log.emit(&Source::function(&function), missed);
                    }
                }
            }
            let next = self.lock().next();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = clock.wait(next) => {}
            }
        }
    }

    /// Hands the event over, as an asynchronous call: it survives this process, and is repeated after failures.
    async fn fire(&self, At { function, trigger, time }: At) {
        let mut event = TimerEvent::default();
        event.trigger_time = time.map(|time| time.to_string()).unwrap_or_default();
        event.trigger_name.clone_from(&trigger.name);
        event.payload = trigger.payload;
        let request = ids::request();
        let source = Source { request: Some(Arc::clone(&request)), ..Source::function(&function) };
        self.log.emit(&source, news(&trigger.name, time, TimerWhat::Fired));
        let new = New {
            function: function.to_string(),
            qualifier: trigger.qualifier,
            request: request.to_string(),
            task: None,
            is_task: false,
            delay: Duration::ZERO,
            depth: 0,
            // Texts alone, which are always JSON.
            call: StoredCall::event(Via::Timer, serde_json::to_vec(&event).unwrap_or_default()),
        };
        if let Err(failure) = self.queue.accept(new).await {
            let what = TimerWhat::Failed { error: failure.message().to_owned() };
            self.log.emit(&source, news(&trigger.name, time, what));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn news(trigger: &str, time: Option<Timestamp>, what: TimerWhat) -> Kind {
    Kind::Timer(TimerNews { trigger: trigger.to_owned(), due: time.map(|time| time.to_string()), what })
}
