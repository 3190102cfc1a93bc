//! `fc-local alb`: what is written, what is read, and what is told of a request.

use serde_json::Value;
use testkit::events::kind;
use testkit::h1::{exchange, request};
use testkit::program::Ended;
use testkit::{Folder, Launch, until};

use crate::alb::{alb_part, fixed, group, listener, manifest as in_front, port_of, records, rule};
use crate::harness::{Local, f, program, scripted};

const MANIFEST: &str = "edition: 3.0.0
name: test
resources:
  shop:
    component: fc3
    props:
      region: cn-hangzhou
      functionName: shop
      runtime: custom.debian12
      code: ./code
      customDomain:
        domainName: a.example.com
        protocol: HTTP,HTTPS
        route:
          path: /shop/*
  api:
    component: fc3
    props: {region: cn-hangzhou, functionName: api, runtime: custom.debian12, code: ./code}
";

fn manifest(more: &str) -> Folder {
    let folder = scripted();
    folder.write("s.yaml", &format!("{MANIFEST}{more}"));
    folder
}

fn alb(folder: &Folder, arguments: &[&str]) -> Ended {
    Launch::new(program())
        .args([&["alb"], arguments].concat())
        .args(["--template".into(), folder.file("s.yaml")])
        .run()
}

#[track_caller]
fn explain(folder: &Folder, arguments: &[&str]) -> Value {
    let ended = alb(folder, &[&["explain", "--json"], arguments].concat());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    serde_json::from_str(&ended.out).unwrap()
}

#[test]
fn what_init_writes_is_read_without_a_problem() {
    let folder = manifest("");
    let ended = alb(&folder, &["explain", "GET", "http://a.example.com/"]);
    assert!(ended.code == Some(1) && ended.err.contains("`fc-local alb init` makes one"), "{}", ended.err);
    let ended = alb(&folder, &["init"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    for place in ["", "x-local: {alb: alb/ros.yaml}\n", "x-local: {alb: {terraform: alb/main.tf}}\n"] {
        folder.write("s.yaml", &format!("{MANIFEST}{place}"));
        for (url, function, rule) in [
            ("http://a.example.com/shop/1", "shop", Value::from("http-rule-1")),
            ("https://a.example.com/shop/1", "shop", "https-rule-1".into()),
            ("http://b.example.com:10080/api/x", "api", "http-rule-2".into()),
            ("https://b.example.com:10443/api", "api", "https-rule-2".into()),
            ("http://b.example.com/other", "shop", Value::Null),
        ] {
            let told = explain(&folder, &["GET", url]);
            assert_eq!(told["action"]["groups"][0]["function"], function, "{place}{url}: {told}");
            assert_eq!(told["rule"], rule, "{place}{url}");
        }
    }
    // What is there stays.
    folder.write("alb/ros.yaml", "mine");
    let ended = alb(&folder, &["init"]);
    assert!(ended.code == Some(1) && ended.err.contains("--force replaces it"), "{}", ended.err);
    assert_eq!(folder.text("alb/ros.yaml"), "mine");
    assert_eq!(alb(&folder, &["init", "--force"]).code, Some(0));
    assert!(folder.text("alb/ros.yaml").contains("ROSTemplateFormatVersion"));
}

/// The example of docs/alb.md: a function, `alb init`, `dev`, and a request to the listener's port.
#[test]
fn what_init_writes_answers() {
    let folder = manifest("x-local: {alb: {ports: {80: 0, 443: 0}}}\n");
    assert_eq!(alb(&folder, &["init"]).code, Some(0));
    let local = Local::start(folder, &[]);
    let port = port_of(&local, 80);
    local.wait_for(kind("ready").function("api"));
    exchange(port, &request("GET", "/api/seen", "", b"")).assert_status(200);
    assert_eq!(alb_part(&local, "/api/seen", 200)["rule"], "http-rule-2");
    let record = &records(&local, "/api/seen")[0];
    assert_eq!((&record["function"], &record["via"]), (&Value::from("api"), &Value::from("alb")));
    // The port of this machine leads to the same listener.
    let told = explain(&local.folder, &["GET", &format!("http://localhost:{port}/other")]);
    let group = &told["action"]["groups"][0];
    assert_eq!((&group["function"], &group["targets"][0]["health"]), (&"shop".into(), &"unchecked".into()));
}

/// `alb init` beside a running `dev`, which begins to listen.
#[test]
fn a_load_balancer_that_comes_later_is_found() {
    let local = Local::start(manifest("x-local: {alb: {ports: {80: 0, 443: 0}}}\n"), &[]);
    local.wait_for(kind("ready").function("api"));
    assert_eq!(alb(&local.folder, &["init"]).code, Some(0));
    exchange(port_of(&local, 80), &request("GET", "/api/seen", "", b"")).assert_status(200);
}

/// Files of the folder that come and go, and one that is wrong for a while.
#[test]
fn files_of_the_folder_come_and_go() {
    let folder = scripted();
    folder.write("s.yaml", &in_front([f()], &[80]).to_string());
    folder.write("alb/main.tf", &[group("f"), listener(80, "f", "")].concat());
    let local = Local::start(folder, &[]);
    let port = port_of(&local, 80);
    let status = |path: &str| exchange(port, &request("GET", path, "", b"")).status;
    assert_eq!(status("/status?code=404"), 404);
    let more = |word: &str| rule(80, 10, "/status", &fixed(1, 203, word));
    local.folder.write("alb/more.tf", &more("${var.word}"));
    local.wait_for(kind("manifest_invalid"));
    // A variable's value comes with another file, which is new too.
    local.folder.write("alb/variables.tf", "variable \"word\" {}\n");
    local.folder.write("alb/terraform.tfvars", "word = \"one\"\n");
    until("the rule is there", || (status("/status?code=404") == 203).then_some(()));
    local.folder.write("alb/more.tf", "resource {");
    local.wait_for_nth(2, kind("manifest_invalid"));
    assert_eq!(status("/status?code=404"), 203, "the former configuration holds");
    local.folder.write("alb/more.tf", &more("${var.word}").replace("203", "206"));
    until("the rule has changed", || (status("/status?code=404") == 206).then_some(()));
    std::fs::remove_file(local.folder.file("alb/more.tf")).unwrap();
    until("the rule is gone", || (status("/status?code=404") == 404).then_some(()));
    // A listener in a file of its own comes and goes with the file.
    local.folder.write("alb/other.tf", &listener(81, "f", ""));
    local.wait_for(kind("alb").field("what", "listening").field("listener", "http-81"));
    std::fs::remove_file(local.folder.file("alb/other.tf")).unwrap();
    local.wait_for(kind("alb").field("what", "closed").field("listener", "http-81"));
    assert_eq!(status("/name"), 200);
}

/// A template that is removed keeps the listeners that it made, and is read once it is there again.
#[test]
fn a_template_may_be_away_for_a_while() {
    let folder = manifest("");
    assert_eq!(alb(&folder, &["init"]).code, Some(0));
    let ros = "x-local: {alb: {ros: alb/ros.yaml, ports: {80: 0, 443: 0}}}\n";
    folder.write("s.yaml", &format!("{MANIFEST}{ros}"));
    let local = Local::start(folder, &[]);
    let port = port_of(&local, 80);
    local.wait_for(kind("ready").function("api"));
    let text = local.folder.text("alb/ros.yaml");
    std::fs::remove_file(local.folder.file("alb/ros.yaml")).unwrap();
    local.wait_for(kind("manifest_invalid"));
    exchange(port, &request("GET", "/api/seen", "", b"")).assert_status(200);
    local
        .folder
        .write("alb/ros.yaml", &text.replace("/api", "/else").replace("functions/else", "functions/api"));
    until("the rule has changed", || {
        exchange(port, &request("GET", "/else/seen", "", b"")).assert_status(200);
        local.count(kind("request").field("path", "/else/seen").field("function", "api")).gt(&0).then_some(())
    });
}

#[test]
fn explain_tells_why_and_what_happens() {
    let folder = manifest(
        "x-local:
  alb:
    ports: {80: 8088}
    listeners:
    - port: 80
      function: shop
      rules:
      - path: /api/*
        method: POST
        function: api
      - path: '~^/v1/(.*)$'
        header: {x-plan: [gold, trial]}
        rewrite: {path: '/{1}', query: 'from={host}'}
        function: api.prod
      - host: old.example.com
        redirect: {host: www.example.com, httpCode: 308}
      - path: /off
        fixedResponse: {httpCode: 503, content: later, contentType: text/plain}
",
    );
    let ended = alb(&folder, &["explain", "GET", "http://x.cn:8088/v1/api/a?q=1", "-H", "X-Plan: gold"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    for part in [
        "HTTP 80, here 8088",
        "no  the path `/v1/api/a` is not `/api/*`",
        "=>  matches",
        "rewrite   /api/a?from=x.cn",
        "function api prod",
    ] {
        assert!(ended.out.contains(part), "{part}\n{}", ended.out);
    }
    let told = explain(&folder, &["GET", "http://x.cn/v1/api/a"]);
    assert_eq!(told["tried"][1]["why"], "there is no header `x-plan`", "{told}");
    assert_eq!((&told["rule"], told["tried"].as_array().unwrap().len()), (&Value::Null, 4));
    let told = explain(&folder, &["GET", "http://x.cn/api/a", "-H", "Host: old.example.com"]);
    let redirect = "http://www.example.com:8088/api/a";
    assert_eq!(
        (&told["action"]["location"], &told["action"]["status"]),
        (&redirect.into(), &308.into()),
        "{told}"
    );
    let told = explain(&folder, &["GET", "http://x.cn/off"]);
    assert_eq!(
        (&told["action"]["type"], &told["action"]["status"]),
        (&"fixed".into(), &503.into()),
        "{told}"
    );
    for (arguments, part) in [
        (&["GET", "http://x.cn:81/"][..], "no listener answers"),
        (&["GET", "https://x.cn/"], "there are: HTTP 80 (here 8088)"),
        (&["GET", "x.cn"], "begins with http://"),
        (&["GET", "http://x.cn/", "-H", "none"], "is no header"),
    ] {
        let ended = alb(&folder, &[&["explain"], arguments].concat());
        assert!(ended.code == Some(1) && ended.err.contains(part), "{part}: {}", ended.err);
    }
}

/// All mistakes of all files at once, each with its own file and line.
#[test]
fn mistakes_name_the_files_that_hold_them() {
    let folder = manifest("x-local:\n  alb: {terraform: infra, prots: {80: 81}}\n");
    folder.write("infra/a.tf", "resource \"alicloud_alb_acl\" \"a\" {\n  acl_naem = \"x\"\n}\n");
    folder.write(
        "infra/b.tf",
        "variable \"block\" {}\n\nresource \"alicloud_alb_acl_entry_attachment\" \"b\" {\n  acl_id = alicloud_alb_acl.a.id\n  entry  = var.block\n}\n",
    );
    folder.write("infra/terraform.tfvars", "block = \"10.0.0.0/99\"\n");
    let ended = alb(&folder, &["explain", "GET", "http://x.cn/"]);
    assert_eq!(ended.code, Some(1));
    for part in [
        "infra/a.tf:2: `acl_naem` is not known here: did you mean `acl_name`?",
        "infra/b.tf:5: `entry` must be an address or a block such as 10.0.0.0/8, but is `10.0.0.0/99`",
        "s.yaml:20: `prots` is not a key of `x-local.alb`",
    ] {
        assert!(ended.err.contains(part), "{part}\n{}", ended.err);
    }
    let folder = manifest("x-local: {alb: infra}\n");
    let ended = alb(&folder, &["explain", "GET", "http://x.cn/"]);
    assert!(ended.err.contains("s.yaml:19: `x-local.alb`: ") && ended.err.contains("infra"), "{}", ended.err);
}
