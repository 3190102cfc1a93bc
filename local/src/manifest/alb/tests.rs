//! The same load balancer in each form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::balancer::{self, Here};
use super::group::Functions;
use super::source::{Problems, Source};
use super::{ros, short, terraform};
use crate::manifest::yaml;
use crate::model::alb::{
    ActionKind, ConditionKind, Direction, GroupKind, HeaderSource, ListenerProtocol, LoadBalancer,
    SystemValue,
};

fn put_together(source: &Source, problems: &mut Problems) -> LoadBalancer {
    let names = ["shop".to_owned(), "api".to_owned()];
    balancer::read(source, Functions { names: &names, resources: &[] }, &Here::default(), problems)
}

fn shown(problems: &Problems) -> Vec<String> {
    problems
        .0
        .iter()
        .map(|problem| {
            format!("{}{}", if problem.fatal { "" } else { "note: " }, problem.placed(Path::new("s.yaml")))
        })
        .collect()
}

pub(super) fn of_terraform(text: &str, values: &str) -> (LoadBalancer, Vec<String>) {
    let mut problems = Problems::default();
    let file = |name: &str, text: &str| vec![(PathBuf::from(name), text.to_owned())];
    let environment = |name: &str| (name == "TF_VAR_from_shell").then(|| "45".to_owned());
    let source = terraform::of_texts(
        &file("main.tf", text),
        &file("terraform.tfvars", values),
        &BTreeMap::new(),
        &environment,
        &mut problems,
    );
    let balancer = put_together(&source, &mut problems);
    (balancer, shown(&problems))
}

/// With `to` in place of `from` the text has a mistake, of which `part` is said.
#[track_caller]
pub(super) fn check_mistake(text: &str, (from, to): (&str, &str), part: &str) {
    assert!(text.contains(from), "{from}");
    let (_, problems) = of_terraform(&text.replacen(from, to, 1), "");
    let is_said = |own: &String| !own.starts_with("note") && own.contains(part);
    assert!(problems.iter().any(is_said), "{part}: {problems:#?}");
}

pub(super) fn of_ros(text: &str) -> (LoadBalancer, Vec<String>) {
    let mut problems = Problems::default();
    let parameters = BTreeMap::from([("Idle".to_owned(), "33".to_owned())]);
    let source = ros::read(text, &Arc::from(Path::new("alb.yaml")), &parameters, &mut problems);
    let balancer = source.map(|source| put_together(&source, &mut problems)).unwrap_or_default();
    (balancer, shown(&problems))
}

pub(super) fn of_short(text: &str) -> (LoadBalancer, Vec<String>) {
    let mut problems = Problems::default();
    let root = yaml::parse(text).unwrap().root;
    let source =
        short::read(root.child("listeners").unwrap(), &Arc::from(Path::new("s.yaml")), &mut problems);
    let balancer = put_together(&source, &mut problems);
    (balancer, shown(&problems))
}

const TERRAFORM: &str = r#"
variable "name" { default = "web" }
variable "certificate" {}
variable "from_shell" { default = "10" }
variable "set" { default = 1 }
locals {
  prefix = "${var.name}-x"
  paths  = { shop = ["/shop", "/shop/*"], api = ["/api/*"] }
}
resource "alicloud_alb_load_balancer" "main" {
  load_balancer_name    = var.name
  load_balancer_edition = "Standard"
  address_type          = "Internet"
  vpc_id                = alicloud_vpc.main.id
}
resource "alicloud_alb_server_group" "fn" {
  for_each          = toset(["shop", "api"])
  server_group_name = "${local.prefix}-${each.key}"
  server_group_type = "Fc"
  health_check_config {
    health_check_enabled  = each.key == "api"
    health_check_interval = "50"
    health_check_codes    = ["http_2xx", "http_4xx"]
  }
  servers {
    server_type = "Fc"
    server_id   = "acs:fc:${var.region}:${data.alicloud_account.me.id}:functions/${each.value}/prod"
  }
}
resource "alicloud_alb_listener" "https" {
  load_balancer_id  = alicloud_alb_load_balancer.main.id
  listener_protocol = "HTTPS"
  listener_port     = 400 + 43
  idle_timeout      = var.set
  request_timeout   = var.from_shell
  certificates { certificate_id = var.certificate }
  x_forwarded_for_config { x_forwarded_for_proto_enabled = true }
  default_actions {
    type = "ForwardGroup"
    forward_group_config {
      server_group_tuples { server_group_id = alicloud_alb_server_group.fn["shop"].id }
    }
  }
}
resource "alicloud_alb_rule" "paths" {
  for_each    = local.paths
  rule_name   = "to-${each.key}"
  listener_id = alicloud_alb_listener.https.id
  priority    = each.key == "api" ? 10 : 20
  dynamic "rule_conditions" {
    for_each = [each.value]
    content {
      type = "Path"
      path_config { values = rule_conditions.value }
    }
  }
  rule_actions {
    order = 2
    type  = "ForwardGroup"
    forward_group_config {
      server_group_tuples { server_group_id = alicloud_alb_server_group.fn[each.key].id }
    }
  }
  rule_actions {
    order = 1
    type  = "InsertHeader"
    insert_header_config {
      key        = "x-client"
      value      = "ClientSrcIp"
      value_type = "SystemDefined"
    }
  }
}
resource "alicloud_alb_rule" "old" {
  rule_name   = "old"
  listener_id = alicloud_alb_listener.https.id
  priority    = "30"
  rule_conditions {
    type = "Path"
    path_config { values = ["~^/old/(.*)$"] }
  }
  rule_actions {
    order = 1
    type  = "Redirect"
    redirect_config {
      path      = "/new/$${1}"
      query     = "$${query}"
      http_code = "302"
    }
  }
}
"#;

