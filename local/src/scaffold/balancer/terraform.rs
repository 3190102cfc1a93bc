//! The plan as Terraform.

use std::fmt::Write as _;

use super::plan::{Group, Plan, Rule};

/// What probes cost, which both files tell.
pub(super) const COSTS: [&str; 5] = [
    "Health checks of a function are off by default, and each probe is an invocation that is billed: every 2 s",
    "from each zone are more than 43 000 a day and zone, and no function ever comes to rest. With one function in",
    "a group a check redirects nothing: while all servers are unhealthy, requests are forwarded all the same. If",
    "monitoring needs a check: an interval of 50 s, a cheap path, and a time-out that is longer than a cold start.",
    "`fc-local dev` sends the same probes, and shows and counts them as invocations.",
];

/// The whole file.
pub(super) fn text(plan: &Plan) -> String {
    let mut out = format!(
        "# A load balancer (ALB) in front of the functions of this project. Made by `fc-local alb init`; it is yours now.\n\
         # `fc-local dev` reads this file too: a listener of port N answers on port N + 10000 of this machine.\n\
         # `fc-local alb explain GET http://HOST/PATH` tells which rule takes a request, and why.\n\n\
         terraform {{\n  required_providers {{\n    alicloud = {{\n      source  = \"aliyun/alicloud\"\n      version = \">= 1.242.0\"\n    }}\n  }}\n}}\n\n\
         provider \"alicloud\" {{\n  region = var.region\n}}\n\n\
         variable \"region\" {{\n  type    = string\n  default = {}\n}}\n\n\
         variable \"vpc_id\" {{\n  type        = string\n  description = \"The VPC of the load balancer\"\n}}\n\n\
         variable \"vswitches\" {{\n  type        = map(string)\n  description = \"At least two zones, and a vSwitch in each: {{ \\\"cn-hangzhou-h\\\" = \\\"vsw-…\\\" }}\"\n  default     = {{}}\n}}\n\n",
        quoted(&plan.region)
    );
    if plan.has_tls {
        out.push_str(
            "variable \"certificate_id\" {\n  type        = string\n  description = \"A certificate of Certificate Management Service, as ID-REGION. On this machine the local authority signs one\"\n}\n\n",
        );
    }
    out.push_str("data \"alicloud_account\" \"current\" {}\n\n");
    _ = writeln!(
        out,
        "resource \"alicloud_alb_load_balancer\" \"main\" {{\n  load_balancer_name    = {}\n  load_balancer_edition = \"Standard\"\n  address_type          = \"Internet\"\n  vpc_id                = var.vpc_id\n\n  load_balancer_billing_config {{\n    pay_type = \"PayAsYouGo\"\n  }}\n\n  dynamic \"zone_mappings\" {{\n    for_each = var.vswitches\n    content {{\n      zone_id    = zone_mappings.key\n      vswitch_id = zone_mappings.value\n    }}\n  }}\n}}\n",
        quoted(&plan.name)
    );
    for line in COSTS {
        _ = writeln!(out, "# {line}");
    }
    for group in &plan.groups {
        self::group(plan, group, &mut out);
    }
    listener(plan, false, &mut out);
    if plan.has_tls {
        listener(plan, true, &mut out);
    }
    for (number, rule) in plan.rules.iter().enumerate() {
        self::rule(plan, number, rule, false, &mut out);
        if plan.has_tls {
            self::rule(plan, number, rule, true, &mut out);
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn group(plan: &Plan, group: &Group, out: &mut String) {
    _ = writeln!(
        out,
        "resource \"alicloud_alb_server_group\" \"{}\" {{\n  server_group_name = {}\n  server_group_type = \"Fc\"\n\n  health_check_config {{\n    health_check_enabled = false\n  }}\n\n  servers {{\n    server_type = \"Fc\"\n    server_id   = \"acs:fc:${{var.region}}:${{data.alicloud_account.current.id}}:functions/{}\"\n  }}\n}}\n",
        group.label(),
        quoted(&format!("{}-{}", plan.name, group.label().replace('_', "-"))),
        group.target()
    );
}

fn listener(plan: &Plan, is_tls: bool, out: &mut String) {
    let (label, protocol, port) = if is_tls { ("https", "HTTPS", 443) } else { ("http", "HTTP", 80) };
    let certificate =
        if is_tls { "\n  certificates {\n    certificate_id = var.certificate_id\n  }\n" } else { "" };
    let first = plan.groups.first().map(Group::label).unwrap_or_default();
    _ = writeln!(
        out,
        "resource \"alicloud_alb_listener\" \"{label}\" {{\n  load_balancer_id  = alicloud_alb_load_balancer.main.id\n  listener_protocol = \"{protocol}\"\n  listener_port     = {port}\n  request_timeout   = 60\n{certificate}\n  x_forwarded_for_config {{\n    x_forwarded_for_enabled          = true\n    x_forwarded_for_proto_enabled    = true\n    x_forwarded_for_slb_port_enabled = true\n  }}\n\n  default_actions {{\n    type = \"ForwardGroup\"\n    forward_group_config {{\n      server_group_tuples {{\n        server_group_id = alicloud_alb_server_group.{first}.id\n      }}\n    }}\n  }}\n}}\n"
    );
}

fn rule(plan: &Plan, number: usize, rule: &Rule, is_tls: bool, out: &mut String) {
    let listener = if is_tls { "https" } else { "http" };
    let name = format!("{listener}-rule-{}", number + 1);
    _ = write!(
        out,
        "resource \"alicloud_alb_rule\" \"{}\" {{\n  rule_name   = \"{name}\"\n  listener_id = alicloud_alb_listener.{listener}.id\n  priority    = {}\n",
        name.replace('-', "_"),
        (number + 1) * 10
    );
    let mut condition = |kind: &str, key: &str, values: &[String]| {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            _ = write!(
                out,
                "\n  rule_conditions {{\n    type = \"{kind}\"\n    {key} {{\n      values = [{}]\n    }}\n  }}\n",
                values.join(", ")
            );
        }
    };
    condition("Host", "host_config", rule.host.as_slice());
    condition("Path", "path_config", &rule.paths);
    condition("Method", "method_config", &rule.methods);
    _ = writeln!(
        out,
        "\n  rule_actions {{\n    order = 1\n    type  = \"ForwardGroup\"\n    forward_group_config {{\n      server_group_tuples {{\n        server_group_id = alicloud_alb_server_group.{}.id\n      }}\n    }}\n  }}\n}}\n",
        plan.groups[rule.group].label()
    );
}

/// A text of Terraform: nothing in it is an expression.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{escaped}\"")
}
