//! Code on its way to an account: the bucket that it is sent to, zips that must not be unpacked, web pages that must not
//! get in, and deployments that are cut off.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::h1::exchange;
use testkit::zips::{Entry, hostile, zip};
use testkit::{Answer, Folder, Launch};

use crate::control::{Serve, described, signed};
use crate::harness::{SCRIPTED, f, program, write_manifest};
use crate::signer::{Key, Wire, object_signature, rfc1123};

/// The paths of all that is below a folder.
fn tree(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                folders.push(path.clone());
            }
            found.insert(path);
        }
    }
    found
}

/// The place that an upload token names, and the key of it.
fn token(serve: &Serve) -> (Key, String, String) {
    let wire = Wire::new("GET", "/2016-08-15/tempBucketToken").with("date", &rfc1123(0));
    let answer = exchange(serve.port, &wire.fc(&serve.key, "/2016-08-15/tempBucketToken").bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let token = answer.json();
    let text = |own: &Value| own.as_str().unwrap().to_owned();
    let credentials = &token["credentials"];
    let key = Key {
        id: text(&credentials["AccessKeyId"]),
        secret: text(&credentials["AccessKeySecret"]),
        token: Some(text(&credentials["SecurityToken"])),
    };
    (key, text(&token["ossBucket"]), format!("1234567890123456/{}", text(&token["objectName"])))
}

/// Sends an object as `ali-oss` does to an endpoint that is a number: the host is the bucket's in the cloud.
fn send(port: u16, key: &Key, bucket: &str, object: &str, body: &[u8]) -> Answer {
    let wire = Wire::new("PUT", &format!("/{object}"))
        .set("host", &format!("{bucket}.oss-cn-hangzhou.aliyuncs.com"))
        .with("content-type", "application/zip")
        .with("x-oss-date", &rfc1123(0))
        .with("x-oss-security-token", key.token.as_deref().unwrap_or_default())
        .body(body);
    let signature = object_signature(&wire, key, &format!("/{bucket}/{object}"));
    exchange(port, &wire.with("authorization", &signature).bytes())
}

#[test]
fn code_goes_through_the_bucket_and_comes_back() {
    let serve = Serve::start(Folder::new());
    let (key, bucket, object) = token(&serve);
    let bytes =
        zip(&[Entry::file("bootstrap", "#!/bin/sh\n").with_mode(0o100_755), Entry::zeros("a", 100_000)]);
    let sent = send(serve.port, &key, &bucket, &object, &bytes);
    assert_eq!(sent.status, 200, "{sent:?}");
    let checksum = sent.header("x-oss-hash-crc64ecma").unwrap().to_owned();
    let mut body = described("f", "one");
    body["code"] = json!({ "ossBucketName": bucket, "ossObjectName": object, "checksum": checksum });
    let made = serve.done("POST", "/functions", &body);
    assert_eq!((&made["codeChecksum"], &made["codeSize"]), (&checksum.as_str().into(), &bytes.len().into()));
    // The address is enough to read it.
    let url = serve.done("GET", "/functions/f/code", &Value::Null)["url"].as_str().unwrap().to_owned();
    let target = url.strip_prefix("http://127.0.0.1").unwrap();
    let get = |target: &str| {
        exchange(serve.port, format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").as_bytes())
    };
    let answer = get(target);
    assert_eq!((answer.status, &answer.body), (200, &bytes));
    let other = get(&target.replace("Expires=", "Expires=1"));
    assert!(other.status == 403 && other.text().contains("<Code>AccessDenied</Code>"), "{other:?}");

    let refused = |answer: Answer, status: u16, part: &str| {
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.text().contains(part), "{answer:?}");
    };
    let wrong = Key { secret: "wrong".to_owned(), ..key.clone() };
    refused(send(serve.port, &wrong, &bucket, &object, b"x"), 403, "AccessDenied");
    let no_token = Key { token: None, ..key.clone() };
    refused(send(serve.port, &no_token, &bucket, &object, b"x"), 403, "AccessDenied");
    // Another bucket is the host of nothing here: the request goes where any request goes.
    refused(send(serve.port, &key, "other", &object, b"x"), 404, "NotFound");
    refused(send(serve.port, &key, &bucket, "other/a", b"x"), 403, "number of the account");
    refused(send(serve.port, &key, &bucket, "1234567890123456/../a", b"x"), 400, "name of an object");
    let code = |code: Value| serve.call("PUT", "/functions/f", &json!({ "code": code }));
    let error = |answer: Answer, part: &str| {
        answer.assert_platform_error(400, "FcCommonError", "InvalidArgument", part);
    };
    error(code(json!({ "ossBucketName": "mine", "ossObjectName": "a" })), "is in the cloud");
    error(
        code(json!({ "ossBucketName": bucket, "ossObjectName": "1234567890123456/none" })),
        "is not in bucket",
    );
    error(code(json!({ "ossBucketName": bucket, "ossObjectName": "../../keys.json" })), "is not in bucket");
    error(code(json!({ "ossBucketName": bucket, "ossObjectName": object, "checksum": "7" })), "checksum");
}

#[test]
fn hostile_zips_are_refused_and_nothing_is_left() {
    let serve = Serve::start(Folder::new());
    serve.done("POST", "/functions", &described("kept", "kept"));
    // Folders that are made once, for whatever comes in.
    serve.call("PUT", "/functions/kept", &json!({ "code": { "zipFile": STANDARD.encode("no zip") } }));
    let before = tree(serve.folder.path());
    for case in hostile() {
        let mut body = described("f", "evil");
        body["code"] = json!({ "zipFile": STANDARD.encode(&case.zip) });
        let answer = serve.call("POST", "/functions", &body);
        assert_eq!(answer.status, 400, "{}: {answer:?}", case.name);
        assert!(
            answer.json()["Message"].as_str().unwrap().contains(case.expected),
            "{}: {answer:?}",
            case.name
        );
        let answer = serve.call("PUT", "/functions/kept", &json!({ "code": body["code"] }));
        assert_eq!(answer.status, 400, "{}: {answer:?}", case.name);
        let now = tree(serve.folder.path());
        assert_eq!(now, before, "{}", case.name);
    }
    assert_eq!(serve.done("GET", "/functions", &Value::Null)["functions"].as_array().unwrap().len(), 1);
}

#[test]
fn pages_of_other_sites_and_other_names_are_refused() {
    let serve = Serve::start(Folder::new());
    let port = serve.port;
    let own = format!("127.0.0.1:{port}");
    let mut attempts: Vec<(String, String)> = Vec::new();
    for host in [
        "evil.example",
        "evil.example:PORT",
        "127.0.0.1.evil.example:PORT",
        "localhost.evil.example",
        "0.0.0.0:PORT",
        "127.1:PORT",
        "2130706433:PORT",
        "0x7f000001:PORT",
        "127.0.0.2:PORT",
        "[::ffff:127.0.0.1]:PORT",
        "[::]:PORT",
        "10.0.0.1:PORT",
        "console.evil.localhost.example",
    ] {
        attempts.push((host.replace("PORT", &port.to_string()), String::new()));
    }
    for origin in [
        "null",
        "https://evil.example",
        "http://evil.example:PORT",
        "http://localhost",
        "http://localhost:3000",
        "http://localhost:PORT",
        "http://hello.localhost:PORT",
        "http://127.0.0.1",
        "http://127.0.0.1:PORT.evil.example",
        "http://127.0.0.1:PORT@evil.example",
        "file://",
        "ftp://127.0.0.1:PORT",
    ] {
        attempts.push((own.clone(), format!("origin: {}\r\n", origin.replace("PORT", &port.to_string()))));
    }
    for site in ["cross-site", "same-site", "unheard-of"] {
        attempts.push((own.clone(), format!("sec-fetch-site: {site}\r\n")));
    }
    attempts.push((own.clone(), format!("origin: http://{own}\r\norigin: https://evil.example\r\n")));
    attempts.push((own.clone(), format!("origin: http://{own}\r\nsec-fetch-site: cross-site\r\n")));
    assert!(attempts.len() >= 30, "{}", attempts.len());
    for (host, headers) in attempts {
        for (method, target) in [
            ("POST", "/2023-03-30/functions"),
            ("GET", "/2023-03-30/functions"),
            ("DELETE", "/2023-03-30/functions/f"),
            ("OPTIONS", "/2023-03-30/functions"),
            ("GET", "/2016-08-15/tempBucketToken"),
        ] {
            let head = format!(
                "{method} {target} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: 2\r\n\r\n{{}}"
            );
            let answer = exchange(port, head.as_bytes());
            assert!(matches!(answer.status, 403 | 404), "{host} {headers}{method}: {answer:?}");
            assert!(!answer.text().contains("functions\":"), "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{answer:?}");
        }
        // An address that carries its signature is of no use to a page either.
        let head = format!(
            "GET /fc-local-code/code/a.zip?OSSAccessKeyId=x&Expires=1&Signature=x HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n"
        );
        let answer = exchange(port, head.as_bytes());
        assert!(matches!(answer.status, 403 | 404), "{host} {headers}: {answer:?}");
    }
    // What a form of a page can send at most, and the browser's question before more than that.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let head = format!(
            "POST /2023-03-30/functions HTTP/1.1\r\nhost: {own}\r\ncontent-type: {kind}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        assert_eq!(exchange(port, head.as_bytes()).status, 400, "{kind}");
    }
}

