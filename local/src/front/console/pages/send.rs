//! Sending an event to a function, as a trigger would.

use maud::{Markup, html};

use super::frame::{Frame, select};
use super::text::{clipped, span};
use crate::front::console::form::segment;

/// The most of a reply that is shown, in bytes.
const REPLY_MAX: usize = 64 * 1024;

/// What the form shows.
#[derive(Debug, Default)]
pub(in crate::front::console) struct Draft {
    pub(in crate::front::console) trigger: String,
    pub(in crate::front::console) function: String,
    pub(in crate::front::console) qualifier: String,
    pub(in crate::front::console) event: String,
    pub(in crate::front::console) is_async: bool,
    /// Why it was not sent.
    pub(in crate::front::console) wrong: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub(in crate::front::console) struct Sent {
    pub(in crate::front::console) status: u16,
    pub(in crate::front::console) request: Option<String>,
    /// The function's failure, if it is one.
    pub(in crate::front::console) error_type: Option<String>,
    pub(in crate::front::console) task: Option<String>,
    pub(in crate::front::console) body: String,
    pub(in crate::front::console) log: String,
    pub(in crate::front::console) took: std::time::Duration,
}

/// The page: the choice of the sample, and the form.
pub(in crate::front::console) fn page(
    frame: &Frame<'_>,
    names: &[String],
    triggers: &[&str],
    draft: &Draft,
    sent: Option<&Sent>,
) -> Markup {
    html! {
        @if let Some(sent) = sent { (outcome(frame, draft, sent)) }
        @if let Some(wrong) = &draft.wrong { p.notice.bad role="alert" { (wrong) } }
        form.filter action=(frame.to("/send")) {
            (select("trigger", "Sample of the trigger", "none: an empty object", triggers.iter().copied(), Some(&draft.trigger)))
            input type="hidden" name="function" value=(draft.function);
            div { button type="submit" { "Load the sample" } }
        }
        form.stack method="post" action=(frame.to("/send")) {
            (frame.token())
            input type="hidden" name="trigger" value=(draft.trigger);
            div.row {
                div {
                    label for="function" { "Function" }
                    select id="function" name="function" required {
                        @for name in names { option value=(name) selected[*name == draft.function] { (name) } }
                    }
                }
                div { label for="qualifier" { "Version or alias" } input type="text" id="qualifier" name="qualifier" placeholder="LATEST" value=(draft.qualifier) autocomplete="off"; }
                div {
                    label for="mode" { "How" }
                    select id="mode" name="mode" {
                        option value="" { "now, and wait for the reply" }
                        option value="async" selected[draft.is_async] { "later, as an asynchronous call" }
                    }
                }
            }
            div {
                label for="event" { "Event" @if draft.trigger == "tablestore" { " (it is sent as CBOR)" } }
                // A line feed behind the tag would be dropped.
                textarea id="event" name="event" spellcheck="false" { "\n" (draft.event) }
            }
            div { button.main type="submit" { "Send" } }
        }
        p.hint { "On the command line: " code { "fc-local send " (if draft.trigger.is_empty() { "timer" } else { &draft.trigger }) " " (if draft.function.is_empty() { "NAME" } else { &draft.function }) } }
    }
}

fn outcome(frame: &Frame<'_>, draft: &Draft, sent: &Sent) -> Markup {
    let is_error = sent.error_type.is_some() || sent.status >= 400;
    html! {
        section aria-labelledby="outcome" {
            h2 id="outcome" { "Reply" }
            p role="status" {
                span class=(if is_error { "mark bad" } else { "mark good" }) { @if is_error { "failed" } @else if draft.is_async { "accepted" } @else { "succeeded" } }
                " " (sent.status) " after " (span(sent.took))
                @if let Some(kind) = &sent.error_type { ", " (kind) }
            }
            @if !sent.body.is_empty() { pre tabindex="0" { (clipped(&sent.body, REPLY_MAX)) } } @else { p.hint { "The reply is empty." } }
            @if !sent.log.is_empty() { h3 { "Log" } pre tabindex="0" { (crate::event::neutral(&sent.log)) } }
            p {
                @if let Some(id) = &sent.request { a href=(frame.to(&format!("/requests/{}", segment(id)))) { "The request" } " " }
                @if let Some(task) = &sent.task { a href=(frame.to(&format!("/tasks/{}/{}", segment(&draft.function), segment(task)))) { "The task" } }
            }
            h2 { "Another one" }
        }
    }
}
