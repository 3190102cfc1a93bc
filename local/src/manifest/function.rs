//! Reads a function of the manifest: checks it, and fills in the platform's defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::container::{self, RunsBy};
use super::node::{Entry, Node, Value};
use super::problem::Problem;
use super::reader::Reader;
use super::{affinity, asynchronous, domain, keys, scaling, triggers};
use crate::model::{Action, Edition, Function, HealthCheck, Hook, Injection, Local, is_alias_name};

/// The account that functions see when nothing else is configured.
pub(crate) const ACCOUNT_DEFAULT: &str = "1234567890123456";

/// The methods that an HTTP trigger can allow.
pub(crate) const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];

/// Reads one resource whose expressions are replaced. Its custom domain joins `domains`. `None` after a fatal problem.
pub(crate) fn read(
    props: &Node,
    actions: Vec<Action>,
    local: Local,
    account: &str,
    folder: &Path,
    domains: &mut domain::Reading,
    problems: &mut Vec<Problem>,
) -> Option<Function> {
    let before = fatal(problems);
    let mut props = props.clone();
    keys::correct_props(&mut props, problems);
    let props = &props;
    let mut reader = Reader::new(problems);
    let name = reader.required_text(props, "functionName");
    let region = reader.required_text(props, "region");
    let runtime = reader.required_text(props, "runtime");
    if let Some(runtime) = &runtime {
        check_runtime(runtime, props, &mut reader);
    }
    if let Some(name) = &name
        && !is_function_name(name)
    {
        reader.error(
            props,
            "functionName",
            "must be 1 to 64 letters, digits, `_` or `-`, not starting with a digit or `-`",
        );
    }
    let runs_by = container::read(props, &local, &mut reader);
    let custom = props.child(runs_by.config());
    let code = match &runs_by {
        RunsBy::Code => code(props, folder, &mut reader),
        RunsBy::Instead(_) => Some(local.code.clone().unwrap_or_else(|| folder.to_owned())),
        RunsBy::Image(_) => None,
    };
    let ((memory_mib, vcpu), disk_mib) = (memory(props, &mut reader), disk(props, &mut reader));
    let (container, command) = runs_by.program(custom, &mut reader);
    let lifecycle = props.child("instanceLifecycleConfig");
    let mut local = local;
    if let Some(reserved) = props.child("concurrencyConfig") {
        let cap = reader.integer(reserved, "reservedConcurrency", local.instances_max() as u64, 0..=300);
        local.max_instances = Some(usize::try_from(cap).unwrap_or(0));
    }
    if let Some(entry) = lifecycle.and_then(|hooks| hooks.entry("preFreeze"))
        && local.edition != Edition::Fc2
    {
        let text = "`preFreeze` is a hook of edition 2.0: it is called with `--edition fc2` or `x-local.edition: fc2`";
        reader.note(entry.line, text.to_owned());
    }
    let concurrency = reader.integer(props, "instanceConcurrency", 1, 1..=200);
    let sharing = affinity::read(props, usize::try_from(concurrency).unwrap_or(1), &mut reader);
    let scaling = scaling::read(props, &mut reader);
    let triggers = triggers::read(props, name.as_deref().unwrap_or_default(), &mut reader);
    let asynchronous = asynchronous::read(props, &mut reader);
    let function = Function {
        name: name.unwrap_or_default(),
        line: props.line,
        region: region.unwrap_or_default(),
        account: account.to_owned(),
        runtime: runtime.unwrap_or_default(),
        handler: reader.text(props, "handler").unwrap_or_else(|| "handler".to_owned()),
        code: code.unwrap_or_default(),
        container,
        command,
        port: custom.map_or(fc_runtime::platform::limits::DEFAULT_PORT, |custom| {
            let default = u64::from(fc_runtime::platform::limits::DEFAULT_PORT);
            u16::try_from(reader.integer(custom, "port", default, 1..=65535)).unwrap_or(u16::MAX)
        }),
        memory_mib: u32::try_from(memory_mib).unwrap_or(u32::MAX),
        disk_mib: u32::try_from(disk_mib).unwrap_or(u32::MAX),
        vcpu,
        timeout: Duration::from_secs(reader.integer(props, "timeout", 3, 1..=86400)),
        concurrency: sharing.concurrency,
        affinity: sharing.affinity,
        instances_min: scaling.instances_min,
        schedules: scaling.schedules,
        secrets: Vec::new(),
        injection: injection(props, &mut reader),
        environment: environment(props, &mut reader),
        layers: layers(props, &local, &mut reader),
        log: log(props, &mut reader),
        initializer: lifecycle.and_then(|hooks| hook(hooks, "initializer", 300, &mut reader)),
        pre_stop: lifecycle.and_then(|hooks| hook(hooks, "preStop", 90, &mut reader)),
        pre_freeze: lifecycle.and_then(|hooks| hook(hooks, "preFreeze", 90, &mut reader)),
        health: custom
            .and_then(|custom| custom.child("healthCheckConfig"))
            .and_then(|node| health(node, &mut reader)),
        trigger: triggers.http,
        qualified: triggers.qualified,
        timers: triggers.timers,
        asynchronous,
        actions,
        service: String::new(),
        local,
    };
    let place = domain::Account { id: account, region: &function.region };
    domains.of_function(props, &function.name, place, problems);
    (fatal(problems) == before).then_some(function)
}

