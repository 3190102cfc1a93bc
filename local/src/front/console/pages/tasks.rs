//! Asynchronous calls that are tasks, and the messages that went to destinations.

use maud::{Markup, html};

use super::frame::{Frame, empty, select};
use super::text::{clipped, size, span, time_of};
use crate::front::console::form::{Fields, segment};
use crate::queue::{Change, Record, State, StoredCall};

/// The longest error of a row, in bytes.
const ERROR_MAX: usize = 300;

/// The most of a payload that is shown, in bytes.
const PAYLOAD_MAX: usize = 64 * 1024;

/// A message for a destination.
#[derive(Debug)]
pub(in crate::front::console) struct MessageRow {
    pub(in crate::front::console) time: u64,
    pub(in crate::front::console) kind: String,
    pub(in crate::front::console) name: String,
    pub(in crate::front::console) function: String,
    /// What became of it, if it is handed on.
    pub(in crate::front::console) forward: Option<String>,
    pub(in crate::front::console) body: String,
}

/// What the list shows.
#[derive(Debug, Default)]
pub(in crate::front::console) struct Tasks {
    /// The newest first.
    pub(in crate::front::console) records: Vec<Record>,
    pub(in crate::front::console) messages: Vec<MessageRow>,
    /// What cannot be read.
    pub(in crate::front::console) wrong: Option<String>,
}

/// The filter above the list.
pub(in crate::front::console) fn filter(frame: &Frame<'_>, names: &[String], fields: &Fields) -> Markup {
    html! {
        form.filter action=(frame.to("/tasks")) role="search" {
            div { label for="filter" { "Id begins with" } input type="search" id="filter" name="prefix" value=[fields.get("prefix")] aria-keyshortcuts="/"; }
            (select("function", "Function", "all", names.iter().map(String::as_str), fields.get("function")))
            (select("status", "State", "all", State::ALL.iter().map(|state| state.name()), fields.get("status")))
            div { label for="qualifier" { "Version or alias" } input type="text" id="qualifier" name="qualifier" placeholder="LATEST" value=[fields.get("qualifier")]; }
            div { button type="submit" { "Filter" } " " a.button href=(frame.to("/tasks")) { "Clear" } }
        }
    }
}

/// The list. The page's stream says when it is to be asked for anew.
pub(in crate::front::console) fn list(frame: &Frame<'_>, query: &str, tasks: &Tasks) -> Markup {
    html! {
        div id="r-tasks" hx-get=(frame.to(&format!("/tasks{query}"))) hx-select="#r-tasks" hx-swap="outerMorph" hx-trigger="tasks from:#stream" {
            h2.hidden { "Tasks" }
            @if let Some(wrong) = &tasks.wrong { p.notice.bad role="alert" { (wrong) } }
            @if tasks.records.is_empty() {
                (empty("No task fits.", "With asyncInvokeConfig.asyncTask: true in s.yaml, each asynchronous call is a task:", Some("fc-local invoke NAME --async -e '{}'")))
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Tasks" {
                    table {
                        thead { tr { th scope="col" { "Accepted (UTC)" } th scope="col" { "Task" } th scope="col" { "Function" } th scope="col" { "State" } th.number scope="col" { "Executions" } th.number scope="col" { "Took" } th scope="col" { "Error" } } }
                        tbody { @for task in &tasks.records { (row(frame, task)) } }
                    }
                }
            }
            h2 { "Messages to destinations" }
            @if tasks.messages.is_empty() {
                p.hint { "None. Where a destination is a queue, a topic or a bus, what it would get is kept here." }
            } @else {
                @for message in &tasks.messages {
                    details {
                        summary { (time_of(message.time)) " " (message.kind) " " strong { (message.name) } " from " (message.function) @if let Some(forward) = &message.forward { " \u{b7} " (forward) } }
                        pre tabindex="0" { (clipped(&message.body, PAYLOAD_MAX)) }
                    }
                }
            }
        }
    }
}

