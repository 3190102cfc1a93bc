//! The actions of rules.

use std::time::Duration;

use super::balancer::Index;
use super::fields::Fields;
use super::headers;
use crate::alb::{Template, Variable};
use crate::manifest::node::items;
use crate::model::alb::{
    Action, ActionKind, AlbCors, Direction, FixedResponse, Forward, Redirect, RewriteTo, TrafficLimit,
    WeightedGroup,
};

/// The types, and the keys under which their settings stand.
const TYPES: [(&str, &str); 9] = [
    ("ForwardGroup", "forward_group_config"),
    ("Redirect", "redirect_config"),
    ("FixedResponse", "fixed_response_config"),
    ("Rewrite", "rewrite_config"),
    ("InsertHeader", "insert_header_config"),
    ("RemoveHeader", "remove_header_config"),
    ("TrafficLimit", "traffic_limit_config"),
    ("TrafficMirror", "traffic_mirror_config"),
    ("Cors", "cors_config"),
];

/// The most groups of a rule.
const GROUPS_MAX: usize = 5;

pub(super) fn read(fields: &mut Fields<'_>, index: &Index, direction: Direction) -> Option<Action> {
    let mut known: Vec<&str> = TYPES.iter().map(|(_, key)| *key).collect();
    known.extend(["type", "order"]);
    fields.check(&known, &[]);
    let order = fields.integer("order", 1..=50_000);
    for key in ["order", "type"] {
        if !fields.has(key) {
            fields.error(key, "is missing");
        }
    }
    let name = fields.one_of("type", &TYPES.map(|(name, _)| name))?;
    let place = fields.place.clone();
    let kind = if name == "ForwardGroup" {
        ActionKind::Forward(forward(fields, index, GROUPS_MAX)?)
    } else {
        let (_, key) = TYPES.iter().find(|(own, _)| *own == name)?;
        let Some(node) = fields.map(key) else {
            let key = fields.name(key);
            fields.error("type", &format!("is {name}, so `{key}` is needed, which is missing"));
            return None;
        };
        settings(name, &mut fields.below(node), index, direction)?
    };
    Some(Action { order: u16::try_from(order?).ok()?, kind, place })
}

fn settings(name: &str, own: &mut Fields<'_>, index: &Index, direction: Direction) -> Option<ActionKind> {
    Some(match name {
        "Redirect" => ActionKind::Redirect(redirect(own)),
        "FixedResponse" => ActionKind::Fixed(fixed(own)?),
        "Rewrite" => ActionKind::Rewrite(rewrite(own)),
        "InsertHeader" => headers::insert(own, direction)?,
        "RemoveHeader" => headers::remove(own, direction)?,
        "TrafficLimit" => ActionKind::Limit(limit(own)),
        "TrafficMirror" => mirror(own, index)?,
        _ => ActionKind::Cors(cors(own)),
    })
}

/// `forward_group_config` of an action.
pub(super) fn forward(fields: &mut Fields<'_>, index: &Index, most: usize) -> Option<Forward> {
    let Some(node) = fields.map("forward_group_config") else {
        fields.error("forward_group_config", "is missing");
        return None;
    };
    let mut own = fields.below(node);
    own.check(&["server_group_tuples", "server_group_sticky_session"], &[]);
    let groups = tuples(&mut own, index);
    if groups.is_empty() && own.maps("server_group_tuples").is_empty() {
        own.error("server_group_tuples", "is missing");
    }
    if groups.len() > most {
        own.error("server_group_tuples", &format!("holds {}; the platform takes {most}", groups.len()));
    }
    let sticky = own.map("server_group_sticky_session").and_then(|node| {
        let mut sticky = own.below(node);
        sticky.check(&["enabled", "timeout"], &[]);
        let seconds = sticky.integer("timeout", 1..=86_400).unwrap_or(1000);
        sticky.boolean("enabled", false).then(|| Duration::from_secs(seconds))
    });
    Some(Forward { groups, sticky })
}

