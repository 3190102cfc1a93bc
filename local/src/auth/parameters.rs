//! Parameters of a request: where a token stands, and where claims are put for the function.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde_json::Value;

use super::encoding::{decode, encode, pairs};
use super::jwt::Claims;
use crate::failure::Failure;
use crate::model::{ClaimPass, Position, TokenLookup};

/// Whether the body of a request is a form.
pub(crate) fn is_form(head: &Parts) -> bool {
    let content_type = head.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    head.method == Method::POST && essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// The token of the first place that has one. `form` is the body of a form.
///
/// A place with two values is refused: the function may read the other one.
pub(crate) fn find_token(
    lookups: &[TokenLookup],
    head: &Parts,
    form: Option<&str>,
) -> Result<Option<String>, Failure> {
    for lookup in lookups {
        let name = lookup.name.as_str();
        let mut values = match lookup.position {
            Position::Header => {
                let values = head.headers.get_all(name).iter();
                values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
            }
            Position::Cookie => {
                let own = cookies(&head.headers).filter(|(own, _)| own == name);
                own.map(|(_, value)| value).collect()
            }
            Position::Query => values(head.uri.query().unwrap_or_default(), name),
            Position::Form => values(form.unwrap_or_default(), name),
        };
        if values.len() > 1 {
            return Err(Failure::access_denied(format_args!(
                "the request has more than one parameter `{name}`"
            )));
        }
        let token = values.pop().and_then(|value| Some(value.strip_prefix(&lookup.prefix)?.to_owned()));
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

fn values(query: &str, name: &str) -> Vec<String> {
    let own = pairs(query).filter(|(key, ..)| key == name.as_bytes());
    own.map(|(_, value, _)| String::from_utf8_lossy(&value).into_owned()).collect()
}

/// The cookies of a request, of however many headers.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> + '_ {
    headers.get_all(header::COOKIE).iter().flat_map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        };
        text.split(';').map(pair).collect::<Vec<_>>()
    })
}

/// The parameters that the function gets from claims. A client's own parameters of these names do not pass, whether there
/// is a claim or not.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Passed(Vec<(Position, String, Option<String>)>);

impl Passed {
    /// The claims as parameters; no claims if the request needed no token.
    pub(crate) fn new(rules: &[ClaimPass], claims: Option<&Claims>) -> Result<Self, Failure> {
        let passed = rules.iter().map(|rule| {
            let value = match claims.and_then(|claims| claims.get(&rule.claim)) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text.clone()),
                Some(other) => Some(other.to_string()),
            };
            let is_header =
                value.as_ref().is_none_or(|value| HeaderValue::from_bytes(value.as_bytes()).is_ok());
            if rule.position == Position::Header && !is_header {
                let text = format_args!("the claim `{}` cannot be the value of a header", rule.claim);
                return Err(Failure::access_denied(text));
            }
            Ok((rule.position, rule.name.clone(), value))
        });
        passed.collect::<Result<_, _>>().map(Passed)
    }

    /// Sets headers, cookies and the query.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, target: &mut Uri) {
        for (position, name, value) in &self.0 {
            match position {
                Position::Header => set_header(headers, name, value.as_deref()),
                Position::Cookie => set_cookie(headers, name, value.as_deref()),
                Position::Query => set_query(target, name, value.as_deref()),
                Position::Form => {}
            }
        }
    }

    pub(crate) fn has_form(&self) -> bool {
        self.0.iter().any(|(position, ..)| *position == Position::Form)
    }

    /// The form with its parameters set.
    pub(crate) fn form(&self, form: &str) -> String {
        let own = self.0.iter().filter(|(position, ..)| *position == Position::Form);
        own.fold(form.to_owned(), |form, (_, name, value)| with_pair(&form, name, value.as_deref()))
    }
}

/// Many servers read `x_name` and `x-name` as one.
fn set_header(headers: &mut HeaderMap, name: &str, value: Option<&str>) {
    let plain = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let same: Vec<HeaderName> =
        headers.keys().filter(|own| plain(own.as_str()) == plain(name)).cloned().collect();
    for own in same {
        headers.remove(own);
    }
    let value = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
    if let (Some(value), Ok(name)) = (value, HeaderName::from_bytes(name.as_bytes())) {
        headers.insert(name, value);
    }
}

