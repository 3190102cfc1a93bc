//! Every setting of listeners and server groups in each form: it is read, and what is not emulated is said once.

use std::time::Duration;

use super::balancer;
use super::source::Problems;
use super::tests::{check_mistake, of_ros, of_short, of_terraform};
use crate::model::alb::{BackendProtocol, ProbeMethod, StickySession};

/// Settings of a listener and of groups, as Terraform. What is in angle brackets stands for more.
const TERRAFORM: &str = r#"
resource "alicloud_alb_load_balancer" "main" {
  load_balancer_name     = "web"
  load_balancer_edition  = "Standard"
  address_type           = "Internet"
  address_allocated_mode = "Fixed"
  address_ip_version     = "IPv4"
  vpc_id                 = "vpc-1"
  resource_group_id      = "rg-1"
  bandwidth_package_id   = "cbwp-1"
  deletion_protection_enabled = true
  security_group_ids     = ["sg-1"]
  tags                   = { a = "b" }
  load_balancer_billing_config { pay_type = "PayAsYouGo" }
  modification_protection_config { status = "NonProtection" }
  access_log_config {
    log_project = "p"
    log_store   = "s"
  }
  zone_mappings {
    vswitch_id = "vsw-1"
    zone_id    = "cn-hangzhou-h"
  }
}
resource "alicloud_alb_listener" "https" {
  load_balancer_id     = alicloud_alb_load_balancer.main.id
  listener_protocol    = "HTTPS"
  listener_port        = 443
  listener_description = "https"
  idle_timeout         = 60
  request_timeout      = 180
  gzip_enabled         = false
  http2_enabled        = true
  security_policy_id   = "tls_cipher_policy_1_0"
  status               = "Running"
  tags                 = { a = "b" }
  dry_run              = false
  access_log_record_customized_headers_enabled = true
  access_log_tracing_config {
    tracing_enabled = true
    tracing_sample  = 100
    tracing_type    = "Zipkin"
  }
  certificates { certificate_id = "cert-1" }
  ca_enabled = true
  ca_certificates { certificate_id = "ca-1" }
  quic_config {
    quic_upgrade_enabled = true
    quic_listener_id     = "lsn-2"
  }
  x_forwarded_for_config {
    x_forwarded_for_enabled                                 = true
    x_forwarded_for_processing_mode                         = "append"
    x_forwarded_for_proto_enabled                           = true
    x_forwarded_for_slb_id_enabled                          = true
    x_forwarded_for_slb_port_enabled                        = true
    x_forwarded_for_host_enabled                            = true
    x_forwarded_for_client_src_port_enabled                 = true
    x_forwarded_for_client_source_ips_enabled               = true
    x_forwarded_for_client_source_ips_trusted               = "10.0.0.0/8;192.168.0.1"
    x_forwarded_for_client_cert_subject_dn_enabled          = true
    x_forwarded_for_client_cert_subject_dn_alias            = "a-1"
    x_forwarded_for_client_cert_issuer_dn_enabled           = true
    x_forwarded_for_client_cert_issuer_dn_alias             = "a-2"
    x_forwarded_for_client_cert_finger_print_enabled        = true
    x_forwarded_for_client_cert_finger_print_alias          = "a-3"
    x_forwarded_for_client_cert_client_verify_enabled       = true
    x_forwarded_for_client_cert_client_verify_alias         = "a-4"
  }
  default_actions {
    type = "ForwardGroup"
    forward_group_config {
      server_group_tuples { server_group_id = alicloud_alb_server_group.ip.id }
    }
  }
}
resource "alicloud_alb_server_group" "ip" {
  server_group_name = "ip-group"
  server_group_type = "Ip"
  protocol          = "HTTPS"
  scheduler         = "Uch"
  vpc_id            = "vpc-1"
  resource_group_id = "rg-1"
  tags              = { a = "b" }
  cross_zone_enabled         = true
  ipv6_enabled               = false
  upstream_keepalive_enabled = true
  service_name               = "ingress"
  health_check_template_id   = "hct-1"
  uch_config {
    type  = "QueryString"
    value = "user"
  }
  connection_drain_config {
    connection_drain_enabled = true
    connection_drain_timeout = 300
  }
  slow_start_config {
    slow_start_enabled  = true
    slow_start_duration = 30
  }
  sticky_session_config {
    sticky_session_enabled = true
    sticky_session_type    = "Server"
    cookie                 = "JSESSIONID"
  }
  health_check_config {
    health_check_enabled      = true
    health_check_connect_port = 0
    health_check_host         = "$SERVER_IP"
    health_check_http_version = "HTTP1.1"
    health_check_interval     = 2
    health_check_method       = "HEAD"
    health_check_path         = "/healthz?a=b"
    health_check_protocol     = "HTTPS"
    health_check_timeout      = 5
    healthy_threshold         = 3
    unhealthy_threshold       = 3
    health_check_codes        = ["http_2xx", "http_3xx"]
  }
  servers {
    server_type       = "Ip"
    server_id         = "10.0.0.1"
    server_ip         = "10.0.0.1"
    port              = 80
    weight            = 100
    description       = "one"
    remote_ip_enabled = true
  }
}
resource "alicloud_alb_server_group" "grpc" {
  server_group_name = "grpc-group"
  server_group_type = "Ip"
  protocol          = "gRPC"
  health_check_config {
    health_check_enabled  = true
    health_check_protocol = "gRPC"
    health_check_method   = "POST"
    health_check_path     = "/grpc.health.v1.Health/Check"
    health_check_codes    = ["0", "12-14"]
  }
}
resource "alicloud_alb_server_group" "fn" {
  server_group_name = "fn-group"
  server_group_type = "Fc"
  protocol          = "HTTP"
  health_check_config {
    health_check_enabled  = true
    health_check_protocol = "TCP"
    health_check_host     = "123.cn-hangzhou.fc.aliyuncs.com"
  }
  sticky_session_config { sticky_session_enabled = false }
  servers {
    server_type = "Fc"
    server_id   = "acs:fc:cn-hangzhou:123:functions/shop"
  }
}
"#;

