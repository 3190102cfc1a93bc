//! Which events of a log somebody wants to see.

use std::time::SystemTime;

use super::entry::Event;
use super::kind::Kind;
use super::level::Level;
use super::time::duration;

/// The least of an id's end that stands for the id. Lines for people have eight characters of a request's id and six of an
/// instance's.
const ID_END_MIN: usize = 6;

/// What events must have in common. The default takes all.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogFilter {
    pub(crate) function: Option<String>,
    pub(crate) request: Option<String>,
    pub(crate) instance: Option<String>,
    /// The versions of the code; `None` among them is the unpublished one.
    pub(crate) versions: Option<Vec<Option<u64>>>,
    pub(crate) level: Option<Level>,
    /// A part of the text, in small letters; it is found in any case.
    pub(crate) text: Option<String>,
    /// Failures alone.
    pub(crate) errors: bool,
    pub(crate) since: Option<SystemTime>,
    pub(crate) kinds: Kinds,
}

/// Of which kinds events are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kinds {
    #[default]
    All,
    /// Lines of programs, those of builds too.
    Lines,
    /// The log of functions, as the platform keeps it: what instances write. To who asks for one instance, also what becomes
    /// of that instance.
    Output,
}

impl LogFilter {
    /// Sets a field of a query: `function`, `request`, `instance`, `level`, `q`, `errors`, `since`, `only`. Empty ones say
    /// nothing, and others are not the filter's.
    ///
    /// # Errors
    ///
    /// The value cannot be read. The filter is as it was.
    pub(crate) fn set(&mut self, name: &str, value: &str, now: SystemTime) -> Result<(), String> {
        let word = value.trim();
        if word.is_empty() {
            return Ok(());
        }
        match name {
            "function" => self.function = Some(word.to_owned()),
            "request" => self.request = Some(word.to_owned()),
            "instance" => self.instance = Some(word.to_owned()),
            "q" => self.text = Some(value.to_lowercase()),
            "since" => {
                self.since = Some(now.checked_sub(duration(word)?).unwrap_or(SystemTime::UNIX_EPOCH));
            }
            "errors" => {
                self.errors = match word {
                    "true" => true,
                    "false" => false,
                    _ => return Err(format!("errors is true or false, not `{word}`")),
                }
            }
            "level" => {
                let levels = [Level::Info, Level::Warning, Level::Error];
                let level = levels.into_iter().find(|level| level.name() == word);
                self.level = Some(level.ok_or_else(|| format!("`{word}` is no level"))?);
            }
            "only" => {
                self.kinds = match word {
                    "all" => Kinds::All,
                    "lines" => Kinds::Lines,
                    "output" => Kinds::Output,
                    _ => return Err(format!("only is all, lines or output, not `{word}`")),
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn takes(&self, event: &Event) -> bool {
        let is = |wanted: &Option<String>, own: Option<&str>, matches: fn(&str, &str) -> bool| {
            wanted.as_deref().is_none_or(|wanted| own.is_some_and(|own| matches(own, wanted)))
        };
        is(&self.function, event.function.as_deref(), |own, wanted| own == wanted)
            && is(&self.request, event.request.as_deref(), is_id)
            && is(&self.instance, event.instance.as_deref(), is_id)
            && self.versions.as_ref().is_none_or(|wanted| wanted.contains(&event.version))
            && self.level.is_none_or(|level| event.kind.level() >= level)
            && self.since.is_none_or(|since| event.time >= since)
            && self.takes_kind(&event.kind)
            && (!self.errors || is_error(event))
            && self.text.as_ref().is_none_or(|part| event.text().to_lowercase().contains(part))
    }

    fn takes_kind(&self, kind: &Kind) -> bool {
        match self.kinds {
            Kinds::All => true,
            Kinds::Lines => matches!(kind, Kind::Stdout(_) | Kind::Stderr(_) | Kind::Build(_)),
            Kinds::Output => {
                matches!(kind, Kind::Stdout(_) | Kind::Stderr(_)) || self.instance.is_some() && kind.is_rare()
            }
        }
    }
}

/// Whether `wanted` is the id or its end.
pub(crate) fn is_id(own: &str, wanted: &str) -> bool {
    own == wanted || wanted.len() >= ID_END_MIN && own.ends_with(wanted)
}

/// Whether the line tells of a failure. By the first two marks the deployment tool's `s logs` knows one; the third is that of
/// logs in JSON, such as those of `fc-runtime`.
fn is_error(event: &Event) -> bool {
    match &event.kind {
        Kind::Stdout(text) | Kind::Stderr(text) => {
            [" [ERROR] ", "Error: "].iter().any(|mark| text.contains(mark)) || has_error_level(text)
        }
        kind => kind.level() == Level::Error,
    }
}

fn has_error_level(text: &str) -> bool {
    const KEY: &str = "\"level\":";
    let Some(at) = text.find(KEY).filter(|_| text.starts_with('{')) else { return false };
    let value = text[at + KEY.len()..].trim_start().as_bytes();
    value.get(..7).is_some_and(|level| level.eq_ignore_ascii_case(b"\"error\""))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const NOW: u64 = 10_000;

    fn stdout(text: &str) -> Event {
        Event {
            time: UNIX_EPOCH + Duration::from_secs(NOW - 60),
            function: Some("shop".into()),
            instance: Some("c-00000001-abcdef".into()),
            request: Some("1-00000000-12345678".into()),
            version: Some(3),
            kind: Kind::Stdout(text.to_owned()),
        }
    }

    fn filter(fields: &[(&str, &str)]) -> Result<LogFilter, String> {
        let mut filter = LogFilter::default();
        for (name, value) in fields {
            filter.set(name, value, UNIX_EPOCH + Duration::from_secs(NOW))?;
        }
        Ok(filter)
    }

    #[track_caller]
    fn check(event: &Event, fields: &[(&str, &str)], expected: bool) {
        assert_eq!(filter(fields).unwrap().takes(event), expected, "{fields:?} {event:?}");
    }

    #[test]
    fn fields_are_compared_with_an_event() {
        let line = stdout("Tea is ready");
        for (name, value, expected) in [
            ("function", "shop", true),
            ("function", "sho", false),
            ("function", "", true),
            ("request", "1-00000000-12345678", true),
            ("request", "12345678", true),
            ("request", "45678", false),
            ("request", "1-0000", false),
            ("instance", " abcdef ", true),
            ("instance", "abcdee", false),
            ("q", "tEA IS", true),
            ("q", "coffee", false),
            ("since", "2m", true),
            ("since", "59s", false),
            ("since", "999999999d", true),
            ("level", "info", true),
            ("level", "warning", false),
            ("only", "all", true),
            ("only", "lines", true),
            ("only", "output", true),
            ("errors", "true", false),
            ("errors", "false", true),
            ("unknown", "x", true),
        ] {
            check(&line, &[(name, value)], expected);
        }
        check(&line, &[("function", "shop"), ("q", "coffee")], false);
        let of_versions = |versions: &[Option<u64>]| {
            LogFilter { versions: Some(versions.to_vec()), ..LogFilter::default() }.takes(&line)
        };
        assert!(of_versions(&[Some(3)]) && of_versions(&[None, Some(3)]));
        assert!(!of_versions(&[None]) && !of_versions(&[Some(4)]) && !of_versions(&[]));
    }

    #[test]
    fn events_of_an_instance_come_to_who_asks_for_the_instance() {
        let with = |kind| Event { kind, ..stdout("") };
        let instance = ("instance", "c-00000001-abcdef");
        for (kind, alone, of_instance) in [
            (Kind::Stderr("x".to_owned()), true, true),
            (Kind::InstanceHealthy, false, true),
            (Kind::Build("x".to_owned()), false, false),
            (Kind::FaultInjected { fault: crate::fault::Fault::Reuse, ordinal: 1 }, false, false),
        ] {
            let event = with(kind);
            check(&event, &[("only", "output")], alone);
            check(&event, &[("only", "output"), instance], of_instance);
        }
        check(&with(Kind::Build("x".to_owned())), &[("only", "lines")], true);
        check(&with(Kind::InstanceHealthy), &[("only", "lines"), instance], false);
    }

    #[test]
    fn failures_are_known_by_their_marks() {
        for (text, expected) in [
            ("12:00 [ERROR] no", true),
            ("[ERROR] no", false),
            ("ValueError: no", true),
            ("Error:no", false),
            ("an error", false),
            (r#"{"time":1,"level":"ERROR","message":"no"}"#, true),
            (r#"{"level": "error"}"#, true),
            (r#"{"level":"warn","message":"error"}"#, false),
            (r#"{"level":"e"#, false),
            (r#"said "level":"error""#, false),
        ] {
            check(&stdout(text), &[("errors", "true")], expected);
        }
        let ended = Event { kind: Kind::InstanceHealthy, ..stdout("") };
        check(&ended, &[("errors", "true")], false);
        let failed = Event { kind: Kind::NotStarted { error: "no".to_owned() }, ..stdout("") };
        check(&failed, &[("errors", "true")], true);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (name, value, part) in [
            ("since", "soon", "`soon` is no time"),
            ("errors", "some", "true or false"),
            ("level", "loud", "`loud` is no level"),
            ("only", "few", "all, lines or output"),
        ] {
            let error = filter(&[(name, value)]).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
