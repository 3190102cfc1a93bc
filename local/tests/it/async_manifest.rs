//! `asyncInvokeConfig` and `x-local.destinations` in a manifest: what is read, and what is refused with its line.

use std::process::Command;

use testkit::Folder;

use crate::harness::program;

/// The line of `asyncInvokeConfig` in [`manifest`].
const LINE: usize = 11;

/// The line of `destinations` in [`manifest`].
const LINE_OF_DESTINATIONS: usize = 12;

fn manifest(config: &str, destinations: &str) -> String {
    format!(
        "edition: 3.0.0
name: test
resources:
  f:
    component: fc3
    props:
      region: cn-hangzhou
      functionName: f
      runtime: custom.debian12
      code: ./code
      asyncInvokeConfig: {config}
    x-local: {{destinations: {destinations}}}
"
    )
}

/// What `fc-local list` says, and whether the manifest is taken.
fn list(config: &str, destinations: &str) -> (bool, String) {
    let folder = Folder::new();
    folder.write("code/bootstrap", "");
    folder.write("s.yaml", &manifest(config, destinations));
    let output = Command::new(program()).arg("--template").arg(folder.file("s.yaml")).arg("list").output();
    let output = output.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[track_caller]
fn check_taken(config: &str, destinations: &str) {
    let (is_ok, errors) = list(config, destinations);
    assert!(is_ok && errors.is_empty(), "{config} {destinations}: {errors}");
}

#[track_caller]
fn check_said(is_ok: bool, line: usize, (config, destinations): (&str, &str), remark: &str) {
    let (was_ok, errors) = list(config, destinations);
    assert_eq!(was_ok, is_ok, "{config} {destinations}: {errors}");
    let place = format!("s.yaml:{line}: ");
    let is_said = errors.lines().any(|line| line.contains(&place) && line.contains(remark));
    assert!(is_said, "{place}{remark} in {errors}");
}

fn with_destination(arn: &str) -> String {
    format!("{{destinationConfig: {{onFailure: {{destination: '{arn}'}}}}}}")
}

#[test]
fn all_fields_and_forms_are_taken() {
    check_taken("{}", "{}");
    check_taken("{asyncTask: true, maxAsyncRetryAttempts: 0, maxAsyncEventAgeInSeconds: 1}", "{}");
    check_taken("{maxAsyncRetryAttempts: 8, maxAsyncEventAgeInSeconds: 2592000, qualifier: LATEST}", "{}");
    check_taken("{qualifier: prod, destinationConfig: {}}", "{}");
    check_taken("{qualifier: '3', destinationConfig: {onSuccess: {}, onFailure: {destination: ''}}}", "{}");
    for arn in [
        "acs:fc:cn-hangzhou:123456:functions/f",
        "acs:fc:::functions/f/prod",
        "acs:fc:::services/test.LATEST/functions/f",
        "acs:mns:::/queues/q/messages",
        "acs:mns:cn-hangzhou:1:/topics/t/messages",
        "acs:eventbridge:cn-hangzhou:1:eventbus/b",
        "acs:mq:cn-hangzhou:1:/instances/i/topics/t",
    ] {
        check_taken(&with_destination(arn), "{}");
    }
    check_taken("{}", "{'acs:mns:::/queues/q/messages': 'http://127.0.0.1:8000/q'}");
}

#[test]
fn what_the_platform_would_refuse_is_refused() {
    let check = |config: &str, remark: &str| check_said(false, LINE, (config, "{}"), remark);
    check("{maxAsyncRetryAttempts: 9}", "`maxAsyncRetryAttempts` must be 0 to 8 but is 9");
    check("{maxAsyncRetryAttempts: many}", "`maxAsyncRetryAttempts` must be a number but is text");
    check("{maxAsyncEventAgeInSeconds: 0}", "must be 1 to 2592000 but is 0");
    check("{maxAsyncEventAgeInSeconds: 2592001}", "must be 1 to 2592000 but is 2592001");
    check("{asyncTask: 'yes'}", "`asyncTask` must be true or false");
    check("{asyncTasks: true}", "did you mean `asyncTask`?");
    check("{qualifier: 1a}", "`qualifier` must be LATEST, the number of a version, or the name of an alias");
    check(&with_destination("on-fail"), "must be `acs:<service>:<region>:<account>:<resource>`");
    check(&with_destination("acs:oss:::b"), "names the service `oss`; there are fc, mns, eventbridge and mq");
    check(&with_destination("acs:mns:::/queue/q"), "`/queues/<queue>/messages`");
    check("[]", "`asyncInvokeConfig`");
}

#[test]
fn a_destination_of_another_file_is_named() {
    let config = with_destination("acs:fc:::functions/elsewhere");
    check_said(true, 7, (&config, "{}"), "this file has no function `elsewhere`, so nothing arrives here");
}

#[test]
fn what_cannot_be_forwarded_is_refused() {
    let check = |text: &str, remark: &str| check_said(false, LINE_OF_DESTINATIONS, ("{}", text), remark);
    check("[]", "`destinations` must be a map of destinations to addresses");
    check("{queue: 'http://127.0.0.1/'}", "`queue` must be `acs:<service>:");
    check("{'acs:fc:::functions/f': 'http://127.0.0.1/'}", "a function is called");
    check("{'acs:mns:::/queues/q/messages': '127.0.0.1:8000'}", "must lead to an address such as `http://");
    check("{'acs:mns:::/queues/q/messages': 'ftp://127.0.0.1/'}", "must lead to an address such as `http://");
}
