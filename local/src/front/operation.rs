//! The operations of the platform's API, by method and path.

use http::{Method, Request, Uri};

use super::async_operation::{self, AsyncWhat, parameter};
use crate::failure::Failure;
use crate::model::VersionId;

/// The API of edition 3.0.
const FC3: &str = "/2023-03-30/";

/// What is offered below a function, for callers of something else.
const OFFERED: &str = "invocations, versions, aliases, sessions, invoke/disable, invoke/enable, async-invoke-config \
                       and async-tasks";

/// A call of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Empty for an operation on all functions.
    pub(crate) function: String,
    /// The service that edition 2.0 names, in its APIs.
    pub(crate) service: Option<String>,
    pub(crate) what: What,
}

/// What a call of the API asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A version or an alias; `None` is `LATEST`.
    Invoke {
        qualifier: Option<String>,
    },
    PublishVersion,
    ListVersions,
    DeleteVersion(VersionId),
    CreateAlias,
    ListAliases,
    GetAlias(String),
    UpdateAlias(String),
    DeleteAlias(String),
    Disable,
    Enable,
    /// Asynchronous calls of a version or an alias; `None` is `LATEST`.
    Async {
        qualifier: Option<String>,
        what: AsyncWhat,
    },
    /// Of a version or an alias; `None` is `LATEST`, and all of them in a list.
    Session {
        qualifier: Option<String>,
        what: SessionWhat,
    },
}

/// What a call of the API asks for of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionWhat {
    Create,
    List,
    Get(String),
    Update(String),
    Delete(String),
}

impl Operation {
    /// `None` if the path is not the API's.
    pub(crate) fn parse<B>(request: &Request<B>) -> Option<Result<Self, Failure>> {
        let path = request.uri().path();
        let outcome = if let Some(rest) = path.strip_prefix(FC3) {
            fc3(request, rest)
        } else if let Some(rest) = path.strip_prefix("/2016-08-15/services/") {
            fc2(request, rest, true)
        } else if path == "/2021-04-06/stateful-async-invocation-functions" {
            Ok(Operation { service: None, ..of_all(AsyncWhat::ListTaskFunctions, String::new()) })
        } else {
            fc2(request, path.strip_prefix("/2021-04-06/services/")?, false)
        };
        Some(outcome)
    }
}

fn fc3<B>(request: &Request<B>, rest: &str) -> Result<Operation, Failure> {
    let parts = decoded(rest);
    let parts: Option<Vec<&str>> = parts.as_ref().map(|parts| parts.iter().map(String::as_str).collect());
    let (method, uri) = (request.method(), request.uri());
    match (parts.as_deref(), method) {
        (Some(["async-invoke-configs"]), &Method::GET) => {
            return Ok(of_all(AsyncWhat::ListConfigs, parameter(uri, "functionName").unwrap_or_default()));
        }
        (Some(["messages"]), &Method::GET) => return Ok(of_all(AsyncWhat::ListMessages, String::new())),
        (Some(["messages", id]), &Method::GET) => {
            return Ok(of_all(AsyncWhat::GetMessage((*id).to_owned()), String::new()));
        }
        _ => {}
    }
    let Some(["functions", function, below @ ..]) = parts.as_deref() else { return Err(unknown(uri)) };
    if function.is_empty() || function.contains('/') {
        return Err(unknown(uri));
    }
    if let Some(what) = async_operation::fc3(below, method) {
        let what = what.map_err(|_| Failure::path_not_supported(method.as_str(), uri.path()))?;
        let what = What::Async { qualifier: qualifier(uri), what };
        return Ok(Operation { function: (*function).to_owned(), service: None, what });
    }
    let what = match (below, method) {
        (["invocations"], &Method::POST) => What::Invoke { qualifier: qualifier(uri) },
        (["versions"], &Method::POST) => What::PublishVersion,
        (["versions"], &Method::GET) => What::ListVersions,
        (["versions", id], &Method::DELETE) => What::DeleteVersion(
            id.parse().map_err(|_| Failure::invalid_argument(format!("'{id}' is no number of a version")))?,
        ),
        (["aliases"], &Method::POST) => What::CreateAlias,
        (["aliases"], &Method::GET) => What::ListAliases,
        (["aliases", name], &Method::GET) => What::GetAlias((*name).to_owned()),
        (["aliases", name], &Method::PUT) => What::UpdateAlias((*name).to_owned()),
        (["aliases", name], &Method::DELETE) => What::DeleteAlias((*name).to_owned()),
        (["invoke", "disable"], &Method::POST) => What::Disable,
        (["invoke", "enable"], &Method::POST) => What::Enable,
        (["sessions", "" | "." | "..", ..], _) => return Err(unknown(uri)),
        (["sessions"], &Method::POST) => session(uri, SessionWhat::Create),
        (["sessions"], &Method::GET) => session(uri, SessionWhat::List),
        (["sessions", id], &Method::GET) => session(uri, SessionWhat::Get((*id).to_owned())),
        (["sessions", id], &Method::PUT) => session(uri, SessionWhat::Update((*id).to_owned())),
        (["sessions", id], &Method::DELETE) => session(uri, SessionWhat::Delete((*id).to_owned())),
        (["sessions", _, word @ ("pause" | "resume")], &Method::PUT) => {
            return Err(Failure::invalid_argument(format!(
                "a session can {word} with a custom image alone, which fc-local does not run"
            )));
        }
        (
            ["invocations" | "versions" | "aliases" | "sessions"]
            | ["versions" | "aliases" | "sessions", _]
            | ["invoke", "disable" | "enable"],
            _,
        ) => {
            return Err(Failure::path_not_supported(method.as_str(), uri.path()));
        }
        _ => return Err(unknown(uri)),
    };
    Ok(Operation { function: (*function).to_owned(), service: None, what })
}

