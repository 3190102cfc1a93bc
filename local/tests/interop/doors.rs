//! One program behind every door: the example `doors`, asked by HTTP, by `fc-local send`, and by the official SDK of Python.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use testkit::Folder;

use super::{example, python, succeed};
use crate::alb::{group, listener, manifest, port_of};
use crate::harness::{Local, f, program, write_manifest};
use crate::signer::key;

/// Sends the event in a file, and prints the reply.
const SDK: &str = r"
import sys
from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330 import models
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions
endpoint, name, event, key_id, key_secret = sys.argv[1:]
client = Client(Config(endpoint=endpoint, protocol='http', access_key_id=key_id, access_key_secret=key_secret))
request = models.InvokeFunctionRequest(body=open(event, 'rb'))
reply = client.invoke_function_with_options(name, request, models.InvokeFunctionHeaders(), RuntimeOptions())
assert 'x-fc-error-type' not in {name.lower() for name in reply.headers}, reply.headers
sys.stdout.write(reply.body.read().decode())
";

fn start() -> Local {
    let folder = Folder::new();
    folder.link("code/bootstrap", example("doors").to_str().unwrap());
    write_manifest(&folder, f().timeout(30).concurrency(10));
    Local::start(folder, &[])
}

impl Local {
    fn send(&self, arguments: &[&str]) -> Output {
        let mut send = Command::new(program());
        send.arg("--template").arg(self.folder.file("s.yaml")).arg("send").args(arguments);
        let output = send.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn sent(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.send(arguments).stdout).unwrap()
    }

    /// What the SDK's caller gets for the event that `fc-local send` would send.
    fn by_sdk(&self, arguments: &[&str]) -> Value {
        let event = self.send(&[&["--print"], arguments].concat()).stdout;
        let file = self.folder.write("event", std::str::from_utf8(&event).unwrap());
        let key = key(&self.folder, &[]);
        let endpoint = format!("127.0.0.1:{}", self.main_port());
        let mut sdk = python();
        sdk.args(["-c", SDK, &endpoint, "f"]).arg(file).args([&key.id, &key.secret]);
        let told = succeed(&mut sdk);
        serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"))
    }
}

fn bytes(reply: &Value) -> Vec<u8> {
    use base64::Engine as _;
    let body = reply["body"].as_str().unwrap();
    match reply["isBase64Encoded"].as_bool() {
        Some(true) => base64::engine::general_purpose::STANDARD.decode(body).unwrap(),
        _ => body.as_bytes().to_vec(),
    }
}

#[test]
#[ignore = "builds an example, and needs the Python environment"]
fn one_program_answers_at_every_door_with_binary_both_ways() {
    let local = start();
    let all: Vec<u8> = (0..=255).collect();
    let picture = local.folder.file("picture");
    std::fs::write(&picture, &all).unwrap();
    let data = format!("@{}", picture.display());
    let put = ["-X", "PUT", "-H", "content-type: image/x-test", "-d", &data];

    // The HTTP trigger: the request itself.
    let kept = local.call("PUT", "/pictures/by-http", "content-type: image/x-test\r\n", &all);
    assert_eq!((kept.status, kept.header("location")), (201, Some("/pictures/by-http")));
    assert_eq!(local.get("/").text(), "1 pictures, by HTTP");

    for (count, door) in ["api-gateway", "http", "alb"].into_iter().enumerate() {
        let path = format!("/pictures/through-{door}");
        let told = local.sent(&[&[door, "f", &path, "-i"], &put[..]].concat());
        assert!(told.starts_with("HTTP/1.1 201 Created\r\n") && told.ends_with("\r\n\r\nkept"), "{told}");
        assert!(
            told.contains(&format!("location: {path}\r\n")) && told.contains("set-cookie: last=through-"),
            "{told}"
        );
        // What came by one door leaves by all.
        assert_eq!(local.get(&path).body, all, "{door} to HTTP");
        assert_eq!(local.send(&[door, "/pictures/by-http"]).stdout, all, "HTTP to {door}");
        let reply = local.by_sdk(&[door, "/pictures/by-http"]);
        assert_eq!(
            (&reply["statusCode"], &reply["headers"]["content-type"]),
            (&json!(200), &json!("image/x-test"))
        );
        assert_eq!(bytes(&reply), all, "HTTP to {door} by the SDK");
        let path = format!("/pictures/by-sdk-{door}");
        let reply = local.by_sdk(&[&[door, &path], &put[..]].concat());
        assert_eq!((&reply["statusCode"], &reply["headers"]["location"]), (&json!(201), &json!(path)));
        assert_eq!(local.get(&path).body, all, "{door} by the SDK to HTTP");
        let by = if door == "api-gateway" { "API Gateway" } else { "the HTTP trigger or a load balancer" };
        assert_eq!(local.sent(&[door, "/"]), format!("{} pictures, by an event of {by}", 3 + 2 * count));
        // A route's error is a reply.
        let none = local.sent(&[door, "/pictures/none", "-i"]);
        assert!(none.starts_with("HTTP/1.1 404 Not Found\r\n") && none.contains("no such picture"), "{none}");
        let raw: Value = serde_json::from_str(&local.sent(&[door, "/pictures/none", "--json"])).unwrap();
        assert_eq!(raw["statusCode"], 404);
    }

    // What is no request is the timer's event, read as its type.
    assert_eq!(local.sent(&["timer", "--set", "payload=2"]), "nightly: 2 pictures");
    assert_eq!(local.get("/").text(), "2 pictures, by HTTP");
}

