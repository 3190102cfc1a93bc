//! Paths and methods as operations.

use http::Request;

use super::*;
use crate::front::async_operation::AsyncWhat;

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
    check("POST", "/2021-04-06/services/s/functions/f/invocations?qualifier=1", Some("s"), invoke(Some("1")));
}

#[test]
fn what_is_not_offered_is_refused() {
    for (method, target) in [
        ("GET", "/2023-03-30/functions/f/invocations"),
        ("PUT", "/2023-03-30/functions/f/versions"),
        ("GET", "/2023-03-30/functions/f/versions/1"),
        ("DELETE", "/2023-03-30/functions/f/versions/x"),
        ("PATCH", "/2023-03-30/functions/f"),
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
