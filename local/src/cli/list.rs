//! `fc-local list`.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;

use super::explain::describe as describe_group;
use super::print;
use super::standing::Standing;
use crate::Manifest;
use crate::event::neutral;
use crate::model::alb::{GroupKind, LoadBalancer};
use crate::model::{Domain, Function, LATEST, Route, TimerTrigger};

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(manifest: &Manifest, arguments: &ListArguments) -> ExitCode {
    print::notes(manifest);
    let standing = Standing::ask(manifest).await;
    if arguments.json {
        let json = |function| json(function, manifest, &standing);
        let functions: Vec<_> = manifest.functions().iter().map(json).collect();
        print::say(&serde_json::Value::from(functions).to_string());
        return ExitCode::SUCCESS;
    }
    let width = manifest.names().map(str::len).max().unwrap_or(0);
    for function in manifest.functions() {
        print::say(&format!("{:width$}  {}", function.name, describe(function, manifest.domains())));
        for timer in &function.timers {
            print::say(&format!("{:width$}  {}", "", describe_timer(timer, function.local.timers)));
        }
    }
    for domain in manifest.domains() {
        print::say(&format!("\n{}  {}", domain.name, domain.protocol.name()));
        let width = domain.routes.iter().map(|route| route.path.len()).max().unwrap_or(0);
        for route in &domain.routes {
            print::say(&format!("  {:width$}  {}", route.path, describe_route(route)));
        }
    }
    say_balancers(&standing.placed(manifest.load_balancer()), &standing);
    ExitCode::SUCCESS
}

fn say_balancers(balancer: &LoadBalancer, standing: &Standing) {
    for listener in &balancer.listeners {
        let (protocol, rules) = (listener.protocol.name(), listener.rules.len());
        let text = format!(
            "\n{}  {protocol} {}, here {}  {rules} rules",
            listener.name, listener.port, listener.local_port
        );
        print::say(&text);
    }
    for group in &balancer.groups {
        print::say(&neutral(&format!("  {}", describe_group(group))));
        for line in standing.lines(&group.name) {
            print::say(&neutral(&format!("    {line}")));
        }
    }
}

fn leads_to(domain: &Domain, function: &Function) -> bool {
    domain.routes.iter().any(|route| route.function == function.name)
}

fn describe(function: &Function, domains: &[Domain]) -> String {
    let calls = match &function.trigger {
        Some(trigger) => format!("http {}", trigger.methods.join(",")),
        None if domains.iter().any(|domain| leads_to(domain, function)) => "http by domain".to_owned(),
        None => "events only".to_owned(),
    };
    let qualified = function.qualified.iter();
    let qualified: Vec<String> =
        qualified.map(|(own, trigger)| format!("  {own}: http {}", trigger.methods.join(","))).collect();
    let qualified = qualified.concat();
    format!(
        "{}  {} MiB  {} s  concurrency {}  {calls}{qualified}",
        function.runtime,
        function.memory_mib,
        function.timeout.as_secs(),
        function.concurrency
    )
}

/// How many of a timer's next times are shown.
const TIMES: usize = 3;

fn next_times(timer: &TimerTrigger) -> Vec<String> {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let next = std::iter::successors(timer.times.next(now), |last| timer.times.next(*last));
    next.take(TIMES).map(|time| time.to_string()).collect()
}

fn describe_timer(timer: &TimerTrigger, fires: bool) -> String {
    let TimerTrigger { name, qualifier, times, .. } = timer;
    let qualifier = qualifier.as_ref().map(|qualifier| format!(" of {qualifier}")).unwrap_or_default();
    let next = match next_times(timer).join(", ") {
        next if next.is_empty() => "never".to_owned(),
        next => next,
    };
    let switched = if fires { "" } else { "  (x-local.timers is off)" };
    format!("timer {name}{qualifier}  {times}  next {next}{switched}")
}

fn describe_route(route: &Route) -> String {
    let qualifier = route.qualifier.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
    let methods = if route.methods.is_empty() { "all methods".to_owned() } else { route.methods.join(",") };
    let rewrites = match route.rewrites.len() {
        0 => String::new(),
        1 => "  1 rewrite".to_owned(),
        count => format!("  {count} rewrites"),
    };
    format!("{}{qualifier}  {methods}{rewrites}", route.function)
}

fn json(function: &Function, manifest: &Manifest, standing: &Standing) -> serde_json::Value {
    let domains = manifest.domains();
    let of_function = |domain: &Domain| {
        let routes = domain.routes.iter().filter(|route| route.function == function.name);
        routes.map(|route| route_json(domain, route)).collect::<Vec<_>>()
    };
    let groups = manifest.load_balancer().groups.iter().filter_map(|group| match &group.kind {
        GroupKind::Fc { function: Some(name), qualifier, .. } if *name == function.name => {
            let targets = standing.targets(&group.name);
            Some(serde_json::json!({"group": group.name, "qualifier": qualifier, "targets": targets}))
        }
        _ => None,
    });
    serde_json::json!({
        "function": function.name,
        "runtime": function.runtime,
        "memoryMiB": function.memory_mib,
        "timeoutSeconds": function.timeout.as_secs(),
        "instanceConcurrency": function.concurrency,
        "methods": function.trigger.as_ref().map(|trigger| &trigger.methods),
        "qualifiers": function.qualified.iter().map(|(own, _)| own).collect::<Vec<_>>(),
        "timers": function.timers.iter().map(|timer| serde_json::json!({
            "name": timer.name, "qualifier": timer.qualifier, "schedule": timer.times.to_string(), "next": next_times(timer),
        })).collect::<Vec<_>>(),
        "domains": domains.iter().flat_map(of_function).collect::<Vec<_>>(),
        "serverGroups": groups.collect::<Vec<_>>(),
    })
}

fn route_json(domain: &Domain, route: &Route) -> serde_json::Value {
    serde_json::json!({
        "domain": domain.name,
        "protocol": domain.protocol.name(),
        "path": route.path,
        "qualifier": route.qualifier.as_deref().unwrap_or(LATEST),
        "methods": route.methods,
        "rewrites": route.rewrites.len(),
    })
}
