//! The plan as a ROS template.

use std::fmt::Write as _;

use super::plan::{Group, Plan, Rule};
use super::terraform::COSTS;

/// The whole file.
pub(super) fn text(plan: &Plan) -> String {
    let mut out = "# A load balancer (ALB) in front of the functions of this project, for ROS. Made by `fc-local alb init`; it is yours now.\n\
                   # `main.tf` has the same for Terraform, and is what `fc-local dev` reads; `x-local.alb: alb/ros.yaml` reads this file.\n\
                   ROSTemplateFormatVersion: '2015-09-01'\nParameters:\n  VpcId:\n    Type: String\n  ZoneA:\n    Type: String\n  VSwitchA:\n    Type: String\n  ZoneB:\n    Type: String\n  VSwitchB:\n    Type: String\n"
        .to_owned();
    if plan.has_tls {
        out.push_str("  CertificateId:\n    Type: String\n    Description: A certificate of Certificate Management Service, as ID-REGION\n");
    }
    _ = writeln!(
        out,
        "Resources:\n  LoadBalancer:\n    Type: ALIYUN::ALB::LoadBalancer\n    Properties:\n      LoadBalancerName: {}\n      LoadBalancerEdition: Standard\n      AddressType: Internet\n      VpcId: {{Ref: VpcId}}\n      LoadBalancerBillingConfig: {{PayType: PostPay}}\n      ZoneMappings:\n      - {{ZoneId: {{Ref: ZoneA}}, VSwitchId: {{Ref: VSwitchA}}}}\n      - {{ZoneId: {{Ref: ZoneB}}, VSwitchId: {{Ref: VSwitchB}}}}",
        quoted(&plan.name)
    );
    for line in COSTS {
        _ = writeln!(out, "  # {line}");
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
    out
}

/// The name of a group's resource: letters and digits, and of two groups never the same.
fn resource(plan: &Plan, group: &Group) -> String {
    let number = plan.groups.iter().position(|own| own == group).unwrap_or_default() + 1;
    let letters = group.label().replace(|c: char| !c.is_ascii_alphanumeric(), "");
    format!("Group{number}{letters}")
}

fn group(plan: &Plan, group: &Group, out: &mut String) {
    let resource = resource(plan, group);
    let name = quoted(&format!("{}-{}", plan.name, group.label().replace('_', "-")));
    let target = group.target();
    _ = writeln!(
        out,
        "  {resource}:\n    Type: ALIYUN::ALB::ServerGroup\n    Properties:\n      ServerGroupName: {name}\n      ServerGroupType: Fc\n      HealthCheckConfig: {{HealthCheckEnabled: false}}\n  {resource}Function:\n    Type: ALIYUN::ALB::BackendServerAttachment\n    Properties:\n      ServerGroupId: {{'Fn::GetAtt': [{resource}, ServerGroupId]}}\n      Servers:\n      - ServerType: Fc\n        ServerId: {{'Fn::Sub': 'acs:fc:${{ALIYUN::Region}}:${{ALIYUN::TenantId}}:functions/{target}'}}"
    );
}

fn listener(plan: &Plan, is_tls: bool, out: &mut String) {
    let (label, protocol, port) = if is_tls { ("Https", "HTTPS", 443) } else { ("Http", "HTTP", 80) };
    let certificate =
        if is_tls { "      Certificates:\n      - {CertificateId: {Ref: CertificateId}}\n" } else { "" };
    let first = plan.groups.first().map(|group| resource(plan, group)).unwrap_or_default();
    _ = writeln!(
        out,
        "  {label}:\n    Type: ALIYUN::ALB::Listener\n    Properties:\n      LoadBalancerId: {{'Fn::GetAtt': [LoadBalancer, LoadBalancerId]}}\n      ListenerProtocol: {protocol}\n      ListenerPort: {port}\n      RequestTimeout: 60\n{certificate}      XForwardedForConfig:\n        XForwardedForEnabled: true\n        XForwardedForProtoEnabled: true\n        XForwardedForSLBPortEnabled: true\n      DefaultActions:\n      - Type: ForwardGroup\n        ForwardGroupConfig:\n          ServerGroupTuples:\n          - {{ServerGroupId: {{'Fn::GetAtt': [{first}, ServerGroupId]}}}}"
    );
}

fn rule(plan: &Plan, number: usize, rule: &Rule, is_tls: bool, out: &mut String) {
    let listener = if is_tls { "Https" } else { "Http" };
    let name = format!("{}-rule-{}", listener.to_ascii_lowercase(), number + 1);
    _ = writeln!(
        out,
        "  {listener}Rule{}:\n    Type: ALIYUN::ALB::Rule\n    Properties:\n      RuleName: {name}\n      ListenerId: {{'Fn::GetAtt': [{listener}, ListenerId]}}\n      Priority: {}\n      RuleConditions:",
        number + 1,
        (number + 1) * 10
    );
    let mut condition = |kind: &str, values: &[String]| {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            _ = writeln!(out, "      - {{Type: {kind}, {kind}Config: {{Values: [{}]}}}}", values.join(", "));
        }
    };
    condition("Host", rule.host.as_slice());
    condition("Path", &rule.paths);
    condition("Method", &rule.methods);
    _ = writeln!(
        out,
        "      RuleActions:\n      - Type: ForwardGroup\n        Order: 1\n        ForwardGroupConfig:\n          ServerGroupTuples:\n          - {{ServerGroupId: {{'Fn::GetAtt': [{}, ServerGroupId]}}}}",
        resource(plan, &plan.groups[rule.group])
    );
}

/// A text of YAML.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
