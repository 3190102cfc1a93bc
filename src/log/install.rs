//! The default `tracing` subscriber and panic hook. `App::run` installs both unless the author has set a subscriber.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::log::Level;
use crate::log::event::{Fields, event};
use crate::platform::Instance;

/// Installs the subscriber and the panic hook. `FC_LOG`, else `RUST_LOG`, names the least serious level to print:
/// `error`, `warn`, `info` (default), `debug`, `trace` or `off`. In a list of directives, only a directive without a
/// target counts.
///
/// Events of h2 are about clients, and are printed only from `debug` on.
pub(crate) fn install(instance: &Instance) {
    let setting = instance.var_opt("FC_LOG").or_else(|| instance.var_opt("RUST_LOG")).unwrap_or("info");
    let max =
        setting.split(',').rev().find_map(|directive| parse(directive.trim())).unwrap_or(LevelFilter::INFO);
    let lines = Lines { max, next_span: AtomicU64::new(1) };
    if tracing::subscriber::set_global_default(lines).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let payload = panic.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            let text = text.unwrap_or("a panic without a message");
            let at = panic.location().map_or_else(String::new, |at| format!(" at {at}"));
            let trace = Backtrace::capture();
            let trace = match trace.status() {
                BacktraceStatus::Captured => format!("\n{trace}"),
                _ => String::new(),
            };
            event(Level::Error, "panic", &format!("panicked{at}: {text}{trace}"), b"");
        }));
    }
}

fn parse(text: &str) -> Option<LevelFilter> {
    // A directive with a target, such as `hyper=debug`, is not a level and is skipped.
    let known = [
        ("off", LevelFilter::OFF),
        ("error", LevelFilter::ERROR),
        ("warn", LevelFilter::WARN),
        ("info", LevelFilter::INFO),
        ("debug", LevelFilter::DEBUG),
        ("trace", LevelFilter::TRACE),
    ];
    known.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
}

struct Lines {
    max: LevelFilter,
    next_span: AtomicU64,
}

fn level(of: tracing::Level) -> Level {
    match of {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // h2 warns of client mistakes at `warn`. A client must not be able to fill the function's log.
        let is_of_peers = metadata.target().starts_with("h2::");
        let least = if is_of_peers { LevelFilter::DEBUG } else { LevelFilter::ERROR };
        *metadata.level() <= self.max && least <= self.max && metadata.is_event()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.max)
    }

    fn event(&self, happened: &Event<'_>) {
        let mut fields = Vec::new();
        let mut found = Found { message: String::new(), fields: Fields(&mut fields) };
        happened.record(&mut found);
        let message = std::mem::take(&mut found.message);
        let metadata = happened.metadata();
        event(level(*metadata.level()), metadata.target(), &message, &fields);
    }

    // Spans are not printed: log lines take the request's id from the current request instead.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.next_span.fetch_add(1, Ordering::Relaxed).max(1))
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Found<'a> {
    message: String,
    fields: Fields<'a>,
}

impl Visit for Found<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.fields.text(field.name(), &format_args!("{value:?}"));
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.fields.text(field.name(), &value);
        }
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.plain(field.name(), &value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.plain(field.name(), &value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.plain(field.name(), &value);
    }
}
