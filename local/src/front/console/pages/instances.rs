//! The page of instances: what each is at, and what happened to them.

use maud::{Markup, html};

use super::Region;
use super::frame::{Frame, empty, select};
use super::text::{clipped, count, level, size, span, time};
use crate::front::console::data::{FunctionView, Numbered, Settings};
use crate::model::{InstanceLook, PoolLook, Stage};

/// The longest text of an event in a list, in bytes.
const TEXT_MAX: usize = 600;

/// The stages in the order of an instance's life.
const STAGES: [(Stage, &str); 6] = [
    (Stage::Busy, "has calls"),
    (Stage::Idle, "waits for a call"),
    (Stage::Frozen, "waits for a call, and gets no processor time until it comes"),
    (Stage::Unhealthy, "failed its health checks: no new calls until it passes them"),
    (Stage::Retiring, "gets no new calls, and stops after those that it has"),
    (Stage::Stopping, "is being stopped: pre-stop hook, then SIGTERM"),
];

/// The filter above the lists.
pub(in crate::front::console) fn filter(frame: &Frame<'_>, names: &[String], chosen: Option<&str>) -> Markup {
    html! {
        form.filter action=(frame.to("/instances")) role="search" {
            (select("function", "Function", "all", names.iter().map(String::as_str), chosen))
            div { button type="submit" { "Show" } }
        }
    }
}

/// The parts of the page, in their order.
pub(in crate::front::console) fn regions(
    frame: &Frame<'_>,
    functions: &[FunctionView],
    news: &[Numbered],
) -> Vec<Region> {
    vec![("r-instances", pools(functions)), ("r-news", happened(frame, news))]
}

fn pools(functions: &[FunctionView]) -> Markup {
    html! {
        @if functions.is_empty() {
            (empty("There is no such function.", "These are the functions of the manifest:", Some("fc-local list")))
        }
        @for function in functions {
            h2 { (function.name) }
            @if let Some(settings) = &function.settings { (summary(settings)) }
            @if function.instances() == 0 && function.pools.iter().all(|pool| pool.starting == 0) {
                (empty("No instance runs.", "The next call starts one:", Some(&format!("fc-local invoke {} -e '{{}}'", function.name))))
            }
            @for pool in &function.pools {
                @if !pool.instances.is_empty() || pool.starting > 0 || pool.waiting > 0 {
                    (members(function, pool))
                }
            }
        }
    }
}

fn summary(settings: &Settings) -> Markup {
    html! {
        p.hint {
            (settings.runtime) ", " (settings.memory_mib) " MiB, " (count(settings.concurrency, "call")) " at a time, time limit " (span(settings.timeout)) "; "
            @if settings.kept > 0 { "at least " (count(settings.kept, "instance")) "; " }
            @if settings.hooks.is_empty() { "no hooks" } @else { "hooks: " (settings.hooks.join(", ")) }
            @if let Some(path) = &settings.health { "; health check " code { (path) } } @else { "; no health check" }
        }
    }
}

fn members(function: &FunctionView, pool: &PoolLook) -> Markup {
    let version = pool.version.map_or_else(|| "LATEST".to_owned(), |version| format!("version {version}"));
    let limit = function.settings.as_ref().map_or(0, |settings| u64::from(settings.memory_mib) << 20);
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Instances of " (function.name) ", " (version) } {
            table {
                caption {
                    (version) ": " (pool.instances.len()) " of at most " (pool.instances_max) ", " (pool.starting) " starting, " (pool.waiting) " waiting calls; "
                    (count(pool.starts, "start")) " since the deployment, " (pool.refused) " calls refused (429)"
                }
                thead { tr { th scope="col" { "Instance" } th scope="col" { "Stage" } th.number scope="col" { "Calls" } th.number scope="col" { "Memory" } th.number scope="col" { "Most memory" } th.number scope="col" { "Processor time" } th.number scope="col" { "Idle for" } th.number scope="col" { "Process" } } }
                tbody {
                    @for instance in &pool.instances { (row(instance, limit)) }
                    @if pool.instances.is_empty() {
                        tr { td colspan="8" { (count(pool.starting, "instance")) " starting" } }
                    }
                }
            }
        }
    }
}

fn row(instance: &InstanceLook, limit: u64) -> Markup {
    let class = match instance.stage {
        Stage::Busy => "good",
        Stage::Unhealthy => "bad",
        Stage::Retiring | Stage::Stopping => "warn",
        Stage::Idle | Stage::Frozen => "",
    };
    let meaning = STAGES.iter().find(|(stage, _)| *stage == instance.stage).map_or("", |(_, text)| *text);
    let share = (instance.memory_max * 100).checked_div(limit);
    html! {
        tr id={ "i-" (instance.id) } {
            th.id scope="row" { (instance.id) }
            td { span class={ "mark " (class) } title=(meaning) { (instance.stage.name()) } }
            td.number { (instance.calls) }
            td.number { (size(instance.memory_bytes)) }
            td.number { (size(instance.memory_max)) @if let Some(share) = share { " (" (share) " %)" } }
            td.number { (span(instance.cpu)) }
            td.number { @if let Some(idle) = instance.idle { (span(std::time::Duration::from_secs(idle.as_secs()))) } }
            td.number { (instance.process_id) }
        }
    }
}

fn happened(frame: &Frame<'_>, news: &[Numbered]) -> Markup {
    html! {
        h2 { "What happened to them" }
        @if news.is_empty() {
            p.hint { "Nothing yet. Starts, ends, failed health checks and hooks come here." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="What happened to the instances" {
                table {
                    thead { tr { th scope="col" { "Time (UTC)" } th scope="col" { "Level" } th scope="col" { "Function" } th scope="col" { "Instance" } th scope="col" { "What" } } }
                    tbody {
                        @for (number, event) in news {
                            tr id={ "n-" (number) } {
                                td { (time(event.time)) }
                                td { (level(event.kind.level())) }
                                td { @if let Some(name) = &event.function { (name) } }
                                td.id { @if let Some(id) = &event.instance { a href=(frame.to(&format!("/logs?instance={id}"))) { (id) } } }
                                td.text { (clipped(&event.text(), TEXT_MAX)) }
                            }
                        }
                    }
                }
            }
        }
        details {
            summary { "What the stages mean" }
            dl.facts { @for (stage, text) in STAGES { dt { (stage.name()) } dd { (text) } } }
        }
    }
}
