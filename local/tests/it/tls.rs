//! TLS and HTTP/2 at every port, seen by a client that trusts the local authority.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, StreamOwned};
use testkit::events::{Events, kind};
use testkit::h1::request;
use testkit::h2::{Conn, PREFACE};
use testkit::{Ask, Folder, Launch, PATIENCE, until};

use crate::harness::{Local, f, program, scripted, write_manifest};

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// The certificate that clients have to trust.
pub(crate) fn authority(local: &Local) -> PathBuf {
    PathBuf::from(local.wait_for(kind("tls_ready"))["certificate"].as_str().unwrap())
}

pub(crate) fn trusting(certificate: &Path) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    roots
}

pub(crate) fn connect(port: u16, roots: RootCertStore, name: &str, alpn: &[&str]) -> std::io::Result<Tls> {
    let mut config = trust(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    shake_hands(port, config, name)
}

/// Connects with a certificate and its key.
pub(crate) fn connect_as(
    port: u16,
    roots: RootCertStore,
    name: &str,
    (certificate, key): (CertificateDer<'static>, Vec<u8>),
) -> std::io::Result<Tls> {
    let key = PrivateKeyDer::try_from(key).unwrap();
    shake_hands(port, trust(roots).with_client_auth_cert(vec![certificate], key).unwrap(), name)
}

fn trust(roots: RootCertStore) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    config.with_root_certificates(roots)
}

fn shake_hands(port: u16, config: ClientConfig, name: &str) -> std::io::Result<Tls> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut tls = StreamOwned::new(connection, stream);
    tls.conn.complete_io(&mut tls.sock)?;
    Ok(tls)
}

fn grpc_port(local: &Local) -> u16 {
    let address = local.wait_for(kind("grpc_ready"))["address"].as_str().unwrap().to_owned();
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Sends bytes, and reads until the reply has `part`.
#[track_caller]
pub(crate) fn exchange(tls: &mut Tls, bytes: &[u8], part: &str) -> String {
    tls.write_all(bytes).unwrap();
    let mut all = Vec::new();
    until(part, || {
        let mut piece = [0; 4096];
        let length = tls.read(&mut piece).unwrap();
        all.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&all).into_owned();
        text.contains(part).then_some(text)
    })
}

#[test]
fn every_port_speaks_tls_with_a_certificate_for_each_name() {
    let local = Local::scripted(f());
    let file = authority(&local);
    let folder = file.parent().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder), mode(&folder.join("authority.pem"))), (0o700, 0o600));
    assert!(!std::fs::read_to_string(&file).unwrap().contains("PRIVATE"));
    for port in [local.main_port(), local.function_port("f")] {
        for name in ["localhost", "127.0.0.1", "f.localhost", "Shop.Example.com"] {
            let mut tls =
                connect(port, trusting(&file), name, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
            let text = exchange(&mut tls, &request("GET", "/seen", "", b""), "x-fc-function-deadline");
            assert!(text.starts_with("HTTP/1.1 200") && text.contains("x-forwarded-proto: https"), "{text}");
        }
    }
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1", "h2"], Some(b"h2")),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let tls = connect(local.main_port(), trusting(&file), "localhost", offered).unwrap();
        assert_eq!(tls.conn.alpn_protocol(), chosen, "{offered:?}");
    }
    // gRPC is HTTP/2, and nothing else.
    let tls = connect(grpc_port(&local), trusting(&file), "localhost", &["h2"]).unwrap();
    assert_eq!(tls.conn.alpn_protocol(), Some(&b"h2"[..]));
    assert!(connect(grpc_port(&local), trusting(&file), "localhost", &["http/1.1"]).is_err());
}

#[test]
fn the_authority_is_made_once_and_a_client_without_it_is_told_of() {
    let folder = scripted();
    write_manifest(&folder, f());
    let place = Folder::new();
    let certificates = place.file("a/ca").display().to_string();
    let local = Local::start(folder, &["--certificates", &certificates]);
    let first = std::fs::read(authority(&local)).unwrap();
    assert!(connect(local.main_port(), RootCertStore::empty(), "localhost", &[]).is_err());
    let event = local.wait_for(kind("tls_refused"));
    assert!(event["error"].as_str().unwrap().contains("UnknownCA"), "{event:?}");
    drop(local);

    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &["--certificates", &certificates]);
    assert_eq!(std::fs::read(authority(&local)).unwrap(), first);
    drop(local);

    // A file that is no authority is named, and everything else works.
    place.write("a/ca/authority.pem", "no key");
    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &["--certificates", &certificates]);
    let event = local.wait_for(kind("tls_unavailable"));
    assert!(event["error"].as_str().unwrap().contains("authority.pem"), "{event:?}");
    local.get("/").assert_status(200);
}

#[test]
fn a_websocket_passes_through_tls() {
    let local = Local::scripted(f());
    let mut tls =
        connect(local.function_port("f"), trusting(&authority(&local)), "localhost", &["http/1.1"]).unwrap();
    let key = "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let text = exchange(&mut tls, &request("GET", "/ws", key, b""), "\r\n\r\n");
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
    // Masked by zeros; more than the relay's buffer and than the kernel takes at once.
    let length = 4 * 1024 * 1024_u64;
    let mut frame = vec![0x82, 0xff];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    tls.write_all(&frame).unwrap();
    let echo = [&[0x82, 0x7f][..], &length.to_be_bytes()].concat();
    let piece = vec![b'w'; 64 * 1024];
    for _ in 0..length / 65_536 {
        tls.write_all(&piece).unwrap();
    }
    let mut head = vec![0; echo.len()];
    tls.read_exact(&mut head).unwrap();
    assert_eq!(head, echo);
    let mut body = vec![0; usize::try_from(length).unwrap()];
    tls.read_exact(&mut body).unwrap();
    assert!(body.iter().all(|byte| *byte == b'w'));
}

