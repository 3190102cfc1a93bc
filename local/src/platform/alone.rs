//! One function started alone, for commands that want to see it run: what came of it, and what the log told meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Platform;
use crate::deploy::Built;
use crate::event::{Event, Events, Kind, Level};
use crate::manifest::Manifest;

/// The longest start: 120 s for the port, 300 s for the initializer, 120 s before the first health check, and some more.
const START_MAX: Duration = Duration::from_secs(600);

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The most events that are taken at a time: a program may write faster than its lines are read.
const TAKEN_MAX: usize = 1024;

/// The most lines that are kept of a start that failed: the last ones, which mostly say why.
const LINES_MAX: usize = 50;

/// A function that has started.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) took: Duration,
    /// The port on which it listens, if that is another one than it was given.
    pub(crate) other_port: Option<u16>,
}

/// Why a function has not started.
#[derive(Debug)]
pub(crate) struct NotStarted {
    pub(crate) why: String,
    /// The last lines of its program, and what fc-local told beside them.
    pub(crate) lines: VecDeque<String>,
}

impl Platform {
    /// Deploys one function, and waits until its first instance has started.
    ///
    /// # Errors
    ///
    /// It cannot be deployed, or does not start in time.
    pub(crate) async fn start_alone(
        &self,
        manifest: &Manifest,
        name: &str,
        events: &mut Events,
    ) -> Result<Started, NotStarted> {
        let mut seen = Seen::default();
        let ended = if self.deploy(manifest, name, &mut Built::default()).await {
            self.warm(name);
            let late = || Err(format!("it has not started within {} s", START_MAX.as_secs()));
            timeout(START_MAX, seen.follow(events)).await.unwrap_or_else(|_| late())
        } else {
            while seen.take(events).1 > 0 {}
            Err("it cannot be deployed".to_owned())
        };
        ended.map_err(|why| NotStarted { why, lines: seen.lines })
    }
}

#[derive(Debug, Default)]
struct Seen {
    other_port: Option<u16>,
    lines: VecDeque<String>,
}

impl Seen {
    /// Waits for the end of the start.
    async fn follow(&mut self, events: &mut Events) -> Result<Started, String> {
        loop {
            if let (Some(ended), _) = self.take(events) {
                return ended;
            }
            sleep(LOOK).await;
        }
    }

    /// Takes what has come. Gives the end of the start if it is there, and how much has come.
    fn take(&mut self, events: &mut Events) -> (Option<Result<Started, String>>, usize) {
        let mut taken = Vec::new();
        let count = events.take(&mut taken, TAKEN_MAX);
        let mut end = None;
        for event in taken {
            match &event.kind {
                Kind::PortIgnored { port, .. } => self.other_port = Some(*port),
                Kind::InstanceStarted { duration, .. } if end.is_none() => {
                    end = Some(Ok(Started { took: *duration, other_port: self.other_port }));
                }
                Kind::InstanceStartFailed(cause) if end.is_none() => end = Some(Err(cause.message.clone())),
                _ => {}
            }
            self.note(&event);
        }
        (end, count)
    }

    /// Keeps the lines of the program, and what is no mere news.
    fn note(&mut self, event: &Arc<Event>) {
        let is_line = matches!(event.kind, Kind::Stdout(_) | Kind::Stderr(_));
        if is_line || event.kind.level() != Level::Info {
            if self.lines.len() == LINES_MAX {
                self.lines.pop_front();
            }
            self.lines.push_back(event.text().trim().to_owned());
        }
    }
}