fn tuples(own: &mut Fields<'_>, index: &Index) -> Vec<WeightedGroup> {
    let nodes = own.maps("server_group_tuples");
    let has_more = nodes.len() > 1;
    let mut groups = Vec::new();
    for node in nodes {
        let mut tuple = own.below(node);
        tuple.check(&["server_group_id", "weight"], &[]);
        let weight = tuple.integer("weight", 0..=100);
        if has_more && !tuple.has("weight") {
            tuple.error("weight", "is missing: with several groups each has one");
        }
        let weight = u8::try_from(weight.unwrap_or(100)).unwrap_or(100);
        let Some(reference) = tuple.reference("server_group_id") else {
            tuple.error("server_group_id", "is missing");
            continue;
        };
        match index.group(&reference) {
            Some(group) => groups.push(WeightedGroup { group, weight }),
            None => tuple.error(
                "server_group_id",
                &format!("is `{reference}`, which is no server group of this configuration"),
            ),
        }
    }
    groups
}

/// A text with variables, and those that it may hold.
fn template(own: &mut Fields<'_>, key: &str, own_variable: Variable, allowed: &[Variable]) -> String {
    let default = match own_variable {
        Variable::Host => "${host}",
        Variable::Protocol => "${protocol}",
        Variable::Port => "${port}",
        Variable::Path => "${path}",
        Variable::Query => "${query}",
    };
    // An empty query is a query that is dropped.
    let Some(text) = own.text(key).filter(|text| !text.is_empty() || key == "query") else {
        return default.to_owned();
    };
    match Template::parse(&text) {
        Err(why) => own.error(key, &format!("is `{text}`: {why}")),
        Ok(parsed) => {
            let is_alone = allowed.is_empty();
            let fits = |variable: Variable| variable == own_variable || allowed.contains(&variable);
            if !parsed.variables().all(fits) {
                own.error(key, &format!("is `{text}`, which has a variable that cannot stand there"));
            } else if is_alone && parsed.variables().next().is_some() && !parsed.is_only(own_variable) {
                own.error(key, &format!("is `{text}`: the variable stands there alone"));
            }
            if is_alone && parsed.groups() > 0 {
                own.error(key, "cannot use groups of the path's expression: `path` and `query` can");
            }
        }
    }
    if has_dollar_group(&text) {
        own.error(key, &format!("is `{text}`: a group is written `${{1}}`"));
    }
    if key == "path" && !text.starts_with('/') && !text.starts_with("${") {
        own.error(key, &format!("must begin with `/` but is `{text}`"));
    }
    if text.len() > 128 {
        own.error(key, "has more than 128 characters");
    }
    text
}

/// Whether a text has `$1`, which the platform takes for a dollar and a digit.
fn has_dollar_group(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair[0] == b'$' && pair[1].is_ascii_digit())
}

const MORE: [Variable; 3] = [Variable::Host, Variable::Protocol, Variable::Port];

fn redirect(own: &mut Fields<'_>) -> Redirect {
    own.check(&["host", "http_code", "path", "port", "protocol", "query"], &[]);
    let status = own.text("http_code").unwrap_or_else(|| "301".to_owned());
    let number = status.trim_start_matches("HTTP_").parse::<u16>().ok();
    let number = number.filter(|number| [301, 302, 303, 307, 308].contains(number));
    if number.is_none() {
        own.error("http_code", &format!("must be 301, 302, 303, 307 or 308 but is `{status}`"));
    }
    let status = number.unwrap_or(301);
    let protocol = template(own, "protocol", Variable::Protocol, &[]);
    if !["${protocol}", "HTTP", "HTTPS", "http", "https"].contains(&protocol.as_str()) {
        own.error("protocol", &format!("must be HTTP or HTTPS but is `{protocol}`"));
    }
    let port = template(own, "port", Variable::Port, &[]);
    if port != "${port}" && !port.parse::<u16>().is_ok_and(|port| port > 0) {
        own.error("port", &format!("must be 1 to 65535 but is `{port}`"));
    }
    let redirect = Redirect {
        status,
        protocol,
        host: template(own, "host", Variable::Host, &[]),
        port,
        path: template(own, "path", Variable::Path, &MORE),
        query: template(own, "query", Variable::Query, &MORE),
    };
    let Redirect { protocol, host, port, path, query, .. } = &redirect;
    let same = [protocol, host, port, path, query];
    if same
        .iter()
        .zip(["${protocol}", "${host}", "${port}", "${path}", "${query}"])
        .all(|(own, same)| *own == same)
    {
        own.problems.error(
            &own.place,
            "a redirect that changes nothing never ends: set `protocol`, `host`, `port`, `path` or `query`",
        );
    }
    redirect
}

