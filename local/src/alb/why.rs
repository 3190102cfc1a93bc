//! Why a condition does not hold, for people.

use super::condition::{cookies, query};
use super::view::RequestView;
use crate::model::alb::{ConditionKind, Pair};

/// What the request has, and what the condition asks for.
pub(super) fn miss(condition: &ConditionKind, request: &RequestView<'_>) -> String {
    match condition {
        ConditionKind::Host(values) => format!("the host `{}` {}", request.host, none_of(values)),
        ConditionKind::Path(values) => format!("the path `{}` {}", request.path, none_of(values)),
        ConditionKind::Method(values) => format!("the method {} {}", request.method, none_of(values)),
        ConditionKind::SourceIp(blocks) => {
            let blocks: Vec<String> = blocks.iter().map(ToString::to_string).collect();
            format!("the client's address {} {}", request.source, none_of(&blocks))
        }
        ConditionKind::Header { name, values } => {
            let own = request.headers.get_all(name.as_str());
            let own: Vec<_> = own.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            match &*own {
                [] => format!("there is no header `{name}`"),
                own => format!("the header `{name}: {}` {}", own.join(", "), none_of(values)),
            }
        }
        ConditionKind::Query(pairs) => pairs_miss("parameter", pairs, query(request)),
        ConditionKind::Cookie(pairs) => pairs_miss("cookie", pairs, cookies(request.headers)),
        ConditionKind::ResponseStatus(_) | ConditionKind::ResponseHeader { .. } => {
            "the condition is about a response".to_owned()
        }
    }
}

fn none_of(values: &[String]) -> String {
    match values {
        [one] => format!("is not `{one}`"),
        all => format!("is none of `{}`", all.join("`, `")),
    }
}

fn pairs_miss<'a>(what: &str, pairs: &[Pair], own: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let own: Vec<(&str, &str)> = own.collect();
    let asked: Vec<String> = pairs
        .iter()
        .map(|pair| match &pair.value {
            Some(value) => format!("{}={value}", pair.key),
            None => pair.key.clone(),
        })
        .collect();
    let same = own.iter().find(|(key, _)| pairs.iter().any(|pair| pair.key.eq_ignore_ascii_case(key)));
    match same {
        Some((key, value)) => format!("the {what} `{key}={value}` {}", none_of(&asked)),
        None => format!(
            "no {what} {}",
            none_of(&asked).replacen("is not ", "is ", 1).replacen("is none of ", "is one of ", 1)
        ),
    }
}
