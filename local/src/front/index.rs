//! The page that lists the functions and the domains, at `/` of the main port.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::body::plain;
use super::entry::Front;
use super::target::Door;
use crate::domain::Domains;
use crate::model;

/// The name of the port for gRPC among the ports. No function has such a name.
pub(super) const GRPC: &str = ":grpc";

const STYLE: &str =
    "body{font:16px/1.5 system-ui;margin:3rem}td,th{padding:.2rem 1.5rem .2rem 0;text-align:left}";

impl Front {
    /// Notes the address of an open port.
    pub(super) fn note_port(&self, door: &Door, address: SocketAddr) {
        let name = match door {
            Door::Main => Arc::from(""),
            Door::Grpc => Arc::from(GRPC),
            Door::Function(name) => Arc::clone(name),
        };
        // The main port may listen on two addresses. People are told the first.
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert(address);
    }

    /// The number of an open port, by the name of its function.
    pub(super) fn port(&self, name: &str) -> Option<u16> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(SocketAddr::port)
    }

    /// The page of functions with their states, and of domains. Names of functions and domains need no escapes in HTML.
    pub(super) fn index(
        &self,
        states: &[(&str, &str)],
        domains: &Domains,
        method: &Method,
    ) -> Response<Bytes> {
        let ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let main = ports.get("").map_or(0, SocketAddr::port);
        let mut page = format!(
            "<!doctype html><meta charset=utf-8><title>fc-local</title><style>{STYLE}</style><h1>Functions</h1><table>"
        );
        for (name, state) in states {
            let own = ports.get(*name).map(ToString::to_string).unwrap_or_default();
            // Writing into a string cannot fail.
            _ = write!(
                page,
                "<tr><td><a href=\"http://{name}.localhost:{main}/\">{name}</a><td><a href=\"http://{own}/\">{own}</a><td>{state}"
            );
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
        page.push_str("<p>Events: <code>fc-local invoke NAME</code></p>\n");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        plain(StatusCode::OK, headers, if *method == Method::HEAD { String::new() } else { page })
    }
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
