//! The short form: `x-local.alb.listeners`, which needs no other file.

use std::path::Path;
use std::sync::Arc;

use super::source::{Form, Kind, Problems, Resource, Source, marked, place};
use crate::manifest::node::{Entry, Node, Value, items};

/// Makes resources of listeners with functions, servers and rules.
pub(super) fn read(listeners: &Node, file: &Arc<Path>, problems: &mut Problems) -> Source {
    let mut writer = Writer { file, resources: Vec::new(), groups: Vec::new(), problems };
    if !matches!(listeners.value, Value::List(_)) {
        writer.error(listeners.line, "`listeners` must be a list");
    }
    for (number, node) in items(listeners).iter().enumerate() {
        writer.listener(node, number);
    }
    Source { form: Form::Short, resources: writer.resources }
}

struct Writer<'a> {
    file: &'a Arc<Path>,
    resources: Vec<Resource>,
    groups: Vec<String>,
    problems: &'a mut Problems,
}

/// The settings of a listener that have the same name in every form.
const LISTENER: [&str; 4] = ["idleTimeout", "requestTimeout", "gzipEnabled", "http2Enabled"];

const LISTENER_OWN: [&str; 6] = ["port", "protocol", "function", "server", "rules", "forwarded"];

const RULE: [&str; 14] = [
    "name",
    "path",
    "host",
    "method",
    "header",
    "query",
    "cookie",
    "sourceIp",
    "function",
    "server",
    "redirect",
    "fixedResponse",
    "rewrite",
    "priority",
];

impl Writer<'_> {
    fn error(&mut self, line: usize, text: impl Into<String>) {
        self.problems.error(&place(self.file, line), text);
    }

    fn check(&mut self, node: &Node, known: &[&str]) {
        for entry in node.entries().iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let text = format!("`{}` is not known here; there are: {}", entry.key, known.join(", "));
            self.error(entry.line, text);
        }
    }

    fn push(&mut self, kind: Kind, address: &str, node: Node) {
        let at = place(self.file, node.line);
        self.resources.push(Resource { kind, address: address.to_owned(), place: at, node });
    }

    fn listener(&mut self, node: &Node, number: usize) {
        let known: Vec<&str> = LISTENER_OWN.iter().chain(&LISTENER).copied().collect();
        self.check(node, &known);
        let line = node.line;
        let address = format!("listener{number}");
        let mut own = Node::empty_map(line);
        copy(node, "port", &mut own, "listenerPort");
        let protocol = node.child("protocol").cloned();
        let is_https = node.child("port").and_then(Node::scalar).as_deref() == Some("443");
        own.set(
            "listenerProtocol",
            protocol.unwrap_or_else(|| Node::text(line, if is_https { "HTTPS" } else { "HTTP" })),
        );
        for key in LISTENER {
            copy(node, key, &mut own, key);
        }
        if let Some(group) = self.group(node) {
            own.set("defaultActions", forward(line, &group, false));
        } else {
            self.error(line, "a listener has a `function`, or a `server`, for what no rule takes");
        }
        // What a beginner expects a function to know of its client.
        let mut forwarded = Node::empty_map(line);
        let flag = Node { line, value: Value::Bool(node.child("forwarded").is_none_or(Node::is_true)) };
        for name in ["ProtoEnabled", "SlbPortEnabled", "HostEnabled"] {
            forwarded.set(&format!("xForwardedFor{name}"), flag.clone());
        }
        own.set("xForwardedForConfig", forwarded);
        self.push(Kind::Listener, &address, own);
        for (at, rule) in node.child("rules").map(items).unwrap_or_default().iter().enumerate() {
            self.rule(rule, &address, at);
        }
    }

    /// The group for a function or a server.
    fn group(&mut self, node: &Node) -> Option<String> {
        let line = node.line;
        let (key, kind) = if node.child("server").is_some() { ("server", "Ip") } else { ("function", "Fc") };
        let entry = node.entry(key)?;
        let text = entry.node.scalar().unwrap_or_default();
        let address = format!("{}-{text}", kind.to_ascii_lowercase());
        if self.groups.contains(&address) {
            return Some(address);
        }
        let mut server = Node::empty_map(entry.line);
        server.set("serverType", Node::text(line, kind));
        if kind == "Ip" {
            let Some((host, port)) = text.rsplit_once(':') else {
                self.error(entry.line, format!("`server` must be `HOST:PORT` but is `{text}`"));
                return None;
            };
            server.set("serverId", Node::text(entry.line, host));
            server.set("port", Node::text(entry.line, port));
        } else {
            server.set("serverId", Node::text(entry.line, text));
        }
        let mut group = Node::empty_map(entry.line);
        group.set("serverGroupName", Node::text(entry.line, address.replace(':', "-")));
        group.set("serverGroupType", Node::text(entry.line, kind));
        group.set("servers", Node { line: entry.line, value: Value::List(vec![server]) });
        self.groups.push(address.clone());
        self.push(Kind::Group, &address, group);
        Some(address)
    }

    fn rule(&mut self, node: &Node, listener: &str, number: usize) {
        self.check(node, &RULE);
        let line = node.line;
        let mut own = Node::empty_map(line);
        own.set("listenerId", Node::text(line, marked(listener)));
        let default = Node::text(line, ((number + 1) * 10).to_string());
        own.set("priority", node.child("priority").cloned().unwrap_or(default));
        let name = format!("{listener}-rule{}", number + 1);
        own.set("ruleName", node.child("name").cloned().unwrap_or_else(|| Node::text(line, name.clone())));
        let mut conditions = Vec::new();
        for (key, kind, config) in [
            ("path", "Path", "pathConfig"),
            ("host", "Host", "hostConfig"),
            ("method", "Method", "methodConfig"),
            ("sourceIp", "SourceIp", "sourceIpConfig"),
        ] {
            if let Some(entry) = node.entry(key) {
                conditions.push(condition(entry, kind, config, None, listed(&entry.node)));
            }
        }
        for (key, kind, config) in
            [("query", "QueryString", "queryStringConfig"), ("cookie", "Cookie", "cookieConfig")]
        {
            if let Some(entry) = node.entry(key) {
                conditions.push(condition(entry, kind, config, None, pairs(&entry.node)));
            }
        }
        if let Some(entry) = node.entry("header") {
            for header in entry.node.entries() {
                conditions.push(condition(
                    entry,
                    "Header",
                    "headerConfig",
                    Some(&header.key),
                    listed(&header.node),
                ));
            }
        }
        own.set("ruleConditions", Node { line, value: Value::List(conditions) });
        let mut actions = Vec::new();
        for (key, kind, config) in [
            ("rewrite", "Rewrite", "rewriteConfig"),
            ("redirect", "Redirect", "redirectConfig"),
            ("fixedResponse", "FixedResponse", "fixedResponseConfig"),
        ] {
            if let Some(entry) = node.entry(key) {
                let mut action = Node::empty_map(entry.line);
                action.set("type", Node::text(entry.line, kind));
                action.set("order", Node::text(entry.line, (actions.len() + 1).to_string()));
                action.set(config, with_variables(&entry.node));
                actions.push(action);
            }
        }
        if let Some(group) = self.group(node) {
            let Value::List(mut forward) = forward(line, &group, true).value else { return };
            for own in &mut forward {
                own.set("order", Node::text(line, (actions.len() + 1).to_string()));
            }
            actions.append(&mut forward);
        }
        own.set("ruleActions", Node { line, value: Value::List(actions) });
        self.push(Kind::Rule, &name, own);
    }
}

