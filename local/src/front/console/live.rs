//! What keeps an open page current: one stream, which sends the page's parts anew when something in them has changed. What goes
//! by between two looks is counted, not kept: a slow browser costs no memory.

use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use maud::html;
use tokio::sync::OwnedSemaphorePermit;

use super::console::{Asked, Shared};
use super::course::course;
use super::data::{self, ROWS_MAX};
use super::form::Fields;
use super::pages::frame::{Frame, partials};
use super::pages::overview::Overview;
use super::pages::{Region, instances, logs, overview, requests};
use crate::event::{Kind, LogFilter};
use crate::front::body::{Outgoing, plain};
use crate::front::live::Live;
use crate::record::{Filter, Page};

/// The most events of instances on their page, and of troubles on the overview.
const NEWS_MAX: usize = 100;
const TROUBLES_MAX: usize = 20;

/// The parts of a page that change. `None` if the page has none.
pub(super) fn parts(shared: &Shared, page: &str, frame: &Frame<'_>, fields: &Fields) -> Option<Vec<Region>> {
    Some(match page {
        "overview" => {
            let overview = Overview {
                functions: data::functions(&shared.registry),
                course: course(&shared.meters),
                troubles: data::troubles(&shared.log, TROUBLES_MAX),
            };
            overview::regions(frame, &overview)
        }
        "instances" => {
            let chosen = fields.get("function");
            let mut functions = data::functions(&shared.registry);
            functions.retain(|function| chosen.is_none_or(|name| function.name == name));
            let news = data::of_instances(&shared.log, chosen, NEWS_MAX);
            instances::regions(frame, &functions, &news)
        }
        "requests" => {
            let (page, wrong) = requests(shared, fields, requests::ROWS);
            requests::regions(frame, &page, wrong.as_deref(), shared.records.limits().is_none())
        }
        "logs" => logs::regions(frame, &data::logs(&shared.log, &log_filter(fields))),
        _ => return None,
    })
}

/// The latest requests that fit the filter, and what of the filter cannot be read.
pub(super) fn requests(shared: &Shared, fields: &Fields, most: usize) -> (Page, Option<String>) {
    let (filter, wrong) = match Filter::parse(fields.pairs(), SystemTime::now()) {
        Ok(filter) => (filter, None),
        Err(wrong) => (Filter::default(), Some(wrong)),
    };
    let before = fields.word("before").and_then(|before| before.parse().ok());
    (shared.records.list(&filter, before, most), wrong)
}

/// The fields of the filter of logs.
pub(super) const LOG_FIELDS: [&str; 6] = ["q", "function", "level", "request", "instance", "only"];

/// The filter of the page of logs. What cannot be read says nothing.
pub(super) fn log_filter(fields: &Fields) -> LogFilter {
    let mut filter = LogFilter::default();
    for name in LOG_FIELDS {
        if let Some(value) = fields.get(name) {
            _ = filter.set(name, value, SystemTime::now());
        }
    }
    filter
}

/// How far a log and the recorded requests have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    events: u64,
    requests: u64,
}

impl Mark {
    fn now(shared: &Shared) -> Self {
        let page = shared.records.list(&Filter::default(), None, 0);
        Mark { events: shared.log.last_number(), requests: page.gone + page.kept as u64 }
    }

    /// Reads what a stream gave as the id of its messages.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (events, requests) = text.split_once('-')?;
        Some(Mark { events: events.parse().ok()?, requests: requests.parse().ok()? })
    }
}

/// The stream of a page. `None` if the page has none.
pub(super) fn stream(
    shared: &Arc<Shared>,
    page: &str,
    asked: &Asked<'_>,
    place: OwnedSemaphorePermit,
) -> Option<Response<Outgoing>> {
    let mut watch = Watch {
        shared: Arc::clone(shared),
        page: page.to_owned(),
        base: asked.frame.base,
        fields: asked.fields.clone(),
        seen: asked.last_event,
        passed: Passed::default(),
        sent: String::new(),
        looks: 0,
    };
    if page != TASKS {
        watch.parts()?;
    }
    let live = Live::new(Box::new(move || watch.look()), shared.stop.clone(), place);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let head = plain(StatusCode::OK, headers, Bytes::new());
    Some(head.map(|_| Outgoing::Live(Box::new(live))))
}

