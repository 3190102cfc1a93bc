//! The page that says how everything is.

use std::collections::BTreeMap;
use std::time::Duration;

use maud::{Markup, html};

use super::Region;
use super::chart::{self, Line};
use super::frame::{Frame, empty};
use super::text::{clipped, count, level, size, span, time};
use crate::front::console::course::{BACK, Course, FunctionSums, Interval};
use crate::front::console::data::{FunctionView, Numbered};

/// The longest text of an event in a list, in bytes.
const TEXT_MAX: usize = 600;

/// What the page shows.
#[derive(Debug)]
pub(in crate::front::console) struct Overview {
    pub(in crate::front::console) functions: Vec<FunctionView>,
    pub(in crate::front::console) course: Course,
    pub(in crate::front::console) troubles: Vec<Numbered>,
}

/// Where functions answer, by their names.
pub(in crate::front::console) type Addresses = BTreeMap<String, String>;

/// The parts of the page, in their order.
pub(in crate::front::console) fn regions(frame: &Frame<'_>, overview: &Overview) -> Vec<Region> {
    vec![
        ("r-tiles", tiles(overview)),
        ("r-charts", charts(&overview.course)),
        ("r-functions", functions(frame, &overview.functions)),
        ("r-troubles", troubles(frame, &overview.troubles)),
        ("r-usage", usage(&overview.course)),
    ]
}

fn tiles(overview: &Overview) -> Markup {
    let pools = || overview.functions.iter().flat_map(|function| &function.pools);
    let instances: usize = overview.functions.iter().map(FunctionView::instances).sum();
    let busy = pools().flat_map(|pool| &pool.instances).filter(|instance| instance.calls > 0).count();
    let (starting, waiting): (usize, usize) =
        (pools().map(|pool| pool.starting).sum(), pools().map(|pool| pool.waiting).sum());
    let course = &overview.course;
    let (sums, latest) = (course.sums(), course.intervals.last().copied().unwrap_or_default());
    let slowest = |of: fn(&FunctionSums) -> Option<Duration>| course.functions.iter().filter_map(of).max();
    let told = |time: Option<Duration>| time.map_or_else(|| "\u{2013}".to_owned(), span);
    html! {
        h2.hidden { "At a glance" }
        dl.tiles {
            div { dt { "Functions" } dd { (overview.functions.len()) } }
            div { dt { "Instances" } dd { (instances) small { (busy) " busy, " (starting) " starting" } } }
            div { dt { "Calls" } dd { (sums.invocations) small { (rate(latest.requests_per_second)) " now, " (waiting) " waiting" } } }
            div { dt { "p50 / p99" } dd { (told(slowest(|own| own.p50))) small { "p99 " (told(slowest(|own| own.p99))) ", the last minutes" } } }
            div { dt { "Cold starts" } dd { (sums.cold_starts) } }
            div { dt { "Clients that left (499)" } dd { (sums.client_left) } }
            div { dt { "Failed calls" } dd { (sums.errors) small { (sums.refused) " without an instance" } } }
            div { dt { "Would cost" } dd { (cost(course)) small { "since the start, by list prices" } } }
        }
    }
}

fn cost(course: &Course) -> Markup {
    let sum: f64 = course.functions.iter().filter_map(|own| own.cost).sum();
    html! { @if let Some([currency, _, _]) = &course.prices { (money(sum)) " " (currency) } @else { "unknown" } }
}

/// A sum of money with the digits that matter: most are small here.
fn money(sum: f64) -> String {
    if sum >= 1.0 || sum == 0.0 { format!("{sum:.2}") } else { format!("{sum:.6}") }
}

fn rate(per_second: f64) -> String {
    if per_second >= 10.0 { format!("{per_second:.0}/s") } else { format!("{per_second:.1}/s") }
}

fn milliseconds(value: f64) -> String {
    if value >= 1000.0 {
        format!("{:.1} s", value / 1000.0)
    } else if value >= 10.0 {
        format!("{value:.0} ms")
    } else {
        format!("{value:.1} ms")
    }
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

fn charts(course: &Course) -> Markup {
    let seconds = BACK.as_secs_f64();
    let line = |name, class, of: fn(&Interval) -> Option<f64>| Line {
        name,
        class,
        points: course.intervals.iter().map(|own| (own.seconds_ago, of(own))).collect(),
    };
    let rates = [
        line("calls", "one", |own| Some(own.requests_per_second)),
        line("failed", "two", |own| Some(own.failed_per_second)),
        line("left", "three", |own| Some(own.left_per_second)),
    ];
    let latencies = [
        line("p50", "one", |own| own.p50.map(|time| time.as_secs_f64() * 1000.0)),
        line("p99", "three", |own| own.p99.map(|time| time.as_secs_f64() * 1000.0)),
    ];
    let instances = [
        line("instances", "one", |own| Some(own.instances)),
        line("cold starts", "two", |own| Some(own.cold_starts)),
    ];
    html! {
        h2 { "The last 15 minutes" }
        div.charts {
            (chart::lines("Calls per second", seconds, &rates, rate))
            (chart::lines("Latency", seconds, &latencies, milliseconds))
            (chart::lines("Instances", seconds, &instances, whole))
        }
    }
}

fn usage(course: &Course) -> Markup {
    let told = |time: Option<Duration>| time.map_or_else(|| "\u{2013}".to_owned(), span);
    html! {
        h2 { "Usage and cost since the start" }
        @if course.functions.iter().all(|own| own.used.is_nothing()) {
            (empty("Nothing has been used yet.", "Calls of functions are counted here:", Some("fc-local invoke NAME -e '{}'")))
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Usage and cost" {
                table {
                    thead { tr { th scope="col" { "Function" } th.number scope="col" { "Calls" } th.number scope="col" { "Failed" } th.number scope="col" { "499" } th.number scope="col" { "Cold" } th.number scope="col" { "p50" } th.number scope="col" { "p99" } th.number scope="col" { "Active" } th.number scope="col" { "Idle, kept" } th.number scope="col" { "vCPU-s" } th.number scope="col" { "GB-s" } th.number scope="col" { "In" } th.number scope="col" { "Out" } th.number scope="col" { "Would cost" } } }
                    tbody {
                        @for own in &course.functions {
                            @let (used, time) = (&own.used, &own.used.time);
                            tr id={ "u-" (own.name) } {
                                th scope="row" { (own.name) }
                                td.number { (used.invocations) }
                                td.number { (used.errors) }
                                td.number { (used.client_left) }
                                td.number { (used.cold_starts) }
                                td.number { (told(own.p50)) }
                                td.number { (told(own.p99)) }
                                td.number { (format!("{:.1} s", time.active_seconds())) }
                                td.number { (format!("{:.1} s", time.idle_seconds())) }
                                td.number { (format!("{:.3}", time.active_vcpu_seconds() + time.idle_vcpu_seconds())) }
                                td.number { (format!("{:.3}", time.active_gb_seconds() + time.idle_gb_seconds())) }
                                td.number { (size(used.bytes_in)) }
                                td.number { (size(used.bytes_out)) }
                                td.number { @if let Some(cost) = own.cost { (money(cost)) } @else { "\u{2013}" } }
                            }
                        }
                    }
                }
            }
            @if let Some([currency, source, date]) = &course.prices {
                p.hint { "In " (currency) ", by the list prices of " (date) " (" (source) "). " code { "fc-local usage" } " has other tables." }
            }
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
pub(in crate::front::console) fn addresses(
    functions: &[FunctionView],
    addresses: &Addresses,
    main: u16,
) -> Markup {
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
