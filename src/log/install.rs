//! The default `tracing` subscriber and panic hook. `App::run` installs both unless the author has set a subscriber.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::log::event::{Fields, event};
use crate::log::filter::Filter;
use crate::log::spans::{self, Spans};
use crate::log::{Level, addresses, backtrace, format, say};
use crate::platform::Instance;

/// Installs the subscriber and the panic hook. False if the author has set a subscriber.
///
/// `FC_LOG`, else `RUST_LOG`, names the least serious level to print (`error`, `warn`, `info`, `debug`, `trace` or `off`;
/// default `info`), and others for targets: `info,sqlx=warn,my_crate::orders=debug`. `FC_LOG_FORMAT` is `json` or `text`;
/// by default a terminal gets text.
pub(crate) fn install(instance: &Instance) -> bool {
    let name = if instance.var_opt("FC_LOG").is_some() { "FC_LOG" } else { "RUST_LOG" };
    let (filter, wrong) = Filter::parse(instance.var_opt(name).unwrap_or_default());
    let lines = Lines { filter, spans: Spans::default() };
    if tracing::subscriber::set_global_default(lines).is_err() {
        return false;
    }
    let wrong_format =
        format::choose(instance.var_opt("FC_LOG_FORMAT"), instance.var_opt("NO_COLOR").is_some());
    if !wrong.is_empty() {
        say::warn(format_args!("{name}: {}", wrong.join("; ")));
    }
    if let Some(wrong) = wrong_format {
        say::warn(format_args!("{wrong}"));
    }
    let is_full = instance.var_opt("RUST_BACKTRACE") == Some("full");
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("a panic without a message");
        let at = panic.location().map_or_else(String::new, |at| format!(" at {at}"));
        let trace = Backtrace::capture();
        let trace = match trace.status() {
            // Without symbols, as `fc-local package` builds, the addresses are all there is.
            BacktraceStatus::Captured => addresses::of(&trace).unwrap_or_else(|| {
                let trace = format!("\n{trace}");
                if is_full { trace } else { backtrace::trimmed(&trace).unwrap_or(trace) }
            }),
            _ => String::new(),
        };
        event(Level::Error, "panic", &format!("panicked{at}: {text}{trace}"), b"");
    }));
    true
}

/// Writes a message of this crate, as the subscriber would. False if the current subscriber is another one.
pub(crate) fn say(level: Level, target: &'static str, text: fmt::Arguments<'_>) -> bool {
    tracing::dispatcher::get_default(|current| {
        let Some(lines) = current.downcast_ref::<Lines>() else { return false };
        if tracing_level(level) <= lines.filter.of(target) {
            let (mut message, mut fields) = (String::with_capacity(MESSAGE), Vec::new());
            let _ = message.write_fmt(text);
            lines.add_spans(spans::current(), &mut fields);
            event(level, target, &message, &fields);
        }
        true
    })
}

/// Room for most messages: a format alone would grow it piece by piece.
const MESSAGE: usize = 128;

