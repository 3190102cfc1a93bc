//! Versions and aliases: published, called, divided by weights, and there again after a restart.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{exchange, request};
use testkit::manifest::Function;
use testkit::{Answer, Launch, eventually};

use crate::harness::{Local, f, program, scripted, write_manifest};

const FUNCTION: &str = "/2023-03-30/functions/f";

fn named(name: &str) -> Function {
    let trigger = |qualifier: &str| {
        json!({
            "triggerName": format!("http-{qualifier}"), "triggerType": "http", "qualifier": qualifier,
            "triggerConfig": {"authType": "anonymous", "methods": ["GET"]},
        })
    };
    f().var("SCRIPT_NAME", name).prop("triggers", json!([trigger("LATEST"), trigger("prod")]))
}

impl Local {
    /// Calls the API below the function.
    fn api(&self, method: &str, below: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange(self.main_port(), &request(method, &format!("{FUNCTION}/{below}"), "", body.as_bytes()))
    }

    /// Gets `/name` of a version or an alias by the host of its trigger.
    fn get_of(&self, qualifier: &str) -> Answer {
        let port = self.main_port();
        let head = format!("GET /name HTTP/1.1\r\nhost: {qualifier}.f.localhost:{port}\r\n\r\n");
        exchange(port, head.as_bytes())
    }

    /// Runs a command of `fc-local` for the same manifest.
    fn command(&self, arguments: &[&str]) -> (bool, String, String) {
        let launch = Launch::new(program()).args(["--template"]).args([self.folder.file("s.yaml")]);
        let ended = launch.args(arguments.iter().copied()).run();
        (ended.code == Some(0), ended.out, ended.err)
    }
}

