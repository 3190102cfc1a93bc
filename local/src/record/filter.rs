//! Which calls somebody wants to see.

use std::time::{Duration, SystemTime};

use super::recorded::{End, Recorded};
use crate::event::{Via, duration};

/// What calls must have in common. The default lets all pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    pub(crate) function: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    /// A part of the path.
    pub(crate) path: Option<String>,
    pub(crate) via: Option<Via>,
    /// Whether failures alone pass, or those alone that are none.
    pub(crate) errors: Option<bool>,
    /// Whether health checks of load balancers pass, or they alone.
    pub(crate) probes: Option<bool>,
    /// Whether calls alone pass that waited for a start.
    pub(crate) cold: Option<bool>,
    pub(crate) end: Option<End>,
    /// The least time that a call took.
    pub(crate) slower_than: Option<Duration>,
    pub(crate) since: Option<SystemTime>,
}

/// A status, or all that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusFilter {
    Exact(u16),
    /// `5xx` is 5.
    Class(u16),
}

impl StatusFilter {
    /// Reads `404` or `4xx`.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no status: write it as 404 or as 4xx");
        if let Some(class) = text.strip_suffix("xx") {
            let class = class.parse().ok().filter(|class| (1..=5).contains(class));
            return class.map(StatusFilter::Class).ok_or_else(wrong);
        }
        let status = text.parse().ok().filter(|status| (100..=999).contains(status));
        status.map(StatusFilter::Exact).ok_or_else(wrong)
    }

    fn passes(self, status: u16) -> bool {
        match self {
            StatusFilter::Exact(own) => own == status,
            StatusFilter::Class(class) => class == status / 100,
        }
    }
}

/// A value that is none of some words.
fn no_word(value: &str, what: &str, words: &[&str]) -> String {
    format!("`{value}` is no {what}; there are: {}", words.join(", "))
}

impl Filter {
    /// Reads the fields of a query: `function`, `method`, `status`, `path`, `via`, `error`, `probe`, `cold`, `end`,
    /// `slower`, `since`. Empty ones say nothing, and others are not the filter's.
    ///
    /// # Errors
    ///
    /// A value cannot be read.
    pub(crate) fn parse<'a>(
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: SystemTime,
    ) -> Result<Self, String> {
        let mut filter = Filter::default();
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            match name {
                "function" => filter.function = Some(value.to_owned()),
                "method" => filter.method = Some(value.to_ascii_uppercase()),
                "status" => filter.status = Some(StatusFilter::parse(value)?),
                "path" => filter.path = Some(value.to_owned()),
                "via" => {
                    filter.via = Some(
                        Via::parse(value)
                            .ok_or_else(|| no_word(value, "way in", &Via::ALL.map(Via::name)))?,
                    );
                }
                "error" => filter.errors = Some(switch(name, value)?),
                "probe" => filter.probes = Some(switch(name, value)?),
                "cold" => filter.cold = Some(switch(name, value)?),
                "end" => {
                    let all = [End::UnderWay, End::Sent, End::ClientLeft, End::Cut];
                    let end = all.into_iter().find(|end| end.name() == value);
                    let wrong = || no_word(value, "end of a call", &all.map(End::name));
                    filter.end = Some(end.ok_or_else(wrong)?);
                }
                "slower" => filter.slower_than = Some(duration(value)?),
                "since" => {
                    let ago = duration(value)?;
                    filter.since = Some(now.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH));
                }
                _ => {}
            }
        }
        Ok(filter)
    }

    pub(crate) fn passes(&self, call: &Recorded) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, own: impl FnOnce() -> T) -> bool {
            wanted.is_none_or(|wanted| *wanted == own())
        }
        let is_function = |wanted: &String| call.function.as_deref() == Some(wanted.as_str());
        self.function.as_ref().is_none_or(is_function)
            && self.method.as_ref().is_none_or(|wanted| call.method.as_str() == wanted)
            && self.status.is_none_or(|wanted| wanted.passes(call.status))
            && self.path.as_ref().is_none_or(|part| call.original.path().contains(part.as_str()))
            && self.via.is_none_or(|wanted| call.via == Some(wanted))
            && is(self.errors.as_ref(), || call.is_error())
            && is(self.probes.as_ref(), || call.is_probe)
            && is(self.cold.as_ref(), || call.phases.is_cold)
            && is(self.end.as_ref(), || call.end)
            && self.slower_than.is_none_or(|least| call.phases.end >= least)
            && self.since.is_none_or(|since| call.begun >= since)
    }
}

fn switch(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" | "1" | "on" => Ok(true),
        "false" | "0" | "off" => Ok(false),
        _ => Err(format!("{name} is true or false, not `{value}`")),
    }
}
