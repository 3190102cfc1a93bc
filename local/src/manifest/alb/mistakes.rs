//! Mistakes in Terraform's files, with their lines.

use super::tests::{check_mistake, of_terraform};

/// A rule with these blocks, on the lines of the file.
fn rule(blocks: &str) -> String {
    format!(
        "resource \"alicloud_alb_server_group\" \"g\" {{\n  server_group_name = \"group\"\n  server_group_type = \"Fc\"\n  health_check_config {{ health_check_enabled = false }}\n  servers {{\n    server_type = \"Fc\"\n    server_id = \"acs:fc:r:1:functions/shop\"\n  }}\n}}\nresource \"alicloud_alb_listener\" \"l\" {{\n  load_balancer_id = \"alb-1\"\n  listener_protocol = \"HTTP\"\n  listener_port = 80\n  default_actions {{\n    type = \"ForwardGroup\"\n    forward_group_config {{\n      server_group_tuples {{ server_group_id = alicloud_alb_server_group.g.id }}\n    }}\n  }}\n}}\nresource \"alicloud_alb_rule\" \"r\" {{\n  rule_name = \"rule\"\n  listener_id = alicloud_alb_listener.l.id\n  priority = 1\n{blocks}\n}}\n"
    )
}

const FORWARD: &str = "  rule_actions {\n    order = 9\n    type = \"ForwardGroup\"\n    forward_group_config {\n      server_group_tuples { server_group_id = alicloud_alb_server_group.g.id }\n    }\n  }";

fn condition(kind: &str, config: &str) -> String {
    format!("  rule_conditions {{\n    type = \"{kind}\"\n    {config}\n  }}\n{FORWARD}")
}

fn action(kind: &str, config: &str) -> String {
    format!(
        "  rule_conditions {{\n    type = \"Path\"\n    path_config {{ values = [\"/*\"] }}\n  }}\n  rule_actions {{\n    order = 1\n    type = \"{kind}\"\n    {config}\n  }}\n{FORWARD}"
    )
}

#[test]
fn mistakes_have_their_places() {
    for (blocks, line, part) in [
        (condition("Host", "host_config { values = [\"localhost\"] }"), 27, "must hold a `.`"),
        (condition("Host", "host_config { values = [\"~(\"] }"), 27, "no regular expression"),
        (condition("Path", "path_config { values = [\"api\"] }"), 27, "must begin with `/`"),
        (condition("Path", "path_config { values = [\"/a b\"] }"), 27, "may hold"),
        (condition("Path", "host_config { values = [\"a.b\"] }"), 26, "`path_config` is needed"),
        (condition("Paht", "path_config { values = [\"/\"] }"), 26, "must be Host, Path"),
        (
            condition("Header", "header_config {\n key = \"Cookie\"\n values = [\"a\"]\n}"),
            28,
            "a condition of its own",
        ),
        (condition("Method", "method_config { values = [\"TRACE\"] }"), 27, "has `TRACE`"),
        (condition("SourceIp", "source_ip_config { values = [\"10.0.0.0/33\"] }"), 27, "no address"),
        (
            condition(
                "QueryString",
                "query_string_config {\n values {\n  key = \"a b\"\n  value = \"1\"\n }\n}",
            ),
            30,
            "may not hold blanks",
        ),
        (
            condition("ResponseStatusCode", "response_status_code_config { values = [\"200\"] }"),
            26,
            "`direction` Response",
        ),
        (condition("Path", "path_config { valeus = [\"/\"] }"), 27, "did you mean `values`?"),
        (action("Rewrite", "rewrite_config { path = \"/$${1}\" }"), 29, "has 0 groups"),
        (action("Rewrite", "rewrite_config { path = \"/$1\" }"), 32, "a group is written `${1}`"),
        (action("Rewrite", "rewrite_config { host = \"$${path}\" }"), 32, "cannot stand there"),
        (action("Redirect", "redirect_config { host = \"a.b\" }"), 34, "a rule has one end"),
        (
            action("FixedResponse", "fixed_response_config {\n http_code = \"302\"\n content = \"\"\n}"),
            33,
            "2xx, 4xx or 5xx",
        ),
        (
            action("InsertHeader", "insert_header_config {\n key = \"Host\"\n value = \"x\"\n}"),
            33,
            "leave that header alone",
        ),
        (action("TrafficLimit", "traffic_limit_config { qps = 0 }"), 32, "must be 1 to 1000000"),
        (
            action(
                "TrafficMirror",
                "traffic_mirror_config {\n target_type = \"ForwardGroupMirror\"\n mirror_group_config {\n server_group_tuples { server_group_id = alicloud_alb_server_group.g.id }\n }\n}",
            ),
            29,
            "no group of a function",
        ),
        (action("Cors", "cors_config { allow_origin = [\"example.com\"] }"), 32, "begins with http"),
        (
            action(
                "ForwardGroup",
                "forward_group_config {\n server_group_tuples { server_group_id = alicloud_alb_server_group.gone.id }\n}",
            ),
            33,
            "no server group",
        ),
        (
            action("InsertHeader", "insert_header_config {\n key = \"a\"\n value = var.gone\n}"),
            34,
            "`${var.gone}`, which is not known here",
        ),
    ] {
        let (_, problems) = of_terraform(&rule(&blocks), "");
        let expected = format!("main.tf:{line}: ");
        let is_it = |problem: &String| problem.starts_with(&expected) && problem.contains(part);
        assert!(problems.iter().any(is_it), "{line} {part}\n{problems:#?}\n{}", rule(&blocks));
    }
}

