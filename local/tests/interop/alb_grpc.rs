//! gRPC at a listener of a load balancer, by its real clients: to servers that speak it, and to a function.

use std::path::Path;

use testkit::events::kind;
use testkit::grpc_cases::{COMPRESSED, PLAIN};
use testkit::{Folder, Launch};

use super::browser::{look, serve_page};
use super::grpc::{cases, program, stubs};
use super::{node, python, root, succeed};
use crate::alb::{group, listener, manifest, port_of};
use crate::harness::{Local, f, scripted};
use crate::tls::authority;

fn https(port: u16, to: &str) -> String {
    let certificate = "certificates {\n certificate_id = \"cert-1\"\n }\n idle_timeout = 60";
    listener(port, to, certificate).replace("\"HTTP\"", "\"HTTPS\"")
}

/// A group of one server that speaks gRPC, checked by gRPC.
fn servers(port: u16) -> String {
    format!(
        "resource \"alicloud_alb_server_group\" \"servers\" {{\n server_group_name = \"servers-group\"\n \
         server_group_type = \"Ip\"\n vpc_id = \"vpc-1\"\n protocol = \"gRPC\"\n health_check_config {{\n \
         health_check_enabled = true\n health_check_protocol = \"gRPC\"\n health_check_method = \"POST\"\n \
         health_check_path = \"/grpc.health.v1.Health/Check\"\n health_check_codes = [\"0\"]\n \
         health_check_interval = 1\n healthy_threshold = 2\n }}\n servers {{\n server_type = \"Ip\"\n \
         server_id = \"127.0.0.1\"\n server_ip = \"127.0.0.1\"\n port = {port}\n }}\n }}\n"
    )
}

/// gRPC's own interoperability cases: each kind of call, compression, metadata, statuses, deadlines and cancellation.
#[test]
#[ignore = "needs grpcio and grpc-js: .ci/run runs it with --ignored"]
fn the_cases_of_grpc_come_through_to_a_server() {
    let server = program("grpc-interop", "interop-closures");
    let (_server, port) = Launch::new(server.to_str().unwrap()).start_on_port("FC_CUSTOM_LISTEN_PORT");
    let folder = scripted();
    folder.write("alb/main.tf", &[group("f"), servers(port), https(443, "servers")].concat());
    folder.write("s.yaml", &manifest([f()], &[443]).to_string());
    let local = Local::start(folder, &[]);
    let (port, file) = (port_of(&local, 443), authority(&local));
    let stubs = stubs(&cases(), "test.proto", &["python_out", "grpc_python_out"]);
    let all = [&PLAIN[..], &COMPRESSED].concat();
    let mut client = python();
    client.arg(cases().join("clients/grpcio_cases.py")).arg(port.to_string()).arg(stubs.path());
    succeed(client.env("GRPC_CA", &file).args(&all));
    let mut client = node();
    client
        .arg(cases().join("clients/grpc_js_cases.js"))
        .arg(port.to_string())
        .arg(cases().join("test.proto"));
    succeed(client.env("GRPC_CA", &file).args(&all));
    let by_server =
        kind("request").field("path", "/grpc.testing.TestService/EmptyCall").field("grpcStatus", 0);
    assert_eq!(local.wait_for(by_server)["alb"]["statusBy"], "server");
    local.wait_for(kind("alb").field("what", "healthy").field("group", "servers-group"));
    assert_eq!(local.count(kind("alb").field("what", "grpc_to_function")), 0);
}

/// Says how the greeter answers by gRPC. Its arguments are the port, the authority and the folder of the stubs.
const PYTHON: &str = r#"
import sys
import grpc
sys.path.insert(0, sys.argv[3])
import greeter_pb2 as pb, greeter_pb2_grpc as stubs
trust = grpc.ssl_channel_credentials(open(sys.argv[2], "rb").read())
with grpc.secure_channel("127.0.0.1:" + sys.argv[1], trust) as channel:
    try:
        print("OK", stubs.GreeterStub(channel).SayHello(pb.HelloRequest(name="tea"), timeout=20).message)
    except grpc.RpcError as error:
        print(error.code().name, error.details())
"#;

/// A group of a function has no protocol of its own: HTTP/1.1 goes to it, by which gRPC does not work. gRPC-Web does.
#[test]
#[ignore = "needs grpcio and chromium: .ci/run runs it with --ignored"]
fn a_function_is_reached_by_grpc_web_and_not_by_grpc() {
    let folder = Folder::new();
    folder.link("code/bootstrap", program("greeter", "greeter"));
    folder.write("alb/main.tf", &[group("f"), listener(80, "f", ""), https(443, "f")].concat());
    folder.write("s.yaml", &manifest([f().timeout(60).concurrency(200)], &[80, 443]).to_string());
    let local = Local::start(folder, &["--no-watch"]);
    let (plain, port, file) = (port_of(&local, 80), port_of(&local, 443), authority(&local));
    let stubs = stubs(&root().join("proto"), "greeter.proto", &["python_out", "grpc_python_out"]);
    let said = greet(port, &file, stubs.path());
    assert!(!said.starts_with("OK") && !said.starts_with("DEADLINE"), "{said}");
    greet(port, &file, stubs.path());
    let told = local.wait_for(kind("alb").field("what", "grpc_to_function"));
    assert_eq!((&told["target"], &told["level"]), (&"f".into(), &"warning".into()));
    assert_eq!(local.count(kind("alb").field("what", "grpc_to_function")), 1, "it is said once");
    let record =
        local.wait_for(kind("request").field("path", "/greeter.Greeter/SayHello").field("method", "POST"));
    assert_eq!(record["alb"]["statusBy"], "function", "{record:?}: {said}");

    let page = serve_page(include_str!("../../../tests/interop/grpc_web.html"));
    let base = format!("http://localhost:{plain}");
    let seen = look(&format!("http://127.0.0.1:{page}/?base={base}"), &["--virtual-time-budget=20000"]);
    let all = "one: 0 Hello tea; text: 0 Hello tea; several: 0 Hello tea,Bonjour tea,你好 tea; refused: 3; nowhere: 12";
    assert_eq!(seen, all);
    let web = kind("request").field("path", "/greeter.Greeter/SayHellos").field("method", "POST").status(200);
    assert_eq!(local.wait_for(web)["alb"]["statusBy"], "function");
}

fn greet(port: u16, authority: &Path, stubs: &Path) -> String {
    let mut client = python();
    client.args(["-c", PYTHON, &port.to_string()]).arg(authority).arg(stubs);
    succeed(&mut client).trim().to_owned()
}
