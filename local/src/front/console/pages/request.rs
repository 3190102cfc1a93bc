//! One recorded request: headers, bodies, phases, log, and how to send it once more.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use serde_json::Value;

use super::chart;
use super::frame::{Frame, empty};
use super::requests::outcome;
use super::text::{clipped, size, span};
use crate::front::console::form::segment;
use crate::record::{Entry, detail};

/// The most of a body that is shown, in bytes.
const BODY_MAX: usize = 64 * 1024;

/// How many bytes of a body that is no text are shown.
const HEX_MAX: usize = 512;

/// The page of one request. `curl` is its line, or why there is none.
pub(in crate::front::console) fn page(
    frame: &Frame<'_>,
    entry: &Entry,
    curl: &Result<String, String>,
) -> Markup {
    let (call, shown) = (&entry.call, detail(entry));
    let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    html! {
        p { (outcome(call)) " " code { (text("method")) " " (clipped(&text("target"), 4096)) } }
        @if let Some(cause) = &call.cause { p.notice.bad { strong { (cause.failure) } " (by the " (cause.by) "): " (cause.message) } }
        dl.facts {
            dt { "Request id" } dd.mono { (call.id) }
            dt { "Time" } dd { (text("time")) }
            dt { "Host" } dd { (text("host")) " over " (text("httpVersion")) @if call.is_tls { " with TLS" } }
            dt { "Function" }
            dd {
                @match &call.function { Some(name) => (name), None => "none" }
                @if let Some(qualifier) = &call.qualifier { ", " (qualifier) }
                @if let Some(via) = call.via { ", by " (via.name()) }
            }
            dt { "Instance" }
            dd { @match &call.instance { Some(id) => a.id href=(frame.to(&format!("/logs?instance={id}"))) { (id) }, None => "none" } @if call.phases.is_cold { ", cold start" } }
            dt { "Attempt" } dd { (call.attempt) }
            @if let Some(former) = &call.replay_of { dt { "Replay of" } dd { a.id href=(frame.to(&format!("/requests/{former}"))) { (former) } } }
            @if let Some(socket) = &call.socket {
                dt { "WebSocket" }
                dd { (socket.messages_from_client) " messages from the client (" (size(socket.bytes_from_client)) "), " (socket.messages_to_client) " to it (" (size(socket.bytes_to_client)) ")" }
            }
        }
        @if entry.has_secrets() { p.hint { "Credentials are masked. A replay sends the true ones." } }
        h2 { "Where the time went" }
        (phases(&call.phases.spans()))
        h2 { "Request" }
        (headers(&shown["requestHeaders"], "Headers of the request"))
        (body(&shown["requestBody"], "body of the request"))
        h2 { "Reply" }
        (headers(&shown["replyHeaders"], "Headers of the reply"))
        (body(&shown["replyBody"], "body of the reply"))
        h2 { "Log of the call" }
        @if call.log.is_empty() { p.hint { "The function wrote nothing during the call." } }
        @else { pre tabindex="0" { (crate::event::neutral(&call.log)) } }
        p { a href=(frame.to(&format!("/logs?request={}", segment(&call.id)))) { "All events of this request" } }
        h2 { "Once more" }
        @match curl {
            Ok(line) => {
                p.hint { "As a command for a shell" @if entry.has_secrets() { " (put the masked credentials in)" } ":" }
                pre id="curl" tabindex="0" { (clipped(line, BODY_MAX)) }
                div.actions { button type="button" data-copy="curl" { "Copy as curl" } a.button href=(frame.to(&format!("/requests/{}/json", segment(&call.id)))) { "As JSON" } }
            }
            Err(why) => p.hint { "There is no command for a shell: " (why) "." }
        }
        (replay(frame, &call.id))
    }
}

fn replay(frame: &Frame<'_>, id: &str) -> Markup {
    html! {
        form.stack method="post" action=(frame.to(&format!("/requests/{}/replay", segment(id)))) {
            (frame.token())
            div { label for="to" { "Another address to send it to (empty: where it came in)" } input type="text" id="to" name="to" placeholder="http://127.0.0.1:9000" autocomplete="off"; }
            div { button.main type="submit" { "Send it once more" } }
        }
    }
}

