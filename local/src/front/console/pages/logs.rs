//! The page of logs: lines of programs, and what fc-local tells of them.

use maud::{Markup, html};

use super::Region;
use super::frame::{Frame, empty, select};
use super::text::{clipped, level, time};
use crate::event::{Event, Kind, Kinds, LogFilter, neutral};
use crate::front::console::data::{Logged, ROWS_MAX};

/// The longest text of a row, in bytes.
const TEXT_MAX: usize = 2000;

/// The filter above the list.
pub(in crate::front::console) fn filter(frame: &Frame<'_>, names: &[String], filter: &LogFilter) -> Markup {
    let level = filter.level.map(crate::event::Level::name);
    html! {
        form.filter action=(frame.to("/logs")) role="search" {
            div { label for="filter" { "Text" } input type="search" id="filter" name="q" value=[filter.text.as_deref()] aria-keyshortcuts="/"; }
            (select("function", "Function", "all", names.iter().map(String::as_str), filter.function.as_deref()))
            (select("level", "Level", "all", ["warning", "error"], level))
            div { label for="request" { "Request id" } input type="text" id="request" name="request" value=[filter.request.as_deref()]; }
            div { label for="instance" { "Instance" } input type="text" id="instance" name="instance" value=[filter.instance.as_deref()]; }
            div { label for="only" { "Show" } select id="only" name="only" { option value="" { "all events" } option value="lines" selected[filter.kinds == Kinds::Lines] { "lines of programs" } } }
            div { button type="submit" { "Filter" } " " a.button href=(frame.to("/logs")) { "Clear" } }
        }
    }
}

/// The parts of the page, in their order.
pub(in crate::front::console) fn regions(frame: &Frame<'_>, logged: &Logged) -> Vec<Region> {
    vec![("r-logs", list(frame, logged))]
}

fn list(frame: &Frame<'_>, logged: &Logged) -> Markup {
    html! {
        h2.hidden { "Lines" }
        p.hint {
            (logged.events.len()) " shown, the newest first"
            @if logged.has_more { " (older ones fit too: narrow the filter)" }
            ". Looked at: the latest " (logged.kept) " of " (logged.total) " events."
        }
        @if logged.events.is_empty() {
            (empty("No line fits.", "Lines come with the next call of a function:", Some("fc-local invoke NAME -e '{}'")))
        } @else {
            div.scroll tabindex="0" role="region" aria-label={ "The latest " (ROWS_MAX) " events" } {
                table {
                    thead { tr { th scope="col" { "Time (UTC)" } th scope="col" { "From" } th scope="col" { "Text" } th scope="col" { "Request" } } }
                    tbody { @for (number, event) in &logged.events { (row(frame, *number, event)) } }
                }
            }
        }
    }
}

fn row(frame: &Frame<'_>, number: u64, event: &Event) -> Markup {
    let source = match event.kind {
        Kind::Stdout(_) => Some("stdout"),
        Kind::Stderr(_) => Some("stderr"),
        Kind::Build(_) => Some("build"),
        _ => None,
    };
    let text = event.text();
    html! {
        tr id={ "l-" (number) } {
            td { (time(event.time)) }
            td.from {
                @if let Some(name) = &event.function { (name) " " }
                @match source { Some(source) => span.mark { (source) }, None => (level(event.kind.level())) }
            }
            td.text { (neutral(&clipped(&text, TEXT_MAX))) }
            td.id { @if let Some(id) = &event.request { a href=(frame.to(&format!("/requests/{id}"))) { (id) } } }
        }
    }
}
