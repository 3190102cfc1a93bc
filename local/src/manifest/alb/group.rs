//! Server groups: their function or addresses, and their health checks.

use super::balancer::Here;
use super::fields::Fields;
use super::source::{Form, Problems, Resource, place, reference, shown};
use super::{arn, health, sticky};
use crate::manifest::node::Node;
use crate::model::alb::{BackendProtocol, GroupKind, IpServer, ServerGroup};

/// The functions that groups can lead to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Functions<'a> {
    /// Those of the manifest.
    pub(super) names: &'a [String],
    /// Those of the configuration itself, by which groups may refer to them.
    pub(super) resources: &'a [&'a Resource],
}

const NOT_FOR_FUNCTIONS: [&str; 7] = [
    "sticky_session_config",
    "connection_drain_config",
    "slow_start_config",
    "scheduler",
    "upstream_keepalive_enabled",
    "uch_config",
    "vpc_id",
];

pub(super) fn read(
    form: Form,
    resource: &Resource,
    attachments: &[&Resource],
    functions: Functions<'_>,
    here: &Here,
    problems: &mut Problems,
) -> ServerGroup {
    let mut fields = Fields::new(form, &resource.node, &resource.place, problems);
    fields.check(
        &[
            "server_group_name",
            "server_group_type",
            "health_check_config",
            "sticky_session_config",
            "servers",
            "protocol",
            "scheduler",
            "vpc_id",
            "connection_drain_config",
            "slow_start_config",
            "uch_config",
            "upstream_keepalive_enabled",
            "ipv6_enabled",
        ],
        &[
            ("resource_group_id", ""),
            ("tags", ""),
            ("dry_run", ""),
            ("cross_zone_enabled", ""),
            ("service_name", ""),
            (
                "health_check_template_id",
                "the template exists only in the cloud; write `health_check_config`",
            ),
        ],
    );
    let name = fields.label("server_group_name").unwrap_or_else(|| {
        fields.error("server_group_name", "is missing");
        resource.address.clone()
    });
    if !is_name(&name) {
        fields.error(
            "server_group_name",
            &format!("must have 2 to 128 letters, digits, `.`, `_` and `-`, a letter first, but is `{name}`"),
        );
    }
    let kind = fields.one_of("server_group_type", &["Instance", "Ip", "Fc"]).unwrap_or("Instance");
    let mut servers: Vec<(Node, crate::model::alb::Place)> = Vec::new();
    for node in fields.maps("servers") {
        servers.push((node.clone(), place(&resource.place.file, node.line)));
    }
    let health_check = fields
        .map("health_check_config")
        .and_then(|node| health::read(&mut fields.below(node), kind == "Fc"));
    if !fields.has("health_check_config") && form == Form::Terraform {
        fields
            .error("health_check_config", "is missing: write `health_check_enabled = false` in it for none");
    }
    let sticky_session =
        fields.map("sticky_session_config").and_then(|node| sticky::read(&mut fields.below(node)));
    for key in NOT_FOR_FUNCTIONS.iter().filter(|_| kind == "Fc") {
        // A session that is switched off says nothing.
        if fields.has(key) && (*key != "sticky_session_config" || sticky_session.is_some()) {
            fields.error(key, "is not for a group of a function");
        }
    }
    let protocol = protocol(&mut fields, kind == "Fc");
    if kind != "Fc" {
        note_rest(&mut fields);
    }
    for attachment in attachments {
        let mut own = Fields::new(form, &attachment.node, &attachment.place, fields.problems);
        let names_this = own.reference("server_group_id").is_some_and(|reference| {
            reference == resource.address
                || reference.rsplit_once('.').is_some_and(|(begin, _)| begin == resource.address)
        });
        if !names_this {
            continue;
        }
        own.check(
            &[
                "server_group_id",
                "servers",
                "server_id",
                "server_type",
                "server_ip",
                "port",
                "weight",
                "description",
                "remote_ip_enabled",
            ],
            &[],
        );
        if own.has("servers") {
            for node in own.maps("servers") {
                servers.push((node.clone(), place(&attachment.place.file, node.line)));
            }
        } else {
            servers.push((attachment.node.clone(), attachment.place.clone()));
        }
    }
    let kind = if kind == "Fc" {
        function(form, &servers, functions, &mut fields)
    } else {
        addresses(form, &name, &servers, here, &mut fields)
    };
    ServerGroup { name, place: resource.place.clone(), kind, protocol, health_check, sticky_session }
}

/// A name of a group or a rule.
pub(super) fn is_name(name: &str) -> bool {
    (2..=128).contains(&name.chars().count())
        && name.starts_with(char::is_alphabetic)
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '$' | '{' | '}' | '[' | ']' | '"'))
}

