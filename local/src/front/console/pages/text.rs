//! Numbers, times and long texts, as people read them.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use crate::event::{Clock, Level};

/// A time span: `740 µs`, `12 ms`, `1.25 s`, `3 min 20 s`.
pub(super) fn span(span: Duration) -> String {
    match span.as_secs() {
        0 if span.as_micros() < 1000 => format!("{} \u{b5}s", span.as_micros()),
        0 if span.as_millis() < 10 => format!("{}.{} ms", span.as_millis(), span.as_micros() / 100 % 10),
        0 => format!("{} ms", span.as_millis()),
        1..60 if span.subsec_millis() < 10 => format!("{} s", span.as_secs()),
        1..60 => format!("{}.{:02} s", span.as_secs(), span.subsec_millis() / 10),
        60..3600 => format!("{} min {} s", span.as_secs() / 60, span.as_secs() % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A size: `512 B`, `1.5 KiB`, `20.3 MiB`.
pub(in crate::front::console) fn size(bytes: u64) -> String {
    let mut unit = 1024;
    for name in ["KiB", "MiB", "GiB"] {
        if bytes < unit {
            break;
        }
        if bytes < unit * 1024 || name == "GiB" {
            return format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
        }
        unit *= 1024;
    }
    format!("{bytes} B")
}

/// A time of day, in UTC, with the whole time for machines.
pub(super) fn time(time: SystemTime) -> Markup {
    let mut clock = Clock::default();
    let whole = clock.utc(time);
    let day = whole.get(11..23).unwrap_or(whole);
    html! { time.time datetime=(whole) title=(whole) { (day) } }
}

/// A point in time, in milliseconds since 1970.
pub(super) fn time_of(milliseconds: u64) -> Markup {
    time(SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds))
}

/// The text, or its begin and how much is left out.
pub(super) fn clipped(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\u{2026} ({} more)", &text[..end], size((text.len() - end) as u64))
}

/// A count with its noun: `1 call`, `2 calls`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// How much attention something needs, as a word with a colour.
pub(super) fn level(level: Level) -> Markup {
    let class = match level {
        Level::Info => "",
        Level::Warning => "warn",
        Level::Error => "bad",
    };
    html! { span class={ "mark " (class) } { (level.name()) } }
}

/// A status of HTTP with a colour.
pub(super) fn status(status: u16) -> Markup {
    let class = match status {
        ..400 => "good",
        400..500 => "warn",
        _ => "bad",
    };
    html! { span class={ "mark " (class) } { (status) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        for (micros, text) in [
            (740, "740 \u{b5}s"),
            (9_990, "9.9 ms"),
            (12_900, "12 ms"),
            (1_257_000, "1.25 s"),
            (30_000_000, "30 s"),
            (200_000_000, "3 min 20 s"),
            (7_500_000_000, "2 h 5 min"),
        ] {
            assert_eq!(span(Duration::from_micros(micros)), text);
        }
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (21_286_092, "20.3 MiB"),
            (5 << 40, "5120.0 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(clipped("short", 5), "short");
        assert_eq!(clipped("\u{e9}\u{e9}\u{e9}", 3), "\u{e9}\u{2026} (4 B more)");
        assert_eq!((count(1, "call"), count(0, "call")), ("1 call".to_owned(), "0 calls".to_owned()));
    }
}
