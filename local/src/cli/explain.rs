//! `fc-local alb explain`.

use std::fmt::Write as _;
use std::net::IpAddr;

use clap::Args;
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use super::standing::Standing;
use crate::Manifest;
use crate::alb::{Decision, HeaderChange, RequestView, Rules, Terminal, Tried, without_port};
use crate::event::neutral;
use crate::model::alb::{
    Forward, GroupKind, Listener, ListenerProtocol, LoadBalancer, ServerGroup, WeightedGroup,
};
use crate::wire::headers::of_line;

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The method
    method: Method,
    /// The address, as a client names it: with the listener's port in the cloud, or with the one here
    url: Uri,
    /// A header, `Name: value`. Can be repeated
    #[arg(short = 'H', long, value_name = "HEADER")]
    header: Vec<String>,
    /// The client's address
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    source: IpAddr,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What would become of a request, as text or as JSON.
pub(super) async fn explain(manifest: &Manifest, arguments: &ExplainArguments) -> Result<String, String> {
    let standing = Standing::ask(manifest).await;
    let balancer = &standing.placed(manifest.load_balancer());
    let headers = headers(&arguments.header)?;
    let listener = listener(balancer, &arguments.url)?;
    let rules = Rules::new(balancer, listener);
    let named = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or(arguments.url.host()).unwrap_or_default();
    let request = RequestView {
        method: &arguments.method,
        host: without_port(host),
        path: arguments.url.path(),
        query: arguments.url.query(),
        headers: &headers,
        source: arguments.source,
        source_port: 40_000,
    };
    let tried = rules.explain(&request);
    let decision = rules.decide(&request, 0);
    let forward = decision.forward(listener);
    Ok(if arguments.json {
        json_of((balancer, &standing), listener, &tried, &decision, forward).to_string()
    } else {
        text_of((balancer, &standing), listener, &tried, &decision, forward)
    })
}

fn headers(lines: &[String]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = of_line(line)?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// The listener of the address: by its port in the cloud, else by the one here.
fn listener<'a>(balancer: &'a LoadBalancer, url: &Uri) -> Result<&'a Listener, String> {
    if balancer.listeners.is_empty() {
        return Err("there is no load balancer: `fc-local alb init` makes one, and `x-local.alb` names the files of another one".to_owned());
    }
    let protocol = match url.scheme_str() {
        Some("http") => ListenerProtocol::Http,
        Some("https") => ListenerProtocol::Https,
        _ => return Err(format!("`{url}` is no address that begins with http:// or https://")),
    };
    let usual = if protocol == ListenerProtocol::Https { 443 } else { 80 };
    let port = url.port_u16().unwrap_or(usual);
    balancer.listener(protocol, port).ok_or_else(|| {
        let all: Vec<String> = balancer
            .listeners
            .iter()
            .map(|own| format!("{} {} (here {})", own.protocol.name(), own.port, own.local_port))
            .collect();
        format!("no listener answers {url}; there are: {}", all.join(", "))
    })
}