/// Two hundred deployments, each cut off at another moment.
#[test]
#[ignore = "takes minutes: .ci/run runs it with --ignored"]
#[expect(
    clippy::disallowed_methods,
    reason = "a test of its own thread, which ends a process after some time"
)]
fn two_hundred_deployments_are_there_as_a_whole_or_not_at_all() {
    let mut folder = Folder::new();
    let package = |word: &str| {
        STANDARD.encode(zip(&[
            Entry::file("name", word),
            Entry::file("bootstrap", "#!/bin/sh\n").with_mode(0o100_755),
            Entry::file("filler", vec![b'x'; 200_000]),
        ]))
    };
    for round in 0..200_u64 {
        let serve = Serve::start(folder);
        check_whole(&serve);
        let (port, key) = (serve.port, serve.key.clone());
        let deploying = std::thread::spawn(move || {
            for step in 0.. {
                let name = format!("f{}", step % 3);
                let word = format!("w{round}-{step}");
                let body = json!({
                    "functionName": name, "runtime": "custom.debian12", "handler": "h", "memorySize": 256, "timeout": 20,
                    "customRuntimeConfig": { "command": [SCRIPTED], "port": 9000 },
                    "environmentVariables": { "WORD": word }, "description": word, "code": { "zipFile": package(&word) },
                });
                // Answers are not looked at, and the last one never comes.
                let is_gone = std::panic::catch_unwind(|| {
                    if signed(port, &key, "POST", "/functions", &body).status == 409 {
                        signed(port, &key, "PUT", &format!("/functions/{name}"), &body);
                    }
                    if step % 5 == 4 {
                        signed(port, &key, "DELETE", &format!("/functions/{name}"), &Value::Null);
                    }
                })
                .is_err();
                if is_gone {
                    return;
                }
            }
        });
        std::thread::sleep(Duration::from_millis(round * 7919 % 300));
        folder = serve.kill();
        drop(deploying.join());
    }
    check_whole(&Serve::start(folder));
}