fn fatal(problems: &[Problem]) -> usize {
    problems.iter().filter(|problem| problem.fatal).count()
}

fn check_runtime(runtime: &str, props: &Node, reader: &mut Reader<'_>) {
    const CUSTOM: [&str; 5] =
        ["custom", "custom.debian10", "custom.debian11", "custom.debian12", container::RUNTIME];
    if CUSTOM.contains(&runtime) {
        return;
    }
    let why = match runtime {
        "micro-sandbox" => "is not supported here; use a custom runtime or `custom-container`",
        _ if runtime.starts_with("custom") => {
            let why = "is no runtime; there are custom, custom.debian10, 11 and 12, and custom-container";
            return reader.error(props, "runtime", why);
        }
        _ => {
            "is not supported here: fc-local runs custom runtimes (custom, custom.debian10, 11 and 12, custom-container)"
        }
    };
    reader.error_here(props, "runtime", why);
}

/// The memory in MiB, which the manifest calls MB, and the vCPUs, if they are named. The platform checks the ratio of memory
/// to CPU and disk, which have no effect on instances here.
fn memory(props: &Node, reader: &mut Reader<'_>) -> (u64, Option<f64>) {
    const CPU_STEPS: f64 = 20.0;
    let memory = reader.integer(props, "memorySize", 512, 128..=32768);
    if !memory.is_multiple_of(64) {
        reader.error(props, "memorySize", &format!("must be a multiple of 64 but is {memory}"));
    }
    let vcpu = reader.number(props, "cpu", 0.05..=16.0);
    if let Some(cpu) = vcpu {
        let steps = (cpu * CPU_STEPS).round();
        if (cpu * CPU_STEPS - steps).abs() > 1e-6 {
            reader.error(props, "cpu", &format!("must be a multiple of 0.05 but is {cpu}"));
        }
        // The platform requires 1 to 4 GiB for each vCPU.
        #[expect(clippy::cast_precision_loss, reason = "some tens of thousands at most")]
        let per_cpu = memory as f64 * CPU_STEPS / steps;
        if !(1024.0..=4096.0).contains(&per_cpu) {
            let (least, most) = (steps * 1024.0 / CPU_STEPS, steps * 4096.0 / CPU_STEPS);
            let (least, most) = ((least / 64.0).ceil() * 64.0, (most / 64.0).floor() * 64.0);
            let text = format!(
                "and `memorySize` do not fit: with {cpu} vCPU the platform takes {} to {} MiB (1 to 4 GiB for each), not {memory} MiB",
                least.max(128.0),
                most.min(32768.0)
            );
            reader.error(props, "cpu", &text);
        }
    }
    (memory, vcpu)
}

/// The disk in MiB, which the manifest calls MB.
fn disk(props: &Node, reader: &mut Reader<'_>) -> u64 {
    let disk = reader.integer(props, "diskSize", 512, 512..=10240);
    if disk != 512 && disk != 10240 {
        reader.error(props, "diskSize", &format!("must be 512 or 10240 but is {disk}"));
    }
    disk
}

/// The layers in the cloud. What is in them has to be named for this machine.
fn layers(props: &Node, local: &Local, reader: &mut Reader<'_>) -> Vec<String> {
    let layers = reader.texts(props, "layers");
    if let Some(entry) = props.entry("layers")
        && !layers.is_empty()
        && local.layers.is_empty()
    {
        let text = "`layers` are in the cloud: name a local folder or zip for each in x-local.layers, or /opt has nothing of them";
        reader.note(entry.line, text.to_owned());
    }
    layers
}