#[test]
fn terraform_is_read_with_its_expressions() {
    let (balancer, problems) = of_terraform(TERRAFORM, "set = 20\n");
    assert_eq!(problems, Vec::<String>::new());
    let names: Vec<&str> = balancer.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["web-x-api", "web-x-shop"]);
    let function = |name: &str| GroupKind::Fc {
        function: Some(name.to_owned()),
        qualifier: Some("prod".to_owned()),
        service: None,
    };
    assert_eq!((&balancer.groups[0].kind, &balancer.groups[1].kind), (&function("api"), &function("shop")));
    let check = balancer.groups[0].health_check.as_ref().unwrap();
    assert_eq!((check.interval, check.codes.as_slice()), (Duration::from_secs(50), [2, 4].as_slice()));
    assert!(balancer.groups[1].health_check.is_none());
    let listener = &balancer.listeners[0];
    assert_eq!(
        (listener.protocol, listener.port, listener.local_port),
        (ListenerProtocol::Https, 443, 10443)
    );
    assert_eq!(listener.idle_timeout, Duration::from_secs(20));
    assert_eq!(listener.request_timeout, Duration::from_secs(45));
    assert_eq!((listener.balancer.as_str(), listener.default.groups[0].group.0), ("web", 1));
    assert!(listener.x_forwarded.proto && listener.x_forwarded.forwarded_for && !listener.x_forwarded.host);
    let rules: Vec<(&str, u16)> =
        listener.rules.iter().map(|rule| (rule.name.as_str(), rule.priority)).collect();
    assert_eq!(rules, [("to-api", 10), ("to-shop", 20), ("old", 30)]);
    assert_eq!(
        listener.rules[1].conditions[0].kind,
        ConditionKind::Path(vec!["/shop".to_owned(), "/shop/*".to_owned()])
    );
    let ActionKind::InsertHeader { value, .. } = &listener.rules[0].actions[0].kind else {
        panic!("the first one")
    };
    assert_eq!(value, &HeaderSource::System(SystemValue::ClientSrcIp));
    let ActionKind::Redirect(redirect) = &listener.rules[2].actions[0].kind else { panic!("a redirect") };
    assert_eq!(
        (redirect.path.as_str(), redirect.host.as_str(), redirect.status),
        ("/new/${1}", "${host}", 302)
    );
    assert_eq!(listener.rules[2].place.to_string(), "main.tf:74");
}

const ROS: &str = r"
ROSTemplateFormatVersion: '2015-09-01'
Parameters:
  Name: {Type: String, Default: web}
  Idle: {Type: Number}
  Certificate: {Type: String}
