//! Hostile texts on every page: whatever a client, a function or a manifest writes is shown, and never taken for HTML.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, Method, Version};
use maud::Markup;

use super::configuration::{self, Configuration, Finding};
use super::frame::{Frame, Tab, partials};
use super::overview::{self, Overview};
use super::routes::{self, Step};
use super::send::{self, Draft, Sent};
use super::tasks::{self, MessageRow, Tasks};
use super::{Region, instances, logs, request, requests};
use crate::event::{Event, Kind, LogFilter};
use crate::front::console::course::Course;
use crate::front::console::data::{FunctionView, Logged, Numbered};
use crate::front::console::form::Fields;
use crate::model::{InstanceLook, PoolLook, Stage};
use crate::queue::{Change, Record, State};
use crate::record::{Bodies, Body, End, Headers, Original, Page, Phases, Recorded, Records};

/// Ends texts, tags and attributes of every kind, and begins a script and a part of htmx.
const HOSTILE: &str =
    "\"'></textarea></pre><script>alert(1)</script><hx-partial hx-target=\"#main\">\r\n&amp;";

fn frame() -> Frame<'static> {
    Frame { base: "", token: "token", project: HOSTILE }
}

/// Nothing of the hostile text is HTML.
#[track_caller]
fn check(name: &str, html: &Markup) {
    let html = &html.0;
    for part in
        ["<script>alert", "</textarea></pre>", "\"'>", "<hx-partial hx-target=\"#main\"", "</pre><script"]
    {
        assert!(!html.contains(part), "{name} has {part}: {html}");
    }
    assert!(
        html.contains("&lt;script&gt;alert(1)") || html.contains("%3Cscript%3E"),
        "{name} does not show it: {html}"
    );
    for inline in [" style=\"", " onclick", " onload", "javascript:"] {
        assert!(!html.contains(inline), "{name} has {inline}");
    }
}

#[track_caller]
fn check_parts(name: &str, parts: &[Region]) {
    for (id, part) in parts.iter().filter(|(_, part)| part.0.contains("script")) {
        check(&format!("{name} {id}"), part);
    }
    assert!(parts.iter().any(|(_, part)| part.0.contains("script")), "{name}");
    // The stream has one part of htmx for each part of the page.
    assert_eq!(partials(parts).0.matches("<hx-partial").count(), parts.len(), "{name}");
}

fn event(kind: Kind) -> Numbered {
    let name = Some(Arc::from(HOSTILE));
    (
        7,
        Arc::new(Event {
            time: SystemTime::UNIX_EPOCH,
            function: name.clone(),
            instance: name.clone(),
            request: name,
            version: None,
            kind,
        }),
    )
}

fn function() -> FunctionView {
    let instance = InstanceLook {
        id: Arc::from(HOSTILE),
        stage: Stage::Unhealthy,
        process_id: 7,
        calls: 1,
        idle: Some(Duration::from_secs(1)),
        memory_bytes: 1,
        memory_max: 2,
        cpu: Duration::ZERO,
    };
    let pool = PoolLook {
        version: None,
        instances: vec![instance],
        starting: 1,
        waiting: 1,
        instances_max: 10,
        starts: 1,
        refused: 0,
    };
    FunctionView {
        name: HOSTILE.to_owned(),
        text: "has an instance",
        has_trigger: Some(true),
        is_signed: false,
        last_error: Some(HOSTILE.to_owned()),
        settings: None,
        pools: vec![pool],
    }
}

#[test]
fn overview_instances_and_logs() {
    let stored = || event(Kind::Stderr(HOSTILE.to_owned()));
    let shown = Overview { functions: vec![function()], course: Course::default(), troubles: vec![stored()] };
    check_parts("overview", &overview::regions(&frame(), &shown));
    let addresses = BTreeMap::from([(HOSTILE.to_owned(), "http://127.0.0.1:1/".to_owned())]);
    check("addresses", &overview::addresses(&[function()], &addresses, 8080));
    check_parts("instances", &instances::regions(&frame(), &[function()], &[stored()]));
    let logged = Logged { events: vec![stored()], ..Logged::default() };
    check_parts("logs", &logs::regions(&frame(), &logged));
    let own = || Some(HOSTILE.to_owned());
    let filter =
        LogFilter { function: own(), request: own(), instance: own(), text: own(), ..LogFilter::default() };
    check("filter of logs", &logs::filter(&frame(), &[HOSTILE.to_owned()], &filter));
    check("filter of instances", &instances::filter(&frame(), &[HOSTILE.to_owned()], own().as_deref()));
    check("frame", &frame().page(Tab::Logs, own().as_deref(), Some("?q=a"), &maud::html! {}));
}

fn recorded() -> (Records, Page) {
    let mut headers = HeaderMap::new();
    let value = HOSTILE.replace(['\r', '\n'], "");
    headers.insert("x-own", HeaderValue::from_str(&value).unwrap());
    headers.insert("cookie", HeaderValue::from_static("a=secret"));
    let call = Recorded {
        number: 0,
        id: Arc::from(HOSTILE),
        function: Some(Arc::from(HOSTILE)),
        qualifier: Some(Arc::from(HOSTILE)),
        instance: Some(Arc::from(HOSTILE)),
        via: None,
        attempt: 1,
        is_probe: true,
        door: Arc::from(""),
        is_tls: false,
        version: Version::HTTP_11,
        method: Method::POST,
        original: Original::new(HOSTILE, HOSTILE, Headers::of(&headers)),
        status: 200,
        reply: Headers::of(&headers),
        begun: SystemTime::UNIX_EPOCH,
        phases: Phases { is_cold: true, ..Phases::default() },
        end: End::Cut,
        cause: None,
        log: HOSTILE.into(),
        socket: None,
        grpc_status: Some(2),
        lengths: [7, 7],
        replay_of: Some(Arc::from(HOSTILE)),
    };
    let records = Records::new(crate::record::Limits::of_bodies(1 << 20, 1 << 16));
    let body = || Body::new(HOSTILE.as_bytes().to_vec(), HOSTILE.len() as u64, true);
    records.push(call, Bodies::new(body(), body()));
    let page = records.list(&crate::record::Filter::default(), None, 10);
    (records, page)
}