/// Whether the platform takes the name for a function.
pub(crate) fn is_function_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well
        && name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn code(props: &Node, folder: &Path, reader: &mut Reader<'_>) -> Option<PathBuf> {
    let Some(code) = props.child("code") else {
        if props.is_failed("code") {
            return None;
        }
        reader.error(props, "code", "is missing: name the folder that holds `bootstrap`");
        return None;
    };
    let folder_given = match &code.value {
        Value::Text(text) => Some(text.as_str()),
        Value::Map(_) => code.child("src").and_then(Node::as_text),
        _ => None,
    };
    let Some(text) = folder_given else {
        reader.error_here(
            props,
            "code",
            "must be a folder here; an object in the cloud's storage cannot be started",
        );
        return None;
    };
    let lower = text.to_ascii_lowercase();
    if lower.contains("://") || [".zip", ".jar", ".war"].iter().any(|ending| lower.ends_with(ending)) {
        reader.error_here(props, "code", "must be a folder here, not a package or an address");
        return None;
    }
    Some(folder.join(text))
}

fn environment(props: &Node, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let Some(Entry { line, node, .. }) = props.entry("environmentVariables") else { return variables };
    let mut size = 0;
    for entry in node.entries() {
        let Some(text) = entry.node.as_text() else { continue };
        let starts_well = entry.key.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts_well || !entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            reader.push(
                entry.line,
                format!("`{}` is no name for a variable: a letter, then letters, digits or `_`", entry.key),
            );
        }
        if entry.key.starts_with("FC_") {
            reader.push(
                entry.line,
                format!("`{}`: names that start with FC_ are reserved by the platform", entry.key),
            );
        }
        size += entry.key.len() + text.len();
        variables.insert(entry.key.clone(), text.to_owned());
    }
    if size > 4096 {
        reader.push(*line, format!("environmentVariables hold {size} bytes; the platform takes 4096"));
    }
    variables
}

/// Where the function gets temporary credentials.
fn injection(props: &Node, reader: &mut Reader<'_>) -> Injection {
    let word = reader.text(props, "disableInjectCredentials");
    let (env, request) = match word.as_deref() {
        Some("Env") => (false, true),
        Some("Request") => (true, false),
        Some("All") => (false, false),
        _ => (true, true),
    };
    Injection { env, request }
}

fn log(props: &Node, reader: &mut Reader<'_>) -> Option<(String, String)> {
    let config = props.child("logConfig").filter(|node| matches!(node.value, Value::Map(_)))?;
    Some((reader.text(config, "project")?, reader.text(config, "logstore")?))
}

fn hook(hooks: &Node, name: &str, max: u64, reader: &mut Reader<'_>) -> Option<Hook> {
    let node = hooks.child(name)?;
    let command = reader.texts(node, "command");
    let handler = reader.text(node, "handler");
    if handler.is_some() && !command.is_empty() {
        reader.error(hooks, name, "has both `handler` and `command`; the platform takes one of them");
    }
    if handler.is_none() && command.is_empty() {
        reader.error(hooks, name, "needs `handler` (any text switches the call on) or `command`");
    }
    let timeout = Duration::from_secs(reader.integer(node, "timeout", 3, 1..=max));
    Some(Hook { command: (!command.is_empty()).then_some(command), timeout })
}

fn health(node: &Node, reader: &mut Reader<'_>) -> Option<HealthCheck> {
    let path = reader.required_text(node, "httpGetUrl")?;
    if !path.starts_with('/') || path.len() > 2048 {
        reader.error(node, "httpGetUrl", "must be a path that starts with `/`, at most 2048 characters");
    }
    let mut number = |key, default, range| reader.integer(node, key, default, range);
    Some(HealthCheck {
        path,
        initial_delay: Duration::from_secs(number("initialDelaySeconds", 0, 0..=120)),
        period: Duration::from_secs(number("periodSeconds", 3, 1..=120)),
        timeout: Duration::from_secs(number("timeoutSeconds", 1, 1..=3)),
        failures: u32::try_from(number("failureThreshold", 3, 1..=120)).unwrap_or(3),
        successes: u32::try_from(number("successThreshold", 1, 1..=120)).unwrap_or(1),
    })
}

/// Whether `qualifier` of the node names a version or an alias.
pub(super) fn check_qualifier(node: &Node, qualifier: &str, reader: &mut Reader<'_>) -> bool {
    let is_one = qualifier.parse::<u64>().is_ok_and(|version| version > 0) || is_alias_name(qualifier);
    if !is_one {
        reader.error(node, "qualifier", "must be LATEST, the number of a version, or the name of an alias");
    }
    is_one
}