#[test]
fn versions_stay_as_they_were_published_also_after_a_restart() {
    let mut local = Local::scripted(named("one"));
    assert_eq!(local.get("/name").text(), "one");
    let published = local.api("POST", "versions", &json!({"description": "the first"}));
    published.assert_ok();
    let version = published.json();
    assert_eq!((&version["versionId"], &version["description"]), (&"1".into(), &"the first".into()));
    assert!(version["createdTime"].as_str().unwrap().ends_with('Z'), "{version}");

    write_manifest(&local.folder, named("two"));
    local.wait_for(kind("swapped"));
    assert_eq!(local.get("/name").text(), "two");
    let (is_ok, out, errors) = local.command(&["version", "publish", "f", "--description", "the second"]);
    assert!(is_ok && out.starts_with("2  ") && out.trim_end().ends_with("  the second"), "{out}{errors}");
    let (is_ok, out, errors) = local.command(&["alias", "set", "f", "prod", "--version", "1"]);
    assert!(is_ok && out.starts_with("prod  1"), "{out}{errors}");
    local.wait_for_nth(3, kind("versions_changed"));
    assert_eq!(local.get_of("prod").text(), "one");
    let head = local.api("POST", "invocations?qualifier=prod", &Value::Null);
    assert_eq!(head.header("x-fc-invocation-service-version"), Some("1"));

    assert_eq!(local.interrupt(), Some(0));
    let folder = local.folder;
    let mut local = Local::start(folder, &[]);
    assert_eq!(local.get_of("prod").text(), "one");
    assert_eq!(local.get("/name").text(), "two");
    let listed = local.api("GET", "versions", &Value::Null).json();
    let ids: Vec<&str> =
        listed["versions"].as_array().unwrap().iter().map(|one| one["versionId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["2", "1"], "the latest comes first");

    // A number is not used again, and an alias of a removed version leads nowhere.
    assert_eq!(local.api("DELETE", "versions/2", &Value::Null).status, 204);
    assert_eq!(local.api("POST", "versions", &Value::Null).json()["versionId"], "3");
    assert_eq!(local.api("DELETE", "versions/1", &Value::Null).status, 204);
    local.get_of("prod").assert_platform_error(404, "FcCommonError", "VersionNotFound", "version '1'");
    assert_eq!(local.interrupt(), Some(0));
    let local = Local::start(local.folder, &[]);
    let listed = local.api("GET", "versions", &Value::Null).json();
    assert_eq!(listed["versions"].as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn an_alias_divides_its_calls_and_the_function_sees_its_version() {
    let local = Local::scripted(named("one"));
    for _ in 0..2 {
        local.api("POST", "versions", &Value::Null).assert_ok();
    }
    let body = json!({"aliasName": "prod", "versionId": "1", "additionalVersionWeight": {"2": 0.5}});
    let made = local.api("POST", "aliases", &body);
    made.assert_ok();
    assert_eq!(made.json()["additionalVersionWeight"], json!({"2": 0.5}));
    local.api("POST", "aliases", &body).assert_platform_error(
        409,
        "FcCommonError",
        "AliasAlreadyExists",
        "'prod'",
    );
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    // That one of them gets no call has a chance of 2 to the power of -63.
    for _ in 0..64 {
        let reply = local.api("POST", "invocations?qualifier=prod", &Value::Null);
        *versions.entry(reply.header("x-fc-invocation-service-version").unwrap().to_owned()).or_default() +=
            1;
    }
    assert_eq!(versions.keys().collect::<Vec<_>>(), ["1", "2"], "{versions:?}");

    let target = format!("{FUNCTION}/invocations?qualifier=prod");
    let seen = exchange(local.main_port(), &request("POST", &target, "", b"head"));
    let version = seen.header("x-fc-invocation-service-version").unwrap();
    for line in ["x-fc-qualifier: prod\r\n".to_owned(), format!("x-fc-version-id: {version}\r\n")] {
        assert_eq!(seen.text().matches(&line).count(), 1, "{line} in {}", seen.text());
    }

    let update = json!({"versionId": "2", "additionalVersionWeight": {}, "description": "all of it"});
    let updated = local.api("PUT", "aliases/prod", &update).json();
    assert_eq!((&updated["versionId"], &updated["additionalVersionWeight"]), (&"2".into(), &json!({})));
    assert_eq!(local.api("GET", "aliases/prod", &Value::Null).json(), updated);
    let listed = local.api("GET", "aliases?prefix=pr", &Value::Null).json();
    assert_eq!(listed["aliases"], json!([updated]));
    let (is_ok, out, _) = local.command(&["alias", "list", "f"]);
    assert!(is_ok && out.trim_end() == "prod  2  all of it", "{out}");
    assert_eq!(local.api("DELETE", "aliases/prod", &Value::Null).status, 204);
    local.api("GET", "aliases/prod", &Value::Null).assert_platform_error(
        404,
        "FcCommonError",
        "AliasNotFound",
        "fc-local alias set FUNCTION prod",
    );
}

#[test]
fn what_does_not_exist_or_is_wrong_says_what_to_do() {
    let local = Local::scripted(named("one"));
    local.get_of("prod").assert_platform_error(404, "FcCommonError", "AliasNotFound", "fc-local alias set");
    local.get_of("test").assert_platform_error(404, "FcCommonError", "TriggerNotFound", "qualifier: test");
    let invoke = local.api("POST", "invocations?qualifier=7", &Value::Null);
    invoke.assert_platform_error(404, "FcCommonError", "VersionNotFound", "fc-local version publish");
    let alias = |version: &str, weights: &Value| {
        let body = json!({"aliasName": "a", "versionId": version, "additionalVersionWeight": weights});
        local.api("POST", "aliases", &body)
    };
    alias("1", &json!({})).assert_platform_error(404, "FcCommonError", "VersionNotFound", "'1'");
    local.api("POST", "versions", &Value::Null).assert_ok();
    for (version, weights) in [
        ("LATEST", json!({})),
        ("1", json!({"1": 0.5})),
        ("1", json!({"2": 1})),
        ("1", json!({"2": "x"})),
        ("1", json!({"2": 0.1, "3": 0.1})),
    ] {
        let reply = alias(version, &weights);
        reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "");
    }
    local.api("POST", "versions", &json!({"description": "x".repeat(64 * 1024)})).assert_platform_error(
        400,
        "FcCommonError",
        "EntityTooLarge",
        "65536 bytes",
    );
    let (is_ok, _, errors) = local.command(&["version", "remove", "f", "9"]);
    assert!(!is_ok && errors.contains("version '9' does not exist; there are: LATEST, 1"), "{errors}");
}

#[test]
fn a_disabled_function_takes_no_calls_until_it_is_enabled() {
    let mut local = Local::scripted(named("one"));
    local.get("/name").assert_ok();
    let disabled = local.api("POST", "invoke/disable", &json!({"reason": "too dear"}));
    assert_eq!(disabled.json(), json!({"success": true}));
    local.get("/name").assert_platform_error(403, "FcCommonError", "AccessDenied", "disabled: too dear");
    let invoked = local.api("POST", "invocations", &Value::Null);
    invoked.assert_platform_error(403, "FcCommonError", "AccessDenied", "disabled");
    local.wait_for(kind("instance_stopped"));
    assert_eq!(local.interrupt(), Some(0));
    let local = Local::start(local.folder, &[]);
    local.get("/name").assert_platform_error(403, "FcCommonError", "AccessDenied", "disabled");
    local.api("POST", "invoke/enable", &Value::Null).assert_ok();
    eventually("it takes calls", || local.get("/name").status == 200);
}

#[test]
fn an_alias_that_another_fc_local_of_the_project_has_set_stays() {
    let local = Local::scripted(named("one"));
    assert_eq!(local.api("POST", "versions", &Value::Null).json()["versionId"], "1");
    let set = |name| local.api("POST", "aliases", &json!({"aliasName": name, "versionId": "1"}));
    set("first").assert_status(200);
    let file = local.folder.file(".fc-local/functions/f/state.json");
    let read = || serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()).unwrap();
    let mut state = read();
    let mut other = state["aliases"][0].clone();
    other["name"] = json!("other");
    state["aliases"].as_array_mut().unwrap().push(other);
    std::fs::write(&file, state.to_string()).unwrap();
    set("second").assert_status(200);
    assert_eq!(local.api("DELETE", "aliases/first", &Value::Null).status, 204);
    local.api("POST", "invoke/disable", &json!({})).assert_status(200);
    let state = read();
    let names: Vec<_> = state["aliases"].as_array().unwrap().iter().map(|alias| &alias["name"]).collect();
    assert_eq!(names, ["other", "second"], "{state}");
}

#[test]
fn a_version_that_cannot_be_read_takes_no_other_and_no_alias_with_it() {
    let mut local = Local::scripted(named("one"));
    for _ in 0..2 {
        local.api("POST", "versions", &Value::Null).assert_ok();
    }
    for (alias, version) in [("prod", "2"), ("old", "1")] {
        local.api("POST", "aliases", &json!({"aliasName": alias, "versionId": version})).assert_ok();
    }
    assert_eq!(local.interrupt(), Some(0));
    let broken = "{\"environment\": \"sup3rsecret";
    local.folder.write(".fc-local/functions/f/versions/1/version.json", broken);
    let mut local = Local::start(local.folder, &[]);
    let told = local.wait_for(kind("versions_not_read"));
    let error = told["error"].as_str().unwrap();
    assert!(error.contains("versions/1/version.json: line 1") && !error.contains("sup3r"), "{error}");
    assert_eq!(local.get_of("prod").text(), "one");
    let new = json!({"aliasName": "new", "versionId": "2"});
    local.api("POST", "aliases", &new).assert_ok();
    let listed = local.api("GET", "aliases", &Value::Null).json();
    let names: Vec<&str> =
        listed["aliases"].as_array().unwrap().iter().map(|one| one["aliasName"].as_str().unwrap()).collect();
    assert_eq!(names, ["new", "old", "prod"]);
    let third = local.api("POST", "versions", &Value::Null).json();
    assert_eq!(third["versionId"], "3", "no number is used again");
    assert_eq!(
        std::fs::read_to_string(local.folder.file(".fc-local/functions/f/versions/1/version.json")).unwrap(),
        broken
    );

    // What cannot be read is not written over.
    assert_eq!(local.interrupt(), Some(0));
    local.folder.write(".fc-local/functions/f/state.json", "{");
    let local = Local::start(local.folder, &[]);
    local.wait_for(kind("versions_not_read"));
    let refused = local.api("POST", "aliases", &new);
    refused.assert_platform_error(503, "FcCommonError", "ServiceUnavailable", "state.json");
    assert_eq!(std::fs::read_to_string(local.folder.file(".fc-local/functions/f/state.json")).unwrap(), "{");
}

#[test]
fn a_version_is_published_whole_though_its_client_leaves() {
    const FILES: usize = 500;
    let folder = scripted();
    for number in 0..FILES {
        folder.write(&format!("code/data/{number}"), "x");
    }
    write_manifest(&folder, named("one"));
    let local = Local::start(folder, &[]);
    let published =
        || local.api("GET", "versions", &Value::Null).json()["versions"].as_array().unwrap().len();
    for expected in 1..=2 {
        let mut client = std::net::TcpStream::connect(("127.0.0.1", local.main_port())).unwrap();
        client.write_all(&request("POST", &format!("{FUNCTION}/versions"), "", b"")).unwrap();
        // The copy has begun when the client leaves.
        let versions = local.folder.file(".fc-local/functions/f/versions");
        eventually("the copy begins", || {
            std::fs::read_dir(&versions).is_ok_and(|entries| entries.count() == expected)
        });
        drop(client);
        eventually("it is published", || published() == expected);
        let copied = std::fs::read_dir(versions.join(expected.to_string()).join("code/data")).unwrap();
        assert_eq!(copied.count(), FILES);
    }
}

#[test]
fn two_devs_of_a_project_know_of_each_other_and_see_what_the_other_sets() {
    let local = Local::scripted(f());
    let (mut second, events) = local.beside();
    events.wait_for(kind("project_shared").field("address", format!("127.0.0.1:{}", local.main_port())));
    let ready = events.wait_for(kind("ready"));
    let port = ready["url"].as_str().unwrap().trim_end_matches('/').rsplit_once(':').unwrap().1;
    let port: u16 = port.parse().unwrap();
    let ask = |port: u16, method: &str, below: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange(port, &request(method, &format!("{FUNCTION}/{below}"), "", body.as_bytes()))
    };
    let version_of = |port: u16| {
        let answer = ask(port, "POST", "invocations?qualifier=prod", &Value::Null);
        answer.header("x-fc-invocation-service-version").map(str::to_owned)
    };
    // What one publishes or sets, the other has at its next call.
    let (one, two, nothing) = (local.main_port(), port, &Value::Null);
    for (number, (from, to)) in [(one, two), (two, one)].into_iter().enumerate() {
        ask(from, "POST", "versions", &json!({})).assert_ok();
        let id = (number + 1).to_string();
        let (method, alias) = if number == 0 { ("POST", "aliases") } else { ("PUT", "aliases/prod") };
        ask(from, method, alias, &json!({"aliasName": "prod", "versionId": id})).assert_ok();
        assert_eq!(version_of(to), Some(id.clone()), "of the one that did not set it");
        assert_eq!(version_of(from), Some(id));
        let listed = ask(to, "GET", "versions", nothing).json();
        assert_eq!(listed["versions"].as_array().unwrap().len(), number + 1, "{listed}");
    }
    assert_eq!(ask(one, "DELETE", "versions/1", nothing).status, 204);
    assert_eq!(ask(one, "DELETE", "aliases/prod", nothing).status, 204);
    let refused = ask(two, "POST", "invocations?qualifier=prod", nothing);
    refused.assert_platform_error(404, "FcCommonError", "AliasNotFound", "there are: LATEST, 2");
    events.wait_for(kind("versions_changed").field("change", "alias_removed").field("alias", "prod"));
    ask(two, "POST", "invoke/disable", &json!({"reason": "so"})).assert_ok();
    assert_eq!(ask(one, "GET", "versions", nothing).status, 200);
    assert_eq!(local.get("/name").status, 403);
    ask(one, "POST", "invoke/enable", nothing).assert_ok();
    assert_eq!(ask(two, "POST", "invocations?qualifier=2", nothing).status, 200);
    second.signal("INT");
    assert_eq!(second.ended().0.code(), Some(0));
    assert!(local.get("/name").status == 200, "the first one goes on");
}
