//! An account: functions that clients of the API create, change, call and remove, also over restarts and kills.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::events::{Events, kind};
use testkit::h1::{exchange, request};
use testkit::zips::{Entry, zip};
use testkit::{Answer, Folder, Launch, Program, until};

use crate::harness::{Local, SCRIPTED, f, program};
use crate::signer::{Key, Wire, iso8601, sha256};

const API: &str = "/2023-03-30";

/// A running `fc-local serve`.
pub(crate) struct Serve {
    pub(crate) folder: Folder,
    program: Program,
    pub(crate) events: Events,
    pub(crate) port: u16,
    pub(crate) key: Key,
}

/// The key of the account in `folder`.
fn key_of(folder: &Folder) -> Key {
    let launch = Launch::new(program()).args(["keys", "--json", "--data"]).args([folder.file("data")]);
    let json: Value = serde_json::from_str(&launch.run().out).unwrap();
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    Key {
        id: text("accessKeyId").unwrap(),
        secret: text("accessKeySecret").unwrap(),
        token: text("securityToken"),
    }
}

impl Serve {
    pub(crate) fn start(folder: Folder) -> Self {
        let launch = Launch::new(program()).args(["serve", "--json", "--port", "0", "--data"]);
        let launch = launch.args([folder.file("data")]).args(["--certificates"]).args([folder.file("ca")]);
        let program = launch.start();
        let events = Events::of(program.out());
        let opened = events.wait_for(kind("account").field("what", "opened"));
        let port = opened["url"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        let key = key_of(&folder);
        Serve { folder, program, events, port, key }
    }

    /// A signed call.
    pub(crate) fn call(&self, method: &str, target: &str, body: &Value) -> Answer {
        signed(self.port, &self.key, method, target, body)
    }

    /// A signed call that has to succeed, and its document.
    #[track_caller]
    pub(crate) fn done(&self, method: &str, target: &str, body: &Value) -> Value {
        let answer = self.call(method, target, body);
        assert!(matches!(answer.status, 200 | 204), "{method} {target}: {answer:?}");
        if answer.status == 204 { Value::Null } else { answer.json() }
    }

    /// A request to a function's HTTP trigger, by the host of its URL.
    pub(crate) fn get(&self, host: &str, target: &str) -> Answer {
        exchange(self.port, format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes())
    }

    pub(crate) fn kill(mut self) -> Folder {
        self.program.kill();
        self.program.wait();
        self.folder
    }

    fn stop(mut self) -> Folder {
        self.program.signal("INT");
        assert_eq!(self.program.ended().0.code(), Some(0));
        self.folder
    }
}

/// A call, signed as the SDK of edition 3.0 signs.
pub(crate) fn signed(port: u16, key: &Key, method: &str, target: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let wire = Wire::new(method, &format!("{API}{target}"))
        .with("x-acs-content-sha256", &sha256(body.as_bytes()))
        .with("x-acs-date", &iso8601(0))
        .body(body.as_bytes());
    exchange(port, &wire.acs3(key, &["host", "x-acs-content-sha256", "x-acs-date"]).bytes())
}

/// The zip of a function that tells its `name` from a file.
pub(crate) fn package(name: &str) -> String {
    STANDARD.encode(zip(&[
        Entry::file("name", name),
        Entry::file("bootstrap", "#!/bin/sh\n").with_mode(0o100_755),
    ]))
}

/// What describes a function whose program is that of the tests.
pub(crate) fn described(name: &str, word: &str) -> Value {
    json!({
        "functionName": name, "runtime": "custom.debian12", "handler": "index.handler", "memorySize": 256, "timeout": 20,
        "customRuntimeConfig": { "command": [SCRIPTED], "port": 9000 },
        "environmentVariables": { "SCRIPT_NAME": word },
        "code": { "zipFile": package(word) },
    })
}

/// A document without the addresses of packages, which are signed anew each time.
pub(crate) fn without_addresses(mut document: Value) -> Value {
    match &mut document {
        Value::Object(fields) => {
            fields.remove("location");
            fields.values_mut().for_each(|value| *value = without_addresses(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_addresses(item.take())),
        _ => {}
    }
    document
}

fn http(name: &str) -> Value {
    let config = json!({ "authType": "anonymous", "methods": ["GET", "POST"], "disableURLInternet": false });
    json!({ "triggerName": name, "triggerType": "http", "triggerConfig": config.to_string() })
}

#[test]
fn a_function_is_created_called_changed_and_deleted() {
    let serve = Serve::start(Folder::new());
    let made = serve.done("POST", "/functions", &described("f", "one"));
    assert_eq!((&made["functionName"], &made["memorySize"]), (&"f".into(), &256.into()), "{made}");
    assert_eq!(made["functionArn"], "acs:fc:cn-hangzhou:1234567890123456:functions/f");
    assert_eq!((&made["state"], &made["lastUpdateStatus"]), (&"Active".into(), &"Successful".into()));
    assert!(made["codeSize"].as_u64().unwrap() > 0 && made["code"].is_null(), "{made}");
    let checksum = made["codeChecksum"].as_str().unwrap().parse::<u64>().unwrap();
    assert_ne!(checksum, 0);
    assert!(made["createdTime"].as_str().unwrap().ends_with('Z'), "{made}");
    assert_eq!(made["invocationRestriction"]["disable"], false);
    serve.events.wait_for(kind("account").function("f").field("what", "function_created"));
    assert_eq!(serve.done("GET", "/functions/f", &Value::Null), made);
    let code = serve.call("POST", "/functions", &described("f", "one"));
    code.assert_platform_error(409, "FcCommonError", "FunctionAlreadyExists", "'f'");

    // Without a trigger nobody reaches it by HTTP.
    assert_eq!(serve.get("f.localhost", "/name").status, 404);
    let trigger = serve.done("POST", "/functions/f/triggers", &http("web"));
    assert_eq!(trigger["httpTrigger"]["urlInternet"], format!("http://f.localhost:{}", serve.port));
    assert_eq!((&trigger["qualifier"], &trigger["triggerType"]), (&"LATEST".into(), &"http".into()));
    assert_eq!(serve.get("f.localhost", "/name").text(), "one");
    assert_eq!(serve.call("POST", "/functions/f/invocations", &json!("x")).text(), "\"X\"");

    // A change merges: what it leaves out stays.
    let change = json!({ "environmentVariables": { "SCRIPT_NAME": "two" }, "description": "changed" });
    let changed = serve.done("PUT", "/functions/f", &change);
    assert_eq!(
        (&changed["memorySize"], &changed["description"]),
        (&256.into(), &"changed".into()),
        "{changed}"
    );
    assert_eq!(
        (&changed["functionId"], &changed["codeChecksum"]),
        (&made["functionId"], &made["codeChecksum"])
    );
    assert_eq!(serve.get("f.localhost", "/name").text(), "two");
    let code = serve.done("PUT", "/functions/f", &json!({ "code": { "zipFile": package("other") } }));
    assert_ne!(code["codeChecksum"], made["codeChecksum"]);
    assert_eq!(serve.get("f.localhost", "/name").text(), "two");

    for name in ["a", "b", "g"] {
        serve.done("POST", "/functions", &described(name, name));
    }
    let names = |list: &Value| -> Vec<String> {
        list["functions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|own| own["functionName"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = serve.done("GET", "/functions?limit=2", &Value::Null);
    assert_eq!(
        (names(&page), &page["nextToken"]),
        (vec!["a".to_owned(), "b".to_owned()], &"b".into()),
        "{page}"
    );
    let page = serve.done("GET", "/functions?limit=2&nextToken=b", &Value::Null);
    assert_eq!((names(&page), &page["nextToken"]), (vec!["f".to_owned(), "g".to_owned()], &Value::Null));
    assert_eq!(names(&serve.done("GET", "/functions?prefix=g", &Value::Null)), ["g"]);

    assert_eq!(serve.call("DELETE", "/functions/f", &Value::Null).status, 204);
    for (method, target) in
        [("GET", "/functions/f"), ("DELETE", "/functions/f"), ("GET", "/functions/f/triggers")]
    {
        serve.call(method, target, &Value::Null).assert_platform_error(
            404,
            "FcCommonError",
            "FunctionNotFound",
            "'f'",
        );
    }
    assert_eq!(serve.get("f.localhost", "/name").status, 404);
    assert!(!serve.folder.file("data/functions/f").exists());
}

#[test]
fn everything_is_up_again_after_a_kill() {
    let serve = Serve::start(Folder::new());
    serve.done("POST", "/functions", &described("f", "one"));
    serve.done("POST", "/functions/f/triggers", &http("web"));
    let version = serve.done("POST", "/functions/f/versions", &json!({ "description": "first" }));
    assert_eq!(version["versionId"], "1");
    serve.done("PUT", "/functions/f", &json!({ "environmentVariables": { "SCRIPT_NAME": "two" } }));
    serve.done("POST", "/functions/f/aliases", &json!({ "aliasName": "prod", "versionId": "1" }));
    let mut of_alias = http("of-alias");
    of_alias["qualifier"] = "prod".into();
    serve.done("POST", "/functions/f/triggers", &of_alias);
    let routes = json!([{ "path": "/*", "functionName": "f", "qualifier": "prod" }]);
    let domain =
        json!({ "domainName": "shop.example.com", "protocol": "HTTP", "routeConfig": { "routes": routes } });
    serve.done("POST", "/custom-domains", &domain);
    serve.done("PUT", "/functions/f/async-invoke-config", &json!({ "maxAsyncRetryAttempts": 2 }));
    serve.done("PUT", "/functions/f/concurrency", &json!({ "reservedConcurrency": 3 }));
    serve.done("PUT", "/functions/f/scaling-config?qualifier=LATEST", &json!({ "minInstances": 1 }));
    serve.done("POST", "/layers/common/versions", &json!({ "code": { "zipFile": package("layer") } }));
    let all = |serve: &Serve| {
        assert_eq!(serve.get("f.localhost", "/name").text(), "two");
        assert_eq!(serve.get("prod.f.localhost", "/name").text(), "one");
        assert_eq!(serve.get("shop.example.com", "/name").text(), "one");
        // A URL names the port, which is another one each time.
        let clean = |document: Value| {
            without_addresses(document).to_string().replace(&serve.port.to_string(), "PORT")
        };
        [
            "/functions/f",
            "/functions/f?qualifier=1",
            "/functions/f/triggers",
            "/functions/f/versions",
            "/functions/f/aliases/prod",
            "/custom-domains",
            "/functions/f/async-invoke-config",
            "/functions/f/concurrency",
            "/layers/common/versions/1",
        ]
        .map(|target| clean(serve.done("GET", target, &Value::Null)))
    };
    let before = all(&serve);
    let version = serve.done("GET", "/functions/f?qualifier=prod", &Value::Null);
    assert_eq!(version["environmentVariables"]["SCRIPT_NAME"], "one", "{version}");
    let code = serve.done("GET", "/functions/f/code?qualifier=prod", &Value::Null);
    assert_eq!(code["checksum"], version["codeChecksum"], "{code}");
    let serve = Serve::start(serve.kill());
    serve.events.wait_for(kind("ready").function("f"));
    assert_eq!(all(&serve), before);
    let serve = Serve::start(serve.stop());
    assert_eq!(all(&serve), before);
    let scaling = serve.done("GET", "/functions/f/scaling-config", &Value::Null);
    assert_eq!((&scaling["minInstances"], &scaling["targetInstances"]), (&1.into(), &1.into()), "{scaling}");
    // An instance is kept without a call.
    testkit::eventually("an instance is there", || {
        let list = serve.done("GET", "/functions/f/instances?withAllActive=true", &Value::Null);
        !list["instances"].as_array().unwrap().is_empty()
    });
}

/// What another process made meanwhile is not written over by one that has not read it.
#[test]
fn an_account_that_was_not_read_is_not_changed() {
    let first = Serve::start(Folder::new());
    let launch = Launch::new(program()).args(["serve", "--json", "--port", "0", "--data"]);
    let launch = launch.args([first.folder.file("data")]).args(["--certificates"]);
    let mut second = launch.args([first.folder.file("ca")]).start();
    let opened = Events::of(second.out()).wait_for(kind("account").field("what", "opened"));
    let port = opened["url"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    let layer = json!({ "code": { "zipFile": package("layer") } });
    first.done("POST", "/functions", &described("f", "one"));
    first.done("POST", "/layers/common/versions", &layer);
    let key = first.key.clone();
    let refused = |target: &str, body: &Value, why: &str| {
        let answer = signed(port, &key, "POST", target, body);
        answer.assert_platform_error(503, "FcCommonError", "ServiceUnavailable", why);
    };
    refused("/functions", &described("g", "other"), "another fc-local has this account");
    let folder = first.kill();
    refused("/functions", &described("g", "other"), "did not read at its start");
    let answer = signed(port, &key, "POST", "/functions", &described("f", "other"));
    answer.assert_platform_error(409, "FcCommonError", "FunctionAlreadyExists", "was not read");
    refused("/layers/own/versions", &layer, "did not read at its start");
    second.kill();
    second.wait();
    let again = Serve::start(folder);
    let function = again.done("GET", "/functions/f", &Value::Null);
    assert_eq!(function["environmentVariables"]["SCRIPT_NAME"], "one", "{function}");
    assert_eq!(again.call("POST", "/functions/f/invocations", &json!("x")).text(), "\"X\"");
    again.done("GET", "/layers/common/versions/1", &Value::Null);
    again.call("GET", "/functions/g", &Value::Null).assert_status(404);

    // Nor does a document that cannot be read go, nor the code that it names.
    let folder = again.stop();
    std::fs::write(folder.file("data/functions/f/function.json"), "{").unwrap();
    let serve = Serve::start(folder);
    serve.events.wait_for(kind("account").field("what", "not_read"));
    let answer = serve.call("POST", "/functions", &described("f", "other"));
    answer.assert_platform_error(409, "FcCommonError", "FunctionAlreadyExists", "was not read");
    serve.done("POST", "/functions", &described("g", "g"));
    serve.done("DELETE", "/functions/g", &Value::Null);
    let kept = std::fs::read_dir(serve.folder.file("data/packages")).unwrap().count();
    assert!(kept >= 2, "the code of what cannot be read stays: {kept}");
}

/// Kills at many moments of a deployment; what is there is whole.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test of its own thread, which ends a process after some time"
)]
fn no_function_is_half_there_after_a_kill() {
    let mut folder = Folder::new();
    for round in 0..12_u32 {
        let serve = Serve::start(folder);
        let list = serve.done("GET", "/functions?limit=100", &Value::Null);
        for own in list["functions"].as_array().unwrap() {
            let name = own["functionName"].as_str().unwrap();
            let word = own["environmentVariables"]["SCRIPT_NAME"].as_str().unwrap();
            if !serve.done("GET", &format!("/functions/{name}/triggers"), &Value::Null)["triggers"]
                .as_array()
                .unwrap()
                .is_empty()
            {
                assert_eq!(serve.get(&format!("{name}.localhost"), "/name").text(), word, "{name}");
            }
            assert_eq!(
                serve.call("POST", &format!("/functions/{name}/invocations"), &json!("x")).text(),
                "\"X\""
            );
        }
        let not_read = serve.events.matching(kind("account").field("what", "not_read"));
        assert!(not_read.is_empty(), "{not_read:?}");
        let (port, key) = (serve.port, serve.key.clone());
        let deploying = std::thread::spawn(move || {
            for step in 0..50 {
                let name = format!("f{}", step % 3);
                let word = format!("w{round}-{step}");
                let (one, other) = (described(&name, &word), http("web"));
                // Answers are not looked at: the server goes away meanwhile.
                let _ = std::panic::catch_unwind(|| {
                    signed(port, &key, "POST", "/functions", &one);
                    signed(port, &key, "POST", &format!("/functions/{name}/triggers"), &other);
                    let mut change = one.clone();
                    change.as_object_mut().unwrap().remove("functionName");
                    signed(port, &key, "PUT", &format!("/functions/{name}"), &change);
                    if step % 4 == 3 {
                        signed(port, &key, "DELETE", &format!("/functions/{name}"), &Value::Null);
                    }
                });
            }
        });
        std::thread::sleep(Duration::from_millis(u64::from(37 * round % 400)));
        folder = serve.kill();
        drop(deploying.join());
    }
    let left: Vec<String> = std::fs::read_dir(folder.file("data"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("incoming-"))
        .collect();
    assert!(left.len() <= 1, "{left:?}");
}

#[test]
fn calls_that_change_something_are_signed_and_come_from_here() {
    let serve = Serve::start(Folder::new());
    let body = described("f", "one").to_string();
    let create = |headers: &str| {
        exchange(serve.port, &request("POST", &format!("{API}/functions"), headers, body.as_bytes()))
    };
    create("").assert_platform_error(400, "FcCommonError", "MissingRequiredHeader", "Date");
    let target = format!("{API}/functions/f/invocations");
    exchange(serve.port, &request("POST", &target, "", b"x"));
    let wrong = Key { secret: "wrong".to_owned(), ..serve.key.clone() };
    signed(serve.port, &wrong, "GET", "/functions", &Value::Null).assert_platform_error(
        403,
        "FcCommonError",
        "SignatureNotMatch",
        "signature",
    );
    serve.done("POST", "/functions", &described("f", "one"));
    // Calls of functions need a signature too, and what only reads as well.
    for (method, target) in
        [("POST", "/functions/f/invocations"), ("GET", "/functions/f"), ("GET", "/functions/f/versions")]
    {
        exchange(serve.port, &request(method, &format!("{API}{target}"), "", b"")).assert_platform_error(
            400,
            "FcCommonError",
            "MissingRequiredHeader",
            "Date",
        );
    }
    // A body that is not the signed one.
    let wire = Wire::new("PUT", &format!("{API}/functions/f"))
        .with("x-acs-content-sha256", &sha256(b"{}"))
        .with("x-acs-date", &iso8601(0))
        .body(b"{\"timeout\":9}")
        .acs3(&serve.key, &["host", "x-acs-content-sha256", "x-acs-date"]);
    assert_eq!(exchange(serve.port, &wire.bytes()).status, 403);
    // From a page of another site, however it is signed.
    let wire = Wire::new("GET", &format!("{API}/functions"))
        .with("x-acs-content-sha256", &sha256(b""))
        .with("x-acs-date", &iso8601(0))
        .with("origin", "http://evil.example")
        .acs3(&serve.key, &["host", "x-acs-content-sha256", "x-acs-date"]);
    assert_eq!(exchange(serve.port, &wire.bytes()).status, 403);
    // Only this machine is served.
    let launch = Launch::new(program()).args(["serve", "--port", "0", "--listen", "0.0.0.0"]);
    let ended = launch.args(["--data"]).args([serve.folder.file("other")]).run();
    assert!(ended.code == Some(1) && ended.err.contains("this machine alone"), "{}", ended.err);
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    let serve = Serve::start(Folder::new());
    let with = |key: &str, value: Value| {
        let mut body = described("f", "one");
        body[key] = value;
        body
    };
    for (body, field) in [
        (with("memorySize", 100.into()), "`memorySize` must be 128 to 32768"),
        (with("timeout", 0.into()), "`timeout` must be 1 to 86400"),
        (with("runtime", "python3.10".into()), "`runtime` is not supported here"),
        (with("functionName", "../f".into()), "`functionName` must be"),
        (with("functionName", Value::Null), "`functionName` is missing"),
        (with("code", json!({ "zipFile": "%%%" })), "`code.zipFile` must be base64"),
        (with("code", json!({ "zipFile": STANDARD.encode("no zip") })), "zip"),
        (with("code", json!({ "zipFile": package("x"), "checksum": "1" })), "checksum"),
        (with("code", json!({})), "`code` needs `zipFile`"),
        (with("code", Value::Null), "`code` is missing"),
        (with("environmentVariables", json!({ "FC_X": "1" })), "reserved"),
        (with("logConfig", "auto".into()), "`logConfig` cannot be `auto`"),
        (with("vpcConfig", "auto".into()), "`vpcConfig` cannot be `auto`"),
        (
            with("layers", json!(["acs:fc:cn-hangzhou:1234567890123456:layers/none/versions/1"])),
            "does not exist",
        ),
    ] {
        let answer = serve.call("POST", "/functions", &body);
        let status = if field == "does not exist" { 404 } else { 400 };
        let code = if status == 404 { "LayerNotFound" } else { "InvalidArgument" };
        answer.assert_platform_error(status, "FcCommonError", code, field);
    }
    let list = serve.done("GET", "/functions", &Value::Null);
    assert_eq!(list["functions"], json!([]));
    assert_eq!(
        std::fs::read_dir(serve.folder.file("data/packages")).map_or(0, Iterator::count),
        0,
        "nothing is left"
    );

    serve.done("POST", "/functions", &described("f", "one"));
    let trigger = |kind: &str, config: Value| json!({ "triggerName": "t", "triggerType": kind, "triggerConfig": config.to_string() });
    for (body, part) in [
        (trigger("http", json!({ "authType": "anonymous", "methods": ["SAY"] })), "`SAY`"),
        (trigger("timer", json!({ "cronExpression": "never", "enable": true })), "`cronExpression`"),
        (trigger("nothing", json!({})), "`triggerType` cannot be `nothing`"),
        (json!({ "triggerName": "t", "triggerType": "http", "triggerConfig": "{" }), "`triggerConfig`"),
        (json!({ "triggerName": "t" }), "`triggerType` is missing"),
    ] {
        let answer = serve.call("POST", "/functions/f/triggers", &body);
        answer.assert_platform_error(400, "FcCommonError", "InvalidArgument", part);
    }
    // The second of two HTTP triggers, and one that is there.
    serve.done("POST", "/functions/f/triggers", &http("web"));
    let answer = serve.call("POST", "/functions/f/triggers", &http("web"));
    answer.assert_platform_error(409, "FcCommonError", "TriggerAlreadyExists", "'web'");
    let answer = serve.call("POST", "/functions/f/triggers", &http("second"));
    answer.assert_platform_error(400, "FcCommonError", "InvalidArgument", "a second HTTP trigger");
    // A trigger that does not fire here is kept, and told of once.
    let oss = json!({ "bucketName": "b", "events": ["oss:ObjectCreated:*"], "filter": { "key": { "prefix": "a" } } });
    serve.done("POST", "/functions/f/triggers", &trigger("oss", oss));
    let note = serve.events.wait_for(kind("account").function("f").field("what", "note"));
    assert!(note.text().contains("fires in the cloud only"), "{}", note.text());

    for (target, code) in [
        ("/functions/f/triggers/none", "TriggerNotFound"),
        ("/functions/f/concurrency", "OnDemandConfigNotFound"),
        ("/functions/f/scaling-config", "ScalingConfigNotFound"),
        ("/functions/f/async-invoke-config", "AsyncConfigNotExists"),
        ("/functions/f/aliases/none", "AliasNotFound"),
        ("/functions/f?qualifier=7", "VersionNotFound"),
        ("/custom-domains/none.example.com", "DomainNameNotFound"),
        ("/layers/none/versions/1", "LayerNotFound"),
    ] {
        let answer = serve.call("GET", target, &Value::Null);
        assert_eq!((answer.status, &answer.json()["Code"]), (404, &code.into()), "{target}");
    }
    let unset = serve.done("GET", "/functions/f/provision-config", &Value::Null);
    assert_eq!(
        (&unset["functionArn"], &unset["target"]),
        (&"".into(), &0.into()),
        "no configuration is no error"
    );
}

#[test]
fn the_objects_beside_a_function_come_back_as_they_were_sent() {
    let serve = Serve::start(Folder::new());
    let mut body = described("f", "one");
    let affinity = json!({ "affinityHeaderFieldName": "my-session", "sessionTTLInSeconds": 60 }).to_string();
    for (key, value) in [
        ("sessionAffinity", json!("HEADER_FIELD")),
        ("sessionAffinityConfig", json!(affinity)),
        ("idleTimeout", json!(90)),
        ("juiceFsConfig", json!({ "mountPoints": [{ "mountDir": "/mnt/j" }] })),
        ("tags", json!([{ "Key": "team", "Value": "a" }])),
        ("vpcConfig", json!({ "vpcId": "vpc-1", "securityGroupId": "sg-1", "vSwitchIds": ["vsw-1"] })),
        ("logConfig", json!({ "project": "p", "logstore": "l" })),
        ("role", json!("acs:ram::1:role/r")),
    ] {
        body[key] = value;
    }
    let made = serve.done("POST", "/functions", &body);
    for (key, value) in body.as_object().unwrap().iter().filter(|(key, _)| *key != "code") {
        assert_eq!(&made[key], value, "{key}");
    }
    // A layer, in a function.
    let zip = STANDARD.encode(zip(&[Entry::file("word", "from a layer")]));
    let layer = serve.done(
        "POST",
        "/layers/common/versions",
        &json!({ "code": { "zipFile": zip }, "compatibleRuntime": ["custom.debian12"] }),
    );
    let arn = layer["layerVersionArn"].as_str().unwrap();
    assert_eq!(arn, "acs:fc:cn-hangzhou:1234567890123456:layers/common/versions/1");
    let changed = serve.done("PUT", "/functions/f", &json!({ "layers": [arn] }));
    assert_eq!(changed["layers"], json!([{ "arn": arn, "size": layer["codeSize"] }]));
    serve.done("POST", "/functions/f/triggers", &http("web"));
    let seen = serve.get("f.localhost", "/file?/opt/word");
    assert_eq!(seen.text(), "from a layer");
    let target = format!("/layerarn/{}", arn.replace(':', "%3A").replace('/', "%2F"));
    assert_eq!(serve.done("GET", &target, &Value::Null)["layerVersionArn"], arn);
    assert_eq!(serve.call("DELETE", "/layers/common/versions/1", &Value::Null).status, 204);
    assert_eq!(serve.call("GET", "/layers/common/versions/1", &Value::Null).status, 404);
    serve.done("PUT", "/functions/f", &json!({ "timeout": 10 }));
    assert_eq!(serve.get("f.localhost", "/file?/opt/word").text(), "from a layer", "the function keeps it");
    let other = serve.call("POST", "/functions", &{
        let mut other = described("g", "g");
        other["layers"] = json!([arn]);
        other
    });
    assert_eq!(other.status, 404, "nobody else gets it");

    serve.done("POST", "/functions/f/vpc-bindings", &json!({ "vpcId": "vpc-2" }));
    assert_eq!(serve.done("GET", "/functions/f/vpc-bindings", &Value::Null), json!({ "vpcIds": ["vpc-2"] }));
    serve.done("DELETE", "/functions/f/vpc-bindings/vpc-2", &Value::Null);
    assert_eq!(serve.done("GET", "/functions/f/vpc-bindings", &Value::Null), json!({ "vpcIds": [] }));
    let of = "acs:fc:cn-hangzhou:1234567890123456:functions/f";
    let tag = json!({ "ResourceType": "function", "ResourceId": [of], "Tag": [{ "Key": "stage", "Value": "test" }] });
    serve.done("POST", "/tags-v2", &tag);
    let tags = serve.done("GET", "/functions/f", &Value::Null)["tags"].clone();
    assert_eq!(tags, json!([{ "Key": "stage", "Value": "test" }, { "Key": "team", "Value": "a" }]));
    let ids = format!("%5B%22{}%22%5D", of.replace(':', "%3A").replace('/', "%2F"));
    serve.done(
        "DELETE",
        &format!("/tags-v2?ResourceId={ids}&ResourceType=function&TagKey=%5B%22team%22%5D"),
        &Value::Null,
    );
    let tags = serve.done("GET", "/tags-v2", &Value::Null)["TagResources"].clone();
    let left =
        json!([{ "ResourceId": of, "ResourceType": "FUNCTION", "TagKey": "stage", "TagValue": "test" }]);
    assert_eq!(tags, left);
    let group = json!({ "ResourceId": of, "NewResourceGroupId": "rg-1", "ResourceType": "function" });
    assert_eq!(serve.done("PUT", "/resource-groups", &group)["NewResourceGroupId"], "rg-1");
    let regions = serve.done("GET", "/regions", &Value::Null);
    assert_eq!(regions["Regions"]["Region"][0]["RegionId"], "cn-hangzhou");

    serve.done("PUT", "/functions/f/provision-config?qualifier=LATEST", &json!({ "defaultTarget": 1 }));
    let conflict = serve.call("PUT", "/functions/f/scaling-config", &json!({ "minInstances": 1 }));
    conflict.assert_platform_error(409, "FcCommonError", "ProvisionConfigExist", "'f'");
    testkit::eventually("the wait ends", || {
        let config = serve.done("GET", "/functions/f/provision-config?qualifier=LATEST", &Value::Null);
        config["current"] == config["target"] && config["target"] == 1
    });
    let list = serve.done("GET", "/provision-configs?functionName=f", &Value::Null);
    assert_eq!(list["provisionConfigs"].as_array().unwrap().len(), 1, "{list}");
    serve.done("DELETE", "/functions/f/provision-config?qualifier=LATEST", &Value::Null);
    serve.done("PUT", "/functions/f/concurrency", &json!({ "reservedConcurrency": 2 }));
    assert_eq!(
        serve.done("GET", "/concurrency-configs", &Value::Null)["configs"][0]["reservedConcurrency"],
        2
    );
    assert_eq!(serve.call("DELETE", "/functions/f/concurrency", &Value::Null).status, 204);
    serve.get("f.localhost", "/name").assert_ok();
    let instances = serve.done("GET", "/functions/f/instances", &Value::Null);
    let first = &instances["instances"][0];
    assert_eq!((&first["versionId"], &first["status"]), (&"0".into(), &"Running".into()), "{instances}");
    assert!(first["createdTimeMs"].as_u64().unwrap() > 1_700_000_000_000, "{instances}");
}

/// As the deployment tool's `instance exec` asks: signed by the older scheme, with messages of bytes.
#[test]
fn a_command_runs_in_an_instance() {
    let serve = Serve::start(Folder::new());
    serve.done("POST", "/functions", &described("f", "one"));
    serve.call("POST", "/functions/f/invocations", &json!("x")).assert_ok();
    let list = serve.done("GET", "/functions/f/instances", &Value::Null);
    let id = list["instances"][0]["instanceId"].as_str().unwrap();
    let ask = |instance: &str, query: &str| {
        let mut wire = Wire::new("GET", &format!("{API}/functions/f/instances/{instance}/exec?{query}"))
            .with("x-acs-content-sha256", &sha256(b""))
            .with("x-acs-date", &iso8601(0));
        for (name, value) in testkit::ws::handshake("/").headers {
            wire = wire.with(&name.to_lowercase(), &value);
        }
        wire.acs3(&serve.key, &["host", "x-acs-content-sha256", "x-acs-date"]).bytes()
    };
    let open = |query: &str| {
        let mut conn = testkit::h1::Conn::open(serve.port);
        conn.send(&ask(id, query));
        let mut client = testkit::ws::Client { conn };
        client.greeted();
        client
    };
    // In the folder of the code, with the function's variables; what it says in the end arrives before the end.
    let mut client = open("command=pwd&stdout=true");
    assert_eq!(client.frame(), (0x82, b"\x01/code\n".to_vec()));
    client.assert_closed(1000);
    let mut client = open("command=echo%20%24SCRIPT_NAME%3B%20echo%20wrong%20%3E%262");
    let mut frames = [client.frame().1, client.frame().1];
    frames.sort_unstable();
    assert_eq!(frames, [b"\x01one\n".to_vec(), b"\x02wrong\n".to_vec()]);
    client.assert_closed(1000);
    // What the client sends is read.
    let mut client = open("command=cat&stdin=true");
    for word in ["hello\n", "again\n"] {
        client.send(0x82, word.as_bytes());
        assert_eq!(client.frame().1, [b"\x01", word.as_bytes()].concat());
    }
    // More than a pipe takes: the command writes before it has read all.
    client.send(0x82, &vec![b'x'; 300_000]);
    let mut length = 0;
    while length < 300_000 {
        let (first, piece) = client.frame();
        assert_eq!((first, piece[0]), (0x82, 1));
        length += piece.len() - 1;
    }
    client.send(0x89, b"?");
    assert_eq!(client.frame(), (0x8a, b"?".to_vec()));
    client.send(0x88, &1000_u16.to_be_bytes());
    assert_eq!(client.frame().0, 0x88);
    // The refusals have the words that its client reads.
    for (instance, query, status, code) in [
        ("c-none", "command=pwd", 404, "InstanceNotFound"),
        (id, "stdin=true", 400, "InvalidArgument"),
        (id, "command=pwd&tty=true", 400, "InvalidArgument"),
    ] {
        let answer = exchange(serve.port, &ask(instance, query));
        assert_eq!((answer.status, &answer.json()["ErrorCode"]), (status, &code.into()), "{answer:?}");
        assert!(answer.json()["ErrorMessage"].is_string());
    }
    let unsigned = format!("{API}/functions/f/instances/{id}/exec?command=pwd");
    assert_eq!(exchange(serve.port, &request("GET", &unsigned, "", b"")).status, 400);
}

#[test]
fn dev_has_the_account_beside_its_manifest() {
    let mut local = Local::scripted(
        f().var("SCRIPT_NAME", "manifest").prop("description", "of the manifest").prop("logConfig", "auto"),
    );
    let key = crate::signer::key(&local.folder, &[]);
    let call = |local: &Local, method: &str, target: &str, body: &Value| {
        signed(local.main_port(), &key, method, target, body)
    };
    let read = call(&local, "GET", "/functions/f", &Value::Null);
    assert_eq!(read.json()["description"], "of the manifest", "{read:?}");
    assert!(read.json().get("logConfig").is_none(), "{read:?}");
    let triggers = call(&local, "GET", "/functions/f/triggers", &Value::Null).json();
    assert_eq!(triggers["triggers"][0]["triggerType"], "http", "{triggers}");
    assert!(triggers["triggers"][0]["triggerConfig"].is_string(), "{triggers}");
    let answer = call(&local, "POST", "/functions", &described("f", "one"));
    answer.assert_platform_error(409, "FcCommonError", "FunctionAlreadyExists", "the manifest defines it");
    for (method, target) in [
        ("PUT", "/functions/f"),
        ("DELETE", "/functions/f"),
        ("DELETE", "/functions/f/triggers/http"),
        ("PUT", "/functions/f/scaling-config"),
    ] {
        let answer = call(&local, method, target, &json!({}));
        answer.assert_platform_error(403, "FcCommonError", "AccessDenied", "defined by the manifest");
    }
    // Unsigned calls stay as they were; those of the account are signed.
    assert_eq!(local.invoke("", b"x").text(), "X");
    let unsigned = exchange(local.main_port(), &request("GET", &format!("{API}/functions"), "", b""));
    unsigned.assert_platform_error(400, "FcCommonError", "MissingRequiredHeader", "Date");

    assert_eq!(call(&local, "POST", "/functions", &described("g", "of the api")).status, 200);
    assert_eq!(call(&local, "POST", "/functions/g/triggers", &http("web")).status, 200);
    let get = |local: &Local, name: &str| {
        let head = format!("GET /name HTTP/1.1\r\nhost: {name}.localhost\r\n\r\n");
        exchange(local.main_port(), head.as_bytes()).text()
    };
    assert_eq!((get(&local, "f"), get(&local, "g")), ("manifest".to_owned(), "of the api".to_owned()));
    assert_eq!(local.interrupt(), Some(0));
    let local = Local::start(local.folder, &[]);
    // The manifest's function is built anew, and 503 meanwhile.
    until("the manifest's function is up", || (get(&local, "f") == "manifest").then_some(()));
    assert_eq!(get(&local, "g"), "of the api");
    let list = call(&local, "GET", "/functions", &Value::Null).json();
    assert_eq!(list["functions"].as_array().unwrap().len(), 2, "{list}");

    // The manifest takes a name over, and lets go of it.
    crate::harness::write_manifest(
        &local.folder,
        testkit::manifest::Manifest::of([
            f().var("SCRIPT_NAME", "manifest"),
            testkit::manifest::Function::new("g").var("SCRIPT_NAME", "taken"),
        ]),
    );
    testkit::eventually("the manifest's is served", || get(&local, "g") == "taken");
    let answer = call(&local, "PUT", "/functions/g", &json!({ "timeout": 9 }));
    answer.assert_platform_error(403, "FcCommonError", "AccessDenied", "defined by the manifest");
    crate::harness::write_manifest(&local.folder, f().var("SCRIPT_NAME", "manifest"));
    testkit::eventually("the other one is back", || get(&local, "g") == "of the api");
}

/// The order in which the provider for Terraform calls: every object is read behind each change.
#[test]
fn terraforms_calls_in_their_order() {
    let serve = Serve::start(Folder::new());
    let absent = serve.call("GET", "/functions/tf", &Value::Null);
    absent.assert_platform_error(404, "FcCommonError", "FunctionNotFound", "'tf'");
    let made = serve.done("POST", "/functions", &described("tf", "one"));
    // It waits until both are so.
    let state = |serve: &Serve| {
        let got = serve.done("GET", "/functions/tf", &Value::Null);
        (got["state"].as_str().unwrap().to_owned(), got["lastUpdateStatus"].as_str().unwrap().to_owned())
    };
    let ready = ("Active".to_owned(), "Successful".to_owned());
    assert_eq!(state(&serve), ready);
    serve.done("POST", "/functions/tf/triggers", &http("web"));
    let trigger = serve.done("GET", "/functions/tf/triggers/web", &Value::Null);
    assert!(
        trigger["httpTrigger"]["urlInternet"].is_string() && trigger["triggerId"].is_string(),
        "{trigger}"
    );
    let version = serve.done("POST", "/functions/tf/versions", &json!({ "description": "v" }));
    let id = version["versionId"].as_str().unwrap().to_owned();
    let versions = serve.done("GET", "/functions/tf/versions", &Value::Null);
    assert_eq!(versions["versions"][0]["versionId"], id.as_str());
    let alias = json!({ "aliasName": "live", "versionId": id, "description": "a" });
    serve.done("POST", "/functions/tf/aliases", &alias);
    assert_eq!(serve.done("GET", "/functions/tf/aliases/live", &Value::Null)["versionId"], id.as_str());
    serve.done(
        "PUT",
        "/functions/tf/async-invoke-config?qualifier=live",
        &json!({ "maxAsyncRetryAttempts": 1, "destinationConfig": {} }),
    );
    serve.done("GET", "/functions/tf/async-invoke-config?qualifier=live", &Value::Null);
    serve.done("PUT", "/functions/tf/concurrency", &json!({ "reservedConcurrency": 4 }));
    serve.done("GET", "/functions/tf/concurrency", &Value::Null);
    serve.done(
        "PUT",
        "/functions/tf/provision-config?qualifier=live",
        &json!({ "target": 1, "alwaysAllocateCPU": true }),
    );
    let provision = serve.done("GET", "/functions/tf/provision-config?qualifier=live", &Value::Null);
    assert_eq!(provision["current"], provision["target"], "{provision}");
    assert_eq!(provision["functionArn"], "acs:fc:cn-hangzhou:1234567890123456:functions/tf/live");
    serve.done("POST", "/functions/tf/vpc-bindings", &json!({ "vpcId": "vpc-1" }));
    let domain = json!({ "domainName": "tf.example.com", "protocol": "HTTP", "routeConfig": { "routes": [{ "path": "/*", "functionName": "tf", "qualifier": "live", "methods": ["GET"] }] } });
    serve.done("POST", "/custom-domains", &domain);
    assert_eq!(
        serve.done("GET", "/custom-domains/tf.example.com", &Value::Null)["routeConfig"],
        domain["routeConfig"]
    );
    let updated = serve.done(
        "PUT",
        "/functions/tf",
        &json!({ "memorySize": 512, "environmentVariables": { "SCRIPT_NAME": "two" } }),
    );
    assert_eq!((&updated["memorySize"], &updated["functionId"]), (&512.into(), &made["functionId"]));
    assert_eq!(state(&serve), ready);
    assert_eq!(
        (serve.get("tf.localhost", "/name").text(), serve.get("tf.example.com", "/name").text()),
        ("two".to_owned(), "one".to_owned())
    );
    // The other way about, each removal followed by a read that fails.
    for (target, code) in [
        ("/custom-domains/tf.example.com", "DomainNameNotFound"),
        ("/functions/tf/vpc-bindings/vpc-1", ""),
        ("/functions/tf/provision-config?qualifier=live", ""),
        ("/functions/tf/concurrency", "OnDemandConfigNotFound"),
        ("/functions/tf/async-invoke-config?qualifier=live", "AsyncConfigNotExists"),
        ("/functions/tf/aliases/live", "AliasNotFound"),
        ("/functions/tf/versions/1", ""),
        ("/functions/tf/triggers/web", "TriggerNotFound"),
        ("/functions/tf", "FunctionNotFound"),
    ] {
        assert_eq!(serve.call("DELETE", target, &Value::Null).status, 204, "{target}");
        if !code.is_empty() {
            let gone = serve.call("GET", target, &Value::Null);
            assert_eq!((gone.status, &gone.json()["Code"]), (404, &code.into()), "{target}");
        }
    }
}
