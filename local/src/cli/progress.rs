//! A build on a terminal: one line that is overwritten, and the whole output only if the step fails.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::line;
use super::print::Style;
use crate::event::{Clock, neutral};
use crate::{Event, Kind};

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// The most output that is kept of a step, in bytes.
const KEPT_MAX: usize = 4 * 1024 * 1024;

/// Goes to the begin of the terminal's line, and clears the line.
const ERASE: &str = "\r\x1b[K";

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The line of the build step that runs. Without a terminal it takes no event, and draws nothing.
#[derive(Debug)]
pub(super) struct Progress {
    is_on: bool,
    style: Style,
    step: Option<Step>,
    is_drawn: bool,
}

#[derive(Debug)]
struct Step {
    started: Arc<Event>,
    since: Instant,
    /// The latest lines, at most [`KEPT_MAX`].
    lines: VecDeque<Arc<Event>>,
    bytes: usize,
    lost: usize,
}

impl Step {
    fn keep(&mut self, event: &Arc<Event>) {
        self.bytes += event.bytes();
        self.lines.push_back(Arc::clone(event));
        while self.bytes > KEPT_MAX {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.lost += 1;
        }
    }

    fn latest(&self) -> Option<&str> {
        let mut texts = self.lines.iter().rev().filter_map(|event| match &event.kind {
            Kind::Build(text) => Some(text.as_str()),
            _ => None,
        });
        texts.find(|text| !text.trim().is_empty())
    }
}

impl Progress {
    pub(super) fn new(is_on: bool, style: Style) -> Self {
        Progress { is_on, style, step: None, is_drawn: false }
    }

    /// How long to wait for events before the line is drawn anew.
    pub(super) fn tick(&self) -> Option<Duration> {
        self.step.is_some().then_some(TICK)
    }

    /// Removes the line, so that others can be written.
    pub(super) fn erase(&mut self, out: &mut String) {
        if std::mem::take(&mut self.is_drawn) {
            out.push_str(ERASE);
        }
    }

    /// Takes an event of a build. The output of a step that fails is written, and then the failure.
    pub(super) fn takes(&mut self, event: &Arc<Event>, clock: &mut Clock, out: &mut String) -> bool {
        if !self.is_on {
            return false;
        }
        match &event.kind {
            Kind::BuildStarted { .. } => {
                let (started, since) = (Arc::clone(event), Instant::now());
                self.step = Some(Step { started, since, lines: VecDeque::new(), bytes: 0, lost: 0 });
                true
            }
            Kind::Build(_) => match &mut self.step {
                Some(step) => {
                    step.keep(event);
                    true
                }
                None => false,
            },
            Kind::BuildFinished { .. } => {
                self.step = None;
                false
            }
            Kind::BuildFailed(_) | Kind::BuildFailureAllowed(_) => {
                if let Some(step) = self.step.take() {
                    line(&step.started, self.style, clock, out);
                    if step.lost > 0 {
                        // Writing into a string cannot fail.
                        _ = writeln!(out, "… {} earlier lines", step.lost);
                    }
                    step.lines.iter().for_each(|event| line(event, self.style, clock, out));
                }
                false
            }
            _ => false,
        }
    }

    /// Draws the line of the step, if one runs: no wider than the terminal, which would break it in two.
    pub(super) fn draw(&mut self, columns: usize, out: &mut String) {
        let Some(step) = &self.step else { return };
        let elapsed = step.since.elapsed();
        let turn = usize::try_from(elapsed.as_millis() / TICK.as_millis()).unwrap_or(0);
        let name = step.started.function.as_deref().unwrap_or_default();
        let text = match (step.latest(), &step.started.kind) {
            (Some(latest), _) => latest,
            (None, Kind::BuildStarted { command }) => command,
            (None, _) => "",
        };
        let text = text.replace('\t', " ");
        let all =
            format!("{} {name} building {} s  {text}", SPINNER[turn % SPINNER.len()], elapsed.as_secs());
        out.push_str(&cut(&neutral(&plain(&all)), columns.saturating_sub(1)));
        self.is_drawn = true;
    }
}

/// `text` without colours.
fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ';' | ':'));
        out.push_str(rest.strip_prefix('m').unwrap_or(rest));
    }
    out
}

