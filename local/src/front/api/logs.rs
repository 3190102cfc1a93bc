//! The lines of functions that the log keeps, as JSON: a page of them, or those that come.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::Uri;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::local::{PAGE_MAX, Site, WAIT_MAX, limit, pairs};
use crate::event::{Event, Kinds, LogFilter, utc};
use crate::failure::Failure;
use crate::front::async_operation::parameter;
use crate::model::VersionId;

/// How often a caller's wait looks for new lines. Who emits one wakes nobody: lines must stay cheap.
const PERIOD: Duration = Duration::from_millis(100);

/// What is known of the functions by name.
pub(crate) trait Known: fmt::Debug + Sync {
    fn has_function(&self, name: &str) -> bool;

    /// The versions to which a qualifier leads; `None` among them is `LATEST`.
    ///
    /// # Errors
    ///
    /// There is no such function or alias.
    fn versions(&self, function: &str, qualifier: &str) -> Result<Vec<Option<VersionId>>, Failure>;
}

/// What fits, the oldest first: that behind the event `after`, or all that is kept. With `wait` it waits for some time until
/// something fits.
pub(super) async fn logs(site: Site<'_>, uri: &Uri) -> Result<Value, Failure> {
    let filter = filter(site.known, uri)?;
    let limit = limit(uri, PAGE_MAX)?;
    let after = parameter(uri, "after").map(|after| after.parse()).transpose();
    let after: Option<u64> = after.map_err(|_| Failure::invalid_argument("after is no id of an event"))?;
    let mut page = Page::look(site, &filter, after, limit);
    if let Some(name) = &filter.function
        && !page.knows_function
        && !site.known.has_function(name)
    {
        return Err(Failure::function_not_found(name));
    }
    let until = Instant::now() + WAIT_MAX;
    let waits = parameter(uri, "wait").is_some_and(|wait| wait == "true");
    while waits && page.events.is_empty() && page.lost == 0 && Instant::now() < until {
        if site.stop.run_until_cancelled(sleep(PERIOD)).await.is_none() {
            break;
        }
        if site.log.last_number() != page.next {
            page = Page::look(site, &filter, Some(page.next), limit);
        }
    }
    Ok(page.document())
}

/// A part of what fits.
#[derive(Debug)]
struct Page {
    events: Vec<Value>,
    /// The id of the last event that was looked at.
    next: u64,
    has_more: bool,
    /// How many events, of all functions, are gone that might have fitted.
    lost: u64,
    /// The id of the latest event.
    last: u64,
    /// Whether something is kept of the wanted function.
    knows_function: bool,
}

impl Page {
    fn look(site: Site<'_>, filter: &LogFilter, after: Option<u64>, limit: usize) -> Self {
        let latest = site.log.latest(after.unwrap_or(0));
        // What is gone is older than what is kept.
        let oldest = latest.events.first().map(|(_, event)| event.time);
        let is_whole = filter.since.zip(oldest).is_some_and(|(since, oldest)| oldest < since);
        let of_function = |event: &Event| filter.function.as_deref() == event.function.as_deref();
        let knows_function = latest.events.iter().any(|(_, event)| of_function(event));
        let mut fitting = latest.events.iter().filter(|(_, event)| filter.takes(event)).peekable();
        let mut next = latest.last;
        let mut events = Vec::new();
        for (number, event) in fitting.by_ref().take(limit) {
            events.push(document(*number, event));
            next = *number;
        }
        let has_more = fitting.peek().is_some();
        Page {
            events,
            next: if has_more { next } else { latest.last },
            has_more,
            lost: if is_whole { 0 } else { latest.lost },
            last: latest.last,
            knows_function,
        }
    }

    fn document(self) -> Value {
        json!({
            "events": self.events,
            "next": self.next,
            "hasMore": self.has_more,
            "lost": self.lost,
            "last": self.last,
        })
    }
}

/// An event as `--json` of the command line writes it, with its number as its id.
fn document(number: u64, event: &Event) -> Value {
    let mut fields = event.fields();
    fields.insert("id".to_owned(), number.into());
    fields.insert("time".to_owned(), utc(event.time).into());
    Value::Object(fields)
}

fn filter(known: &dyn Known, uri: &Uri) -> Result<LogFilter, Failure> {
    let mut filter = LogFilter { kinds: Kinds::Output, ..LogFilter::default() };
    for (name, value) in pairs(uri) {
        filter.set(&name, &value, SystemTime::now()).map_err(Failure::invalid_argument)?;
    }
    if let Some(qualifier) = parameter(uri, "qualifier") {
        let Some(function) = &filter.function else {
            return Err(Failure::invalid_argument("a qualifier is one of a function: name the function too"));
        };
        filter.versions = Some(known.versions(function, &qualifier)?);
    }
    Ok(filter)
}