/// An operation on all functions, or on those of this name.
fn of_all(what: AsyncWhat, function: String) -> Operation {
    Operation { function, service: None, what: What::Async { qualifier: None, what } }
}

/// The operations of edition 2.0. The older API has the qualifier behind the service's name.
fn session(uri: &Uri, what: SessionWhat) -> What {
    What::Session { qualifier: qualifier(uri), what }
}

/// `InvokeFunction` of edition 2.0. The older API has the qualifier behind the service's name.
fn fc2<B>(request: &Request<B>, rest: &str, has_dotted_qualifier: bool) -> Result<Operation, Failure> {
    let (uri, method) = (request.uri(), request.method());
    let parts = decoded(rest).unwrap_or_default();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let [service, "functions", function, below @ ..] = parts.as_slice() else { return Err(unknown_fc2(uri)) };
    if service.is_empty() || function.is_empty() {
        return Err(unknown_fc2(uri));
    }
    let (service, named) = if has_dotted_qualifier { split_service(service) } else { (*service, None) };
    let qualifier = named.or_else(|| qualifier(uri));
    let not_supported = || Failure::path_not_supported(method.as_str(), uri.path());
    let what = match (below, async_operation::fc2(below, method)) {
        (_, Some(what)) => What::Async { qualifier, what: what.map_err(|_| not_supported())? },
        (["invocations"], None) if method == Method::POST => What::Invoke { qualifier },
        (["invocations"], None) => return Err(not_supported()),
        _ => return Err(unknown_fc2(uri)),
    };
    Ok(Operation { function: (*function).to_owned(), service: Some(service.to_owned()), what })
}

/// The address of an HTTP trigger in edition 2.0: `/2016-08-15/proxy/SERVICE[.QUALIFIER]/FUNCTION/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProxyPath {
    pub(crate) service: String,
    pub(crate) qualifier: Option<String>,
    pub(crate) function: String,
    /// The part of the path that the function does not see, without a slash at its end.
    pub(crate) base: String,
}

impl ProxyPath {
    /// `None` if the path is no such address.
    pub(crate) fn parse(uri: &Uri) -> Option<Self> {
        const PREFIX: &str = "/2016-08-15/proxy/";
        let rest = uri.path().strip_prefix(PREFIX)?;
        let (service, rest) = rest.split_once('/')?;
        let function = rest.split('/').next().filter(|function| !function.is_empty())?;
        let base = format!("{PREFIX}{service}/{function}");
        let (service, function) = (decode(service)?, decode(function)?);
        let (service, qualifier) = split_service(&service);
        Some(ProxyPath { service: service.to_owned(), qualifier, function, base })
    }
}

/// `SERVICE` or `SERVICE.QUALIFIER`. Names of services have no dots.
fn split_service(text: &str) -> (&str, Option<String>) {
    match text.split_once('.') {
        Some((service, qualifier)) => (service, latest_is_none(qualifier.to_owned())),
        None => (text, None),
    }
}

