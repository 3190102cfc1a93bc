//! Health checks of server groups.

use std::time::Duration;

use super::fields::Fields;
use crate::model::alb::{AlbHealthCheck, ProbeMethod};

/// The characters of paths, besides letters and digits.
const IN_PATHS: &str = "-/.%?#&=_;~!()*[]@$^:',+";

/// What stands for the address of the server itself.
const OWN_ADDRESS: &str = "$SERVER_IP";

pub(super) fn read(fields: &mut Fields<'_>, is_function: bool) -> Option<AlbHealthCheck> {
    fields.check(
        &[
            "health_check_enabled",
            "health_check_codes",
            "health_check_connect_port",
            "health_check_host",
            "health_check_http_version",
            "health_check_interval",
            "health_check_method",
            "health_check_path",
            "health_check_protocol",
            "health_check_timeout",
            "healthy_threshold",
            "unhealthy_threshold",
            "health_check_http_codes",
            "health_check_tcp_fast_close_enabled",
        ],
        &[],
    );
    let is_on = fields.boolean("health_check_enabled", !is_function);
    let seconds = |value: Option<u64>, default: u64| Duration::from_secs(value.unwrap_or(default));
    let count = |value: Option<u64>| u8::try_from(value.unwrap_or(3)).unwrap_or(3);
    let path = fields.text("health_check_path").unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/') || path.len() > 80 {
        fields.error(
            "health_check_path",
            &format!("must begin with `/` and have at most 80 characters, but is `{path}`"),
        );
    } else if let Some(other) = path.chars().find(|c| !c.is_ascii_alphanumeric() && !IN_PATHS.contains(*c)) {
        fields.error("health_check_path", &format!("may not hold `{other}`, but is `{path}`"));
    }
    let host = fields.label("health_check_host").filter(|host| host != OWN_ADDRESS);
    let in_hosts = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.${}_".contains(c);
    if host.as_ref().is_some_and(|host| !(1..=80).contains(&host.len()) || !host.chars().all(in_hosts)) {
        let text = format!("must be {OWN_ADDRESS}, or have 1 to 80 small letters, digits, `-` and `.`");
        fields.error("health_check_host", &text);
    }
    let protocol = fields.one_of("health_check_protocol", &["HTTP", "HTTPS", "TCP", "gRPC", "GRPC"]);
    let method = match fields.one_of("health_check_method", &["HEAD", "GET", "POST"]) {
        Some("GET") => ProbeMethod::Get,
        Some("POST") if !matches!(protocol, Some("gRPC" | "GRPC")) => {
            fields.error("health_check_method", "is for checks by gRPC alone: there are HEAD and GET");
            ProbeMethod::Head
        }
        _ => ProbeMethod::Head,
    };
    let method = match protocol {
        Some("TCP") => ProbeMethod::Connect,
        Some("gRPC" | "GRPC") => ProbeMethod::Grpc,
        Some("HTTPS") => {
            fields.note("health_check_protocol", "is not emulated: the check speaks HTTP in plain text");
            method
        }
        _ => method,
    };
    let method = if is_function && matches!(method, ProbeMethod::Connect | ProbeMethod::Grpc) {
        fields.note(
            "health_check_protocol",
            "has no effect on a group of a function, whose checks are requests of HTTP",
        );
        ProbeMethod::Head
    } else {
        method
    };
    let key =
        if fields.has("health_check_http_codes") { "health_check_http_codes" } else { "health_check_codes" };
    let codes = if method == ProbeMethod::Grpc { codes_of_grpc(fields, key) } else { classes(fields, key) };
    let default = if method == ProbeMethod::Grpc { 0 } else { 2 };
    let check = AlbHealthCheck {
        method,
        path,
        host,
        is_http11: fields.one_of("health_check_http_version", &["HTTP1.0", "HTTP1.1"]) != Some("HTTP1.0"),
        port: u16::try_from(fields.integer("health_check_connect_port", 0..=65535).unwrap_or(0)).unwrap_or(0),
        interval: seconds(fields.integer("health_check_interval", 1..=50), 2),
        timeout: seconds(fields.integer("health_check_timeout", 1..=300), 5),
        healthy_threshold: count(fields.integer("healthy_threshold", 2..=10)),
        unhealthy_threshold: count(fields.integer("unhealthy_threshold", 2..=10)),
        codes: if codes.is_empty() { vec![default] } else { codes },
    };
    is_on.then_some(check)
}

/// Classes of HTTP's status codes.
fn classes(fields: &mut Fields<'_>, key: &str) -> Vec<u8> {
    let mut codes = Vec::new();
    for code in fields.texts(key) {
        match code.as_str() {
            "http_2xx" => codes.push(2),
            "http_3xx" => codes.push(3),
            "http_4xx" => codes.push(4),
            "http_5xx" => codes.push(5),
            other => fields
                .error(key, &format!("has `{other}`; there are http_2xx, http_3xx, http_4xx and http_5xx")),
        }
    }
    codes
}

/// Codes of gRPC, 0 to 99, alone or as a range.
fn codes_of_grpc(fields: &mut Fields<'_>, key: &str) -> Vec<u8> {
    let mut codes = Vec::new();
    for text in fields.texts(key) {
        for part in text.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let code = |text: &str| text.trim().parse::<u8>().ok().filter(|code| *code < 100);
            match code(first).zip(code(last)) {
                Some((first, last)) if first <= last => codes.extend(first..=last),
                _ => fields
                    .error(key, &format!("has `{part}`; gRPC's codes are 0 to 99, or a range such as 0-2")),
            }
        }
    }
    codes
}