#[test]
fn recorded_requests() {
    let (records, page) = recorded();
    check_parts("requests", &requests::regions(&frame(), &page, Some(HOSTILE), false));
    let fields = Fields::read(
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(requests::FIELDS.map(|name| (name, HOSTILE)))
            .finish()
            .as_bytes(),
    );
    check("filter of requests", &requests::filter(&frame(), &[HOSTILE.to_owned()], &fields));
    check("way to older ones", &requests::older(&frame(), &fields, Some(7)));
    let entry = records.find(HOSTILE).unwrap();
    for curl in [Ok(HOSTILE.to_owned()), Err(HOSTILE.to_owned())] {
        let html = request::page(&frame(), &entry, &curl);
        check("request", &html);
        assert!(!html.0.contains("secret"), "the cookie is masked");
    }
    check("unknown request", &request::unknown(&frame(), HOSTILE, false));
}

#[test]
fn tasks_and_messages() {
    let change = Change {
        id: 1,
        time: 0,
        state: State::Failed,
        execution: 1,
        error: None,
        instance: Some(HOSTILE.to_owned()),
        log: Some(HOSTILE.to_owned()),
    };
    let record = Record {
        function: HOSTILE.to_owned(),
        qualifier: Some(HOSTILE.to_owned()),
        request: HOSTILE.to_owned(),
        task: Some(HOSTILE.to_owned()),
        state: State::Failed,
        accepted: 1,
        due: 1,
        ended: 2,
        executions: 1,
        failures: 1,
        refusals: 0,
        refused_since: None,
        depth: 0,
        is_cut_off: false,
        instance: Some(HOSTILE.to_owned()),
        error: None,
        changes: vec![change],
    };
    let text = || HOSTILE.to_owned();
    let message = MessageRow {
        time: 1,
        kind: text(),
        name: text(),
        function: text(),
        forward: Some(text()),
        body: text(),
    };
    check("task", &tasks::task(&frame(), &record, None, Some(HOSTILE.as_bytes())));
    let shown = Tasks { records: vec![record], messages: vec![message], wrong: Some(text()) };
    check("tasks", &tasks::list(&frame(), "?prefix=a", &shown));
    let fields = Fields::read(b"prefix=%3Cscript%3Ealert(1)&qualifier=%22%27%3E");
    check("filter of tasks", &tasks::filter(&frame(), &[], &fields));
}

#[test]
fn events_routes_and_the_configuration() {
    let text = || HOSTILE.to_owned();
    let draft = Draft {
        trigger: text(),
        function: text(),
        qualifier: text(),
        event: text(),
        is_async: true,
        wrong: Some(text()),
    };
    let sent = Sent {
        status: 200,
        request: Some(text()),
        error_type: Some(text()),
        task: Some(text()),
        body: text(),
        log: text(),
        took: Duration::ZERO,
    };
    let html = send::page(&frame(), &[text()], &["oss"], &draft, Some(&sent));
    check("send", &html);
    assert!(html.0.contains("value=\"token\""), "the form has the token");
    let step = Step { title: text(), text: text(), taken: Some(true) };
    let fields = Fields::read(b"url=%3Cscript%3Ealert(1)&method=%22%27%3E&headers=%3C/textarea%3E%3C/pre%3E");
    check("routes", &routes::explain(&frame(), &fields, Some(&Ok(vec![step]))));
    let finding = Finding { level: "error", rule: "rule", place: text(), text: text(), fix: text() };
    let shown = Configuration {
        findings: Some(Ok(vec![finding])),
        manifest_file: text(),
        manifest: Ok(text()),
        effective: vec![("Name", text())],
    };
    check("configuration", &configuration::page(&frame(), &shown));
}

#[test]
fn empty_pages_say_what_to_do_next() {
    let none = Overview { functions: Vec::new(), course: Course::default(), troubles: Vec::new() };
    let page = Records::default().list(&crate::record::Filter::default(), None, 10);
    for (name, html, command) in [
        ("overview", partials(&overview::regions(&frame(), &none)), "fc-local new"),
        ("requests", partials(&requests::regions(&frame(), &page, None, false)), "fc-local invoke"),
        ("no records", partials(&requests::regions(&frame(), &page, None, true)), "fc-local dev"),
        ("tasks", tasks::list(&frame(), "", &Tasks::default()), "fc-local invoke NAME --async"),
        ("logs", partials(&logs::regions(&frame(), &Logged::default())), "fc-local invoke"),
        ("instances", partials(&instances::regions(&frame(), &[], &[])), "fc-local list"),
        ("listeners", routes::listeners(&[]), "fc-local alb init"),
    ] {
        assert!(html.0.contains(command), "{name}: {}", html.0);
    }
}
