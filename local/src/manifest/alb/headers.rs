//! Actions that insert and remove headers, and the names that they may not touch.

use super::fields::Fields;
use crate::model::alb::{ActionKind, Direction, HeaderSource, SystemValue};

/// The headers that rules for requests leave alone.
const TABOO: [&str; 18] = [
    "slb-id",
    "slb-ip",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-eip",
    "x-forwarded-port",
    "x-forwarded-client-srcport",
    "x-forwarded-host",
    "connection",
    "upgrade",
    "content-length",
    "transfer-encoding",
    "keep-alive",
    "te",
    "host",
    "cookie",
    "remoteip",
    "authority",
];

/// The headers that rules for responses leave alone.
const TABOO_IN_RESPONSES: [&str; 4] = ["connection", "upgrade", "content-length", "transfer-encoding"];

fn name(own: &mut Fields<'_>, direction: Direction) -> Option<String> {
    let name = own.required("key")?;
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !(1..=40).contains(&name.len()) || !name.bytes().all(is_word) {
        own.error("key", &format!("must have 1 to 40 letters, digits, `-` and `_`, but is `{name}`"));
        return None;
    }
    let taboo = if direction == Direction::Request { &TABOO[..] } else { &TABOO_IN_RESPONSES[..] };
    if taboo.contains(&name.to_ascii_lowercase().as_str()) {
        own.error("key", &format!("cannot be `{name}`: rules leave that header alone"));
    }
    Some(name)
}

pub(super) fn remove(own: &mut Fields<'_>, direction: Direction) -> Option<ActionKind> {
    own.check(&["key"], &[]);
    Some(ActionKind::RemoveHeader { name: name(own, direction)? })
}

pub(super) fn insert(own: &mut Fields<'_>, direction: Direction) -> Option<ActionKind> {
    own.check(&["key", "value", "value_type"], &[]);
    let name = name(own, direction)?;
    let kind = own.one_of("value_type", &["UserDefined", "ReferenceHeader", "SystemDefined"]);
    let value = own.required("value")?;
    let value = match kind.unwrap_or("UserDefined") {
        "SystemDefined" => HeaderSource::System(match value.as_str() {
            "ClientSrcPort" => SystemValue::ClientSrcPort,
            "ClientSrcIp" => SystemValue::ClientSrcIp,
            "Protocol" => SystemValue::Protocol,
            "SLBId" => SystemValue::SlbId,
            "SLBPort" => SystemValue::SlbPort,
            other => {
                own.error(
                    "value",
                    &format!(
                        "must be ClientSrcPort, ClientSrcIp, Protocol, SLBId or SLBPort but is `{other}`"
                    ),
                );
                return None;
            }
        }),
        "ReferenceHeader" => {
            let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if !value.bytes().all(is_word) {
                own.error("value", &format!("must be the name of a header but is `{value}`"));
                return None;
            }
            HeaderSource::Reference(value)
        }
        _ => {
            let is_text = |b: u8| (32..127).contains(&b) && b != b'"';
            if value.len() > 128 || !value.bytes().all(is_text) || value.trim() != value {
                own.error(
                    "value",
                    "must have 1 to 128 printable characters without quotes, and no blank at an end",
                );
                return None;
            }
            HeaderSource::UserDefined(value)
        }
    };
    Some(ActionKind::InsertHeader { name, value })
}