/// The page whose list is read from the disk: its stream says when the page is to ask for it.
const TASKS: &str = "tasks";

/// After how many looks tasks are asked for anew, whether something was told of them or not: not each change is an event.
const TASK_LOOKS: u32 = 4;

/// One open page.
struct Watch {
    shared: Arc<Shared>,
    page: String,
    base: &'static str,
    fields: Fields,
    /// What the page has. `None` for a page that was just loaded.
    seen: Option<Mark>,
    passed: Passed,
    /// What was sent last.
    sent: String,
    looks: u32,
}

/// What went by without being shown.
#[derive(Debug, Default)]
struct Passed {
    /// Between two looks, more than a page has rows for.
    unseen: u64,
    /// While the browser was not connected, and no longer kept.
    lost: u64,
}

impl Watch {
    fn parts(&self) -> Option<Vec<Region>> {
        // Parts have no forms, so they need no token.
        let frame = Frame { base: self.base, token: "", project: &self.shared.project };
        parts(&self.shared, &self.page, &frame, &self.fields)
    }

    fn look(&mut self) -> Option<String> {
        let mark = Mark::now(&self.shared);
        let before = self.seen.replace(mark);
        self.looks += 1;
        if self.page == TASKS {
            let is_time = self.looks.is_multiple_of(TASK_LOOKS);
            let has_come = || {
                let latest = self.shared.log.latest(before.map_or(mark.events, |before| before.events));
                latest
                    .events
                    .iter()
                    .any(|(_, event)| matches!(event.kind, Kind::AsyncCall(_) | Kind::MessageStored(_)))
            };
            return (is_time || has_come()).then(|| format!("id: {}\nevent: tasks\ndata: \n\n", id(mark)));
        }
        if let Some(before) = before {
            self.count(before, mark);
        }
        let mut parts = self.parts()?;
        parts.push(("missed", html! {
            @if self.passed.lost > 0 { (self.passed.lost) " came while this page was not connected and are no longer kept. " }
            @if self.passed.unseen > 0 { (self.passed.unseen) " passed between two looks without being shown." }
        }));
        let text = self.shared.masked(partials(&parts).into_string());
        if text == self.sent {
            return None;
        }
        let message = message(mark, &text);
        self.sent = text;
        Some(message)
    }

    /// Counts what went by since the last look.
    fn count(&mut self, before: Mark, now: Mark) {
        let is_first = self.sent.is_empty();
        let (unseen, lost) = match &*self.page {
            "requests" => {
                let page = self.shared.records.list(&Filter::default(), None, 0);
                let came = now.requests.saturating_sub(before.requests);
                let lost = came.saturating_sub(page.kept as u64);
                ((came - lost).saturating_sub(requests::ROWS as u64), lost)
            }
            "logs" => {
                let latest = self.shared.log.latest(before.events);
                let filter = log_filter(&self.fields);
                let fitting = latest.events.iter().filter(|(_, event)| filter.takes(event)).count();
                (fitting.saturating_sub(ROWS_MAX) as u64, latest.lost)
            }
            // These pages show how things are, and nothing that goes by.
            _ => return,
        };
        if is_first {
            self.passed.lost += lost;
            self.passed.unseen += unseen;
        } else {
            self.passed.unseen += unseen + lost;
        }
    }
}

fn id(mark: Mark) -> String {
    format!("{}-{}", mark.events, mark.requests)
}

/// A message of server-sent events. A line's end in the text is one of the message.
fn message(mark: Mark, text: &str) -> String {
    let mut message = format!("id: {}\n", id(mark));
    for line in text.split('\n') {
        // A carriage return would end the line too. As a reference it is the same character of the page.
        _ = writeln!(message, "data: {}", line.replace('\r', "&#13;"));
    }
    message.push('\n');
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_number_and_keeps_its_lines() {
        let mark = Mark { events: 7, requests: 2 };
        assert_eq!(Mark::parse(&id(mark)), Some(mark));
        assert_eq!(
            message(mark, "a\nb\r\nid: 8\n"),
            "id: 7-2\ndata: a\ndata: b&#13;\ndata: id: 8\ndata: \n\n"
        );
    }
}
