//! The page that lists the functions and the domains, at `/` of the main port.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde_json::json;

use super::body::plain;
use super::console::{is_own_name, urls};
use super::entry::Front;
use super::listen::reachable;
use super::target::Door;
use crate::domain::{Domain, Domains};
use crate::model;

const STYLE: &str =
    "body{font:16px/1.5 system-ui;margin:3rem}td,th{padding:.2rem 1.5rem .2rem 0;text-align:left}";

impl Front {
    /// Notes the address of an open port.
    pub(super) fn note_port(&self, door: &Door, address: SocketAddr) {
        // The main port may listen on two addresses. People are told the first.
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).entry(door.name()).or_insert(address);
    }

    /// Where a listener of a load balancer is bound.
    pub(super) fn alb_address(&self, key: &str) -> Option<SocketAddr> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).get(&Door::Alb(key.into()).name()).copied()
    }

    /// Forgets the address of a listener that is closed.
    pub(crate) fn forget_alb(&self, key: &str) {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).remove(&Door::Alb(key.into()).name());
    }

    /// The number of an open port, by the name of its function.
    pub(super) fn port(&self, name: &str) -> Option<u16> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(SocketAddr::port)
    }

    /// The addresses of the open ports, by the names of their functions. That of the main port is empty.
    pub(super) fn ports(&self) -> BTreeMap<Arc<str>, SocketAddr> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The functions with their states, and the domains: a page for browsers, JSON for who asks for it, lines for curl.
    pub(super) fn index(
        &self,
        states: &[Listed],
        domains: &Domains,
        method: &Method,
        accepted: &HeaderMap,
    ) -> Response<Bytes> {
        let ports = self.ports();
        let main = ports.get("").map_or(0, SocketAddr::port);
        let entry = |state| Entry::new(state, ports.get(&*state.name).copied(), main);
        let entries: Vec<Entry<'_>> = states.iter().map(entry).collect();
        let accepts = |kind: &str| {
            let mut values = accepted.get_all(ACCEPT).iter();
            values.any(|value| value.to_str().is_ok_and(|value| value.contains(kind)))
        };
        let is_taken = states.iter().any(|state| is_own_name(&state.name));
        let console = ports.get("").map(|main| urls(reachable(*main), is_taken).0).unwrap_or_default();
        let (kind, page) = if accepts("text/html") {
            ("text/html; charset=utf-8", html(&entries, domains, &console))
        } else if accepts("json") {
            ("application/json", json(&entries, domains, &console))
        } else {
            ("text/plain; charset=utf-8", lines(&entries, domains))
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        plain(StatusCode::OK, headers, if *method == Method::HEAD { String::new() } else { page })
    }
}

/// A function, as the page has it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    /// The state in a few words.
    pub(super) text: &'static str,
    /// Whether clients of HTTP reach the function. `None` before its first deployment.
    pub(super) has_trigger: Option<bool>,
    /// Whether they sign their requests.
    pub(super) is_signed: bool,
    /// The first line of the latest failure.
    pub(super) last_error: Option<String>,
}

/// What is said of a function.
struct Entry<'a> {
    state: &'a Listed,
    /// On its own port: every client understands this address.
    url: Option<String>,
    /// On the main port, for clients that know `*.localhost`.
    host_url: String,
    /// The command that calls the function, once it is deployed.
    command: Option<String>,
}

impl<'a> Entry<'a> {
    fn new(state: &'a Listed, own: Option<SocketAddr>, main: u16) -> Self {
        let url =
            own.filter(|_| state.has_trigger == Some(true)).map(|own| format!("http://{}/", reachable(own)));
        let command = state.has_trigger.map(|_| match &url {
            Some(url) if state.is_signed => format!("fc-local curl {url}"),
            Some(url) => format!("curl {url}"),
            None => format!("fc-local invoke {} -e '{{}}'", state.name),
        });
        Entry { state, url, host_url: format!("http://{}.localhost:{main}/", state.name), command }
    }
}

/// Names of functions need no escapes.
fn html(entries: &[Entry<'_>], domains: &Domains, console: &str) -> String {
    let mut page = format!(
        "<!doctype html><meta charset=utf-8><title>fc-local</title><style>{STYLE}</style><h1>Functions</h1><table>\
         <tr><th>function<th>address<th>state<th>call"
    );
    for Entry { state, url, host_url, command } in entries {
        let name = &state.name;
        // Writing into a string cannot fail.
        _ = match url {
            Some(url) => write!(
                page,
                "<tr><td><a href=\"{url}\">{name}</a><td><a href=\"{url}\">{url}</a><br><a href=\"{host_url}\">{host_url}</a>"
            ),
            None if state.has_trigger.is_none() => write!(page, "<tr><td>{name}<td>"),
            None => write!(page, "<tr><td>{name}<td>takes events only"),
        };
        _ = write!(page, "<td>{}", state.text);
        if let Some(error) = &state.last_error {
            _ = write!(page, "<br><small>last error: {}</small>", escape(error));
        }
        page.push_str("<td>");
        if let Some(command) = command {
            _ = write!(page, "<code>{}</code>", escape(command));
        }
    }
    page.push_str("</table>");
    for domain in domains.iter() {
        _ = write!(page, "<h2>{}</h2><table>", domain.name);
        for model::Route { path, function, qualifier, .. } in &domain.settings.routes {
            let (path, qualifier) = (escape(path), qualifier.as_deref().map(escape).unwrap_or_default());
            _ = write!(page, "<tr><td>{path}<td>{}<td>{qualifier}", escape(function));
        }
        page.push_str("</table>");
    }
    _ = writeln!(page, "<p><a href=\"{console}\">Console</a>: requests, tasks, instances and logs, live");
    page
}

fn json(entries: &[Entry<'_>], domains: &Domains, console: &str) -> String {
    let functions = entries.iter().map(|Entry { state, url, host_url, command }| {
        json!({
            "function": state.name, "state": state.text, "url": url,
            "hostUrl": url.as_ref().map(|_| host_url), "call": command, "lastError": state.last_error,
        })
    });
    let routes = |domain: &Arc<Domain>| {
        let routes = domain.settings.routes.iter().map(|model::Route { path, function, qualifier, .. }| {
            json!({ "path": path, "function": function, "qualifier": qualifier.as_deref().unwrap_or(model::LATEST) })
        });
        json!({ "domain": *domain.name, "routes": routes.collect::<Vec<_>>() })
    };
    let domains: Vec<_> = domains.iter().map(routes).collect();
    format!(
        "{}\n",
        json!({ "functions": functions.collect::<Vec<_>>(), "domains": domains, "console": console })
    )
}

fn lines(entries: &[Entry<'_>], domains: &Domains) -> String {
    let width = entries.iter().map(|entry| entry.state.name.len()).max().unwrap_or(0);
    let mut page = String::new();
    for Entry { state, command, .. } in entries {
        // Writing into a string cannot fail.
        let command = command.as_deref().unwrap_or("not deployed yet");
        _ = writeln!(page, "{:width$}  {command}\n{:width$}  {}", state.name, "", state.text);
        if let Some(error) = &state.last_error {
            _ = writeln!(page, "{:width$}  last error: {error}", "");
        }
    }
    for domain in domains.iter() {
        for route in &domain.settings.routes {
            _ = writeln!(page, "{}{}  {}", domain.name, route.path, route.function);
        }
    }
    page
}

/// Text from a manifest, for a page.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
