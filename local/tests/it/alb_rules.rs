//! Rules for responses, limits of one client, and a listener that comes to another load balancer.

use serde_json::json;
use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::Manifest;
use testkit::process::free_port;
use testkit::{Answer, until};

use crate::alb::{action, alb_part, fixed, group, listener, port_of, rule, start};
use crate::harness::{Local, f, scripted};

fn get(port: u16, target: &str, headers: &str) -> Answer {
    exchange(port, &request("GET", target, headers, b""))
}

/// A rule for the responses to requests of a path. `blocks` are its condition and its actions.
fn response_rule(priority: u16, path: &str, blocks: &str) -> String {
    rule(80, priority, path, blocks).replace("  rule_name", "  direction   = \"Response\"\n  rule_name")
}

fn condition(name: &str, config: &str) -> String {
    format!("rule_conditions {{\n type = \"{name}\"\n {config}\n }}\n")
}

#[test]
fn rules_for_responses_change_what_a_function_says() {
    let failed = condition("ResponseStatusCode", "response_status_code_config {\n values = [\"5xx\"]\n }");
    let typed = condition(
        "ResponseHeader",
        "response_header_config {\n key = \"content-type\"\n values = [\"text/*\"]\n }",
    );
    let copied = "insert_header_config {\n key = \"x-plan\"\n value = \"x-plan\"\n value_type = \"ReferenceHeader\"\n }";
    let removed = "remove_header_config {\n key = \"content-type\"\n }";
    let changes = action(1, "InsertHeader", copied) + &action(2, "RemoveHeader", removed);
    let terraform = [
        group("f"),
        listener(80, "f", ""),
        response_rule(10, "/status", &(failed + &fixed(1, 503, "later"))),
        response_rule(20, "/typed*", &(typed + &changes)),
    ]
    .concat();
    let local = start(scripted(), f(), &terraform, &[80]);
    let port = port_of(&local, 80);

    get(port, "/status?code=501", "").assert_status(503).assert_text("later");
    let told = alb_part(&local, "/status", 503);
    assert_eq!((&told["statusBy"], &told["upstreamStatus"]), (&json!("alb"), &json!(501)));
    // What no rule is for passes.
    get(port, "/status?code=418", "").assert_status(418).assert_text("as asked");
    get(port, "/other", "x-plan: gold\r\n")
        .assert_header("content-type", "text/plain")
        .assert_no_header("x-plan");

    let answer = get(port, "/typed", "x-plan: gold\r\n");
    answer.assert_status(200).assert_header("x-plan", "gold").assert_no_header("content-type");
    // A header that the client did not send is not made up.
    get(port, "/typed", "").assert_no_header("x-plan").assert_no_header("content-type");
}

#[test]
fn one_client_is_limited_and_others_are_not() {
    let trusts = "x_forwarded_for_config {\n x_forwarded_for_client_source_ips_enabled = true\n \
                  x_forwarded_for_client_source_ips_trusted = \"127.0.0.0/8\"\n }";
    let limit = action(1, "TrafficLimit", "traffic_limit_config {\n per_ip_qps = 1\n }");
    let terraform =
        [group("f"), listener(80, "f", trusts), rule(80, 10, "/limited", &(limit + &fixed(2, 200, "ok")))]
            .concat();
    let local = start(scripted(), f(), &terraform, &[80]);
    let port = port_of(&local, 80);
    let mut clients = 0;
    until("the same second has three requests", || {
        clients += 2;
        let ask = |client: u32| {
            let client = format!("10.0.{}.{}", client / 200, client % 200);
            get(port, "/limited", &format!("x-forwarded-for: {client}\r\n"))
        };
        let (first, again, other) = (ask(clients), ask(clients), ask(clients + 1));
        first.assert_status(200);
        other.assert_status(200);
        (again.status == 503).then(|| again.assert_header("alb-qps-limited", "Limited").status)
    });
}

/// The new listener asks for the port of the one that is closed.
#[test]
fn a_listener_of_another_load_balancer_takes_the_port_over() {
    let port = free_port();
    let with = |balancer: &str| {
        let shows = "x_forwarded_for_config {\n x_forwarded_for_slb_id_enabled = true\n }";
        group("f") + &listener(80, "f", shows).replace("alb-test", balancer)
    };
    let folder = scripted();
    folder.write("alb/main.tf", &with("alb-one"));
    let ports = json!({"alb": {"ports": {"80": port}}});
    folder.write("s.yaml", &Manifest::of([f()]).with("x-local", ports).to_string());
    let local = Local::start(folder, &[]);
    assert_eq!(port_of(&local, 80), port);
    assert!(get(port, "/seen", "").text().contains("slb-id: alb-one\r\n"));

    local.folder.write("alb/main.tf", &with("alb-two"));
    until("the other load balancer answers", || {
        let mut conn = Conn::try_open(port)?;
        conn.try_send(&request("GET", "/seen", "", b"")).ok()?;
        conn.try_answer("GET")?.text().contains("slb-id: alb-two\r\n").then_some(())
    });
    assert_eq!(local.count(kind("alb").field("what", "not_listening")), 0);
}