fn row(frame: &Frame<'_>, task: &Record) -> Markup {
    let id = task.task.as_deref().unwrap_or_default();
    html! {
        tr id={ "k-" (segment(id)) } {
            td { (time_of(task.accepted)) }
            th.mono scope="row" { a href=(frame.to(&address(&task.function, id))) { (clipped(id, 128)) } }
            td { (task.function) @if let Some(qualifier) = &task.qualifier { " " (qualifier) } }
            td { (state(task.state)) }
            td.number { (task.executions) }
            td.number { @if task.ended > 0 { (span(std::time::Duration::from_millis(task.ended.saturating_sub(task.accepted)))) } }
            td.path { @if let Some(error) = &task.error { (clipped(&error.message, ERROR_MAX)) } }
        }
    }
}

fn address(function: &str, task: &str) -> String {
    format!("/tasks/{}/{}", segment(function), segment(task))
}

fn state(state: State) -> Markup {
    let class = match state.name() {
        "Succeeded" => "good",
        "Failed" | "Expired" | "Invalid" => "bad",
        "Retrying" | "Stopping" | "Stopped" => "warn",
        _ => "",
    };
    html! { span class={ "mark " (class) } { (state.name()) } }
}

/// One task: its changes, its request and its reply.
pub(in crate::front::console) fn task(
    frame: &Frame<'_>,
    record: &Record,
    request: Option<&StoredCall>,
    reply: Option<&[u8]>,
) -> Markup {
    let id = record.task.as_deref().unwrap_or_default();
    html! {
        p { (state(record.state)) }
        dl.facts {
            dt { "Task" } dd.mono { (id) }
            dt { "Function" } dd { (record.function) ", " (record.qualifier.as_deref().unwrap_or("LATEST")) }
            dt { "Request id" } dd { a.id href=(frame.to(&format!("/logs?request={}", segment(&record.request)))) { (record.request) } }
            dt { "Accepted" } dd { (time_of(record.accepted)) " UTC" }
            dt { "Ended" } dd { @if record.ended > 0 { (time_of(record.ended)) " UTC" } @else { "not yet; next attempt due at " (time_of(record.due)) " UTC" } }
            dt { "Executions" } dd { (record.executions) ", of which " (record.failures) " failed" }
            @if let Some(error) = &record.error { dt { "Latest failure" } dd { (error.code) ": " (error.message) } }
        }
        div.actions {
            @if record.state.is_final() { (button(frame, record, id, "retry", "Carry it out once more")) }
            @else { (button(frame, record, id, "stop", "Stop it")) }
        }
        h2 { "What happened" }
        @if record.changes.is_empty() { p.hint { "Nothing yet." } }
        ol.steps { @for change in &record.changes { (step(change)) } }
        h2 { "Payload" }
        @match request {
            Some(request) => {
                @if !request.is_event { p { code { (request.method) " " (request.target) } } }
                (payload(&request.body))
            }
            None => p.hint { "It is no longer kept." },
        }
        h2 { "Reply" }
        @match reply { Some(reply) => (payload(reply)), None => p.hint { "None is kept." } }
    }
}

fn button(frame: &Frame<'_>, record: &Record, id: &str, action: &str, label: &str) -> Markup {
    html! {
        form.inline method="post" action=(frame.to(&format!("{}/{action}", address(&record.function, id)))) {
            (frame.token())
            button type="submit" { (label) }
        }
    }
}

fn step(change: &Change) -> Markup {
    let class = match change.state.name() {
        "Succeeded" => "good",
        "Failed" | "Retrying" | "Expired" | "Invalid" => "bad",
        _ => "",
    };
    html! {
        li class=(class) {
            (time_of(change.time)) " " strong { (change.state.name()) }
            @if change.execution > 0 { ", execution " (change.execution) }
            @if let Some(instance) = &change.instance { ", instance " span.id { (instance) } }
            @if let Some(error) = &change.error { p { (error.code) ": " (error.message) } }
            @if let Some(log) = change.log.as_ref().filter(|log| !log.is_empty()) { details { summary { "Log" } pre tabindex="0" { (crate::event::neutral(log)) } } }
        }
    }
}

fn payload(bytes: &[u8]) -> Markup {
    html! {
        @match std::str::from_utf8(bytes) {
            Ok("") => p.hint { "Empty." },
            Ok(text) => pre tabindex="0" { (clipped(text, PAYLOAD_MAX)) },
            Err(_) => p.hint { (size(bytes.len() as u64)) " that are no text." },
        }
    }
}
