//! Which way leads where: custom domains, load balancers, and what becomes of one request.

use std::sync::Arc;

use maud::{Markup, html};

use super::frame::{Frame, empty};
use super::text::clipped;
use crate::domain::Domain;
use crate::front::console::form::Fields;
use crate::model::alb::Listener;

/// One step on the way of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::front::console) struct Step {
    pub(in crate::front::console) title: String,
    pub(in crate::front::console) text: String,
    /// Whether the request goes this way; `None` for a step that is no choice.
    pub(in crate::front::console) taken: Option<bool>,
}

/// The form, and what it says of a request.
pub(in crate::front::console) fn explain(
    frame: &Frame<'_>,
    fields: &Fields,
    answer: Option<&Result<Vec<Step>, String>>,
) -> Markup {
    html! {
        h2 { "What becomes of a request?" }
        form.stack action=(frame.to("/routes")) {
            div.row {
                div { label for="method" { "Method" } input type="text" id="method" name="method" value=(fields.get("method").unwrap_or("GET")) autocomplete="off"; }
                div { label for="filter" { "Address, as a client names it" } input type="text" id="filter" name="url" placeholder="http://api.example.com/items/7" value=[fields.get("url")] autocomplete="off" aria-keyshortcuts="/"; }
            }
            div { label for="headers" { "Headers, one a line" } textarea.short id="headers" name="headers" spellcheck="false" { "\n" (fields.get("headers").unwrap_or_default()) } }
            div { button.main type="submit" { "Explain" } }
        }
        @match answer {
            None => {}
            Some(Err(wrong)) => p.notice.bad role="alert" { (wrong) },
            Some(Ok(steps)) => {
                h3 id="way" { "The way" }
                ol.steps {
                    @for step in steps {
                        li class=(match step.taken { Some(true) => "good", Some(false) => "bad", None => "" }) {
                            strong { (step.title) }
                            @match step.taken { Some(true) => { " " span class="mark good" { "matches" } } Some(false) => { " " span.mark { "no" } } None => {} }
                            br; (clipped(&step.text, 2000))
                        }
                    }
                }
            }
        }
    }
}

/// The custom domains with their routes.
pub(in crate::front::console) fn domains(domains: &[Arc<Domain>]) -> Markup {
    html! {
        h2 { "Custom domains" }
        @if domains.is_empty() {
            (empty("There is no custom domain.", "A customDomain of a function, or a resource of component fc3-domain, makes one. Without them, a function answers at:", Some("http://NAME.localhost:PORT/")))
        }
        @for domain in domains {
            h3 { (domain.name) }
            div.scroll tabindex="0" role="region" aria-label={ "Routes of " (domain.name) } {
                table {
                    caption { (domain.settings.protocol.name()) @if domain.settings.auth.is_some() { ", with authentication" } @if domain.settings.cors.is_some() { ", with CORS" } }
                    thead { tr { th scope="col" { "Path" } th scope="col" { "Function" } th scope="col" { "Version or alias" } th scope="col" { "Methods" } th scope="col" { "Rewrites" } } }
                    tbody {
                        @for route in &domain.settings.routes {
                            tr {
                                th.mono scope="row" { (route.path) }
                                td { (route.function) }
                                td { (route.qualifier.as_deref().unwrap_or("LATEST")) }
                                td { @if route.methods.is_empty() { "all" } @else { (route.methods.join(", ")) } }
                                td.text { @for rewrite in &route.rewrites { (rewrite.pattern) " \u{2192} " (rewrite.replacement) "\n" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The listeners of load balancers with their rules.
pub(in crate::front::console) fn listeners(listeners: &[Listener]) -> Markup {
    html! {
        h2 { "Load balancers" }
        @if listeners.is_empty() {
            (empty("There is no load balancer.", "This writes one for the functions:", Some("fc-local alb init")))
        }
        @for listener in listeners {
            h3 { (listener.name) }
            div.scroll tabindex="0" role="region" aria-label={ "Rules of " (listener.name) } {
                table {
                    caption { (listener.protocol.name()) " " (listener.port) " in the cloud, here " (listener.local_port) " (" (listener.place) ")" }
                    thead { tr { th.number scope="col" { "Priority" } th scope="col" { "Rule" } th.number scope="col" { "Conditions" } th.number scope="col" { "Actions" } th scope="col" { "Where it stands" } } }
                    tbody {
                        @for rule in &listener.rules {
                            tr {
                                td.number { (rule.priority) }
                                th scope="row" { (rule.name) }
                                td.number { (rule.conditions.len()) }
                                td.number { (rule.actions.len()) }
                                td.mono { (rule.place) }
                            }
                        }
                        @if listener.rules.is_empty() { tr { td colspan="5" { "No rule: all requests go to the default group." } } }
                    }
                }
            }
        }
    }
}