/// The same program as an event function: the load balancer and the trigger ask it by JSON, and curl sees nothing of that.
#[test]
#[ignore = "builds an example, and needs curl: .ci/run runs it with --ignored"]
fn an_event_function_answers_behind_a_load_balancer() {
    let folder = Folder::new();
    folder.link("code/bootstrap", example("doors").to_str().unwrap());
    let function = f().timeout(30).concurrency(10).local("eventFunction", true);
    folder.write("alb/main.tf", &[group("f"), listener(80, "f", "")].concat());
    folder.write("s.yaml", &manifest([function], &[80]).to_string());
    let local = Local::start(folder, &[]);
    let all: Vec<u8> = (0..=255).collect();
    let picture = local.folder.file("picture");
    std::fs::write(&picture, &all).unwrap();
    let base = format!("http://127.0.0.1:{}", port_of(&local, 80));
    let curl = |arguments: &[&str]| {
        let mut curl = Command::new("curl");
        let output = curl.args(["-sS"]).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let data = format!("@{}", picture.display());
    let put = ["-i", "-X", "PUT", "-H", "content-type: image/x-test", "--data-binary", data.as_str()];
    let kept = String::from_utf8(curl(&[&put[..], &[&format!("{base}/pictures/by-alb")]].concat())).unwrap();
    assert!(kept.starts_with("HTTP/1.1 201 ") && kept.ends_with("kept"), "{kept}");
    assert!(kept.contains("location: /pictures/by-alb\r\n"), "{kept}");
    assert_eq!(curl(&[&format!("{base}/pictures/by-alb")]), all, "binary both ways");
    assert_eq!(local.get("/pictures/by-alb").body, all, "by the trigger");
    let text = String::from_utf8(curl(&[&format!("{base}/")])).unwrap();
    assert_eq!(text, "1 pictures, by an event of the HTTP trigger or a load balancer");
    let none = String::from_utf8(curl(&["-i", &format!("{base}/pictures/none")])).unwrap();
    assert!(none.starts_with("HTTP/1.1 404 ") && none.contains("no such picture"), "{none}");
    assert_eq!(
        curl(&["-I", "-o", "/dev/null", "-w", "%{http_code}", &format!("{base}/pictures/by-alb")]),
        b"200"
    );
}

/// Tools ask the program itself what it takes.
#[test]
#[ignore = "builds an example"]
fn the_program_describes_itself() {
    let mut described = Command::new(example("doors"));
    described.env("FC_RUNTIME_DESCRIBE", "1").env("FC_CUSTOM_LISTEN_PORT", "no port");
    let told: Value = serde_json::from_str(&succeed(&mut described)).unwrap();
    assert_eq!(told["event"], json!({"type": "fc_events::timer::TimerEvent", "triggers": ["timer"]}));
    assert_eq!((&told["eventAsHttp"], told["routes"].as_array().map(Vec::len)), (&json!(true), Some(3)));
}
