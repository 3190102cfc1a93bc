//! Reads session affinity and the isolation of instances.

use std::time::Duration;

use super::node::{Node, Value};
use super::reader::Reader;
use super::yaml;
use crate::model::{Affinity, AffinityKind};

/// The calls of one instance at a time where there is session affinity: the platform sets the most.
const CONCURRENCY: usize = 200;

/// Who shares an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Isolation {
    Share,
    Request,
    Session,
}

/// What affinity and isolation make of a function.
#[derive(Debug)]
pub(super) struct Sharing {
    pub(super) affinity: Option<Affinity>,
    pub(super) concurrency: usize,
}

/// Reads `instanceIsolationMode`, `sessionAffinity` and `sessionAffinityConfig`.
pub(super) fn read(props: &Node, concurrency: usize, reader: &mut Reader<'_>) -> Sharing {
    let isolation = isolation(props, reader);
    let affinity = affinity(props, isolation, reader);
    let concurrency = match (isolation, &affinity) {
        (Isolation::Request, _) => 1,
        (_, Some(_)) => CONCURRENCY,
        _ => concurrency,
    };
    Sharing { affinity, concurrency }
}

fn isolation(props: &Node, reader: &mut Reader<'_>) -> Isolation {
    const KEY: &str = "instanceIsolationMode";
    let isolation = match reader.text(props, KEY).as_deref() {
        None | Some("SHARE" | "") => return Isolation::Share,
        Some("REQUEST_EXCLUSIVE") => Isolation::Request,
        Some("SESSION_EXCLUSIVE") => Isolation::Session,
        Some(other) => {
            let text =
                format!("`{other}` does not exist; there are SHARE, REQUEST_EXCLUSIVE and SESSION_EXCLUSIVE");
            reader.error(props, KEY, &text);
            return Isolation::Share;
        }
    };
    if !matches!(props.child("cpu").map(|cpu| &cpu.value), Some(Value::Int(2..)))
        && !matches!(props.child("cpu").map(|cpu| &cpu.value), Some(Value::Float(cpu)) if *cpu >= 2.0)
    {
        reader.error(props, KEY, "needs `cpu: 2` or more: the platform isolates larger instances only");
    }
    isolation
}

fn affinity(props: &Node, isolation: Isolation, reader: &mut Reader<'_>) -> Option<Affinity> {
    const KEY: &str = "sessionAffinity";
    let word = reader.text(props, KEY).filter(|word| !word.is_empty() && word != "NONE");
    let Some(word) = word else {
        if isolation == Isolation::Session {
            reader.error(props, KEY, "is missing: `instanceIsolationMode: SESSION_EXCLUSIVE` needs one");
        }
        return None;
    };
    if isolation == Isolation::Request {
        reader.error(props, KEY, "does not go together with `instanceIsolationMode: REQUEST_EXCLUSIVE`");
    }
    let config = config(props, reader);
    let config = config.as_ref().unwrap_or(props);
    let kind = match word.as_str() {
        "HEADER_FIELD" => AffinityKind::Header(header(config, reader)?),
        "GENERATED_COOKIE" => AffinityKind::Cookie,
        "MCP_SSE" => {
            let path = reader.text(config, "sseEndpointPath").unwrap_or_else(|| "/sse".to_owned());
            if !path.starts_with('/') {
                reader.error(config, "sseEndpointPath", "must be a path that starts with `/`");
            }
            AffinityKind::McpSse(path)
        }
        "MCP_STREAMABLE" => AffinityKind::McpStreamable,
        other => {
            let text = format!(
                "`{other}` does not exist; there are NONE, HEADER_FIELD, GENERATED_COOKIE, MCP_SSE and MCP_STREAMABLE"
            );
            reader.error(props, KEY, &text);
            return None;
        }
    };
    let per_instance = reader.integer(config, "sessionConcurrencyPerInstance", 20, 1..=200);
    let lifetime = reader.integer(config, "sessionTTLInSeconds", 21_600, 1..=21_600);
    let idle = reader.integer(config, "sessionIdleTimeoutInSeconds", 1_800, 0..=21_600);
    let is_id_used_once = reader.boolean(config, "disableSessionIdReuse", false);
    let per_instance = if isolation == Isolation::Session { 1 } else { per_instance };
    Some(Affinity {
        kind,
        sessions_per_instance: usize::try_from(per_instance).unwrap_or(1),
        is_isolated: isolation == Isolation::Session,
        lifetime: Duration::from_secs(lifetime),
        idle: (idle > 0).then(|| Duration::from_secs(idle)),
        is_id_used_once,
    })
}

/// The settings, as a map or as JSON in a text.
fn config(props: &Node, reader: &mut Reader<'_>) -> Option<Node> {
    const KEY: &str = "sessionAffinityConfig";
    let node = props.child(KEY)?;
    let Value::Text(text) = &node.value else { return Some(node.clone()) };
    match yaml::parse(text) {
        Ok(document) if matches!(document.root.value, Value::Map(_)) => {
            Some(super::expression::with_line(document.root, node.line))
        }
        _ => {
            reader.error(props, KEY, "must be a map, or a map as JSON");
            None
        }
    }
}

fn header(config: &Node, reader: &mut Reader<'_>) -> Option<String> {
    const KEY: &str = "affinityHeaderFieldName";
    let name = reader.required_text(config, KEY)?;
    let is_name = (5..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !is_name || name.to_ascii_lowercase().starts_with("x-fc-") {
        let text =
            "must be 5 to 40 letters, digits, `_` or `-`, start with a letter, and not start with `x-fc-`";
        reader.error(config, KEY, text);
    }
    Some(name.to_ascii_lowercase())
}