/// What is said of the settings above, in both spellings: the name as Terraform has it, and a part of the sentence.
const SAID: [(&str, &str); 10] = [
    ("quic_config", "is not emulated"),
    ("security_policy_id", "TLS 1.0 or 1.1"),
    ("access_log_record_customized_headers_enabled", "there is no access log here"),
    ("connection_drain_config", "is not emulated"),
    ("slow_start_config", "is not emulated"),
    ("scheduler", "servers are chosen by weight"),
    ("upstream_keepalive_enabled", "a connection of its own"),
    ("health_check_template_id", "exists only in the cloud"),
    ("health_check_protocol", "plain text"),
    ("health_check_protocol", "no effect on a group of a function"),
];

/// What is said of protocols.
const PROTOCOLS: [&str; 2] = ["requests go on in plain text", "asked by HTTP/1.1"];

#[track_caller]
fn check(problems: &[String], spelled: impl Fn(&str) -> String) {
    for (name, part) in SAID {
        let name = format!("`{}`", spelled(name));
        let said = problems
            .iter()
            .filter(|own| own.starts_with("note: ") && own.contains(&name) && own.contains(part));
        assert_eq!(said.count(), 1, "{name} {part}: {problems:#?}");
    }
    for part in PROTOCOLS {
        assert_eq!(problems.iter().filter(|own| own.contains(part)).count(), 1, "{part}: {problems:#?}");
    }
    assert_eq!(problems.len(), SAID.len() + PROTOCOLS.len(), "{problems:#?}");
}

#[test]
fn terraform_has_every_setting() {
    let (balancer, problems) = of_terraform(TERRAFORM, "");
    check(&problems, str::to_owned);
    assert_eq!(balancer.listeners[0].tracing, Some(100));
    let group = |name: &str| balancer.groups.iter().find(|group| group.name == name).unwrap();
    assert_eq!(group("ip-group").sticky_session, Some(StickySession::Server("JSESSIONID".to_owned())));
    assert_eq!(group("ip-group").protocol, BackendProtocol::Http);
    let grpc = group("grpc-group");
    let check = grpc.health_check.as_ref().unwrap();
    assert_eq!((grpc.protocol, check.method), (BackendProtocol::Grpc, ProbeMethod::Grpc));
    assert_eq!(check.codes, [0, 12, 13, 14]);
    let check = group("fn-group").health_check.as_ref().unwrap();
    assert_eq!(
        (check.method, check.interval, check.codes.as_slice()),
        (ProbeMethod::Head, Duration::from_secs(2), &[2][..])
    );
    assert_eq!(check.host.as_deref(), Some("123.cn-hangzhou.fc.aliyuncs.com"));
}

