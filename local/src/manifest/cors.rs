//! Reads `corsConfig` of a trigger or a domain.

use super::node::{Node, Value};
use super::reader::Reader;
use crate::model::Cors;

/// The methods that a preflight can allow. The platform answers `OPTIONS` itself.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"];
const ORIGINS_MAX: usize = 100;
const ORIGIN_MAX: usize = 256;
const HEADERS_MAX: usize = 50;
const MAX_AGE_DEFAULT: u64 = 3600;

/// The settings under `corsConfig` of `owner`, if there are any.
pub(super) fn read(owner: &Node, reader: &mut Reader<'_>) -> Option<Cors> {
    let node = owner.child("corsConfig").filter(|node| matches!(node.value, Value::Map(_)))?;
    let (origins, methods) = (reader.texts(node, "allowOrigins"), reader.texts(node, "allowMethods"));
    let (headers, exposed) = (reader.texts(node, "allowHeaders"), reader.texts(node, "exposeHeaders"));
    let credentials = reader.boolean(node, "allowCredentials", false);
    let max_age = reader.integer(node, "maxAge", MAX_AGE_DEFAULT, 0..=86_400);
    if origins.len() > ORIGINS_MAX {
        reader.error(
            node,
            "allowOrigins",
            &format!("holds {}; the platform takes {ORIGINS_MAX}", origins.len()),
        );
    }
    for origin in &origins {
        if let Err(why) = check_origin(origin) {
            reader.error(node, "allowOrigins", &format!("holds `{origin}`: {why}"));
        }
    }
    if credentials && origins.iter().any(|origin| origin == "*") {
        reader.error(node, "allowOrigins", "cannot be `*` with `allowCredentials: true`: name the origins");
    }
    for method in &methods {
        if method != "*" && !METHODS.contains(&method.as_str()) {
            let why = match method.as_str() {
                "OPTIONS" => "the platform answers it itself".to_owned(),
                _ => format!("there are *, {}", METHODS.join(", ")),
            };
            reader.error(node, "allowMethods", &format!("cannot hold `{method}`: {why}"));
        }
    }
    for (key, names) in [("allowHeaders", &headers), ("exposeHeaders", &exposed)] {
        if names.len() > HEADERS_MAX {
            reader.error(node, key, &format!("holds {}; the platform takes {HEADERS_MAX}", names.len()));
        }
        if let Some(name) = names.iter().find(|name| http::HeaderName::try_from(name.as_str()).is_err()) {
            reader.error(node, key, &format!("holds `{name}`, which is no name of a header"));
        }
    }
    let max_age = u32::try_from(max_age).unwrap_or(u32::MAX);
    Some(Cors { origins, methods, headers, exposed, credentials, max_age })
}

/// Checks an origin: `*`, `https://*`, or a scheme with a host.
fn check_origin(origin: &str) -> Result<(), &'static str> {
    if origin == "*" {
        return Ok(());
    }
    if origin.len() > ORIGIN_MAX {
        return Err("an origin has at most 256 characters");
    }
    let Some((scheme, host)) = origin.split_once("://") else {
        return Err("an origin has a scheme, as in `https://a.example`");
    };
    if !matches!(scheme, "http" | "https") || host.is_empty() {
        return Err("an origin is `http://` or `https://` with a host");
    }
    if host != "*" && host.contains('*') {
        return Err("`*` stands for all hosts, not for a part of one");
    }
    if host.contains('/') {
        return Err("an origin has no path, not even a `/` at its end");
    }
    if !host.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()) {
        return Err("browsers send origins in lower case and without blanks");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_those_that_browsers_send() {
        for origin in
            ["*", "https://*", "http://*", "https://a.example", "http://localhost:3000", "http://[::1]:8080"]
        {
            assert_eq!(check_origin(origin), Ok(()), "{origin}");
        }
        let long = format!("https://{}", "a".repeat(249));
        for origin in [
            "",
            "a.example",
            "https://",
            "ftp://a.example",
            "https://*.a.example",
            "https://a.example/",
            "https://A.example",
            "https://a b",
            "null",
            &long,
        ] {
            assert!(check_origin(origin).is_err(), "{origin}");
        }
    }
}