fn note_rest(fields: &mut Fields<'_>) {
    let seconds = |fields: &mut Fields<'_>, key: &str, words: [&str; 2], range| {
        let Some(node) = fields.map(key) else { return false };
        let mut own = fields.below(node);
        own.check(&words, &[]);
        own.integer(words[1], range);
        own.boolean(words[0], false)
    };
    let drain = ["connection_drain_enabled", "connection_drain_timeout"];
    if seconds(fields, "connection_drain_config", drain, 0..=900) {
        fields
            .note("connection_drain_config", "is not emulated: the servers are not this machine's to drain");
    }
    if seconds(fields, "slow_start_config", ["slow_start_enabled", "slow_start_duration"], 30..=900) {
        fields.note("slow_start_config", "is not emulated");
    }
    if let Some(node) = fields.map("uch_config") {
        let mut own = fields.below(node);
        own.check(&["type", "value"], &[]);
        own.one_of("type", &["QueryString"]);
    }
    if fields.boolean("upstream_keepalive_enabled", false) {
        fields.note(
            "upstream_keepalive_enabled",
            "is not emulated: each request to a server has a connection of its own",
        );
    }
    if fields.one_of("scheduler", &["Wrr", "Wlc", "Sch", "Uch"]).is_some_and(|word| word != "Wrr") {
        fields.note("scheduler", "is not emulated: servers are chosen by weight");
    }
}

fn protocol(fields: &mut Fields<'_>, is_function: bool) -> BackendProtocol {
    match fields.one_of("protocol", &["HTTP", "HTTPS", "gRPC", "GRPC"]) {
        Some(_) if is_function => {
            fields.note("protocol", "has no effect on a group of a function, which is asked by HTTP/1.1");
        }
        Some("gRPC" | "GRPC") => return BackendProtocol::Grpc,
        Some("HTTPS") => fields.note("protocol", "is not emulated: requests go on in plain text"),
        _ => {}
    }
    BackendProtocol::Http
}

fn function(
    form: Form,
    servers: &[(Node, crate::model::alb::Place)],
    functions: Functions<'_>,
    fields: &mut Fields<'_>,
) -> GroupKind {
    let [(node, place), rest @ ..] = servers else {
        return GroupKind::Fc { function: None, qualifier: None, service: None };
    };
    if let Some((_, second)) = rest.first() {
        fields.problems.error(second, "a group of type Fc holds exactly one function");
    }
    let mut own = Fields::new(form, node, place, fields.problems);
    if own.one_of("server_type", &["Ecs", "Eni", "Eci", "Ip", "Fc"]).is_some_and(|kind| kind != "Fc") {
        own.error("server_type", "must be Fc in a group of type Fc");
    }
    for key in ["port", "weight", "server_ip"] {
        if own.has(key) {
            own.error(key, "is not for a function");
        }
    }
    let Some(text) = own.raw("server_id") else {
        own.error("server_id", "is missing");
        return GroupKind::Fc { function: None, qualifier: None, service: None };
    };
    let text = reference(&text).and_then(|name| named(name, functions.resources)).unwrap_or(text);
    let Some(target) = arn::parse(&text) else {
        own.error("server_id", &format!("is `{}`, which names no function: write `acs:fc:REGION:ACCOUNT:functions/NAME`, and behind it `/` and a version or an alias", shown(&text)));
        return GroupKind::Fc { function: None, qualifier: None, service: None };
    };
    if !functions.names.contains(&target.function) {
        let names = functions.names.join(", ");
        own.error(
            "server_id",
            &format!(
                "names the function `{}`, which is not in the manifest; there are: {names}",
                target.function
            ),
        );
    }
    if target.is_bare && form != Form::Short {
        own.note("server_id", "is a name; the cloud takes the function's ARN");
    }
    GroupKind::Fc { function: Some(target.function), qualifier: target.qualifier, service: target.service }
}

/// The function's name, if a reference means a function of the configuration.
fn named(name: &str, resources: &[&Resource]) -> Option<String> {
    let found = resources.iter().find(|own| {
        name == own.address || name.rsplit_once('.').is_some_and(|(begin, _)| begin == own.address)
    })?;
    let text = |key: &str| found.node.child(key).and_then(Node::scalar);
    let function = text("function_name").or_else(|| text("FunctionName")).or_else(|| text("name"))?;
    Some(format!("acs:fc:::functions/{function}"))
}

fn addresses(
    form: Form,
    group: &str,
    servers: &[(Node, crate::model::alb::Place)],
    here: &Here,
    fields: &mut Fields<'_>,
) -> GroupKind {
    if let Some(own) = here.servers.get(group) {
        let servers = own.iter().filter_map(|text| {
            let (host, port) = text.rsplit_once(':')?;
            let port = port.parse().ok()?;
            Some(IpServer { host: host.to_owned(), port, weight: 100, place: fields.place.clone() })
        });
        return GroupKind::Ip { servers: servers.collect() };
    }
    let mut all = Vec::new();
    for (node, place) in servers {
        let mut own = Fields::new(form, node, place, fields.problems);
        let weight = own.integer("weight", 0..=100).unwrap_or(100);
        let port = own.integer("port", 1..=65535);
        if !own.has("port") {
            own.error("port", "is missing");
        }
        let key = if own.has("server_ip") { "server_ip" } else { "server_id" };
        let Some(host) = own.raw(key) else {
            own.error("server_id", "is missing");
            continue;
        };
        if host.contains(super::source::MARK) {
            let text = format!(
                "is `{}`, which is not known here: name addresses for this machine in `x-local.alb.servers.{group}`",
                shown(&host)
            );
            own.note(key, &text);
            continue;
        }
        let Some(port) = port.and_then(|port| u16::try_from(port).ok()) else { continue };
        all.push(IpServer { host, port, weight: u8::try_from(weight).unwrap_or(100), place: place.clone() });
    }
    GroupKind::Ip { servers: all }
}