#[test]
fn a_listener_of_http_does_not_take_grpc() {
    let named = |to: &str| {
        TERRAFORM.replace("alicloud_alb_server_group.ip.id", &format!("alicloud_alb_server_group.{to}.id"))
    };
    let noted = |text: &str| {
        let (balancer, _) = of_terraform(text, "");
        let mut problems = Problems::default();
        balancer::check_groups(&balancer, &mut problems);
        problems.0.iter().filter(|own| !own.fatal && own.text.contains("`grpc-group` speaks gRPC")).count()
    };
    assert_eq!((noted(TERRAFORM), noted(&named("grpc"))), (0, 0));
    assert_eq!(
        noted(
            &named("grpc")
                .replace("\"HTTPS\"\n  listener_port        = 443", "\"HTTP\"\n  listener_port        = 80")
        ),
        1
    );
}

#[test]
fn ros_has_every_setting() {
    let text = r"
ROSTemplateFormatVersion: '2015-09-01'
Resources:
  Main:
    Type: ALIYUN::ALB::LoadBalancer
    Properties: {LoadBalancerName: web, LoadBalancerEdition: Standard, AddressType: Internet, VpcId: vpc-1, ZoneMappings: []}
  Https:
    Type: ALIYUN::ALB::Listener
    Properties:
      LoadBalancerId: !Ref Main
      ListenerProtocol: HTTPS
      ListenerPort: 443
      ListenerDescription: https
      IdleTimeout: 60
      RequestTimeout: 180
      GzipEnabled: false
      Http2Enabled: true
      SecurityPolicyId: tls_cipher_policy_1_0
      CaEnabled: true
      CaCertificates: [{CertificateId: ca-1}]
      Certificates: [{CertificateId: cert-1}]
      QuicConfig: {QuicUpgradeEnabled: true, QuicListenerId: lsn-2}
      LogConfig:
        AccessLogRecordCustomizedHeadersEnabled: true
        AccessLogTracingConfig: {TracingEnabled: true, TracingSample: 100, TracingType: Zipkin}
      XForwardedForConfig:
        XForwardedForEnabled: true
        XForwardedForProcessingMode: append
        XForwardedForProtoEnabled: true
        XForwardedForSLBIdEnabled: true
        XForwardedForSLBPortEnabled: true
        XForwardedForHostEnabled: true
        XForwardedForClientSrcPortEnabled: true
        XForwardedForClientSourceIpsEnabled: true
        XForwardedForClientSourceIpsTrusted: 10.0.0.0/8
        XForwardedForClientCertSubjectDNEnabled: true
        XForwardedForClientCertSubjectDNAlias: a-1
        XForwardedForClientCertIssuerDNEnabled: true
        XForwardedForClientCertIssuerDNAlias: a-2
        XForwardedForClientCertFingerprintEnabled: true
        XForwardedForClientCertFingerprintAlias: a-3
        XForwardedForClientCertClientVerifyEnabled: true
        XForwardedForClientCertClientVerifyAlias: a-4
      DefaultActions: [{Type: ForwardGroup, ForwardGroupConfig: {ServerGroupTuples: [{ServerGroupId: !Ref Ip}]}}]
  Ip:
    Type: ALIYUN::ALB::ServerGroup
    Properties:
      ServerGroupName: ip-group
      ServerGroupType: Ip
      Protocol: HTTPS
      Scheduler: Wlc
      VpcId: vpc-1
      UpstreamKeepaliveEnabled: true
      HealthCheckTemplateId: hct-1
      ServiceName: ingress
      ConnectionDrainConfig: {ConnectionDrainEnabled: true, ConnectionDrainTimeout: 300}
      SlowStartConfig: {SlowStartEnabled: true, SlowStartDuration: 30}
      StickySessionConfig: {StickySessionEnabled: true, StickySessionType: Server, Cookie: JSESSIONID}
      HealthCheckConfig:
        HealthCheckEnabled: true
        HealthCheckConnectPort: 0
        HealthCheckHost: $SERVER_IP
        HealthCheckHttpVersion: HTTP1.1
        HealthCheckInterval: 2
        HealthCheckMethod: HEAD
        HealthCheckPath: /healthz
        HealthCheckProtocol: HTTPS
        HealthCheckTimeout: 5
        HealthyThreshold: 3
        UnhealthyThreshold: 3
        HealthCheckCodes: [http_2xx, http_3xx]
  Servers:
    Type: ALIYUN::ALB::BackendServerAttachment
    Properties:
      ServerGroupId: !Ref Ip
      Servers: [{ServerType: Ip, ServerId: 10.0.0.1, ServerIp: 10.0.0.1, Port: 80, Weight: 100, Description: one}]
  Fn:
    Type: ALIYUN::ALB::ServerGroup
    Properties:
      ServerGroupName: fn-group
      ServerGroupType: Fc
      Protocol: HTTP
      HealthCheckConfig: {HealthCheckEnabled: true, HealthCheckProtocol: TCP}
  Function:
    Type: ALIYUN::ALB::BackendServerAttachment
    Properties: {ServerGroupId: !Ref Fn, Servers: [{ServerType: Fc, ServerId: 'acs:fc:cn-hangzhou:123:functions/shop'}]}
";
    let (balancer, problems) = of_ros(text);
    check(&problems, |name| super::spelling::spelled(super::source::Form::Ros, name));
    assert_eq!(balancer.listeners[0].tracing, Some(100));
    assert_eq!(balancer.groups[0].sticky_session, Some(StickySession::Server("JSESSIONID".to_owned())));
}

