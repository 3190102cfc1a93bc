//! Conditions, ready to be asked.

use http::header::COOKIE;
use http::{HeaderMap, HeaderName, Method};

use super::pattern::Pattern;
use super::view::{RequestView, ResponseView};
use crate::model::alb::{Cidr, ConditionKind, Pair};

/// A condition. One of the values has to match.
#[derive(Debug)]
pub(super) enum Test {
    Host(Vec<Pattern>),
    Path(Vec<Pattern>),
    Header(HeaderName, Vec<Pattern>),
    Query(Vec<PairTest>),
    Cookie(Vec<PairTest>),
    Method(Vec<Method>),
    Source(Vec<Cidr>),
    Status(Vec<Pattern>),
    ResponseHeader(HeaderName, Vec<Pattern>),
}

#[derive(Debug)]
pub(super) struct PairTest {
    key: String,
    value: Option<Pattern>,
}

impl PairTest {
    fn new(pair: &Pair) -> Self {
        PairTest { key: pair.key.clone(), value: pair.value.as_deref().map(Pattern::text) }
    }

    fn matches(&self, key: &str, value: &str) -> bool {
        self.key.eq_ignore_ascii_case(key) && self.value.as_ref().is_none_or(|own| own.matches(value))
    }
}

impl Test {
    /// Compiles a condition, or says what is wrong with a value.
    pub(super) fn compile(condition: &ConditionKind) -> Result<Self, String> {
        let texts = |values: &[String]| values.iter().map(|value| Pattern::text(value)).collect();
        let header =
            |name: &str| HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of a header"));
        let each = |values: &[String], compile: fn(&str) -> Result<Pattern, String>| {
            let compile = |value: &String| compile(value).map_err(|why| format!("`{value}`: {why}"));
            values.iter().map(compile).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            ConditionKind::Host(values) => Test::Host(each(values, Pattern::host)?),
            ConditionKind::Path(values) => Test::Path(each(values, Pattern::path)?),
            ConditionKind::Header { name, values } => Test::Header(header(name)?, texts(values)),
            ConditionKind::Query(pairs) => Test::Query(pairs.iter().map(PairTest::new).collect()),
            ConditionKind::Cookie(pairs) => Test::Cookie(pairs.iter().map(PairTest::new).collect()),
            ConditionKind::Method(methods) => {
                let method = |name: &String| {
                    Method::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no method"))
                };
                Test::Method(methods.iter().map(method).collect::<Result<_, _>>()?)
            }
            ConditionKind::SourceIp(blocks) => Test::Source(blocks.clone()),
            ConditionKind::ResponseStatus(codes) => {
                // `2xx` is written as `2??` is.
                let code = |code: &String| Pattern::text(&code.replace(['x', 'X'], "?"));
                Test::Status(codes.iter().map(code).collect())
            }
            ConditionKind::ResponseHeader { name, values } => {
                Test::ResponseHeader(header(name)?, texts(values))
            }
        })
    }

    /// Whether the condition holds. What only a response has does not hold before there is one.
    pub(super) fn holds(&self, request: &RequestView<'_>, response: Option<&ResponseView<'_>>) -> bool {
        match self {
            Test::Host(values) => values.iter().any(|own| own.matches(request.host)),
            Test::Path(values) => values.iter().any(|own| own.matches(request.path)),
            Test::Header(name, values) => has_header(request.headers, name, values),
            Test::Query(pairs) => {
                query(request).any(|(key, value)| pairs.iter().any(|own| own.matches(key, value)))
            }
            Test::Cookie(pairs) => {
                cookies(request.headers).any(|(key, value)| pairs.iter().any(|own| own.matches(key, value)))
            }
            Test::Method(methods) => methods.iter().any(|own| own == request.method),
            Test::Source(blocks) => blocks.iter().any(|block| block.contains(request.source)),
            Test::Status(codes) => {
                response.is_some_and(|response| codes.iter().any(|own| own.matches(response.status.as_str())))
            }
            Test::ResponseHeader(name, values) => {
                response.is_some_and(|response| has_header(response.headers, name, values))
            }
        }
    }
}

fn has_header(headers: &HeaderMap, name: &HeaderName, values: &[Pattern]) -> bool {
    headers.get_all(name).iter().any(|value| {
        std::str::from_utf8(value.as_bytes()).is_ok_and(|value| values.iter().any(|own| own.matches(value)))
    })
}

/// The parameters as sent: nothing is decoded.
pub(super) fn query<'a>(request: &RequestView<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let parts = request.query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// The cookies of all `Cookie` headers.
pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|part| part.trim().split_once('='))
}
