//! The list of recorded requests.

use maud::{Markup, html};

use super::Region;
use super::frame::{Frame, empty, select};
use super::text::{clipped, size, span, status, time};
use crate::front::console::form::Fields;
use crate::record::{End, Page, Recorded};

/// The rows of a page.
pub(in crate::front::console) const ROWS: usize = 50;

/// The longest target of a row, in bytes.
const TARGET_MAX: usize = 300;

/// The fields of the filter.
pub(in crate::front::console) const FIELDS: [&str; 7] =
    ["path", "function", "method", "status", "error", "cold", "slower"];

/// The filter above the list.
pub(in crate::front::console) fn filter(frame: &Frame<'_>, names: &[String], fields: &Fields) -> Markup {
    let methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
    html! {
        form.filter action=(frame.to("/requests")) role="search" {
            div { label for="filter" { "Path has" } input type="search" id="filter" name="path" value=[fields.get("path")] aria-keyshortcuts="/"; }
            (select("function", "Function", "all", names.iter().map(String::as_str), fields.get("function")))
            (select("method", "Method", "all", methods, fields.get("method")))
            div { label for="status" { "Status" } input type="text" id="status" name="status" size="6" placeholder="404 or 5xx" value=[fields.get("status")]; }
            div {
                label for="error" { "Outcome" }
                select id="error" name="error" {
                    option value="" { "all" }
                    option value="true" selected[fields.get("error") == Some("true")] { "failed" }
                    option value="false" selected[fields.get("error") == Some("false")] { "not failed" }
                }
            }
            div {
                label for="cold" { "Start" }
                select id="cold" name="cold" {
                    option value="" { "all" }
                    option value="true" selected[fields.get("cold") == Some("true")] { "cold" }
                    option value="false" selected[fields.get("cold") == Some("false")] { "warm" }
                }
            }
            div { label for="slower" { "Slower than" } input type="text" id="slower" name="slower" size="6" placeholder="500ms" value=[fields.get("slower")]; }
            div { button type="submit" { "Filter" } " " a.button href=(frame.to("/requests")) { "Clear" } }
        }
    }
}

/// The parts of the page. `wrong` says what of the filter cannot be read, `off` that nothing is recorded.
pub(in crate::front::console) fn regions(
    frame: &Frame<'_>,
    page: &Page,
    wrong: Option<&str>,
    off: bool,
) -> Vec<Region> {
    vec![("r-requests", list(frame, page, wrong, off))]
}

fn list(frame: &Frame<'_>, page: &Page, wrong: Option<&str>, off: bool) -> Markup {
    let total = page.gone + page.kept as u64;
    html! {
        h2.hidden { "Requests" }
        @if let Some(wrong) = wrong { p.notice.bad role="alert" { (wrong) } }
        @if off {
            (empty("Requests are not recorded.", "They were switched off at the start. With them:", Some("fc-local dev")))
        } @else if total == 0 {
            (empty("No request has come yet.", "Call a function, and it stands here with its headers, body, times and log:", Some("curl http://NAME.localhost:PORT/   or   fc-local invoke NAME -e '{}'")))
        } @else if page.entries.is_empty() {
            (empty("No request fits the filter.", "Of those that are kept none does.", None))
        } @else {
            p.hint { (page.entries.len()) " shown, the newest first. Kept: " (page.kept) " of " (total) "." }
            div.scroll tabindex="0" role="region" aria-label="Requests" {
                table {
                    thead { tr { th scope="col" { "Time (UTC)" } th scope="col" { "Request" } th scope="col" { "Status" } th.number scope="col" { "Took" } th scope="col" { "Function" } th.number scope="col" { "In" } th.number scope="col" { "Out" } } }
                    tbody { @for entry in &page.entries { (row(frame, &entry.call)) } }
                }
            }
        }
    }
}

fn row(frame: &Frame<'_>, call: &Recorded) -> Markup {
    let [request, reply] = call.lengths;
    html! {
        tr id={ "q-" (call.number) } {
            td { (time(call.begun)) }
            td.path {
                a href=(frame.to(&format!("/requests/{}", call.id))) { (call.method) " " (clipped(&call.shown_target(), TARGET_MAX)) }
                @if call.phases.is_cold { " " span.mark { "cold" } }
                @if call.is_probe { " " span.mark { "probe" } }
                @if call.socket.is_some() { " " span.mark { "WebSocket" } }
                @if call.replay_of.is_some() { " " span.mark { "replay" } }
            }
            td { (outcome(call)) }
            td.number { @if call.end == End::UnderWay { "under way" } @else { (span(call.phases.end)) } }
            td { @if let Some(name) = &call.function { (name) } @if let Some(qualifier) = &call.qualifier { " " (qualifier) } }
            td.number { (size(request)) }
            td.number { (size(reply)) }
        }
    }
}

/// The status, that of gRPC, and how the call ended.
pub(super) fn outcome(call: &Recorded) -> Markup {
    html! {
        @if call.status != 0 { (status(call.status)) }
        @if let Some(code) = call.grpc_status { " " span class=(if code == 0 { "mark good" } else { "mark bad" }) { "gRPC " (code) } }
        @match call.end {
            End::UnderWay => { " " span.mark { "under way" } }
            End::Cut => { " " span class="mark bad" { "cut" } }
            End::ClientLeft => { " client left" }
            End::Sent => {}
        }
    }
}

/// The way to older requests.
pub(in crate::front::console) fn older(frame: &Frame<'_>, fields: &Fields, next: Option<u64>) -> Markup {
    let query = fields.query(&FIELDS);
    let sign = if query.is_empty() { '?' } else { '&' };
    html! {
        @if let Some(next) = next {
            nav.actions aria-label="Older requests" { a.button rel="next" href=(frame.to(&format!("/requests{query}{sign}before={next}"))) { "Older" } }
        }
        @if fields.get("before").is_some() {
            nav.actions aria-label="Newest requests" { a.button href=(frame.to(&format!("/requests{query}"))) { "Newest" } }
        }
    }
}
