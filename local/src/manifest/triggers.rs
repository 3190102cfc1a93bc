//! Reads the triggers of a function: those that work here, and what stands for the others.

use super::function::{METHODS, check_qualifier};
use super::keys::TRIGGER_TYPES;
use super::node::{Node, Value};
use super::reader::Reader;
use super::{auth, cors};
use crate::model::{HttpTrigger, LATEST, TimerTimes, TimerTrigger};

/// The triggers that work here.
#[derive(Default)]
pub(super) struct Triggers {
    /// The HTTP trigger of `LATEST`.
    pub(super) http: Option<HttpTrigger>,
    /// Those of versions and aliases.
    pub(super) qualified: Vec<(String, HttpTrigger)>,
    /// The timers that are enabled.
    pub(super) timers: Vec<TimerTrigger>,
}

/// Reads the triggers of the function `name`.
pub(super) fn read(props: &Node, name: &str, reader: &mut Reader<'_>) -> Triggers {
    let mut found = Triggers::default();
    let Some(node) = props.child("triggers") else { return found };
    let Value::List(triggers) = &node.value else {
        reader.error(props, "triggers", "must be a list");
        return found;
    };
    let mut qualifiers: Vec<String> = Vec::new();
    for node in triggers {
        // The check of the keys has reported other values.
        match reader.text(node, "triggerType").as_deref() {
            Some("http") => {
                let qualifier = reader.text(node, "qualifier").unwrap_or_else(|| LATEST.to_owned());
                if qualifiers.contains(&qualifier) {
                    let text = format!(
                        "a second HTTP trigger of `{qualifier}`: the platform allows one for each version or alias"
                    );
                    reader.push(node.line, text);
                    continue;
                }
                let trigger = http_trigger(node, reader);
                if qualifier == LATEST {
                    found.http = trigger;
                } else if check_qualifier(node, &qualifier, reader) {
                    found.qualified.extend(trigger.map(|trigger| (qualifier.clone(), trigger)));
                }
                qualifiers.push(qualifier);
            }
            Some("timer") => {
                let timer = timer(node, reader);
                if let Some(timer) = &timer
                    && found.timers.iter().any(|other| other.name == timer.name)
                {
                    let text = format!("a second trigger `{}`: each needs a name of its own", timer.name);
                    reader.push(node.line, text);
                }
                found.timers.extend(timer);
            }
            // Of a word that is no trigger the check of the keys has told.
            Some(other) if TRIGGER_TYPES.contains(&other) => {
                let trigger = reader.text(node, "triggerName").unwrap_or_default();
                let event = event_of(other, node);
                let text = format!(
                    "the trigger `{trigger}` ({other}) fires in the cloud only: `fc-local send {event} {name}` sends its event"
                );
                reader.note(node.line, text);
            }
            _ => {}
        }
    }
    found
}

/// The timer, if it is enabled.
fn timer(node: &Node, reader: &mut Reader<'_>) -> Option<TimerTrigger> {
    let config = node.child("triggerConfig")?;
    let name = reader.text(node, "triggerName")?;
    let qualifier = reader.text(node, "qualifier").filter(|qualifier| qualifier != LATEST);
    let is_qualified = qualifier.as_deref().is_none_or(|qualifier| check_qualifier(node, qualifier, reader));
    let expression = reader.required_text(config, "cronExpression")?;
    let times = TimerTimes::read(&expression)
        .map_err(|fault| reader.error(config, "cronExpression", &format!(": {fault}")))
        .ok();
    let payload = reader.text(config, "payload").unwrap_or_default();
    let is_enabled = reader.boolean(config, "enable", true);
    let times = times.filter(|_| is_enabled && is_qualified)?;
    Some(TimerTrigger { name, qualifier, payload, times })
}

/// The name that `fc-local send` has for the event of a trigger.
fn event_of(kind: &str, node: &Node) -> &'static str {
    match kind {
        "log" => "sls",
        "mns_topic" => "mns-topic",
        "cdn_events" => "cdn",
        "tablestore" => "tablestore",
        "eventbridge" => {
            let source = node.child("triggerConfig").and_then(|config| config.child("eventSourceConfig"));
            match source.and_then(|source| source.child("eventSourceType")).and_then(Node::as_text) {
                Some("MNS") => "mns-queue",
                Some("RocketMQ") => "rocketmq",
                Some("RabbitMQ") => "rabbitmq",
                Some("Kafka") => "kafka",
                Some("MQTT") => "mqtt",
                Some("DTS") => "dts",
                _ => "eventbridge",
            }
        }
        _ => "oss",
    }
}

fn http_trigger(node: &Node, reader: &mut Reader<'_>) -> Option<HttpTrigger> {
    let config = node.child("triggerConfig")?;
    let auth = auth::read(config, "authConfig", reader);
    let methods = reader.texts(config, "methods");
    if methods.is_empty() && !config.is_failed("methods") {
        reader.error(config, "methods", &format!("is missing: list some of {}", METHODS.join(", ")));
    }
    for method in &methods {
        if !METHODS.contains(&method.as_str()) {
            reader.error(
                config,
                "methods",
                &format!("`{method}` cannot be let through; there are {}", METHODS.join(", ")),
            );
        }
    }
    let internet_disabled = reader.boolean(config, "disableURLInternet", false);
    Some(HttpTrigger { methods, internet_disabled, auth: auth?, cors: cors::read(config, reader) })
}
