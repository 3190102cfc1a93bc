//! Pages and replies, as they reach a client through the platform.

use super::sources::{HTTP_TRIGGER, KEEP_ALIVE, WEB_HANDLER};
use crate::doctor::facts::{Facts, Function, Head};
use crate::doctor::finding::{Finding, Level, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "page-on-built-in-domain",
        level: Level::Warning,
        title: "Pages are served from a custom domain.",
        why: "On its built-in addresses the platform adds `Content-Disposition: attachment` to every reply, so that browsers \
              download a page in place of showing it. A custom domain has no such header. The built-in addresses are for \
              tests alone.",
        source: HTTP_TRIGGER,
        check: page_on_built_in_domain,
    },
    Rule {
        id: "reserved-reply-header",
        level: Level::Warning,
        title: "The server sets no header that the platform takes away.",
        why: "The platform drops or replaces `x-fc-…`, `connection`, `content-length`, `date`, `keep-alive`, `server` and \
              `upgrade` of a function's reply. Clients that wait for such a header never see it. Those that every server \
              sends by itself are not counted here.",
        source: WEB_HANDLER,
        check: reserved_reply_header,
    },
    Rule {
        id: "closes-connections",
        level: Level::Error,
        title: "The server keeps connections open.",
        why: "The platform uses a connection to an instance again. Where the server closes it, a `POST` that was just sent \
              gets 502. Connections have to stay open for 15 minutes at least without a request.",
        source: KEEP_ALIVE,
        check: closes_connections,
    },
    Rule {
        id: "fixed-address",
        level: Level::Warning,
        title: "Other services are named by their domains.",
        why: "The built-in `fcapp.run` addresses are for tests, and change when a trigger is made anew. The numbers behind \
              the platform's names change at any time. A custom domain stays.",
        source: HTTP_TRIGGER,
        check: fixed_address,
    },
];

fn page(function: &Function) -> Option<&Head> {
    function.server.as_ref()?.page.as_ref()
}

fn page_on_built_in_domain(facts: &Facts) -> Vec<Finding> {
    let has_page = |function: &&Function| {
        let kind = page(function).and_then(|page| page.text("content-type"));
        kind.is_some_and(|kind| kind.starts_with("text/html"))
            && function.http_triggers().next().is_some()
            && facts.domains_of(function).next().is_none()
    };
    let finding = |function: &Function| {
        let text = "`GET /` is a page, which browsers download from the built-in address";
        let fix = "customDomain:\n  domainName: www.example.com\n  protocol: HTTP\n  route:\n    path: /*";
        Finding::new(facts.key(function, &["triggers"]), text, fix)
    };
    facts.functions.iter().filter(has_page).map(finding).collect()
}

fn reserved_reply_header(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let server = function.server.as_ref().filter(|server| !server.is_behind_platform());
        let Some(page) = server.and_then(|server| server.page.as_ref()) else { continue };
        let names = page.headers.keys().map(http::HeaderName::as_str);
        let is_reserved = |name: &&str| {
            // The word by which a function tells the platform how a call ended.
            let is_status = *name == "x-fc-status";
            (name.starts_with("x-fc-") && !is_status) || matches!(*name, "server" | "keep-alive")
        };
        let reserved: Vec<&str> = names.filter(is_reserved).collect();
        if !reserved.is_empty() {
            let text = format!("`GET /` sets {}, which no client gets to see", reserved.join(", "));
            found.push(Finding::new(facts.of(function), text, "give the header another name"));
        }
    }
    found
}

fn closes_connections(facts: &Facts) -> Vec<Finding> {
    let closes = |function: &&Function| {
        let connection = page(function).and_then(|page| page.text("connection"));
        connection.is_some_and(|value| value.eq_ignore_ascii_case("close"))
    };
    let finding = |function: &Function| {
        let text = "the server closes its connections (`Connection: close`), so that a `POST` may get 502";
        Finding::new(facts.of(function), text, "keep connections open, without a time limit")
    };
    facts.functions.iter().filter(closes).map(finding).collect()
}

fn fixed_address(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let Some(variables) = function.get(&["environmentVariables"]) else { continue };
        for entry in variables.entries() {
            let Some(text) = entry.node.as_text().filter(|text| is_fixed(text)) else { continue };
            let place = facts.at(function, variables, &entry.key);
            let what =
                if text.contains("fcapp.run") { "a built-in address" } else { "the number of an address" };
            let text = format!("`{}` names {what}, which may be another one tomorrow", entry.key);
            found.push(Finding::new(place, text, "name a domain of your own"));
        }
    }
    found
}

/// Whether a text has a built-in address, or an address by its number on the public internet.
fn is_fixed(text: &str) -> bool {
    if text.contains(".fcapp.run") {
        return true;
    }
    let hosts = text.match_indices("://").map(|(at, _)| &text[at + 3..]);
    hosts.into_iter().any(|host| {
        let end = host.find(['/', '?', ',', ' ']).unwrap_or(host.len());
        let host = host[..end].rsplit('@').next().unwrap_or_default();
        host.split(':').next().unwrap_or_default().parse::<std::net::Ipv4Addr>().is_ok_and(|address| {
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_documentation()
                // Shared by carriers, and by the platform's own services.
                || address.octets()[0] == 100 && address.octets()[1] & 0b1100_0000 == 64)
        })
    })
}
