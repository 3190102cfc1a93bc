//! The parts of a configuration put together.

use std::collections::{BTreeMap, HashMap};

use super::fields::Fields;
use super::group::{self, Functions};
use super::source::{Form, Kind, Problems, Resource, Source};
use super::{acl, listener, rule};
use crate::model::alb::{
    ActionKind, AlbEdition, BackendProtocol, GroupId, GroupKind, ListenerProtocol, LoadBalancer,
};

/// What `x-local.alb` sets for this machine.
#[derive(Debug, Default)]
pub(super) struct Here {
    /// Ports in the cloud, and those here.
    pub(super) ports: BTreeMap<u16, u16>,
    /// Addresses in place of a group's servers.
    pub(super) servers: BTreeMap<String, Vec<String>>,
    /// Variables and parameters.
    pub(super) variables: BTreeMap<String, String>,
}

/// How far listeners of this machine are from their ports in the cloud.
const SHIFT: u16 = 10_000;

/// What listeners have to know of their load balancer.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) edition: AlbEdition,
    /// Whether it writes an access log.
    pub(super) has_log: bool,
}

/// By which other resources find the parts.
#[derive(Debug, Default)]
pub(super) struct Index {
    balancers: HashMap<String, Known>,
    groups: HashMap<String, GroupId>,
    listeners: HashMap<String, usize>,
    acls: HashMap<String, usize>,
}

impl Index {
    /// The group that a reference means.
    pub(super) fn group(&self, reference: &str) -> Option<GroupId> {
        find(&self.groups, reference).copied()
    }

    pub(super) fn acl(&self, reference: &str) -> Option<usize> {
        find(&self.acls, reference).copied()
    }

    pub(super) fn listener(&self, reference: &str) -> Option<usize> {
        find(&self.listeners, reference).copied()
    }

    /// The load balancer that a reference means.
    pub(super) fn balancer(&self, reference: &str) -> Option<&Known> {
        find(&self.balancers, reference)
    }
}

/// A reference is an address, or an address and the name of a value behind a dot.
fn find<'a, T>(map: &'a HashMap<String, T>, reference: &str) -> Option<&'a T> {
    map.get(reference).or_else(|| map.get(reference.rsplit_once('.')?.0))
}

/// Reads all resources. Mistakes are in `problems`.
pub(super) fn read(
    source: &Source,
    functions: Functions<'_>,
    here: &Here,
    problems: &mut Problems,
) -> LoadBalancer {
    let of_kind = |kind: Kind| source.resources.iter().filter(move |resource| resource.kind == kind);
    let mut index = Index::default();
    let mut whole = LoadBalancer::default();
    for resource in of_kind(Kind::Balancer) {
        let read = balancer(source.form, resource, problems);
        index.balancers.insert(resource.address.clone(), read);
    }
    for resource in of_kind(Kind::Acl) {
        index.acls.insert(resource.address.clone(), whole.acls.len());
        whole.acls.push(acl::read(source.form, resource, problems));
    }
    for resource in of_kind(Kind::AclEntry) {
        acl::add(source.form, resource, &index, &mut whole.acls, problems);
    }
    let servers: Vec<&Resource> = of_kind(Kind::Servers).collect();
    let known: Vec<&Resource> = of_kind(Kind::Function).collect();
    let functions = Functions { resources: &known, ..functions };
    for resource in of_kind(Kind::Group) {
        let id = GroupId(whole.groups.len());
        let read = group::read(source.form, resource, &servers, functions, here, problems);
        if let Some(other) = whole.groups.iter().find(|other| other.name == read.name) {
            problems.error(
                &read.place,
                format!("group `{}` has the name of another one, at {}", read.name, other.place),
            );
        }
        index.groups.insert(resource.address.clone(), id);
        whole.groups.push(read);
    }
    for name in here.servers.keys().filter(|name| !whole.groups.iter().any(|group| group.name == **name)) {
        let names: Vec<&str> = whole.groups.iter().map(|group| group.name.as_str()).collect();
        let text =
            format!("`x-local.alb.servers` has `{name}`, which is no group; there are: {}", names.join(", "));
        problems.0.push(crate::manifest::problem::Problem::error(1, text));
    }
    for resource in of_kind(Kind::Listener) {
        if let Some(mut read) = listener::read(source.form, resource, &index, problems) {
            let shifted = read.port.checked_add(SHIFT).unwrap_or(read.port);
            read.local_port = here.ports.get(&read.port).copied().unwrap_or(shifted);
            index.listeners.insert(resource.address.clone(), whole.listeners.len());
            whole.listeners.push(read);
        }
    }
    check_ports(&whole, problems);
    for resource in of_kind(Kind::Certificates) {
        check_listener(source.form, resource, &index, problems);
    }
    for resource in of_kind(Kind::ListenerAcl) {
        acl::attach(source.form, resource, &index, &mut whole, problems);
    }
    for resource in of_kind(Kind::Rule) {
        rule::read(source.form, resource, &index, &mut whole, problems);
    }
    rule::check_all(&whole, problems);
    for listener in &mut whole.listeners {
        listener.rules.sort_by_key(|rule| rule.priority);
    }
    whole
}