fn qualifier(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("qualifier="))
        .and_then(decode)
        .and_then(latest_is_none)
}

fn latest_is_none(qualifier: String) -> Option<String> {
    Some(qualifier).filter(|qualifier| !qualifier.is_empty() && qualifier != "LATEST")
}

fn unknown(uri: &Uri) -> Failure {
    let text = format!("fc-local offers {FC3}functions/<name>/ with {OFFERED}, not {}", uri.path());
    Failure::invalid_argument(text)
}

fn unknown_fc2(uri: &Uri) -> Failure {
    let text = format!(
        "fc-local offers /2016-08-15/services/<service>/functions/<name>/ with invocations, async-invoke-config, \
         async-invoke-configs and stateful-async-invocations, not {}",
        uri.path()
    );
    Failure::invalid_argument(text)
}

/// The parts of a path, each decoded for itself.
fn decoded(path: &str) -> Option<Vec<String>> {
    path.split('/').map(decode).collect()
}

pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &str, target: &str) -> Option<Result<Operation, Failure>> {
        Operation::parse(&Request::builder().method(method).uri(target).body(()).unwrap())
    }

    #[track_caller]
    fn check(method: &str, target: &str, service: Option<&str>, what: What) {
        let expected = Operation { function: "f".to_owned(), service: service.map(str::to_owned), what };
        assert_eq!(parse(method, target).unwrap().unwrap(), expected, "{method} {target}");
    }

    #[test]
    fn operations_are_read_from_method_and_path() {
        let invoke = |qualifier: Option<&str>| What::Invoke { qualifier: qualifier.map(str::to_owned) };
        let prod = || "prod".to_owned();
        check("POST", "/2023-03-30/functions/f/invocations", None, invoke(None));
        check("POST", "/2023-03-30/functions/%66/invocations?qualifier=LATEST", None, invoke(None));
        check("POST", "/2023-03-30/functions/f/invocations?a=1&qualifier=pr%6fd", None, invoke(Some("prod")));
        check("POST", "/2023-03-30/functions/f/versions", None, What::PublishVersion);
        check("GET", "/2023-03-30/functions/f/versions?limit=1", None, What::ListVersions);
        check("DELETE", "/2023-03-30/functions/f/versions/12", None, What::DeleteVersion(12));
        check("POST", "/2023-03-30/functions/f/aliases", None, What::CreateAlias);
        check("GET", "/2023-03-30/functions/f/aliases", None, What::ListAliases);
        check("GET", "/2023-03-30/functions/f/aliases/prod", None, What::GetAlias(prod()));
        check("PUT", "/2023-03-30/functions/f/aliases/prod", None, What::UpdateAlias(prod()));
        check("DELETE", "/2023-03-30/functions/f/aliases/prod", None, What::DeleteAlias(prod()));
        let session =
            |qualifier: Option<&str>, what| What::Session { qualifier: qualifier.map(str::to_owned), what };
        let one = || "one".to_owned();
        check("POST", "/2023-03-30/functions/f/sessions", None, session(None, SessionWhat::Create));
        check(
            "GET",
            "/2023-03-30/functions/f/sessions?qualifier=prod",
            None,
            session(Some("prod"), SessionWhat::List),
        );
        check("GET", "/2023-03-30/functions/f/sessions/one", None, session(None, SessionWhat::Get(one())));
        check(
            "PUT",
            "/2023-03-30/functions/f/sessions/one?qualifier=1",
            None,
            session(Some("1"), SessionWhat::Update(one())),
        );
        check(
            "DELETE",
            "/2023-03-30/functions/f/sessions/%6fne",
            None,
            session(None, SessionWhat::Delete(one())),
        );
        check("POST", "/2023-03-30/functions/f/invoke/disable", None, What::Disable);
        check("POST", "/2023-03-30/functions/f/invoke/enable", None, What::Enable);
        let of_calls =
            |qualifier: Option<&str>, what| What::Async { qualifier: qualifier.map(str::to_owned), what };
        let id = || "t-1".to_owned();
        let base = "/2023-03-30/functions/f";
        for (method, path, what) in [
            ("GET", "async-invoke-config", AsyncWhat::GetConfig),
            ("PUT", "async-invoke-config", AsyncWhat::PutConfig),
            ("DELETE", "async-invoke-config", AsyncWhat::DeleteConfig),
            ("GET", "async-tasks", AsyncWhat::ListTasks),
            ("GET", "async-tasks/t-1", AsyncWhat::GetTask(id())),
            ("PUT", "async-tasks/t-1/stop", AsyncWhat::StopTask(id())),
            ("PUT", "async-tasks/t-1/retry", AsyncWhat::RepeatTask(id())),
        ] {
            let target = format!("{base}/{path}?qualifier=prod");
            check(method, &target, None, of_calls(Some("prod"), what));
        }
        check(
            "GET",
            "/2023-03-30/async-invoke-configs?functionName=f",
            None,
            of_calls(None, AsyncWhat::ListConfigs),
        );
        for (method, path, what) in [
            ("PUT", "async-invoke-config", AsyncWhat::PutConfig),
            ("GET", "async-invoke-configs", AsyncWhat::ListConfigs),
            ("GET", "stateful-async-invocations", AsyncWhat::ListTasks),
            ("GET", "stateful-async-invocations/t-1", AsyncWhat::GetTask(id())),
            ("PUT", "stateful-async-invocations/t-1", AsyncWhat::StopTask(id())),
        ] {
            let target = format!("/2016-08-15/services/s.prod/functions/f/{path}");
            check(method, &target, Some("s"), of_calls(Some("prod"), what.clone()));
            let target = format!("/2021-04-06/services/s/functions/f/{path}?qualifier=prod");
            check(method, &target, Some("s"), of_calls(Some("prod"), what));
        }
        check("POST", "/2016-08-15/services/s/functions/f/invocations", Some("s"), invoke(None));
        check("POST", "/2016-08-15/services/s.prod/functions/f/invocations", Some("s"), invoke(Some("prod")));
        check(
            "POST",
            "/2021-04-06/services/s/functions/f/invocations?qualifier=1",
            Some("s"),
            invoke(Some("1")),
        );
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        for (method, target) in [
            ("GET", "/2023-03-30/functions/f/invocations"),
            ("PUT", "/2023-03-30/functions/f/versions"),
            ("GET", "/2023-03-30/functions/f/versions/1"),
            ("DELETE", "/2023-03-30/functions/f/versions/x"),
            ("GET", "/2023-03-30/functions/f"),
            ("POST", "/2023-03-30/functions/a%2Fb/invocations"),
            ("POST", "/2023-03-30/functions//invocations"),
            ("POST", "/2023-03-30/functions/%zz/invocations"),
            ("POST", "/2023-03-30/functions/f/async-invoke-config"),
            ("GET", "/2023-03-30/functions/f/async-tasks/t/stop"),
            ("POST", "/2023-03-30/async-invoke-configs"),
            ("POST", "/2023-03-30/layers"),
            ("PATCH", "/2023-03-30/functions/f/sessions"),
            ("GET", "/2023-03-30/functions/f/sessions/"),
            ("PUT", "/2023-03-30/functions/f/sessions/one/pause"),
            ("PUT", "/2023-03-30/functions/f/sessions/one/resume"),
            ("GET", "/2023-03-30/functions/f/sessions/one/two"),
            ("POST", "/2016-08-15/services/s/functions/f"),
            ("GET", "/2016-08-15/services/s/functions/f/invocations"),
        ] {
            assert!(parse(method, target).unwrap().is_err(), "{method} {target}");
        }
        assert!(parse("POST", "/2023-03-31/functions/f/invocations").is_none());
    }

    #[test]
    fn the_address_of_a_trigger_in_edition_2_names_service_qualifier_and_function() {
        let proxy = |path: &str| ProxyPath::parse(&path.parse().unwrap());
        let found = proxy("/2016-08-15/proxy/s.prod/f/a/b?c").unwrap();
        assert_eq!((found.service.as_str(), found.qualifier.as_deref()), ("s", Some("prod")));
        assert_eq!((found.function.as_str(), found.base.as_str()), ("f", "/2016-08-15/proxy/s.prod/f"));
        assert_eq!(proxy("/2016-08-15/proxy/s.LATEST/f").unwrap().qualifier, None);
        for path in ["/2016-08-15/proxy/s", "/2016-08-15/proxy/s/", "/2016-08-15/proxy/", "/a"] {
            assert_eq!(proxy(path), None, "{path}");
        }
    }
}