fn rewrite(own: &mut Fields<'_>) -> RewriteTo {
    own.check(&["host", "path", "query"], &[]);
    RewriteTo {
        host: template(own, "host", Variable::Host, &[]),
        path: template(own, "path", Variable::Path, &MORE),
        query: template(own, "query", Variable::Query, &MORE),
    }
}

fn fixed(own: &mut Fields<'_>) -> Option<FixedResponse> {
    own.check(&["content", "content_type", "http_code"], &[]);
    let content = own.text("content").unwrap_or_default();
    if own.node.entry(&own.name("content")).is_none() {
        own.error("content", "is missing");
    }
    if content.len() > 1024 || !content.is_ascii() {
        own.error("content", "must be ASCII, of at most 1 KiB");
    }
    let code = own.text("http_code").unwrap_or_else(|| "200".to_owned());
    let status = code.trim_start_matches("HTTP_").parse::<u16>().ok();
    let status = status.filter(|status| matches!(status / 100, 2 | 4 | 5));
    if status.is_none() {
        own.error("http_code", &format!("must be 2xx, 4xx or 5xx but is `{code}`"));
    }
    let types = ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];
    let content_type = own.one_of("content_type", &types).map(str::to_owned);
    Some(FixedResponse { status: status?, content_type, content })
}

fn limit(own: &mut Fields<'_>) -> TrafficLimit {
    own.check(&["qps", "per_ip_qps"], &[]);
    let mut count = |key: &str| own.integer(key, 1..=1_000_000).and_then(|value| u32::try_from(value).ok());
    let limit = TrafficLimit { qps: count("qps"), per_ip_qps: count("per_ip_qps") };
    if !own.has("qps") && !own.has("per_ip_qps") {
        own.error("qps", "is missing, and the one for each address too");
    }
    limit
}

fn mirror(own: &mut Fields<'_>, index: &Index) -> Option<ActionKind> {
    own.check(&["target_type", "mirror_group_config"], &[]);
    own.one_of("target_type", &["ForwardGroupMirror"]);
    let Some(node) = own.map("mirror_group_config") else {
        own.error("mirror_group_config", "is missing");
        return None;
    };
    let mut below = own.below(node);
    below.check(&["server_group_tuples"], &[]);
    Some(ActionKind::Mirror(tuples(&mut below, index).into_iter().map(|own| own.group).collect()))
}

fn cors(own: &mut Fields<'_>) -> AlbCors {
    own.check(
        &["allow_origin", "allow_methods", "allow_headers", "expose_headers", "allow_credentials", "max_age"],
        &[],
    );
    let text = own.text("max_age");
    let max_age =
        text.as_ref().and_then(|text| text.parse::<i32>().ok()).filter(|own| (-1..=172_800).contains(own));
    if let (Some(text), None) = (&text, max_age) {
        own.error("max_age", &format!("must be -1 to 172800 but is `{text}`"));
    }
    let allow_origins = own.texts("allow_origin");
    if own.value("allow_origin").is_none_or(|node| items(node).is_empty() && node.scalar().is_none()) {
        own.error("allow_origin", "is missing or empty");
    }
    for origin in &allow_origins {
        if origin != "*" && !origin.starts_with("http://") && !origin.starts_with("https://") {
            own.error(
                "allow_origin",
                &format!("has `{origin}`: an origin begins with http:// or https://, or is `*`"),
            );
        }
    }
    let credentials = own.one_of("allow_credentials", &["on", "off"]);
    AlbCors {
        allow_origins,
        allow_methods: own.texts("allow_methods"),
        allow_headers: own.texts("allow_headers"),
        expose_headers: own.texts("expose_headers"),
        allow_credentials: credentials == Some("on"),
        max_age,
    }
}