#[test]
fn http2_passes_as_http1_does() {
    let local = Local::scripted(f().concurrency(20));
    let mut conn = Conn::open(local.function_port("f"));
    let ask = Ask::post("/seen?a=1", "body").header("cookie", "a=1").header("cookie", "b=2");
    let answer = conn.ask(&ask.header("x-fc-own", "1").header("te", "trailers"));
    answer.assert_status(200).assert_header("access-control-expose-headers", "Date,x-fc-request-id");
    answer.assert_no_header("connection");
    let text = answer.text();
    assert!(text.starts_with("POST /seen?a=1 HTTP/1.1") && text.ends_with("body"), "{text}");
    assert!(text.contains("\r\nhost: 21.0.0.1\r\n") && text.contains("\r\ncookie: a=1; b=2\r\n"), "{text}");
    assert!(text.contains("\r\ncontent-length: 4\r\n"), "{text}");
    assert!(!text.contains("x-fc-own") && text.contains("\r\nte: trailers\r\n"), "{text}");
    local.wait_for(kind("request").request(answer.header("x-fc-request-id").unwrap()).status(200));

    // A body of unknown length, a reply without a body, and what the platform refuses.
    assert_eq!(conn.ask(&Ask::post("/length", vec![b'x'; 300_000]).in_chunks()).text(), "300000");
    let answer = conn.ask(&Ask::new("HEAD", "/name"));
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let answer = conn.ask(&Ask::get("/").header("x-long", &"x".repeat(9000)));
    answer.assert_platform_error(400, "FcCommonError", "InvalidArgument", "the request's headers have 9");
    let answer = conn.ask(&Ask::get("/").header("host", "other"));
    answer.assert_platform_error(400, "FcCommonError", "InvalidArgument", "differs from its Host");
    let answer = conn.ask(&Ask::new("BREW", "/"));
    answer.assert_platform_error(403, "FcCommonError", "AccessDenied", "BREW");

    // Events come one by one, while others are asked on the same connection.
    let id = conn.send(&Ask::get("/chunks?n=100000&ms=20"));
    assert!(String::from_utf8_lossy(&conn.data(id)).contains("chunk 0"));
    assert!(String::from_utf8_lossy(&conn.data(id)).contains("chunk 1"));
    assert_eq!(conn.ask(&Ask::post("/length", "12345")).text(), "5");
    // A client that leaves one of them is missed, and the connection goes on.
    conn.cancel(id);
    let line = local.wait_for(kind("call_cancelled"));
    local.wait_for(kind("request").request(line.request()).status(499));
    assert_eq!(conn.ask(&Ask::post("/length", "12345")).text(), "5");
}

#[test]
fn connect_and_websockets_are_not_offered_over_http2() {
    let local = Local::scripted(f());
    let mut conn = Conn::open(local.function_port("f"));
    let settings = conn.read();
    // SETTINGS without ENABLE_CONNECT_PROTOCOL (8).
    assert!(
        settings.kind == 4 && settings.payload.chunks(6).all(|setting| setting[..2] != [0, 8]),
        "{settings:?}"
    );
    // `:method: CONNECT` and `:authority: a`, as literals without an index.
    let mut block = Vec::new();
    testkit::hpack::write(":method", "CONNECT", &mut block);
    testkit::hpack::write(":authority", "a", &mut block);
    conn.frame(1, 5, 1, &block);
    let answer = conn.answer(1);
    answer.assert_platform_error(400, "FcCommonError", "InvalidArgument", "CONNECT");
}

#[test]
fn a_stop_does_not_wait_for_half_a_handshake() {
    let folder = scripted();
    write_manifest(&folder, f());
    let mut local = Local::start(folder, &["--drain", "5"]);
    let mut client = TcpStream::connect(("127.0.0.1", local.main_port())).unwrap();
    // The begin of a record of 512 bytes. A request behind it shows that it was read.
    client.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    local.get("/name").assert_ok();
    assert_eq!(local.interrupt(), Some(0));
    assert_eq!(local.count(kind("calls_ended")), 0, "{:?}", local.all());
}

#[test]
fn a_preface_may_come_in_parts_and_a_stop_says_goaway() {
    let mut local = Local::scripted(f());
    let mut conn = Conn::silent(local.function_port("f"));
    for byte in PREFACE {
        conn.send_raw(&[*byte]).unwrap();
    }
    conn.frame(4, 0, 0, b"\0\x01\0\0\0\0");
    let id = conn.send(&Ask::get("/name"));
    conn.answer(id).assert_status(200);
    let told = std::thread::spawn(move || conn.is_told_to_go());
    assert_eq!(local.interrupt(), Some(0));
    assert!(told.join().unwrap());
}

#[test]
fn without_a_folder_for_certificates_it_is_said_that_there_is_no_https() {
    let folder = scripted();
    write_manifest(&folder, f());
    let launch = Launch::new(program()).args(["--template"]).args([folder.file("s.yaml")]);
    let started = launch.args(["dev", "--json", "--port", "0"]).var("HOME", "").start();
    let events = Events::of(started.out());
    let told = events.wait_for(kind("tls_unavailable"));
    assert!(told["error"].as_str().unwrap().contains("--certificates"), "{told}");
    events.wait_for(kind("ready"));
}