fn text_of(
    (balancer, standing): (&LoadBalancer, &Standing),
    listener: &Listener,
    tried: &[Tried<'_>],
    decision: &Decision<'_>,
    forward: Option<&Forward>,
) -> String {
    let mut out = format!(
        "listener {}  {} {}, here {}  ({})\n",
        listener.name,
        listener.protocol.name(),
        listener.port,
        listener.local_port,
        listener.place
    );
    // Writing into a string cannot fail.
    let width = tried.iter().map(|own| own.rule.name.len()).max().unwrap_or(0);
    for own in tried {
        let why = own.miss.as_deref().unwrap_or("matches");
        let sign = if own.miss.is_none() { "=>" } else { "no" };
        _ = writeln!(
            out,
            "{:>6} {:width$}  {sign}  {why}  ({})",
            own.rule.priority, own.rule.name, own.rule.place
        );
    }
    if decision.rule.is_none() {
        _ = writeln!(out, "       no rule matches: the default action");
    }
    if let Some(limit) = decision.limit {
        let count = |count: Option<u32>, whose: &str| count.map(|count| format!("{count} a second{whose}"));
        let counts = [count(limit.qps, ""), count(limit.per_ip_qps, " of one address")];
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        _ = writeln!(out, "limit     {}; more get 503", counts.join(", "));
    }
    if decision.cors.is_some() {
        _ = writeln!(out, "cors      the listener answers preflights");
    }
    for id in decision.mirrors {
        _ = writeln!(out, "mirror    {}", balancer.group(*id).map_or("", |group| group.name.as_str()));
    }
    if let Some(target) = &decision.target {
        let host = target.host.as_ref().map(|host| format!("Host: {host}, ")).unwrap_or_default();
        let query = target.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        _ = writeln!(out, "rewrite   {host}{}{query}", target.path);
    }
    for change in &decision.headers {
        match change {
            HeaderChange::Insert(name, value) => {
                _ = writeln!(out, "insert    {name}: {}", String::from_utf8_lossy(value.as_bytes()));
            }
            HeaderChange::Remove(name) => _ = writeln!(out, "remove    {name}"),
        }
    }
    match &decision.terminal {
        Terminal::Redirect { status, location } => {
            _ = writeln!(out, "redirect  {} {location}", status.as_u16());
        }
        Terminal::Fixed(fixed) => _ = writeln!(out, "answer    {} {}", fixed.status, fixed.content),
        Terminal::NoGroup => _ = writeln!(out, "answer    503: no group has a weight"),
        Terminal::Forward { .. } => {
            for own in forward.map(|own| own.groups.as_slice()).unwrap_or_default() {
                let Some(group) = balancer.group(own.group) else { continue };
                _ = writeln!(out, "forward   {}{}  ({})", describe(group), weight(own, forward), group.place);
                for line in standing.lines(&group.name) {
                    _ = writeln!(out, "          {line}");
                }
            }
            if let Some(time) = forward.and_then(|own| own.sticky) {
                _ = writeln!(out, "          a client stays with its group for {} s", time.as_secs());
            }
        }
    }
    out.truncate(out.trim_end().len());
    out.split('\n').map(|line| neutral(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// What a group leads to.
pub(super) fn describe(group: &ServerGroup) -> String {
    match &group.kind {
        GroupKind::Fc { function: None, .. } => format!("{}: no function, so 503", group.name),
        GroupKind::Fc { function: Some(function), qualifier, .. } => {
            let qualifier = qualifier.as_ref().map(|own| format!(" {own}")).unwrap_or_default();
            format!("{}: function {function}{qualifier}", group.name)
        }
        GroupKind::Ip { servers } => {
            let servers: Vec<String> =
                servers.iter().map(|own| format!("{}:{}", own.host, own.port)).collect();
            let servers =
                if servers.is_empty() { "no servers, so 503".to_owned() } else { servers.join(", ") };
            format!("{}: {servers}", group.name)
        }
    }
}

fn weight(own: &WeightedGroup, forward: Option<&Forward>) -> String {
    let groups = forward.map(|own| own.groups.as_slice()).unwrap_or_default();
    if groups.len() < 2 {
        return String::new();
    }
    let total: u32 = groups.iter().map(|own| u32::from(own.weight)).sum();
    format!(", weight {} of {total}", own.weight)
}

fn json_of(
    (balancer, standing): (&LoadBalancer, &Standing),
    listener: &Listener,
    tried: &[Tried<'_>],
    decision: &Decision<'_>,
    forward: Option<&Forward>,
) -> Value {
    let rule = |own: &Tried<'_>| {
        json!({
            "rule": own.rule.name,
            "priority": own.rule.priority,
            "place": own.rule.place.to_string(),
            "matches": own.miss.is_none(),
            "why": own.miss,
        })
    };
    let action = match &decision.terminal {
        Terminal::Redirect { status, location } => {
            json!({"type": "redirect", "status": status.as_u16(), "location": location})
        }
        Terminal::Fixed(fixed) => {
            json!({"type": "fixed", "status": fixed.status, "contentType": fixed.content_type, "content": fixed.content})
        }
        Terminal::NoGroup => json!({"type": "unavailable", "status": 503}),
        Terminal::Forward { .. } => {
            let groups = forward.map(|own| own.groups.as_slice()).unwrap_or_default();
            let groups: Vec<Value> = groups
                .iter()
                .filter_map(|own| Some(group_json(balancer.group(own.group)?, own.weight, standing)))
                .collect();
            json!({"type": "forward", "groups": groups, "stickySeconds": forward.and_then(|own| own.sticky).map(|time| time.as_secs())})
        }
    };
    let change = |change: &HeaderChange| match change {
        HeaderChange::Insert(name, value) => {
            json!({"insert": name.as_str(), "value": String::from_utf8_lossy(value.as_bytes())})
        }
        HeaderChange::Remove(name) => json!({"remove": name.as_str()}),
    };
    json!({
        "listener": {
            "name": listener.name, "protocol": listener.protocol.name(), "port": listener.port,
            "localPort": listener.local_port, "place": listener.place.to_string(),
        },
        "rule": decision.rule.map(|hit| hit.rule.name.clone()),
        "tried": tried.iter().map(rule).collect::<Vec<_>>(),
        "rewrite": decision.target.as_ref().map(|own| json!({"host": own.host, "path": own.path, "query": own.query})),
        "headers": decision.headers.iter().map(change).collect::<Vec<_>>(),
        "limit": decision.limit.map(|own| json!({"qps": own.qps, "perIpQps": own.per_ip_qps})),
        "cors": decision.cors.is_some(),
        "mirrors": decision.mirrors.iter().filter_map(|id| Some(balancer.group(*id)?.name.clone())).collect::<Vec<_>>(),
        "action": action,
    })
}

fn group_json(group: &ServerGroup, weight: u8, standing: &Standing) -> Value {
    let targets = standing.targets(&group.name);
    match &group.kind {
        GroupKind::Fc { function, qualifier, .. } => {
            json!({"group": group.name, "weight": weight, "function": function, "qualifier": qualifier, "targets": targets})
        }
        GroupKind::Ip { servers } => {
            let servers: Vec<String> =
                servers.iter().map(|own| format!("{}:{}", own.host, own.port)).collect();
            json!({"group": group.name, "weight": weight, "servers": servers, "targets": targets})
        }
    }
}