fn set_cookie(headers: &mut HeaderMap, name: &str, value: Option<&str>) {
    let mut kept: Vec<String> = cookies(headers)
        .filter(|(own, value)| own != name && !(own.is_empty() && value.is_empty()))
        .map(|(own, value)| format!("{own}={value}"))
        .collect();
    kept.extend(value.map(|value| format!("{name}={}", encode(value.as_bytes()))));
    headers.remove(header::COOKIE);
    if let Ok(value) = HeaderValue::from_bytes(kept.join("; ").as_bytes())
        && !kept.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

fn set_query(target: &mut Uri, name: &str, value: Option<&str>) {
    let query = with_pair(target.query().unwrap_or_default(), name, value);
    let path = target.path();
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = target.clone().into_parts();
    if let Ok(path_and_query) = text.parse() {
        parts.path_and_query = Some(path_and_query);
        if let Ok(changed) = Uri::from_parts(parts) {
            *target = changed;
        }
    }
}

/// A query or a form without the pairs of a name, and with another one.
fn with_pair(query: &str, name: &str, value: Option<&str>) -> String {
    let is_other = |pair: &&str| decode(pair.split('=').next().unwrap_or_default(), true) != name.as_bytes();
    let mut kept: Vec<String> =
        query.split('&').filter(|pair| !pair.is_empty()).filter(is_other).map(str::to_owned).collect();
    kept.extend(value.map(|value| format!("{}={}", encode(name.as_bytes()), encode(value.as_bytes()))));
    kept.join("&")
}

#[cfg(test)]
mod tests {
    use http::Request;
    use serde_json::json;

    use super::*;

    fn head(target: &str, headers: &[(&str, &str)]) -> Parts {
        let request = Request::post(target);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn lookup(position: Position, name: &str, prefix: &str) -> TokenLookup {
        TokenLookup { position, name: name.to_owned(), prefix: prefix.to_owned() }
    }

    #[test]
    fn the_first_place_with_a_token_decides() {
        let places = [
            lookup(Position::Header, "Authorization", "Bearer "),
            lookup(Position::Cookie, "t", ""),
            lookup(Position::Query, "t", ""),
            lookup(Position::Form, "t", ""),
        ];
        let find = |target: &str, headers: &[(&str, &str)], form| {
            find_token(&places, &head(target, headers), form).map_err(|failure| failure.message().to_owned())
        };
        let found = |token: &str| Ok(Some(token.to_owned()));
        let all = [("authorization", "Bearer h"), ("cookie", "a=b; t=c")];
        assert_eq!(find("/?t=q", &all, Some("t=f")), found("h"));
        assert_eq!(find("/?t=q", &all[1..], Some("t=f")), found("c"));
        assert_eq!(find("/?a=b&t=q+%2B", &[], Some("t=f")), found("q +"));
        assert_eq!(find("/", &[], Some("a=b&t=f")), found("f"));
        assert_eq!(find("/", &[("authorization", "Basic x")], None), Ok(None));
        assert_eq!(find("/?t=", &[("cookie", "T=x; tt=y; t=")], Some("")), Ok(None));
        for (target, headers, form) in [
            ("/?t=1&t=2", &[][..], None),
            ("/?t=1&%74=2", &[], None),
            ("/", &[("cookie", "t=1; t=2")], None),
            ("/", &[("cookie", "t=1"), ("cookie", "t=2")], None),
            ("/", &[("authorization", "Bearer 1"), ("authorization", "Bearer 2")], None),
            ("/", &[], Some("t=1&t=2")),
        ] {
            assert!(
                find(target, headers, form).unwrap_err().contains("more than one"),
                "{target} {headers:?}"
            );
        }
    }

    fn rules() -> Vec<ClaimPass> {
        let rule = |position, claim: &str, name: &str| ClaimPass {
            position,
            claim: claim.to_owned(),
            name: name.to_owned(),
        };
        vec![
            rule(Position::Header, "name", "x-name"),
            rule(Position::Cookie, "uid", "uid"),
            rule(Position::Query, "roles", "roles"),
            rule(Position::Form, "name", "name"),
        ]
    }

    #[test]
    fn claims_take_the_place_of_what_a_client_sends() {
        let claims = json!({"name": "Ann; a=b", "uid": 7, "roles": ["a", "b"]});
        let passed = Passed::new(&rules(), claims.as_object()).unwrap();
        let mut head = head(
            "/p?roles=root&x=1&%72oles=root",
            &[
                ("X-Name", "root"),
                ("x_name", "root"),
                ("x-name", "root"),
                ("x-name-2", "stays"),
                ("cookie", "a=b; uid=0"),
                ("cookie", "uid=0;c"),
            ],
        );
        passed.apply(&mut head.headers, &mut head.uri);
        assert_eq!(head.uri, "/p?x=1&roles=%5B%22a%22%2C%22b%22%5D");
        assert_eq!(head.headers.get_all("x-name").iter().collect::<Vec<_>>(), ["Ann; a=b"]);
        assert_eq!(head.headers["x-name-2"], "stays");
        assert!(!head.headers.contains_key("x_name"));
        assert_eq!(head.headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=b; c=; uid=7"]);
        assert_eq!(passed.form("a=b+c&name=root&n%61me=root&&d"), "a=b+c&d&name=Ann%3B%20a%3Db");
    }

    #[test]
    fn without_claims_a_clients_own_parameters_go_all_the_same() {
        let passed = Passed::new(&rules(), None).unwrap();
        let mut head = head("/p?roles=root", &[("x-name", "root"), ("cookie", "uid=0")]);
        passed.apply(&mut head.headers, &mut head.uri);
        assert_eq!((head.uri.to_string().as_str(), head.headers.len()), ("/p", 0));
        assert_eq!(passed.form("name=root"), "");
    }

    #[test]
    fn a_claim_cannot_break_out_of_its_header() {
        let claims = json!({"name": "a\r\nx-role: root"});
        let failure = Passed::new(&rules(), claims.as_object()).unwrap_err();
        assert!(failure.message().contains("cannot be the value of a header"), "{failure:?}");
    }
}