fn copy(from: &Node, key: &str, to: &mut Node, name: &str) {
    if let Some(entry) = from.entry(key) {
        to.set(name, Node { line: entry.line, ..entry.node.clone() });
    }
}

fn forward(line: usize, group: &str, is_rule: bool) -> Node {
    let mut tuple = Node::empty_map(line);
    tuple.set("serverGroupId", Node::text(line, marked(group)));
    let mut config = Node::empty_map(line);
    config.set("serverGroupTuples", Node { line, value: Value::List(vec![tuple]) });
    let mut action = Node::empty_map(line);
    action.set("type", Node::text(line, "ForwardGroup"));
    if is_rule {
        action.set("order", Node::text(line, "1"));
    }
    action.set("forwardGroupConfig", config);
    Node { line, value: Value::List(vec![action]) }
}

fn condition(entry: &Entry, kind: &str, config: &str, key: Option<&str>, values: Node) -> Node {
    let mut settings = Node::empty_map(entry.line);
    if let Some(key) = key {
        settings.set("key", Node::text(entry.line, key));
    }
    settings.set("values", values);
    let mut node = Node::empty_map(entry.line);
    node.set("type", Node::text(entry.line, kind));
    node.set(config, settings);
    node
}

fn listed(node: &Node) -> Node {
    match &node.value {
        Value::List(_) => node.clone(),
        _ => Node { line: node.line, value: Value::List(vec![node.clone()]) },
    }
}

/// The texts with `{path}` as `${path}`: in a manifest the latter is the deployment tool's.
fn with_variables(node: &Node) -> Node {
    let mut node = node.clone();
    let Value::Map(entries) = &mut node.value else { return node };
    for entry in entries {
        if let Value::Text(text) = &mut entry.node.value {
            for name in ["host", "protocol", "port", "path", "query", "1", "2", "3"] {
                *text = text.replace(&format!("{{{name}}}"), &format!("${{{name}}}"));
            }
        }
    }
    node
}

/// `{KEY: VALUE}`, or `{KEY: [VALUE, …]}`, as pairs.
fn pairs(node: &Node) -> Node {
    let mut all = Vec::new();
    for entry in node.entries() {
        for value in items(&listed(&entry.node)) {
            let mut pair = Node::empty_map(entry.line);
            pair.set("key", Node::text(entry.line, entry.key.clone()));
            if value.is_something() {
                pair.set("value", value.clone());
            }
            all.push(pair);
        }
    }
    Node { line: node.line, value: Value::List(all) }
}