#[test]
fn listeners_and_groups_are_checked() {
    for (from, to, part) in [
        ("listener_port = 80", "listener_port = 70000", "`listener_port` must be 1 to 65535"),
        ("\"HTTP\"\n  listener_port", "\"HTTPS\"\n  listener_port", "`certificates` is missing"),
        ("listener_port = 80", "listener_port = 80\n  http2_enabled = true", "for HTTPS listeners alone"),
        ("functions/shop", "functions/gone", "`gone`, which is not in the manifest; there are: shop, api"),
        ("\"acs:fc:r:1:functions/shop\"", "alicloud_vpc.x.id", "names no function"),
        ("server_type = \"Fc\"", "server_type = \"Fc\"\n    port = 80", "`port` is not for a function"),
        ("server_group_type = \"Fc\"", "server_group_type = \"FC\"", "must be Instance, Ip, Fc"),
        (
            "server_group_type = \"Fc\"",
            "server_group_type = \"Fc\"\n  vpc_id = \"v\"",
            "not for a group of a function",
        ),
        ("priority = 1\n", "priority = 0\n", "`priority` must be 1 to 10000"),
        ("rule_name = \"rule\"", "rule_name = \"1\"", "a letter first"),
        ("listener_id = alicloud_alb_listener.l.id", "listener_id = \"lsn-1\"", "is no listener"),
        ("health_check_enabled = false", "health_check_interval = 60", "must be 1 to 50"),
        ("listener_port = 80", "listener_port = 80\n  idle_timeout = 0", "must be 1 to 3600"),
    ] {
        let text = rule(&condition("Path", "path_config { values = [\"/*\"] }"));
        assert_eq!(of_terraform(&text, "").1, Vec::<String>::new());
        check_mistake(&text, (from, to), part);
    }
    let twice = rule(&condition("Path", "path_config { values = [\"/*\"] }"));
    let second = twice[twice.find("resource \"alicloud_alb_rule\"").unwrap()..].replace("\"r\"", "\"s\"");
    let (_, problems) = of_terraform(&format!("{twice}{second}"), "");
    assert!(problems[0].contains("has a rule already, at main.tf:21"), "{problems:#?}");
    let (_, problems) = of_terraform("resource \"alicloud_alb_rule\" {", "");
    assert!(problems[0].starts_with("main.tf:1: this is no Terraform"), "{problems:#?}");
}

/// What leads to itself, and what grows without an end, is refused.
#[test]
fn expressions_are_bounded() {
    let text = "locals {\n  a = local.b\n  b = local.a\n}\nresource \"alicloud_alb_acl\" \"x\" {\n  acl_name = local.a\n  acl_entries {\n    entry = local.a\n  }\n}\n";
    let (_, problems) = of_terraform(text, "");
    assert!(problems[0].starts_with("main.tf:8: ") && problems[0].contains("leads too far"), "{problems:#?}");
    let mut text = "locals {\n  l0 = [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
    for level in 1..10 {
        let items = vec![format!("local.l{}", level - 1); 10].join(",");
        text.extend([&format!("  l{level} = "), "flatten([", &items, "])\n"]);
    }
    text.push_str("}\nresource \"alicloud_alb_acl\" \"x\" {\n  count = length(local.l9)\n}\n");
    let (balancer, problems) = of_terraform(&text, "");
    assert!(balancer.acls.is_empty() && problems[0].contains("`count` must be"), "{problems:#?}");
    // Texts that multiply, and expressions that stand deep in many others.
    let mut value = "\"aaaaaaaaaa\"".to_owned();
    for _ in 0..40 {
        value = format!("replace({value}, \"a\", \"aaaaaaaaaa\")");
    }
    let mut deep = "  d0 = 1\n".to_owned();
    for level in 1..60 {
        let (open, close) = ("(".repeat(40), ")".repeat(40));
        deep = format!("{deep}  d{level} = {open}local.d{}{close}\n", level - 1);
    }
    for value in [value.as_str(), "local.d59"] {
        let acl = format!("  acl_entries {{\n    entry = {value}\n  }}\n");
        let text = format!("locals {{\n{deep}}}\nresource \"alicloud_alb_acl\" \"x\" {{\n{acl}}}\n");
        let (_, problems) = of_terraform(&text, "");
        assert!(problems[0].contains("which is not known here"), "{problems:#?}");
    }
}