/// Code and settings of each function are of one deployment, and no code is there that nobody uses.
#[track_caller]
fn check_whole(serve: &Serve) {
    let list = serve.done("GET", "/functions?limit=100", &Value::Null);
    let mut checksums = BTreeSet::new();
    for own in list["functions"].as_array().unwrap() {
        let name = own["functionName"].as_str().unwrap();
        let url = serve.done("GET", &format!("/functions/{name}/code"), &Value::Null)["url"].to_string();
        let target = url.trim_matches('"').strip_prefix("http://127.0.0.1").unwrap().to_owned();
        let head = format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
        let package = exchange(serve.port, head.as_bytes());
        let word = own["description"].as_str().unwrap();
        let has_word = package.body.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(has_word, "{name} has the code of another deployment than its settings: {own}");
        checksums.insert(own["codeChecksum"].to_string());
    }
    let packages = std::fs::read_dir(serve.folder.file("data/packages"));
    let kept = packages.map(Iterator::count).unwrap_or_default();
    assert!(kept <= checksums.len(), "{kept} packages for {}", checksums.len());
}

/// What the deployment tool would make first is left out, and told.
#[test]
fn a_project_is_deployed_and_deployed_again() {
    let serve = Serve::start(Folder::new());
    let project = Folder::new();
    // The copy of a program is a program.
    std::fs::create_dir(project.file("code")).unwrap();
    std::fs::copy(SCRIPTED, project.file("code/bootstrap")).unwrap();
    write_manifest(&project, f().var("SCRIPT_NAME", "deployed").prop("logConfig", "auto"));
    let (port, data) = (serve.port.to_string(), serve.folder.file("data"));
    let deploy = |port: &str| {
        let launch = Launch::new(program()).args(["deploy", "f", "--no-build", "--port", port, "--data"]);
        launch.args([&data]).folder(project.path()).run()
    };
    for what in ["created", "updated"] {
        let ended = deploy(&port);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(ended.out.contains(&format!("f  {what}, code ")), "{}", ended.out);
        assert!(ended.out.contains("  trigger  http  http://f.localhost:"), "{}", ended.out);
        assert!(ended.err.contains("`logConfig: auto` is not deployed"), "{}", ended.err);
        assert_eq!(serve.get("f.localhost", "/name").text(), "deployed");
    }
    let read = serve.done("GET", "/functions/f", &Value::Null);
    assert!(read.get("logConfig").is_none() && read["codeSize"].as_u64() > Some(0), "{read}");
    let ended = deploy("1");
    assert!(
        ended.code == Some(1) && ended.err.contains("nothing listens on port 1 of 127.0.0.1"),
        "{}",
        ended.err
    );
}
