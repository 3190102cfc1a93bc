//! Reads `asyncInvokeConfig`, and what `x-local.destinations` forwards.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Uri;

use super::function::check_qualifier;
use super::node::{Node, Value};
use super::problem::Problem;
use super::reader::Reader;
use crate::model::{AGE_MAX_SECONDS, AsyncConfig, Destination, Function, LATEST, RETRIES_MAX, Target};

/// The configuration, and the version or alias that it is for.
pub(super) fn read(props: &Node, reader: &mut Reader<'_>) -> Option<(Option<String>, AsyncConfig)> {
    let node = props.child("asyncInvokeConfig").filter(|node| matches!(node.value, Value::Map(_)))?;
    let default = AsyncConfig::default();
    let qualifier = reader.text(node, "qualifier").filter(|qualifier| qualifier != LATEST);
    if let Some(qualifier) = &qualifier {
        check_qualifier(node, qualifier, reader);
    }
    let retries =
        reader.integer(node, "maxAsyncRetryAttempts", default.retries.into(), 0..=RETRIES_MAX.into());
    let age =
        reader.integer(node, "maxAsyncEventAgeInSeconds", default.age_max.as_secs(), 1..=AGE_MAX_SECONDS);
    // The deployment tool sends an empty map if there is none.
    let destinations = node.child("destinationConfig");
    let mut destination = |key| {
        let outcome = destinations?.child(key)?;
        let arn = reader.text(outcome, "destination").filter(|arn| !arn.is_empty())?;
        let read = Destination::parse(&arn);
        read.map_err(|why| reader.error(outcome, "destination", &why)).ok()
    };
    let (on_success, on_failure) = (destination("onSuccess"), destination("onFailure"));
    let config = AsyncConfig {
        is_task: reader.boolean(node, "asyncTask", default.is_task),
        retries: u32::try_from(retries).unwrap_or(default.retries),
        age_max: Duration::from_secs(age),
        on_success,
        on_failure,
    };
    Some((qualifier, config))
}

/// The addresses to which messages are forwarded, by the destination that they stand for.
pub(super) fn addresses(local: &Node, reader: &mut Reader<'_>) -> BTreeMap<Target, String> {
    let mut addresses = BTreeMap::new();
    let Some(node) = local.child("destinations") else { return addresses };
    if !matches!(node.value, Value::Map(_)) {
        reader.error(local, "destinations", "must be a map of destinations to addresses");
    }
    for entry in node.entries() {
        let target = match Destination::parse(&entry.key).map(|destination| destination.target().clone()) {
            Ok(Target::Function { .. }) => {
                let text =
                    "a function is called; only the messages of queues, topics and buses are forwarded";
                reader.push(entry.line, format!("`{}`: {text}", entry.key));
                continue;
            }
            Ok(target) => target,
            Err(why) => {
                reader.push(entry.line, format!("`{}` {why}", entry.key));
                continue;
            }
        };
        match entry.node.as_text() {
            Some(text) if is_address(text) => {
                addresses.insert(target, text.to_owned());
            }
            _ => {
                let text = "must lead to an address such as `http://127.0.0.1:8000/messages`";
                reader.push(entry.line, format!("`{}` {text}", entry.key));
            }
        }
    }
    addresses
}

fn is_address(text: &str) -> bool {
    let uri = text.parse::<Uri>();
    uri.is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty()))
}

/// Notes destinations that are functions of other files: their calls fail here.
pub(super) fn check_destinations(functions: &[Function], problems: &mut Vec<Problem>) {
    for function in functions {
        let Some((_, config)) = &function.asynchronous else { continue };
        for destination in [&config.on_success, &config.on_failure].into_iter().flatten() {
            let Target::Function { name, .. } = destination.target() else { continue };
            if !functions.iter().any(|other| other.name == *name) {
                let text = format!(
                    "destination `{destination}` of `{}`: this file has no function `{name}`, so nothing arrives here",
                    function.name
                );
                problems.push(Problem::note(function.line, text));
            }
        }
    }
}
