//! The frame of every page: the head, the navigation, and the stream that keeps the page current.

use maud::{DOCTYPE, Markup, html};

use super::Region;

/// htmx's settings: nothing that it adds to a page, and no requests to other hosts. A stream is tried again soon.
const HTMX: &str = r#"{"includeIndicatorCSS":false,"history":false,"transitions":false,"mode":"same-origin","sse":{"reconnectMaxDelay":3000}}"#;

/// The pages in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front::console) enum Tab {
    Overview,
    Requests,
    Tasks,
    Instances,
    Logs,
    Send,
    Routes,
    Configuration,
}

impl Tab {
    pub(in crate::front::console) const ALL: [Tab; 8] = [
        Tab::Overview,
        Tab::Requests,
        Tab::Tasks,
        Tab::Instances,
        Tab::Logs,
        Tab::Send,
        Tab::Routes,
        Tab::Configuration,
    ];

    /// Its path below the console's.
    pub(in crate::front::console) fn path(self) -> &'static str {
        match self {
            Tab::Overview => "/",
            Tab::Requests => "/requests",
            Tab::Tasks => "/tasks",
            Tab::Instances => "/instances",
            Tab::Logs => "/logs",
            Tab::Send => "/send",
            Tab::Routes => "/routes",
            Tab::Configuration => "/configuration",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Tab::Overview => "Overview",
            Tab::Requests => "Requests",
            Tab::Tasks => "Tasks",
            Tab::Instances => "Instances",
            Tab::Logs => "Logs",
            Tab::Send => "Send an event",
            Tab::Routes => "Routes",
            Tab::Configuration => "Configuration",
        }
    }
}

/// What all pages of one request share.
#[derive(Debug, Clone, Copy)]
pub(in crate::front::console) struct Frame<'a> {
    /// What stands before the paths.
    pub(in crate::front::console) base: &'static str,
    /// The token that forms send.
    pub(in crate::front::console) token: &'a str,
    /// The project's name.
    pub(in crate::front::console) project: &'a str,
}

impl Frame<'_> {
    /// The address of a page.
    pub(in crate::front::console) fn to(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The field that every form with an effect has.
    pub(in crate::front::console) fn token(&self) -> Markup {
        html! { input type="hidden" name="token" value=(self.token); }
    }

    /// A page. `live` is the query of its stream; `None` has no stream.
    pub(in crate::front::console) fn page(
        &self,
        tab: Tab,
        title: Option<&str>,
        live: Option<&str>,
        body: &Markup,
    ) -> Markup {
        let heading = title.unwrap_or(tab.title());
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="htmx-config" content=(HTMX);
                    title { (heading) " \u{b7} " (self.project) " \u{b7} fc-local" }
                    link rel="icon" href=(self.to("/assets/icon.svg"));
                    link rel="stylesheet" href=(self.to("/assets/console.css"));
                    script src=(self.to("/assets/console.js")) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.side {
                        a.name href=(self.to("/")) {
                            img src=(self.to("/assets/icon.svg")) alt="";
                            span { "fc-local" small { (self.project) } }
                        }
                        nav aria-label="Pages" {
                            ul {
                                @for other in Tab::ALL {
                                    li { a href=(self.to(other.path())) aria-current=[(other == tab).then_some("page")] { (other.title()) } }
                                }
                            }
                        }
                    }
                    main id="main" tabindex="-1" {
                        div.top {
                            h1 { (heading) }
                            @if let Some(query) = live { (self.stream(tab, query)) }
                        }
                        (body)
                    }
                }
            }
        }
    }

    fn stream(&self, tab: Tab, query: &str) -> Markup {
        let path = if tab == Tab::Overview { "/overview" } else { tab.path() };
        let address = self.to(&format!("/live{path}{query}"));
        html! {
            div.live {
                p id="state" role="status" { "as of now" }
                button.small type="button" id="pause" aria-pressed="false" { "Pause" }
                p id="missed" role="status" {}
                div id="stream" hidden hx-sse:connect=(address) hx-swap="none" {}
            }
        }
    }
}

/// The parts of a page that its stream replaces.
pub(in crate::front::console) fn regions(regions: &[Region]) -> Markup {
    html! {
        @for (id, region) in regions { div id=(id) { (region) } }
    }
}

/// The same parts as one message of the stream.
pub(in crate::front::console) fn partials(regions: &[Region]) -> Markup {
    html! {
        @for (id, region) in regions {
            hx-partial hx-target={ "#" (id) } hx-swap="innerMorph" { (region) }
        }
    }
}

/// The choice between values. The empty value is `any`.
pub(super) fn select<'a>(
    name: &str,
    label: &str,
    any: &str,
    values: impl IntoIterator<Item = &'a str>,
    chosen: Option<&str>,
) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { (any) }
                @for value in values {
                    option value=(value) selected[chosen == Some(value)] { (value) }
                }
            }
        }
    }
}

/// What stands in place of an empty list: what is to be done next, as a command.
pub(super) fn empty(what: &str, next: &str, command: Option<&str>) -> Markup {
    html! {
        div.empty {
            p { strong { (what) } }
            p { (next) }
            @if let Some(command) = command { p { code { (command) } } }
        }
    }
}