#[test]
fn the_short_form_has_its_own_settings_and_says_which() {
    let (balancer, problems) = of_short(
        "listeners:\n- {port: 443, protocol: HTTPS, function: shop, idleTimeout: 60, requestTimeout: 60, gzipEnabled: false, http2Enabled: false, forwarded: false}\n",
    );
    assert_eq!(problems, Vec::<String>::new());
    let listener = &balancer.listeners[0];
    assert!(!listener.gzip && !listener.http2 && !listener.x_forwarded.proto);
    let (_, problems) = of_short(
        "listeners:\n- {port: 80, function: shop, xForwardedForConfig: {}, healthCheckConfig: {}}\n",
    );
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].contains("there are: port, protocol, function"), "{problems:#?}");
}

/// Settings with a mistake, and a part of what is said of it.
#[test]
fn mistakes_in_groups_and_tracing_have_their_lines() {
    for (from, to, part) in [
        ("tracing_sample  = 100", "tracing_sample  = 0", "`tracing_sample` must be 1 to 10000"),
        ("tracing_type    = \"Zipkin\"", "tracing_type    = \"Jaeger\"", "must be Zipkin"),
        (
            "load_balancer_edition  = \"Standard\"",
            "load_balancer_edition  = \"Basic\"",
            "for the editions Standard",
        ),
        ("cookie                 = \"JSESSIONID\"", "", "`cookie` is missing"),
        ("\"JSESSIONID\"", "\"$id\"", "no `$` first"),
        ("\"JSESSIONID\"", "\"a,b\"", "without blanks"),
        ("\"JSESSIONID\"", "\"\"", "1 to 200"),
        ("\"Server\"\n", "\"Insert\"\n    cookie_timeout = 90000\n", "must be 1 to 86400"),
        ("connection_drain_timeout = 300", "connection_drain_timeout = 901", "must be 0 to 900"),
        ("slow_start_duration = 30", "slow_start_duration = 29", "must be 30 to 900"),
        ("type  = \"QueryString\"", "type  = \"Cookie\"", "must be QueryString"),
        ("[\"0\", \"12-14\"]", "[\"100\"]", "gRPC's codes are 0 to 99"),
        ("[\"0\", \"12-14\"]", "[\"http_2xx\"]", "gRPC's codes are 0 to 99"),
        ("[\"http_2xx\", \"http_3xx\"]", "[\"0\"]", "there are http_2xx"),
        (
            "health_check_method       = \"HEAD\"",
            "health_check_method       = \"POST\"",
            "for checks by gRPC alone",
        ),
        ("/healthz?a=b", "/health z", "may not hold ` `"),
        ("\"$SERVER_IP\"", "\"Example.com\"", "small letters"),
        (
            "sticky_session_config { sticky_session_enabled = false }",
            "sticky_session_config { sticky_session_enabled = true }",
            "is not for a group of a function",
        ),
    ] {
        check_mistake(TERRAFORM, (from, to), part);
    }
    let (_, problems) = of_terraform(&TERRAFORM.replace("access_log_config {", "unknown_config {"), "");
    assert!(problems.iter().any(|own| own.contains("needs the access log")), "{problems:#?}");
}