/// What a replay brought.
pub(in crate::front::console) fn replayed(
    frame: &Frame<'_>,
    of: &str,
    outcome: &Result<Value, String>,
) -> Markup {
    let of = frame.to(&format!("/requests/{}", segment(of)));
    html! {
        @match outcome {
            Err(why) => p.notice.bad role="alert" { (why) },
            Ok(told) => {
                @let status = told["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
                p { (super::text::status(status)) " from " code { (told["url"].as_str().unwrap_or_default()) } " after " (told["durationMs"].as_f64().unwrap_or(0.0)) " ms; the first time it was " (told["formerStatus"]) "." }
                @for note in told["notes"].as_array().into_iter().flatten() { p.notice { (note.as_str().unwrap_or_default()) } }
                (headers(&told["headers"], "Headers of the reply"))
                (body(&told["body"], "body of the reply"))
                @if let Some(id) = told["requestId"].as_str() {
                    p { a href=(frame.to(&format!("/requests/{}", segment(id)))) { "The new request" } }
                }
            }
        }
        p { a href=(of) { "Back to the request" } }
    }
}

fn phases(spans: &[(&'static str, Duration)]) -> Markup {
    html! {
        (chart::bar(spans))
        div.scroll tabindex="0" role="region" aria-label="Phases" {
            table {
                thead { tr { th scope="col" { "Phase" } th.number scope="col" { "Took" } th scope="col" { "What it is" } } }
                tbody {
                    @for ((name, took), colour) in spans.iter().zip(chart::COLOURS) {
                        tr { th scope="row" { svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect class=(colour) x="1" y="1" width="8" height="8" rx="2" {} } " " (name.replace('_', " ")) } td.number { (span(*took)) } td { (meaning(name)) } }
                    }
                }
            }
        }
    }
}

fn meaning(phase: &str) -> &'static str {
    match phase {
        "admission" => "limits, CORS, method, authentication, version",
        "cold_start" => "an instance was started for it",
        "queue" => "the wait for a free instance",
        "connect" => "the connection to the instance, and the request on its way",
        "function" => "until the head of the function's reply",
        _ => "until the end of the body",
    }
}

fn headers(all: &Value, label: &str) -> Markup {
    let all: Vec<&Value> = all.as_array().into_iter().flatten().collect();
    html! {
        @if all.is_empty() { p.hint { (label) ": none." } } @else {
            div.scroll tabindex="0" role="region" aria-label=(label) {
                table {
                    caption { (label) }
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } } }
                    tbody { @for pair in all { tr { th.mono scope="row" { (pair[0].as_str().unwrap_or_default()) } td.text { (pair[1].as_str().unwrap_or_default()) } } } }
                }
            }
        }
    }
}

/// A body as the record tells it: text, or bytes in base64, and how much is left out.
fn body(body: &Value, label: &str) -> Markup {
    let number = |name: &str| body[name].as_u64().unwrap_or(0);
    let (bytes, left_out) = (number("bytes"), number("leftOutBytes"));
    html! {
        @if let Some(text) = body["text"].as_str() {
            @if text.is_empty() { p.hint { "The " (label) " is empty." } }
            @else {
                p.hint { "The " (label) ", " (size(bytes)) @if left_out > 0 { ", of which " (size(left_out)) " are left out" } ":" }
                pre tabindex="0" { (clipped(text, BODY_MAX)) }
            }
        } @else if let Some(text) = body["base64"].as_str() {
            @let raw = STANDARD.decode(text).unwrap_or_default();
            p.hint { "The " (label) " is no text: " (size(bytes)) ", of which the first " (raw.len().min(HEX_MAX)) " bytes are shown." }
            pre tabindex="0" { (hex(&raw[..raw.len().min(HEX_MAX)])) }
        } @else if bytes > 0 {
            p.hint { "The " (label) " had " (size(bytes)) ", which had to go for those of later requests." }
        } @else {
            p.hint { "There is no " (label) "." }
        }
    }
}

/// Bytes in rows of sixteen, as hexadecimal digits and as text.
fn hex(bytes: &[u8]) -> String {
    let row = |(at, row): (usize, &[u8])| {
        let digits: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = row
            .iter()
            .map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' })
            .collect();
        format!("{:06x}  {:47}  {text}", at * 16, digits.join(" "))
    };
    bytes.chunks(16).enumerate().map(row).collect::<Vec<_>>().join("\n")
}

/// A request that is not there.
pub(in crate::front::console) fn unknown(frame: &Frame<'_>, id: &str, off: bool) -> Markup {
    html! {
        @if off { (empty("Requests are not recorded.", "They were switched off at the start.", None)) }
        @else { (empty("This request is not kept.", "It had to go for later ones, or was not recorded. Its events may still be in the logs.", None)) }
        p { a href=(frame.to(&format!("/logs?request={}", segment(id)))) { "Events of the request " (clipped(id, 100)) } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_are_shown_in_rows() {
        let shown = hex(b"\x00\x01GET / HTTP/1.1\r\n");
        assert_eq!(
            shown,
            "000000  00 01 47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31  ..GET / HTTP/1.1\n000010  0d 0a                                            .."
        );
    }

    #[test]
    fn bodies_are_escaped_and_say_what_is_left_out() {
        for (told, parts) in [
            (
                json!({"text": "<script>alert(1)</script>", "bytes": 25, "leftOutBytes": 0}),
                &["&lt;script&gt;", "25 B"][..],
            ),
            (json!({"text": "ab", "bytes": 4096, "leftOutBytes": 4094}), &["3.9 KiB are left out"]),
            (json!({"base64": "AP8=", "bytes": 2, "leftOutBytes": 0}), &["no text", "00 ff"]),
            (json!({"bytes": 9, "leftOutBytes": 9}), &["had to go"]),
            (json!({"text": "", "bytes": 0}), &["is empty"]),
        ] {
            let html = body(&told, "body").into_string();
            assert!(parts.iter().all(|part| html.contains(part)) && !html.contains("<script"), "{html}");
        }
    }

    #[test]
    fn a_replay_tells_its_reply() {
        let frame = Frame { base: "", token: "t", project: "p" };
        let told = json!({
            "status": 200, "formerStatus": 502, "url": "http://x/<i>", "durationMs": 1.5, "notes": ["signed <anew>"],
            "headers": [["x-a", "<b>"]], "body": {"text": "ok", "bytes": 2}, "requestId": "1-2",
        });
        let html = replayed(&frame, "1-\"1", &Ok(told)).into_string();
        for part in [
            "http://x/&lt;i&gt;",
            "signed &lt;anew&gt;",
            "&lt;b&gt;",
            "/requests/1%2D2",
            "/requests/1%2D%221",
            "502",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(replayed(&frame, "1", &Err("<no>".to_owned())).into_string().contains("&lt;no&gt;"));
    }
}
