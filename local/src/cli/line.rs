//! One event as a line: for a terminal, or as JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use super::print::Style;
use crate::event::{Clock, neutral, steers};
use crate::{Event, Kind, Level};

/// Appends the line of an event.
pub(super) fn line(event: &Event, style: Style, clock: &mut Clock, out: &mut String) {
    let time = clock.utc(event.time);
    match style {
        Style::Json => json_line(event, time, out),
        Style::Plain => text_line(event, time, false, out),
        Style::Coloured => text_line(event, time, true, out),
    }
}

fn json_line(event: &Event, time: &str, out: &mut String) {
    let mut fields = event.fields();
    fields.insert("time".to_owned(), time.into());
    // JSON requires escapes only below U+0020. The terminal's control characters occur only in texts, and none is
    // beyond U+FFFF.
    for c in Value::Object(fields).to_string().chars() {
        if steers(c) {
            // Writing into a string cannot fail.
            _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out.push('\n');
}

const RESET: &str = "\x1b[0m";
const RESET_AND_END: &str = "\x1b[0m\n";
/// The begin of a colour, and of other orders to a terminal.
const COLOUR: &str = "\x1b[";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const GREEN: &str = "\x1b[32m";

/// Colours that tell functions apart.
const FUNCTIONS: [&str; 5] = ["\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[95m"];

fn text_line(event: &Event, time: &str, is_coloured: bool, out: &mut String) {
    let mut part = |before: &str, colour: &str, text: &str| {
        out.push_str(before);
        if is_coloured {
            out.extend([colour, text, RESET]);
        } else {
            out.push_str(text);
        }
    };
    // The time of day; the date does not change often enough to be worth its width.
    part("", DIM, &time[11..23]);
    if let Some(function) = &event.function {
        let sum: usize = function.bytes().map(usize::from).sum();
        part(" ", FUNCTIONS[sum % FUNCTIONS.len()], &neutral(function));
    }
    // The ends of the ids, which are found in whole ids too.
    match (&event.request, &event.instance) {
        (Some(request), _) => part(" ", DIM, tail(request, 8)),
        (None, Some(instance)) => part(" ", DIM, tail(instance, 6)),
        (None, None) => {}
    }
    out.push(' ');
    if is_coloured {
        out.push_str(colour(&event.kind));
    }
    out.push_str(mark(&event.kind));
    let text = event.text();
    if is_coloured && is_written(&event.kind) {
        out.push_str(&neutral_but_coloured(&text));
    } else {
        out.push_str(&neutral(&text));
    }
    out.push_str(if is_coloured { RESET_AND_END } else { "\n" });
}

/// Whether a program wrote the line.
fn is_written(kind: &Kind) -> bool {
    matches!(kind, Kind::Stdout(_) | Kind::Stderr(_) | Kind::Build(_))
}

fn colour(kind: &Kind) -> &'static str {
    match (kind, kind.level()) {
        (Kind::Build(_), _) => DIM,
        (Kind::Ready(_) | Kind::DomainReady(_) | Kind::Request(_), Level::Info) => GREEN,
        (_, Level::Info) => "",
        (_, Level::Warning) => YELLOW,
        (_, Level::Error) => RED,
    }
}

/// The prefix of a line.
fn mark(kind: &Kind) -> &'static str {
    match kind {
        Kind::Stdout(_) => "| ",
        Kind::Stderr(_) => "! ",
        Kind::Build(_) => "> ",
        Kind::Request(_) => "",
        kind if kind.level() == Level::Warning => "warning: ",
        _ => "",
    }
}

/// The end of an id.
pub(super) fn tail(text: &str, length: usize) -> &str {
    text.get(text.len().saturating_sub(length)..).unwrap_or(text)
}

/// `text` with its colours, but without the other control characters. Colours end with the line.
fn neutral_but_coloured(text: &str) -> Cow<'_, str> {
    if !text.contains(COLOUR) {
        return neutral(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(COLOUR);
    out.push_str(&neutral(parts.next().unwrap_or_default()));
    for part in parts {
        let length = part.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
        if part[length..].starts_with('m') {
            out.extend([COLOUR, &part[..=length]]);
            out.push_str(&neutral(&part[length + 1..]));
        } else {
            // Another order to the terminal: it clears the screen, say.
            out.push_str(&neutral(COLOUR));
            out.push_str(&neutral(part));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Log;
    use crate::event::Source;

    #[test]
    fn a_function_cannot_steer_the_terminal() {
        assert_eq!(neutral("a\tb"), "a\tb");
        assert_eq!(neutral("\x1b[2J\x07x\u{9b}1m\u{202e}"), "\\u{1b}[2J\\u{7}x\\u{9b}1m\\u{202e}");
    }

    #[test]
    fn colours_of_programs_pass_on_a_terminal_and_nothing_else_does() {
        for (text, expected) in [
            ("plain", "plain"),
            ("\x1b[1;32mok\x1b[0m \x1b[38:5:1mx\x1b[m", "\x1b[1;32mok\x1b[0m \x1b[38:5:1mx\x1b[m"),
            ("\x1b[2Jgone\x1b[31mred", "\\u{1b}[2Jgone\x1b[31mred"),
            ("\x1b]0;title\x07\x1b[31mred\x1b[", "\\u{1b}]0;title\\u{7}\x1b[31mred\\u{1b}["),
            ("\x1b[31", "\\u{1b}[31"),
            ("\x1b[3é", "\\u{1b}[3é"),
        ] {
            assert_eq!(neutral_but_coloured(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_for_people_has_the_ends_of_its_ids() {
        let source = Source {
            function: Some("shop".into()),
            instance: Some("c-0001809b1".into()),
            request: Some("1-6b0cc5c6-9d63aa06-9c8952b5a7db".into()),
            version: None,
        };
        let (log, mut events) = Log::new();
        log.emit(&source, Kind::Stdout("\x1b[32mgreen".to_owned()));
        log.emit(&Source { request: None, ..source }, Kind::InstanceStopped);
        let mut taken = Vec::new();
        events.take(&mut taken, 2);
        let text = |style| {
            let mut out = String::new();
            for event in &taken {
                line(event, style, &mut Clock::default(), &mut out);
            }
            out
        };
        let plain: Vec<String> = text(Style::Plain).lines().map(|line| line[13..].to_owned()).collect();
        assert_eq!(plain, ["shop 52b5a7db | \\u{1b}[32mgreen", "shop 1809b1 stopped"]);
        let (green, dim, reset) = ("\x1b[32mgreen", "\x1b[2m", "\x1b[0m");
        let coloured = text(Style::Coloured);
        assert!(coloured.contains(&format!("{dim}52b5a7db{reset} | {green}{reset}\n")), "{coloured:?}");
    }

    #[test]
    fn a_json_line_cannot_steer_the_terminal_either() {
        let (log, mut events) = Log::new();
        log.emit(&Source::default(), Kind::Stdout("a\x1b\x7f\u{9b}\u{202e}é".to_owned()));
        let mut event = Vec::new();
        events.take(&mut event, 1);
        let mut out = String::new();
        json_line(&event[0], "", &mut out);
        assert!(out.contains("a\\u001b\\u007f\\u009b\\u202eé"), "{out}");
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["text"], "a\x1b\x7f\u{9b}\u{202e}é");
    }
}
