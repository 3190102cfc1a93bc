//! Functions of edition 2.0 behind a load balancer: their services, versions, and the shape of their errors.

use testkit::Answer;
use testkit::h1::{exchange, request};
use testkit::manifest::{Function, Manifest};

use crate::alb::{alb_part, forward, group, listener, manifest, port_of, rule};
use crate::harness::{Local, f, scripted};

/// The group `name` of the function with this ARN.
fn of(name: &str, arn: &str) -> String {
    group(name).replace(&format!("functions/{name}"), arn)
}

fn get(port: u16, target: &str) -> Answer {
    exchange(port, &request("GET", target, "", b""))
}

#[test]
fn a_group_names_a_function_of_edition_2_by_its_service() {
    let terraform = [
        of("f", "services/shop/functions/f"),
        of("latest", "services/shop.LATEST/functions/f"),
        of("alias", "services/shop.prod/functions/f"),
        of("other", "services/other/functions/f"),
        of("bare", "services/shop/functions/g"),
        listener(80, "f", ""),
        rule(80, 10, "/latest/*", &forward(1, "latest")),
        rule(80, 20, "/alias", &forward(1, "alias")),
        rule(80, 30, "/other", &forward(1, "other")),
        rule(80, 40, "/bare", &forward(1, "bare")),
    ]
    .concat();
    let folder = scripted();
    folder.write("alb/main.tf", &terraform);
    let manifest: Manifest =
        manifest([f(), Function::new("g").prop("triggers", serde_json::json!([]))], &[80]);
    folder.write("s.yaml", &manifest.with("name", "shop").to_string());
    let local = Local::start(folder, &["--edition", "fc2"]);
    let port = port_of(&local, 80);

    let seen = get(port, "/seen");
    seen.assert_status(200);
    let text = seen.text();
    assert!(text.contains("x-fc-service-name: shop") && text.contains("x-fc-qualifier: LATEST"), "{text}");
    assert!(!text.contains("x-fc-base-path"), "the function's own address is none of the load balancer");
    let parts: Vec<usize> = seen.id().split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "the id is a UUID");
    assert!(seen.header("x-fc-instance-id").is_some() && seen.header("x-fc-invocation-duration").is_some());
    get(port, "/latest/x").assert_status(200).assert_header("x-fc-invocation-service-version", "LATEST");
    assert_eq!(alb_part(&local, "/latest/x", 200)["statusBy"], "function");
    // The longer paths of edition 2.0.
    get(port, &format!("/seen?{}", "x".repeat(7000))).assert_status(200);
    get(port, &format!("/name?{}", "x".repeat(9000))).assert_status(400);

    for (target, code) in
        [("/alias", "TriggerNotFound"), ("/other", "ServiceNotFound"), ("/bare", "TriggerNotFound")]
    {
        let answer = get(port, target);
        answer.assert_status(404);
        assert_eq!(answer.json()["ErrorCode"], code, "{}", answer.text());
        assert!(answer.json()["ErrorMessage"].is_string(), "{}", answer.text());
        assert_eq!(alb_part(&local, target, 404)["statusBy"], "function_compute");
    }
}
