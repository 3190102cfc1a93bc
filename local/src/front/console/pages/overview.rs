//! The page that says how everything is.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Region;
use super::frame::{Frame, empty};
use super::text::{clipped, count, level, time};
use crate::front::console::data::{FunctionView, Numbered};

/// The longest text of an event in a list, in bytes.
const TEXT_MAX: usize = 600;

/// What the page shows.
#[derive(Debug)]
pub(in crate::front::console) struct Overview {
    pub(in crate::front::console) functions: Vec<FunctionView>,
    /// How many events of each kind there were.
    pub(in crate::front::console) counts: BTreeMap<&'static str, u64>,
    pub(in crate::front::console) troubles: Vec<Numbered>,
}

/// Where functions answer, by their names.
pub(in crate::front::console) type Addresses = BTreeMap<String, String>;

/// The parts of the page, in their order.
pub(in crate::front::console) fn regions(frame: &Frame<'_>, overview: &Overview) -> Vec<Region> {
    vec![
        ("r-tiles", tiles(overview)),
        ("r-functions", functions(frame, &overview.functions)),
        ("r-troubles", troubles(frame, &overview.troubles)),
    ]
}

fn tiles(overview: &Overview) -> Markup {
    let kind = |name: &str| overview.counts.get(name).copied().unwrap_or(0);
    let pools = || overview.functions.iter().flat_map(|function| &function.pools);
    let instances: usize = overview.functions.iter().map(FunctionView::instances).sum();
    let busy = pools().flat_map(|pool| &pool.instances).filter(|instance| instance.calls > 0).count();
    let (starting, waiting): (usize, usize) =
        (pools().map(|pool| pool.starting).sum(), pools().map(|pool| pool.waiting).sum());
    html! {
        h2.hidden { "At a glance" }
        dl.tiles {
            div { dt { "Functions" } dd { (overview.functions.len()) } }
            div { dt { "Instances" } dd { (instances) small { (busy) " busy, " (starting) " starting" } } }
            div { dt { "Waiting calls" } dd { (waiting) } }
            div { dt { "Requests" } dd { (kind("request")) small { "since the start" } } }
        }
    }
}

fn functions(frame: &Frame<'_>, functions: &[FunctionView]) -> Markup {
    html! {
        h2 { "Functions" }
        @if functions.is_empty() {
            (empty("There is no function.", "Make the project of one, and start it:", Some("fc-local new hello --template http && cd hello && fc-local dev")))
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Functions" {
                table {
                    thead { tr { th scope="col" { "Function" } th scope="col" { "State" } th.number scope="col" { "Instances" } th.number scope="col" { "Waiting" } th scope="col" { "Last error" } } }
                    tbody {
                        @for function in functions {
                            tr id={ "f-" (function.name) } {
                                th scope="row" { a href=(frame.to(&format!("/instances?function={}", function.name))) { (function.name) } }
                                td { (function.text) }
                                td.number { (function.instances()) }
                                td.number { (function.pools.iter().map(|pool| pool.waiting).sum::<usize>()) }
                                td.path { @if let Some(error) = &function.last_error { (clipped(error, TEXT_MAX)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What needs attention.
pub(super) fn troubles(frame: &Frame<'_>, troubles: &[Numbered]) -> Markup {
    html! {
        h2 { "Needs attention" }
        @if troubles.is_empty() {
            p.hint { "Nothing: no warning and no error of instances, builds or settings since the start." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Needs attention" {
                table {
                    thead { tr { th scope="col" { "Time (UTC)" } th scope="col" { "Level" } th scope="col" { "Function" } th scope="col" { "What" } } }
                    tbody {
                        @for (number, event) in troubles {
                            tr id={ "t-" (number) } {
                                td { (time(event.time)) }
                                td { (level(event.kind.level())) }
                                td { @if let Some(name) = &event.function { (name) } }
                                td.text { (clipped(&event.text(), TEXT_MAX)) }
                            }
                        }
                    }
                }
            }
            p.hint { (count(troubles.len(), "event")) ". All of them are in the " a href=(frame.to("/logs?level=warning")) { "logs" } "." }
        }
    }
}

/// What does not change while the page is open: where the functions answer.
pub(in crate::front::console) fn addresses(functions: &[FunctionView], addresses: &Addresses, main: u16) -> Markup {
    html! {
        h2 { "Where they answer" }
        div.scroll tabindex="0" role="region" aria-label="Addresses" {
            table {
                thead { tr { th scope="col" { "Function" } th scope="col" { "Address" } th scope="col" { "Command" } } }
                tbody {
                    @for function in functions {
                        @let url = addresses.get(&function.name).filter(|_| function.has_trigger == Some(true));
                        tr {
                            th scope="row" { (function.name) }
                            @if let Some(url) = url {
                                td.path { a href=(url) { (url) } br; a href={ "http://" (function.name) ".localhost:" (main) "/" } { "http://" (function.name) ".localhost:" (main) "/" } }
                                td { code { @if function.is_signed { "fc-local curl " } @else { "curl " } (url) } }
                            } @else if function.has_trigger.is_none() {
                                td { "not deployed yet" } td {}
                            } @else {
                                td { "takes events only" }
                                td { code { "fc-local invoke " (function.name) " -e '{}'" } }
                            }
                        }
                    }
                }
            }
        }
    }
}