struct Lines {
    filter: Filter,
    spans: Spans,
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

fn tracing_level(of: Level) -> tracing::Level {
    match of {
        Level::Error => tracing::Level::ERROR,
        Level::Warn => tracing::Level::WARN,
        Level::Info => tracing::Level::INFO,
        Level::Debug => tracing::Level::DEBUG,
        Level::Trace => tracing::Level::TRACE,
    }
}

impl Subscriber for Lines {
    /// The requests' spans and events are for subscribers that know requests from nothing else.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.filter.of(metadata.target()) && metadata.target() != say::REQUEST
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.max())
    }

    fn event(&self, happened: &Event<'_>) {
        let mut fields = Vec::new();
        let mut found = Found { message: String::new(), fields: Fields(&mut fields) };
        happened.record(&mut found);
        let message = std::mem::take(&mut found.message);
        let metadata = happened.metadata();
        let innermost = happened.parent().cloned();
        self.add_spans(
            innermost.or_else(|| happened.is_contextual().then(spans::current).flatten()),
            &mut fields,
        );
        event(level(*metadata.level()), metadata.target(), &message, &fields);
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Vec::new();
        attributes.record(&mut Found { message: String::new(), fields: Fields(&mut fields) });
        let parent = attributes.parent().cloned();
        let parent = parent.or_else(|| attributes.is_contextual().then(spans::current).flatten());
        let id = self.spans.open(attributes.metadata(), parent, fields);
        #[cfg(feature = "otel")]
        self.spans.record_traced(&id, |traced| attributes.record(traced));
        id
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.spans.record(id, |fields| {
            values.record(&mut Found { message: String::new(), fields: Fields(fields) });
        });
        #[cfg(feature = "otel")]
        self.spans.record_traced(id, |traced| values.record(traced));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, id: &Id) {
        spans::enter(id);
    }

    fn exit(&self, id: &Id) {
        spans::exit(id);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.spans.clone(id);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        self.spans.close(&id)
    }

    fn current_span(&self) -> Current {
        let current = spans::current();
        let found =
            current.and_then(|id| self.spans.metadata(&id).map(|metadata| Current::new(id, metadata)));
        found.unwrap_or_else(Current::none)
    }
}

impl Lines {
    /// Adds the spans around an event, outermost first: `"spans":[{"name":"order","id":7}]`.
    fn add_spans(&self, innermost: Option<Id>, fields: &mut Vec<u8>) {
        if innermost.is_none() {
            return;
        }
        let is_text = format::is_text();
        let mut before: &[u8] = if is_text { b" in " } else { b",\"spans\":[" };
        self.spans.visit(innermost, &mut |name, own| {
            fields.extend_from_slice(before);
            before = if is_text { b":" } else { b"," };
            if is_text {
                fields.extend_from_slice(name.as_bytes());
                if !own.is_empty() {
                    fields.push(b'{');
                    fields.extend_from_slice(own.trim_ascii());
                    fields.push(b'}');
                }
            } else {
                let mut object = Vec::new();
                Fields(&mut object).text("name", &name);
                fields.push(b'{');
                fields.extend_from_slice(&object[1..]);
                fields.extend_from_slice(own);
                fields.push(b'}');
            }
        });
        if !is_text {
            fields.push(b']');
        }
    }
}

struct Found<'a> {
    message: String,
    fields: Fields<'a>,
}

impl Visit for Found<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = String::with_capacity(MESSAGE);
            let _ = write!(self.message, "{value:?}");
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
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.fields.plain(field.name(), &value);
        } else {
            self.fields.text(field.name(), &value);
        }
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.plain(field.name(), &value);
    }
}

#[cfg(test)]
mod tests {
    use tracing::Dispatch;
    use tracing::field::Empty;

    use super::*;

    /// Messages of this crate pass our subscriber by, and no other: a scoped one too.
    #[test]
    fn own_messages_are_for_the_current_subscriber() {
        let say_one = || say(Level::Debug, "fc_runtime", format_args!("not printed"));
        let ours =
            Dispatch::new(Lines { filter: Filter::parse("fc_runtime=info").0, spans: Spans::default() });
        assert!(tracing::dispatcher::with_default(&ours, say_one));
        assert!(!tracing::dispatcher::with_default(&Dispatch::none(), say_one));
    }

    /// A worker's span lives as long as the process.
    #[test]
    fn fields_that_are_recorded_again_and_again_are_bounded() {
        let dispatch = Dispatch::new(Lines { filter: Filter::parse("").0, spans: Spans::default() });
        tracing::dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!("worker", at = Empty, first = 1);
            for at in 0..100_000_u64 {
                span.record("at", at);
            }
            let mut length = 0;
            let lines = dispatch.downcast_ref::<Lines>().unwrap();
            lines.spans.visit(span.id(), &mut |_, fields| {
                assert!(fields.starts_with(b",\"first\":1,\"at\":0,\"at\":1"));
                length = fields.len();
            });
            assert!((10_000..20_000).contains(&length), "{length}");
        });
    }
}
