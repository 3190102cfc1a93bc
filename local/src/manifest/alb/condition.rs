//! The conditions of rules, with the limits of their values.

use super::fields::Fields;
use crate::alb::Pattern;
use crate::manifest::node::{Node, items};
use crate::model::alb::{Cidr, Condition, ConditionKind, Direction, Pair};

const METHODS: [&str; 7] = ["HEAD", "GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"];

/// The types, and the keys under which their values stand.
const TYPES: [(&str, &str); 9] = [
    ("Host", "host_config"),
    ("Path", "path_config"),
    ("Header", "header_config"),
    ("QueryString", "query_string_config"),
    ("Cookie", "cookie_config"),
    ("Method", "method_config"),
    ("SourceIp", "source_ip_config"),
    ("ResponseStatusCode", "response_status_code_config"),
    ("ResponseHeader", "response_header_config"),
];

pub(super) fn read(fields: &mut Fields<'_>, direction: Direction) -> Option<Condition> {
    let mut known: Vec<&str> = TYPES.iter().map(|(_, key)| *key).collect();
    known.push("type");
    fields.check(&known, &[]);
    if !fields.has("type") {
        fields.error("type", "is missing");
        return None;
    }
    let kind = fields.one_of("type", &TYPES.map(|(kind, _)| kind))?;
    let (_, key) = TYPES.iter().find(|(own, _)| *own == kind)?;
    if kind.starts_with("Response") && direction == Direction::Request {
        fields.error("type", &format!("is {kind}, which only a rule with `direction` Response can ask for"));
    }
    let place = fields.place.clone();
    let Some(node) = fields.map(key) else {
        let name = fields.name(key);
        fields.error("type", &format!("is {kind}, so `{name}` is needed, which is missing"));
        return None;
    };
    let mut own = fields.below(node);
    let kind = values(kind, &mut own)?;
    Some(Condition { kind, place })
}

fn values(kind: &str, own: &mut Fields<'_>) -> Option<ConditionKind> {
    own.check(if kind.ends_with("Header") { &["key", "values"] } else { &["values"] }, &[]);
    if own.value("values").is_none_or(|node| items(node).is_empty() && node.scalar().is_none()) {
        own.error("values", "is missing or empty");
        return None;
    }
    Some(match kind {
        "Host" => ConditionKind::Host(patterns(own, 3..=128, Pattern::host, |value| {
            (!value.contains('.') && value != "*").then_some("must hold a `.`")
        })),
        "Path" => ConditionKind::Path(patterns(own, 1..=128, Pattern::path, |value| {
            if !value.starts_with('/') {
                return Some("must begin with `/`, or with `~` or `~*` for an expression");
            }
            let is_taken = |c: char| c.is_ascii_alphanumeric() || "$-_.+/&~@:*?".contains(c);
            (!value.chars().all(is_taken))
                .then_some("may hold letters, digits and $ - _ . + / & ~ @ : * ? alone")
        })),
        "Header" | "ResponseHeader" => {
            let name = own.required("key")?;
            let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if !(1..=40).contains(&name.len()) || !name.bytes().all(is_word) {
                own.error("key", &format!("must have 1 to 40 letters, digits, `-` and `_`, but is `{name}`"));
            }
            if kind == "Header" && ["cookie", "host"].contains(&name.to_ascii_lowercase().as_str()) {
                own.error("key", &format!("cannot be `{name}`, which has a condition of its own"));
            }
            let values = texts(own, 1..=128);
            if let Some(value) = values.iter().find(|value| value.trim() != value.as_str()) {
                own.error("values", &format!("has `{value}`: a value neither begins nor ends with a blank"));
            }
            if kind == "Header" {
                ConditionKind::Header { name, values }
            } else {
                ConditionKind::ResponseHeader { name, values }
            }
        }
        "QueryString" => ConditionKind::Query(pairs(own, 128)),
        "Cookie" => ConditionKind::Cookie(pairs(own, 128)),
        "Method" => {
            let methods = own.texts("values");
            if let Some(other) = methods.iter().find(|own| !METHODS.contains(&own.as_str())) {
                own.error("values", &format!("has `{other}`; there are {}", METHODS.join(", ")));
            }
            ConditionKind::Method(methods)
        }
        "SourceIp" => {
            let texts = own.texts("values");
            if texts.len() > 5 {
                own.error("values", &format!("holds {}; the platform takes 5 addresses", texts.len()));
            }
            let mut blocks = Vec::new();
            for text in texts {
                match Cidr::parse(&text) {
                    Some(block) => blocks.push(block),
                    None => own.error("values", &format!("has `{text}`, which is no address and no block")),
                }
            }
            ConditionKind::SourceIp(blocks)
        }
        _ => {
            let codes = own.texts("values");
            let is_code = |code: &String| {
                code == "*"
                    || code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit() || b"xX?*".contains(&b))
            };
            if let Some(other) = codes.iter().find(|code| !is_code(code)) {
                own.error(
                    "values",
                    &format!("has `{other}`: a status code has three digits, of which `x` stands for any"),
                );
            }
            ConditionKind::ResponseStatus(codes)
        }
    })
}

fn texts(own: &mut Fields<'_>, lengths: std::ops::RangeInclusive<usize>) -> Vec<String> {
    let values = own.texts("values");
    for value in &values {
        if !lengths.contains(&value.chars().count()) {
            own.error(
                "values",
                &format!("has `{value}`: a value has {} to {} characters", lengths.start(), lengths.end()),
            );
        }
    }
    values
}

/// Values that may be expressions. `check` is for those that are none.
fn patterns(
    own: &mut Fields<'_>,
    lengths: std::ops::RangeInclusive<usize>,
    compile: fn(&str) -> Result<Pattern, String>,
    check: fn(&str) -> Option<&'static str>,
) -> Vec<String> {
    let values = texts(own, lengths);
    for value in &values {
        let wrong = match compile(value) {
            Err(why) => Some(why),
            Ok(_) if value.starts_with('~') => None,
            Ok(_) => check(value).map(str::to_owned),
        };
        if let Some(why) = wrong {
            own.error("values", &format!("has `{value}`: {why}"));
        }
    }
    values
}

fn pairs(own: &mut Fields<'_>, longest: usize) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let nodes: Vec<&Node> = own.maps("values");
    for node in nodes {
        let mut pair = own.below(node);
        pair.check(&["key", "value"], &[]);
        let key = pair.required("key").unwrap_or_default();
        let value = pair.text("value");
        if key.len() > 100 {
            pair.error("key", "has more than 100 characters");
        }
        if value.as_ref().is_some_and(|value| value.len() > longest) {
            pair.error("value", &format!("has more than {longest} characters"));
        }
        let is_bad = |text: &str| text.contains(['#', '[', ']', '{', '}', '\\', '|', '<', '>', '&', ' ']);
        if is_bad(&key) || value.as_deref().is_some_and(is_bad) {
            pair.error("value", "and its key may not hold blanks or # [ ] { } \\ | < > &");
        }
        pairs.push(Pair { key, value });
    }
    pairs
}
