//! What keeps an open page current: one stream, which sends the page's parts anew when something in them has changed. What goes
//! by between two looks is counted, not kept: a slow browser costs no memory.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use maud::html;
use tokio::sync::OwnedSemaphorePermit;

use super::console::{Asked, Shared};
use super::data::{self, LogFilter, ROWS_MAX};
use super::form::Fields;
use super::pages::frame::{Frame, partials};
use super::pages::overview::Overview;
use super::pages::{Region, instances, logs, overview};
use crate::event::Level;
use crate::front::body::{Outgoing, plain};
use crate::front::live::Live;

/// The most events of instances on their page, and of troubles on the overview.
const NEWS_MAX: usize = 100;
const TROUBLES_MAX: usize = 20;

/// The parts of a page that change. `None` if the page has none.
pub(super) fn parts(shared: &Shared, page: &str, frame: &Frame<'_>, fields: &Fields) -> Option<Vec<Region>> {
    Some(match page {
        "overview" => {
            let overview = Overview {
                functions: data::functions(&shared.registry),
                counts: shared.log.counts(),
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
        "logs" => logs::regions(frame, &data::logs(&shared.log, &log_filter(fields))),
        _ => return None,
    })
}

/// The filter of the page of logs.
pub(super) fn log_filter(fields: &Fields) -> LogFilter {
    let owned = |name: &str| fields.word(name).map(str::to_owned);
    LogFilter {
        function: owned("function"),
        request: owned("request"),
        instance: owned("instance"),
        level: match fields.get("level") {
            Some("warning") => Some(Level::Warning),
            Some("error") => Some(Level::Error),
            _ => None,
        },
        text: fields.get("q").map(str::to_lowercase),
        lines_only: fields.get("only") == Some("lines"),
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
    };
    watch.parts()?;
    let live = Live::new(Box::new(move || watch.look()), shared.stop.clone(), place);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let head = plain(StatusCode::OK, headers, Bytes::new());
    Some(head.map(|_| Outgoing::Live(Box::new(live))))
}

/// One open page.
struct Watch {
    shared: Arc<Shared>,
    page: String,
    base: &'static str,
    fields: Fields,
    /// The number of the latest event that the page has. `None` for a page that was just loaded.
    seen: Option<u64>,
    passed: Passed,
    /// What was sent last.
    sent: String,
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
        let number = self.shared.log.last_number();
        self.count(number);
        let mut parts = self.parts()?;
        parts.push(("missed", html! {
            @if self.passed.lost > 0 { (self.passed.lost) " events came while this page was not connected and are no longer kept. " }
            @if self.passed.unseen > 0 { (self.passed.unseen) " passed between two looks without being shown." }
        }));
        let text = partials(&parts).into_string();
        if text == self.sent {
            return None;
        }
        let message = message(number, &text);
        self.sent = text;
        Some(message)
    }

    /// Counts what went by since the last look.
    fn count(&mut self, number: u64) {
        let is_first = self.sent.is_empty();
        let Some(seen) = self.seen.replace(number).filter(|seen| *seen < number) else { return };
        let latest = self.shared.log.latest(seen);
        if is_first {
            self.passed.lost = latest.lost;
        } else {
            self.passed.unseen += latest.lost;
        }
        if self.page == "logs" {
            let filter = log_filter(&self.fields);
            let fitting = latest.events.iter().filter(|(_, event)| filter.takes(event)).count();
            self.passed.unseen += fitting.saturating_sub(ROWS_MAX) as u64;
        }
    }
}

/// A message of server-sent events. A line's end in the text is one of the message.
fn message(number: u64, text: &str) -> String {
    let mut message = format!("id: {number}\n");
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
        assert_eq!(message(7, "a\nb\r\nid: 8\n"), "id: 7\ndata: a\ndata: b&#13;\ndata: id: 8\ndata: \n\n");
    }
}