fn balancer(form: Form, resource: &Resource, problems: &mut Problems) -> Known {
    let mut fields = Fields::new(form, &resource.node, &resource.place, problems);
    let all = [
        "load_balancer_edition",
        "load_balancer_name",
        "address_type",
        "vpc_id",
        "address_allocated_mode",
        "address_ip_version",
        "ipv6_address_type",
        "bandwidth_package_id",
        "resource_group_id",
        "deletion_protection_enabled",
        "load_balancer_billing_config",
        "modification_protection_config",
        "access_log_config",
        "zone_mappings",
        "tags",
        "dry_run",
        "deletion_protection_config",
        "security_group_ids",
    ];
    fields.check(&all, &[]);
    let edition = match fields.one_of("load_balancer_edition", &["Basic", "Standard", "StandardWithWaf"]) {
        Some("Basic") => AlbEdition::Basic,
        Some("StandardWithWaf") => {
            fields.note("load_balancer_edition", "has a firewall, which is not emulated");
            AlbEdition::Waf
        }
        _ => AlbEdition::Standard,
    };
    fields.one_of("address_type", &["Internet", "Intranet"]);
    if !fields.has("load_balancer_edition") {
        fields.error("load_balancer_edition", "is missing");
    }
    let name = fields.label("load_balancer_name");
    let name = name.unwrap_or_else(|| resource.address.rsplit('.').next().unwrap_or_default().to_owned());
    Known { name, edition, has_log: fields.has("access_log_config") }
}

/// Two listeners cannot have one port, in the cloud or here.
fn check_ports(whole: &LoadBalancer, problems: &mut Problems) {
    for (at, one) in whole.listeners.iter().enumerate() {
        for other in &whole.listeners[..at] {
            if one.port == other.port && one.balancer == other.balancer {
                let text = format!("port {} has a listener already, at {}", one.port, other.place);
                problems.error(&one.place, text);
            } else if one.local_port == other.local_port && one.local_port != 0 {
                let text = format!(
                    "port {} of this machine has a listener already, at {}: set another one in `x-local.alb.ports`",
                    one.local_port, other.place
                );
                problems.error(&one.place, text);
            }
        }
    }
}

fn check_listener(form: Form, resource: &Resource, index: &Index, problems: &mut Problems) {
    let mut fields = Fields::new(form, &resource.node, &resource.place, problems);
    fields.check(&["listener_id", "certificate_id", "certificates", "certificate_type"], &[]);
    if let Some(reference) = fields.reference("listener_id")
        && index.listener(&reference).is_none()
    {
        fields.error("listener_id", &format!("is `{reference}`, which is no listener of this configuration"));
    }
}

/// Reports groups without a function that something leads to, and groups of gRPC to which no HTTP/2 leads.
pub(super) fn check_groups(whole: &LoadBalancer, problems: &mut Problems) {
    for listener in whole.listeners.iter().filter(|own| own.protocol == ListenerProtocol::Http) {
        let forwards =
            listener.rules.iter().flat_map(|rule| &rule.actions).filter_map(|own| match &own.kind {
                ActionKind::Forward(forward) => Some(forward),
                _ => None,
            });
        let groups = forwards.chain([&listener.default]).flat_map(|forward| &forward.groups);
        let groups = groups.filter_map(|own| whole.group(own.group));
        for group in groups.filter(|group| group.protocol == BackendProtocol::Grpc) {
            let text = format!(
                "group `{}` speaks gRPC, which listeners of HTTPS alone take: clients of gRPC need HTTP/2",
                group.name
            );
            problems.note(&listener.place, text);
        }
    }
    for group in &whole.groups {
        if let GroupKind::Fc { function: None, .. } = group.kind {
            let text =
                format!("group `{}` has no function: requests to it are answered with 503", group.name);
            problems.note(&group.place, text);
        }
    }
}
