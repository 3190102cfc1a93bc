//! Prints events: the thread that writes, and what is left out.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::oneshot;

use super::Colour;
use super::line::line;
use super::progress::Progress;
use crate::event::Clock;
use crate::event::Source;
use crate::{Event, Events, Kind, Log, Manifest, shell};

/// The most events in one write.
const BATCH: usize = 512;

/// How long events are collected for one write. Nobody notices the delay of a line.
const GATHER: Duration = Duration::from_millis(10);

/// How long the last lines may take to be written, because the terminal may have stopped.
const FINISH_MAX: Duration = Duration::from_secs(2);

/// Says what a manifest has that is left as it is.
pub(super) fn notes(manifest: &Manifest) {
    for note in manifest.notes() {
        complain(&note.placed(manifest.file()));
    }
}

/// The first failure to write to the standard output: a report that is cut must not pass for a whole one.
static UNSAID: OnceLock<io::Error> = OnceLock::new();

/// One line to the standard output.
pub(super) fn say(text: &str) {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => {}
        // Without a reader, such as `head` that has seen enough, there is nobody to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => drop(UNSAID.set(error)),
    }
}

/// The exit code of a command, which failed if not all that it said could be written.
pub(super) fn checked(code: ExitCode) -> ExitCode {
    match UNSAID.get() {
        None => code,
        Some(error) => {
            complain(&format!("cannot write to the standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// How often a command that goes on and on asks whether anybody still reads.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until nobody reads the standard output any more. A file has always a reader.
///
/// # Cancel safety
///
/// Nothing is lost: whether there is a reader is asked anew.
pub(super) async fn reader_left() {
    // Asked now and then: a wait of the runtime's would make the output non-blocking, for all programs that share it.
    while has_reader() {
        tokio::time::sleep(LOOK).await;
    }
}

fn has_reader() -> bool {
    let output = io::stdout();
    let mut asked = [PollFd::new(&output, PollFlags::empty())];
    match poll(&mut asked, Some(&Timespec::default())) {
        Ok(_) => !asked[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
        Err(_) => true,
    }
}

/// One line to the standard error.
pub(super) fn complain(text: &str) {
    // The terminal may have been closed.
    drop(writeln!(io::stderr(), "{text}"));
}

/// Whether somebody reads the standard output.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Says why `dev` cannot start: on the standard error, and with `json` as an event on the standard output too.
pub(super) fn complain_not_started(error: &str, json: bool) {
    complain(error);
    if json {
        let (log, mut events) = Log::new();
        log.emit(&Source::default(), Kind::NotStarted { error: error.to_owned() });
        let (mut batch, mut text) = (Vec::new(), String::new());
        events.take(&mut batch, 1);
        for event in &batch {
            line(event, Style::Json, &mut Clock::default(), &mut text);
        }
        // Without a reader, the text still stands on the standard error.
        drop(io::stdout().write_all(text.as_bytes()));
    }
}

/// Where lines are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Out {
    Stdout,
    Stderr,
}

impl Out {
    fn is_terminal(self) -> bool {
        match self {
            Out::Stdout => io::stdout().is_terminal(),
            Out::Stderr => io::stderr().is_terminal(),
        }
    }

    /// Whether a line can be overwritten by the next one.
    fn is_foldable(self, style: Style) -> bool {
        let is_dumb = shell::variable("TERM").is_none_or(|term| term == "dumb");
        !matches!(style, Style::Json) && self.is_terminal() && !is_dumb
    }

    /// The columns of the terminal.
    fn width(self) -> usize {
        const USUAL: usize = 80;
        let size = match self {
            Out::Stdout => rustix::termios::tcgetwinsize(io::stdout()),
            Out::Stderr => rustix::termios::tcgetwinsize(io::stderr()),
        };
        size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(USUAL)
    }

    fn writer(self) -> Box<dyn Write> {
        match self {
            Out::Stdout => Box::new(io::stdout()),
            Out::Stderr => Box::new(io::stderr()),
        }
    }
}

/// How lines are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Json,
    Plain,
    Coloured,
}

impl Style {
    pub(super) fn new(json: bool, colour: Colour, out: Out) -> Self {
        let is_coloured = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => out.is_terminal() && shell::variable("NO_COLOR").is_none(),
        };
        match (json, is_coloured) {
            (true, _) => Style::Json,
            (false, true) => Style::Coloured,
            (false, false) => Style::Plain,
        }
    }
}

/// What is not printed.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Functions whose lines are not printed.
    pub(super) functions: Vec<String>,
    /// The lines of calls, which are printed as the log of the call.
    pub(super) has_calls: bool,
    /// The addresses of functions, which end with this program.
    pub(super) has_addresses: bool,
}

impl Hidden {
    fn has(&self, event: &Event, is_json: bool) -> bool {
        match &event.kind {
            Kind::Stdout(_) | Kind::Stderr(_) => {
                self.has_calls && event.request.is_some() || self.has_function(event)
            }
            Kind::EventsDropped { .. } => self.has_function(event),
            Kind::Ready(_) | Kind::DomainReady(_) | Kind::ConsoleReady(_) => self.has_addresses,
            // For people, the line of the request has the reason of its failure, or the result of the call.
            Kind::CallFailed(_) | Kind::CallCancelled { .. } => !is_json,
            _ => false,
        }
    }

    fn has_function(&self, event: &Event) -> bool {
        event.function.as_deref().is_some_and(|own| self.functions.iter().any(|name| name == own))
    }
}

/// Writes events on its own thread, so that a stopped terminal blocks nothing else.
pub(super) struct Printer {
    done: oneshot::Receiver<()>,
}

impl Printer {
    pub(super) fn start(mut events: Events, out: Out, style: Style, hidden: Hidden) -> Self {
        let (finished, done) = oneshot::channel();
        let progress = Progress::new(out.is_foldable(style), style);
        std::thread::spawn(move || {
            print(&mut events, out, style, &hidden, progress);
            // The receiver may have been dropped.
            _ = finished.send(());
        });
        Printer { done }
    }

    /// Waits for the last line. What is told to the log afterwards is not printed: tasks of a platform that was ended at once
    /// may still hold their logs.
    pub(super) async fn finish(self, log: &Log) {
        log.close();
        _ = tokio::time::timeout(FINISH_MAX, self.done).await;
    }
}

fn print(events: &mut Events, out: Out, style: Style, hidden: &Hidden, mut progress: Progress) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut text = String::new();
    let mut clock = Clock::default();
    let mut writer = out.writer();
    while let Some(count) = events.wait_within(&mut batch, BATCH, progress.tick()) {
        // No pause while more events are queued than one write takes: a pause could lose events.
        if (1..BATCH).contains(&count) {
            pause();
            events.take(&mut batch, BATCH);
        }
        text.clear();
        progress.erase(&mut text);
        for event in batch.drain(..).filter(|event| !hidden.has(event, matches!(style, Style::Json))) {
            if !progress.takes(&event, &mut clock, &mut text) {
                line(&event, style, &mut clock, &mut text);
            }
        }
        progress.draw(out.width(), &mut text);
        // Without a reader on standard output, fc-local goes on serving.
        drop(writer.write_all(text.as_bytes()).and_then(|()| writer.flush()));
    }
    // A step that was ended with fc-local.
    text.clear();
    progress.erase(&mut text);
    drop(writer.write_all(text.as_bytes()).and_then(|()| writer.flush()));
}

/// Waits for the events that follow at once, so that many lines share one write.
#[expect(clippy::disallowed_methods, reason = "the printer's thread has nothing else to do")]
fn pause() {
    std::thread::sleep(GATHER);
}
