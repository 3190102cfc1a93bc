//! What a running `fc-local dev` knows of load balancers: where listeners answer, and how backends stand.

use std::time::Duration;

use http::Method;
use serde_json::Value;
use tokio::time::timeout;

use super::client::Running;
use crate::Manifest;
use crate::front::BALANCERS;
use crate::model::alb::LoadBalancer;

/// How long `dev` may take to answer. The commands tell the rest without the answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The document of the local API; null if no `dev` runs for the manifest.
pub(super) struct Standing(Value);

impl Standing {
    /// Asks the running `dev` of a manifest, if there is one.
    pub(super) async fn ask(manifest: &Manifest) -> Self {
        if manifest.load_balancer().listeners.is_empty() {
            return Standing(Value::Null);
        }
        let Ok(running) = Running::find(manifest) else { return Standing(Value::Null) };
        let answer = timeout(ANSWER_MAX, running.call(Method::GET, BALANCERS, &Value::Null)).await;
        Standing(answer.ok().and_then(Result::ok).unwrap_or_default())
    }

    /// The load balancers of a manifest, with the ports at which their listeners answer now.
    pub(super) fn placed(&self, balancer: &LoadBalancer) -> LoadBalancer {
        let mut balancer = balancer.clone();
        for listener in &mut balancer.listeners {
            let is_it =
                |own: &&Value| own["loadBalancer"] == *listener.balancer && own["port"] == listener.port;
            let found = self.0["listeners"].as_array().and_then(|all| all.iter().find(is_it));
            let address = found.and_then(|own| own["address"].as_str());
            if let Some(port) = address.and_then(|own| own.rsplit_once(':')?.1.parse().ok()) {
                listener.local_port = port;
            }
        }
        balancer
    }

    /// The backends of a group; null if nothing is known of them.
    pub(super) fn targets(&self, group: &str) -> &Value {
        let found = self.0["groups"].as_array().and_then(|all| all.iter().find(|own| own["name"] == group));
        found.map_or(&Value::Null, |own| &own["targets"])
    }

    /// A line for each backend of a group.
    pub(super) fn lines(&self, group: &str) -> Vec<String> {
        let line = |target: &Value| {
            let name = target["target"].as_str().unwrap_or_default();
            if target["health"] == "unchecked" {
                return format!("{name} has no health checks");
            }
            let (health, checks) = (target["health"].as_str().unwrap_or_default(), &target["checks"]);
            let error = target["error"].as_str().map(|error| format!(", the last one: {error}"));
            format!("{name} is {health} after {checks} health checks{}", error.unwrap_or_default())
        };
        self.targets(group).as_array().map(|all| all.iter().map(line).collect()).unwrap_or_default()
    }
}
