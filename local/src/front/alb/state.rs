//! What is known of load balancers now, as JSON for the local API.

use serde_json::{Value, json};

use super::balancers::Balancers;
use super::group::Group;
use crate::model::alb::{GroupKind, ListenerProtocol};

impl Balancers {
    /// The listeners and the groups with the health of their backends. `address` gives the local address of a listener.
    pub(crate) fn state(&self, address: impl Fn(&str) -> Option<String>) -> Value {
        let (ports, groups) = self.all();
        let listeners = ports.iter().map(|port| {
            let listener = port.listener();
            let protocol = match listener.protocol {
                ListenerProtocol::Http => "HTTP",
                ListenerProtocol::Https => "HTTPS",
            };
            json!({
                "name": listener.name, "loadBalancer": listener.balancer, "protocol": protocol, "port": listener.port,
                "address": address(&super::key(listener)), "rules": listener.rules.len(),
            })
        });
        json!({
            "listeners": listeners.collect::<Vec<_>>(),
            "groups": groups.iter().map(|group| of_group(group)).collect::<Vec<_>>(),
        })
    }
}

fn of_group(group: &Group) -> Value {
    let kind = match group.settings.kind {
        GroupKind::Fc { .. } => "Fc",
        GroupKind::Ip { .. } => "Ip",
    };
    let is_checked = group.settings.health_check.is_some();
    let targets = group.targets.iter().map(|target| {
        let health = target.health();
        json!({
            "target": target.name, "health": if is_checked { health.standing.name() } else { "unchecked" },
            "checks": health.checks, "error": health.fault,
        })
    });
    json!({ "name": group.settings.name, "type": kind, "targets": targets.collect::<Vec<_>>() })
}
