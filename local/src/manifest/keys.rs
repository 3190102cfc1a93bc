//! The keys that an `s.yaml` of the `fc3` component may have, at each place, and what becomes of them here.
//!
//! The platform's own schema lets an unknown key through and drops it at deployment, so a typo there
//! costs an hour. Here every key is looked up.

use super::node::{Node, Value};
use super::problem::Problem;

/// What a key leads to.
#[derive(Debug, Clone, Copy)]
enum Below {
    /// A scalar, or a structure whose keys are the user's own.
    Any,
    /// A map with these keys.
    Map(&'static Table),
    /// A list of maps with these keys.
    Each(&'static Table),
}

/// One known key.
#[derive(Debug)]
struct Key {
    name: &'static str,
    below: Below,
    /// Says why the key has no effect on this machine, if it has none and someone could wait for it.
    without_effect: Option<&'static str>,
}

type Table = [Key];

const fn known(name: &'static str) -> Key {
    Key { name, below: Below::Any, without_effect: None }
}

const fn map(name: &'static str, table: &'static Table) -> Key {
    Key { name, below: Below::Map(table), without_effect: None }
}

const fn each(name: &'static str, table: &'static Table) -> Key {
    Key { name, below: Below::Each(table), without_effect: None }
}

impl Key {
    const fn without_effect(mut self, why: &'static str) -> Self {
        self.without_effect = Some(why);
        self
    }
}

const CLOUD_ONLY: &str = "it exists only in the cloud";
const LATER: &str = "fc-local does not support it yet";

/// The whole file.
const TOP: &Table = &[
    known("edition"),
    known("name"),
    known("access"),
    known("vars"),
    known("resources"),
    known("validation"),
    known("actions"),
    known("flow").without_effect(LATER),
    known("template"),
    known("extend"),
    known("env"),
    known("description"),
    map("x-local", LOCAL),
];

const RESOURCE: &Table = &[
    known("component"),
    known("access"),
    known("actions"),
    known("props"),
    known("extend"),
    known("allow_failure"),
    map("x-local", LOCAL),
];

/// Settings that exist only here.
const LOCAL: &Table = &[
    known("port"),
    known("maxInstances"),
    known("idleTimeout"),
    known("startTimeout"),
    known("stopTimeout"),
    known("freeze"),
    known("sampleMemory"),
    known("attachment"),
    known("passEnv"),
    known("watch"),
    known("credentials"),
];

const PROPS: &Table = &[
    known("region"),
    known("functionName"),
    known("runtime"),
    known("code"),
    known("handler"),
    known("description"),
    known("cpu"),
    known("memorySize"),
    known("diskSize"),
    known("timeout"),
    known("instanceConcurrency"),
    known("environmentVariables"),
    known("internetAccess"),
    known("role"),
    known("resourceGroupId"),
    known("endpoint"),
    known("supplement"),
    known("enableLongLiving"),
    known("instanceIsolationMode"),
    each("tags", &[known("key"), known("value")]),
    map("annotations", &[known("headers")]),
    map("customRuntimeConfig", CUSTOM_RUNTIME),
    map("instanceLifecycleConfig", &[map("initializer", HOOK), map("preStop", HOOK)]),
    map("logConfig", LOG),
    each("triggers", TRIGGER),
    map("concurrencyConfig", &[known("reservedConcurrency")]),
    map("asyncInvokeConfig", ASYNC).without_effect(LATER),
    map("customDomain", DOMAIN).without_effect(LATER),
    known("sessionAffinity").without_effect(LATER),
    map("sessionAffinityConfig", AFFINITY).without_effect(LATER),
    map("scalingConfig", SCALING).without_effect(CLOUD_ONLY),
    map("provisionConfig", PROVISION).without_effect(CLOUD_ONLY),
    known("layers").without_effect(CLOUD_ONLY),
    map("vpcConfig", &[known("vpcId"), known("securityGroupId"), known("vSwitchIds")])
        .without_effect(CLOUD_ONLY),
    map("vpcBinding", &[known("vpcIds")]).without_effect(CLOUD_ONLY),
    map("nasConfig", &[known("groupId"), known("userId"), each("mountPoints", NAS_MOUNT)])
        .without_effect(CLOUD_ONLY),
    map("ossMountConfig", &[each("mountPoints", OSS_MOUNT)]).without_effect(CLOUD_ONLY),
    map("tracingConfig", &[known("type"), known("params"), map("jaegerConfig", &[known("endpoint")])])
        .without_effect(CLOUD_ONLY),
    map("gpuConfig", &[known("gpuType"), known("gpuMemorySize")]).without_effect(CLOUD_ONLY),
    map("customDNS", DNS).without_effect(CLOUD_ONLY),
    map("customContainerConfig", CONTAINER),
];

const CUSTOM_RUNTIME: &Table =
    &[known("command"), known("args"), known("port"), map("healthCheckConfig", HEALTH)];

const HEALTH: &Table = &[
    known("httpGetUrl"),
    known("initialDelaySeconds"),
    known("periodSeconds"),
    known("timeoutSeconds"),
    known("failureThreshold"),
    known("successThreshold"),
];

const HOOK: &Table = &[known("handler"), known("command"), known("timeout")];

const LOG: &Table = &[
    known("project"),
    known("logstore"),
    known("enableRequestMetrics"),
    known("enableInstanceMetrics"),
    known("enableLlmMetrics"),
    known("logBeginRule"),
];

const TRIGGER: &Table = &[
    known("triggerName"),
    known("triggerType"),
    known("triggerConfig"),
    known("qualifier"),
    known("description"),
    known("invocationRole"),
    known("sourceArn"),
];

const HTTP_TRIGGER: &Table = &[
    known("authType"),
    known("methods"),
    known("disableURLInternet"),
    known("authConfig"),
    known("corsConfig").without_effect(LATER),
];

const ASYNC: &Table = &[
    known("asyncTask"),
    known("maxAsyncRetryAttempts"),
    known("maxAsyncEventAgeInSeconds"),
    known("qualifier"),
    map(
        "destinationConfig",
        &[map("onSuccess", &[known("destination")]), map("onFailure", &[known("destination")])],
    ),
];

const DOMAIN: &Table = &[
    known("domainName"),
    known("protocol"),
    known("route"),
    known("certConfig"),
    known("tlsConfig"),
    known("authConfig"),
    known("wafConfig"),
    known("corsConfig"),
];

const AFFINITY: &Table = &[
    known("affinityHeaderFieldName"),
    known("sessionConcurrencyPerInstance"),
    known("sessionIdleTimeoutInSeconds"),
    known("sessionTTLInSeconds"),
    known("sseEndpointPath"),
    known("disableSessionIdReuse"),
];

const SCALING: &Table = &[
    known("minInstances"),
    known("horizontalScalingPolicies"),
    known("scheduledPolicies"),
    known("residentPoolId"),
];

const PROVISION: &Table = &[
    known("defaultTarget"),
    known("alwaysAllocateCPU"),
    known("alwaysAllocateGPU"),
    known("scheduledActions"),
    known("targetTrackingPolicies"),
];

const NAS_MOUNT: &Table = &[known("enableTLS"), known("mountDir"), known("serverAddr")];
const OSS_MOUNT: &Table =
    &[known("bucketName"), known("bucketPath"), known("endpoint"), known("mountDir"), known("readOnly")];
const DNS: &Table = &[known("dnsOptions"), known("nameServers"), known("searches")];
const CONTAINER: &Table = &[
    known("image"),
    known("command"),
    known("entrypoint"),
    known("port"),
    known("registryConfig"),
    map("healthCheckConfig", HEALTH),
];

/// Looks at the keys of the whole file and of its resources, but not into `props`. A typo is reported and put right,
/// so that nothing is said to be missing because of it.
pub(crate) fn correct(root: &mut Node, problems: &mut Vec<Problem>) {
    check(root, TOP, "the file", problems);
    let Value::Map(entries) = &mut root.value else { return };
    let resources = entries.iter_mut().find(|entry| entry.key == "resources");
    let Some(Value::Map(resources)) = resources.map(|entry| &mut entry.node.value) else { return };
    for resource in resources {
        check(&mut resource.node, RESOURCE, "a resource", problems);
    }
}

/// Looks at the keys of an `fc3` function's `props`, at every depth, and puts typos right.
pub(crate) fn correct_props(props: &mut Node, problems: &mut Vec<Problem>) {
    check(props, PROPS, "`props`", problems);
}

fn check(node: &mut Node, table: &'static Table, place: &str, problems: &mut Vec<Problem>) {
    let Value::Map(entries) = &mut node.value else { return };
    for at in 0..entries.len() {
        let entry = &entries[at];
        let mut key = table.iter().find(|key| key.name == entry.key);
        if key.is_none() {
            let (problem, meant) = unknown(&entry.key, entry.line, table, place);
            problems.push(problem);
            // One that is there already stays as it is.
            key = meant.filter(|meant| entries.iter().all(|other| other.key != meant.name));
        }
        let Some(key) = key else { continue };
        let entry = &mut entries[at];
        key.name.clone_into(&mut entry.key);
        if let Some(why) = key.without_effect {
            problems.push(Problem::note(entry.line, format!("`{}` has no effect here: {why}", key.name)));
        }
        let place = format!("`{}`", key.name);
        match (key.below, &mut entry.node.value) {
            (Below::Map(table), Value::Map(_)) => check(&mut entry.node, table, &place, problems),
            (Below::Each(table), Value::List(items)) => {
                for item in items {
                    let is_http = item.child("triggerType").and_then(Node::as_text) == Some("http");
                    check(item, table, &place, problems);
                    if is_http && let Some(config) = child_mut(item, "triggerConfig") {
                        check(config, HTTP_TRIGGER, "`triggerConfig`", problems);
                    }
                }
            }
            _ => {}
        }
    }
}

fn child_mut<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let Value::Map(entries) = &mut node.value else { return None };
    entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
}

/// A key close to a known one is a typo and fatal; any other may belong to a newer schema.
fn unknown(name: &str, line: usize, table: &'static Table, place: &str) -> (Problem, Option<&'static Key>) {
    let nearest = table
        .iter()
        .map(|key| (strsim::damerau_levenshtein(&name.to_lowercase(), &key.name.to_lowercase()), key))
        .min_by_key(|(distance, key)| (*distance, key.name));
    match nearest {
        Some((distance, meant)) if distance <= 2.min(meant.name.len() / 2) || alike(name, meant.name) => {
            let text = format!(
                "`{name}` is not a key of {place}, so deploying would drop it: did you mean `{}`?",
                meant.name
            );
            (Problem::error(line, text), Some(meant))
        }
        _ => {
            let text = format!("`{name}` is not a key of {place} that fc-local knows; it is ignored");
            (Problem::note(line, text), None)
        }
    }
}

fn alike(name: &str, meant: &str) -> bool {
    name.len() >= 6 && strsim::jaro_winkler(name, meant) > 0.94
}