/// The begin of `text` that fits. Characters beyond ASCII may be two columns wide.
fn cut(text: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |c: &char| {
        let wide = if c.is_ascii() { 1 } else { 2 };
        let has_room = wide <= left;
        left = left.saturating_sub(wide);
        has_room
    };
    text.lines().next().unwrap_or_default().chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Source;
    use crate::{BuildFailure, BuildFault, Log};

    /// What is written for each of the kinds, and the line that is drawn after the last one.
    fn written(kinds: Vec<Kind>) -> (String, String) {
        let (log, mut events) = Log::new();
        for kind in kinds {
            log.emit(&Source::function(&"f".into()), kind);
        }
        let (mut taken, mut out) = (Vec::new(), String::new());
        while events.take(&mut taken, 1_000_000) > 0 {}
        let mut progress = Progress::new(true, Style::Plain);
        let mut clock = Clock::default();
        for event in &taken {
            if !progress.takes(event, &mut clock, &mut out) {
                line(event, Style::Plain, &mut clock, &mut out);
            }
        }
        let mut drawn = String::new();
        progress.draw(30, &mut drawn);
        let lines = out.lines().map(|line| line.get(15..).unwrap_or(line)).collect::<Vec<_>>();
        (lines.join("\n"), drawn)
    }

    fn started() -> Kind {
        Kind::BuildStarted { command: "make".to_owned() }
    }

    fn failed() -> BuildFailure {
        BuildFailure { line: 7, command: "make".to_owned(), fault: BuildFault::ExitCode(2) }
    }

    fn output(text: &str) -> Kind {
        Kind::Build(text.to_owned())
    }

    #[test]
    fn a_step_that_succeeds_is_one_line() {
        let duration = Duration::from_millis(1_250);
        let kinds = vec![started(), output("one"), output("two"), Kind::BuildFinished { duration }];
        assert_eq!(written(kinds), ("built in 1.2 s".to_owned(), String::new()));
    }

    #[test]
    fn a_step_that_fails_is_whole_and_once() {
        for (kind, failure) in [
            (Kind::BuildFailed(failed()), "the build failed: line 7: `make` ended with code 2"),
            (
                Kind::BuildFailureAllowed(failed()),
                "warning: line 7: `make` ended with code 2; the build goes on, as its allow_failure says",
            ),
        ] {
            let kinds = vec![started(), output("one"), output("two"), kind];
            let all = format!("building: make\n> one\n> two\n{failure}");
            assert_eq!(written(kinds), (all, String::new()));
        }
    }

    #[test]
    fn a_step_that_runs_shows_its_latest_line_within_the_terminal() {
        let (lines, drawn) =
            written(vec![started(), output("\x1b[32mone\x1b[0m"), output(" "), Kind::Swapped]);
        assert_eq!(lines, "swapped: new calls go to the new code");
        assert_eq!(drawn, "⠋ f building 0 s  one");
        let (_, drawn) = written(vec![started(), output(&"x".repeat(100))]);
        assert_eq!(drawn, format!("⠋ f building 0 s  {}", "x".repeat(10)));
        let (_, drawn) = written(vec![started(), output(&"好".repeat(100))]);
        assert_eq!(drawn, format!("⠋ f building 0 s  {}", "好".repeat(5)));
    }

    #[test]
    fn what_is_kept_of_a_step_is_bounded() {
        let mut kinds = vec![started()];
        kinds.extend((0..6_000).map(|_| output(&"x".repeat(1_000))));
        kinds.push(Kind::BuildFailed(failed()));
        let (lines, _) = written(kinds);
        assert!(lines.len() < KEPT_MAX + KEPT_MAX / 8, "{}", lines.len());
        assert!(lines.contains(" lines\n> x"), "{}", &lines[..200]);
    }

    #[test]
    fn without_a_terminal_nothing_is_folded() {
        let (log, mut events) = Log::new();
        log.emit(&Source::default(), started());
        let (mut taken, mut out) = (Vec::new(), String::new());
        events.take(&mut taken, 1);
        let mut progress = Progress::new(false, Style::Plain);
        assert!(!progress.takes(&taken[0], &mut Clock::default(), &mut out));
        progress.draw(80, &mut out);
        assert_eq!((out.as_str(), progress.tick()), ("", None));
    }
}
