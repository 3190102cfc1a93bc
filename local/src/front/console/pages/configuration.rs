//! The configuration: what doctor finds, what is in effect, and the limits.

use maud::{Markup, html};

use super::frame::Frame;
use super::text::{clipped, size};

/// The most of the manifest that is shown, in bytes.
const MANIFEST_MAX: usize = 256 * 1024;

/// A finding of doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `error`, `warning` or `note`.
    pub(crate) level: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) place: String,
    pub(crate) text: String,
    /// What to do. May be empty.
    pub(crate) fix: String,
}

/// What the page shows.
#[derive(Debug)]
pub(in crate::front::console) struct Configuration {
    /// `None` where nobody looks.
    pub(in crate::front::console) findings: Option<Result<Vec<Finding>, String>>,
    pub(in crate::front::console) manifest_file: String,
    /// With secrets masked, or why it cannot be read.
    pub(in crate::front::console) manifest: Result<String, String>,
    /// Names and values.
    pub(in crate::front::console) effective: Vec<(&'static str, String)>,
}

/// The page.
pub(in crate::front::console) fn page(frame: &Frame<'_>, shown: &Configuration) -> Markup {
    html! {
        h2 { "What doctor finds" }
        @match &shown.findings {
            None => p.hint { "Nobody looks here: " code { "fc-local doctor" } " does." },
            Some(Err(why)) => p.notice.bad { (why) },
            Some(Ok(findings)) if findings.is_empty() => p.hint { "Nothing. " code { "fc-local doctor --start" } " also asks the running programs." },
            Some(Ok(findings)) => (list(findings)),
        }
        h2 { "In effect" }
        dl.facts { @for (name, value) in &shown.effective { dt { (name) } dd { (value) } } }
        h2 { "Manifest" }
        p.hint { (shown.manifest_file) ", expressions replaced, secrets masked. As text: " code { "fc-local manifest" } }
        @match &shown.manifest {
            Ok(text) => details { summary { "Show it" } pre id="manifest" tabindex="0" { (clipped(text, MANIFEST_MAX)) } },
            Err(why) => p.notice.bad { (why) },
        }
        h2 { "Limits of the platform" }
        (limits())
        p.hint { "Which rules of the platform hold here is said in docs/fidelity.md. " a href=(frame.to("/instances")) { "The settings of each function" } }
    }
}

fn list(findings: &[Finding]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Findings" {
            table {
                thead { tr { th scope="col" { "Level" } th scope="col" { "Rule" } th scope="col" { "Where" } th scope="col" { "What, and what to do" } } }
                tbody {
                    @for finding in findings {
                        tr {
                            td { span class={ "mark " (match finding.level { "error" => "bad", "warning" => "warn", _ => "" }) } { (finding.level) } }
                            th.mono scope="row" { (finding.rule) }
                            td.mono { (finding.place) }
                            td.path { (finding.text) @if !finding.fix.is_empty() { pre { (finding.fix) } } }
                        }
                    }
                }
            }
        }
    }
}

fn limits() -> Markup {
    use fc_runtime::platform::limits as own;
    let all = [
        ("Body of a synchronous call", size(own::REQUEST_BODY_MAX as u64)),
        ("Body of an asynchronous call", size(own::ASYNC_BODY_MAX as u64)),
        ("Headers from a client, and of a reply", size(own::CLIENT_HEADERS_MAX as u64)),
        ("Path and query from a client", size(own::CLIENT_TARGET_MAX as u64)),
        ("A message of a WebSocket", size(own::WEBSOCKET_MESSAGE_MAX as u64)),
        ("A message of gRPC", size(own::MESSAGE_MAX as u64)),
        ("A line of the log", size(own::LOG_LINE_MAX as u64)),
        ("Time until the port is open", format!("{} s", own::STARTUP_MAX.as_secs())),
        ("Time of the initializer", format!("{} s", own::INITIALIZE_MAX.as_secs())),
        ("Delay of an asynchronous call", format!("{} s", own::ASYNC_DELAY_MAX.as_secs())),
    ];
    html! { dl.facts { @for (name, value) in all { dt { (name) } dd { (value) } } } }
}