Resources:
  Balancer:
    Type: ALIYUN::ALB::LoadBalancer
    Properties: {LoadBalancerName: !Ref Name, LoadBalancerEdition: Standard, AddressType: Internet}
  Group:
    Type: ALIYUN::ALB::ServerGroup
    Properties:
      ServerGroupName: !Sub '${Name}-shop'
      ServerGroupType: Fc
      HealthCheckConfig: {HealthCheckEnabled: false}
  Function:
    Type: ALIYUN::FC3::Function
    Properties: {FunctionName: shop}
  Attached:
    Type: ALIYUN::ALB::BackendServerAttachment
    Properties:
      ServerGroupId: {'Fn::GetAtt': [Group, ServerGroupId]}
      Servers: [{ServerType: Fc, ServerId: !GetAtt Function.Arn}]
  Web:
    Type: ALIYUN::ALB::Listener
    Properties:
      LoadBalancerId: !GetAtt Balancer.LoadBalancerId
      ListenerProtocol: HTTP
      ListenerPort: 80
      IdleTimeout: !Ref Idle
      XForwardedForConfig: {XForwardedForSLBPortEnabled: true, XForwardedForProcessingMode: remove}
      DefaultActions:
        - Type: ForwardGroup
          ForwardGroupConfig: {ServerGroupTuples: [{ServerGroupId: !Ref Group}]}
  Limit:
    Type: ALIYUN::ALB::Rule
    Properties:
      ListenerId: !Ref Web
      RuleName: limit
      Priority: 1
      RuleConditions:
        - {Type: QueryString, QueryStringConfig: {Values: [{Key: v, Value: '2'}]}}
      RuleActions:
        - {Type: TrafficLimit, Order: 1, TrafficLimitConfig: {QPS: 5}}
        - {Type: FixedResponse, Order: 2, FixedResponseConfig: {HttpCode: '200', Content: ok, ContentType: text/plain}}
  Errors:
    Type: ALIYUN::ALB::Rule
    Properties:
      ListenerId: !Ref Web
      RuleName: errors
      Priority: 1
      Direction: Response
      RuleConditions:
        - {Type: ResponseStatusCode, ResponseStatusCodeConfig: {Values: ['5xx']}}
      RuleActions:
        - {Type: RemoveHeader, Order: 1, RemoveHeaderConfig: {Key: x-powered-by}}
";

#[test]
fn a_ros_template_is_read_as_yaml_and_as_json() {
    let (balancer, problems) = of_ros(ROS);
    assert_eq!(problems, Vec::<String>::new());
    let listener = &balancer.listeners[0];
    assert_eq!((listener.port, listener.local_port, listener.idle_timeout.as_secs()), (80, 10080, 33));
    assert!(listener.x_forwarded.port && listener.x_forwarded.removes);
    let function = GroupKind::Fc { function: Some("shop".to_owned()), qualifier: None, service: None };
    assert_eq!((balancer.groups[0].name.as_str(), &balancer.groups[0].kind), ("web-shop", &function));
    let directions: Vec<_> = listener.rules.iter().map(|rule| rule.direction).collect();
    assert_eq!(directions, [Direction::Request, Direction::Response]);
    let ActionKind::Limit(limit) = &listener.rules[0].actions[0].kind else { panic!("a limit") };
    assert_eq!((limit.qps, limit.per_ip_qps), (Some(5), None));
    // JSON is YAML, with the long names of the functions.
    let json = yaml::parse_template(ROS).unwrap().root.to_json().to_string();
    let (other, problems) = of_ros(&json);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(other.listeners[0].rules.len(), 2);
    assert_eq!(other.groups[0].kind, balancer.groups[0].kind);
}

#[test]
fn the_short_form_needs_nothing_else() {
    let (balancer, problems) = of_short(
        "listeners:
- port: 80
  function: shop
  idleTimeout: 30
  rules:
  - path: [/api, /api/*]
    method: GET
    header: {x-plan: gold}
    function: api.prod
    rewrite: {path: '/v2{path}'}
  - host: old.example.com
    redirect: {host: www.example.com}
  - query: {debug: ~, v: ['1', '2']}
    server: localhost:3000
- port: 443
  function: shop
",
    );
    assert_eq!(problems, Vec::<String>::new());
    let protocols: Vec<_> = balancer.listeners.iter().map(|own| (own.protocol, own.local_port)).collect();
    assert_eq!(protocols, [(ListenerProtocol::Http, 10080), (ListenerProtocol::Https, 10443)]);
    assert_eq!(balancer.groups.len(), 3);
    let rules = &balancer.listeners[0].rules;
    assert_eq!((rules[0].conditions.len(), rules[0].actions.len(), rules[0].priority), (3, 2, 10));
    let ActionKind::Rewrite(rewrite) = &rules[0].actions[0].kind else { panic!("a rewrite") };
    assert_eq!((rewrite.path.as_str(), rewrite.query.as_str()), ("/v2${path}", "${query}"));
    let ConditionKind::Query(pairs) = &rules[2].conditions[0].kind else { panic!("a query") };
    assert_eq!(pairs.len(), 3);
    assert_eq!(rules[2].place.to_string(), "s.yaml:13");
}
