//! The headers of a listener as curl's requests get them, in each of its modes, and with certificates that openssl made.

use std::path::Path;
use std::process::Command;

use testkit::Folder;

use super::succeed;
use crate::alb::{group, listener, port_of, start};
use crate::harness::{f, scripted};
use crate::tls::authority;

/// Switches of a listener, as Terraform.
fn switches(all: &[&str]) -> String {
    let lines: Vec<String> = all.iter().map(|own| format!("x_forwarded_for_{own}\n")).collect();
    format!("x_forwarded_for_config {{\n {} }}", lines.concat())
}

/// The function's view of a request of curl.
fn seen(url: &str, arguments: &[&str]) -> Vec<(String, String)> {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--http1.1"]).args(arguments).arg(format!("{url}/seen"));
    let text = succeed(&mut curl);
    let lines = text.lines().skip(1).filter_map(|line| line.split_once(": "));
    lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
}

/// A header, the switch that makes it, what the client says of itself, and what the function gets: `None` is no header.
type Row = (&'static str, &'static str, Option<&'static str>, Option<&'static str>);

const FOR: &str = "x-forwarded-for";

/// Rows of the documents on headers: defaults, switches, and what a client says.
const ROWS: [Row; 18] = [
    (FOR, "", None, Some("127.0.0.1")),
    (FOR, "", Some("1.2.3.4"), Some("1.2.3.4, 127.0.0.1")),
    (FOR, "enabled = true", Some("1.2.3.4"), Some("1.2.3.4, 127.0.0.1")),
    (FOR, "enabled = false", None, None),
    (FOR, "enabled = false", Some("1.2.3.4"), Some("1.2.3.4")),
    (FOR, "processing_mode = \"append\"", Some("1.2.3.4"), Some("1.2.3.4, 127.0.0.1")),
    (FOR, "processing_mode = \"remove\"", None, None),
    (FOR, "processing_mode = \"remove\"", Some("1.2.3.4"), None),
    ("x-forwarded-proto", "", Some("gopher"), Some("gopher")),
    ("x-forwarded-proto", "proto_enabled = true", Some("gopher"), Some("http")),
    ("x-forwarded-port", "", None, None),
    ("x-forwarded-port", "slb_port_enabled = true", Some("1"), Some("PORT")),
    ("x-forwarded-host", "", None, None),
    ("x-forwarded-host", "host_enabled = true", Some("evil.example"), Some("HOST")),
    ("x-forwarded-client-srcport", "", None, None),
    ("slb-id", "", Some("mine"), Some("mine")),
    ("slb-id", "slb_id_enabled = true", Some("mine"), Some("alb-test")),
    // None of its headers.
    ("x-real-ip", "proto_enabled = true", None, None),
];

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn curl_gets_the_headers_of_each_mode() {
    let mut kinds: Vec<&str> = ROWS.iter().map(|row| row.1).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let port = |kind: &str| 80 + u16::try_from(kinds.iter().position(|own| *own == kind).unwrap()).unwrap();
    let listeners = kinds.iter().map(|kind| {
        listener(port(kind), "f", &if kind.is_empty() { String::new() } else { switches(&[kind]) })
    });
    let source = switches(&["client_src_port_enabled = true"]);
    let terraform = [group("f"), listeners.collect::<Vec<_>>().concat(), listener(70, "f", &source)].concat();
    let ports: Vec<u16> = kinds.iter().map(|kind| port(kind)).chain([70]).collect();
    let local = start(scripted(), f(), &terraform, &ports);
    for (name, kind, sent, expected) in ROWS {
        let here = port_of(&local, port(kind));
        let header = sent.map(|value| format!("{name}: {value}"));
        let arguments: Vec<&str> = header.iter().flat_map(|header| ["-H", header.as_str()]).collect();
        let headers = seen(&format!("http://127.0.0.1:{here}"), &arguments);
        let values: Vec<&str> =
            headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect();
        let own_host = format!("127.0.0.1:{here}");
        let cloud_port = port(kind).to_string();
        let expected = expected.map(|value| match value {
            "PORT" => cloud_port.as_str(),
            "HOST" => own_host.as_str(),
            value => value,
        });
        assert_eq!(values, expected.into_iter().collect::<Vec<_>>(), "{name} with `{kind}`, sent {sent:?}");
    }
    // The port of the client's own connection.
    let here = port_of(&local, 70);
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--http1.1", "-w", "\nlocal: %{local_port}", &format!("http://127.0.0.1:{here}/seen")]);
    let text = succeed(&mut curl);
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    assert_eq!(value("x-forwarded-client-srcport: "), value("local: "), "{text}");
}

fn openssl(arguments: &[&str]) -> String {
    let mut openssl = Command::new("openssl");
    succeed(openssl.args(arguments)).trim().to_owned()
}

/// A certificate of the authority for a client, and its key.
fn certificate(folder: &Folder, authority: &Path, subject: &str) -> (String, String) {
    let path = |name: &str| folder.file(name).display().to_string();
    let (key, request, certificate) = (path("key.pem"), path("request.pem"), path("certificate.pem"));
    openssl(&["req", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-subj", subject, "-out", &request]);
    let usage = folder.write("usage", "extendedKeyUsage = clientAuth\n").display().to_string();
    let signer = authority.display().to_string();
    let both = authority.with_file_name("authority.pem").display().to_string();
    openssl(&[
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &signer,
        "-CAkey",
        &both,
        "-set_serial",
        "7",
        "-days",
        "1",
        "-extfile",
        &usage,
        "-out",
        &certificate,
    ]);
    (certificate, key)
}

#[test]
#[ignore = "needs curl and openssl: .ci/run runs it with --ignored"]
fn certificates_of_openssl_are_told_field_by_field() {
    let fields = ["subject_dn", "issuer_dn", "finger_print", "client_verify"];
    let on: Vec<String> = fields.iter().map(|own| format!("client_cert_{own}_enabled = true")).collect();
    let on: Vec<&str> = on.iter().map(String::as_str).collect();
    let renamed =
        ["client_cert_subject_dn_alias = \"who\"", "client_cert_client_verify_alias = \"is-known\""];
    let certificate_of_server = "certificates {\n certificate_id = \"cert-1\"\n }\n";
    let mutual = "ca_enabled = true\n ca_certificates {\n certificate_id = \"ca-1\"\n }\n";
    let https = |port: u16, more: &str| {
        listener(port, "f", &format!("{certificate_of_server} {more}")).replace("\"HTTP\"", "\"HTTPS\"")
    };
    let terraform = [
        group("f"),
        https(443, &format!("{mutual} {}", switches(&on))),
        https(444, &format!("{mutual} {}", switches(&[&on[..], &renamed].concat()))),
        https(445, mutual),
    ]
    .concat();
    let local = start(scripted(), f(), &terraform, &[443, 444, 445]);
    let file = authority(&local);
    let folder = Folder::new();
    let (certificate, key) = certificate(&folder, &file, "/C=CN/O=Tea, Ltd/CN=client one");
    let of = |what: &str, more: &[&str]| {
        let text = openssl(&[&["x509", "-noout", "-in", &certificate, what], more].concat());
        text.split_once('=').unwrap().1.trim().to_owned()
    };
    let subject = of("-subject", &["-nameopt", "RFC2253"]);
    let issuer = of("-issuer", &["-nameopt", "RFC2253"]);
    let fingerprint = of("-fingerprint", &["-sha1"]).replace(':', "").to_lowercase();
    let ca = file.display().to_string();
    let mine = "X-Forwarded-Clientcert-subjectdn: CN=mine";
    let arguments = ["--cacert", &ca, "--cert", &certificate, "--key", &key, "-H", mine, "-H", "who: me"];
    let headers = |port: u16| seen(&format!("https://localhost:{}", port_of(&local, port)), &arguments);
    let value = |headers: &[(String, String)], name: &str| {
        headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let told = headers(443);
    for (name, expected) in [
        ("subjectdn", subject.as_str()),
        ("issuerdn", &issuer),
        ("fingerprint", &fingerprint),
        ("clientverify", "SUCCESS"),
    ] {
        assert_eq!(value(&told, &format!("x-forwarded-clientcert-{name}")), expected, "{name}");
    }
    let told = headers(444);
    assert_eq!((value(&told, "who"), value(&told, "is-known")), (subject, "SUCCESS".to_owned()));
    assert_eq!(
        value(&told, "x-forwarded-clientcert-subjectdn"),
        "CN=mine",
        "a name that is not the listener's"
    );
    // The switches are off by default: the client's own pass.
    let told = headers(445);
    assert_eq!(value(&told, "x-forwarded-clientcert-subjectdn"), "CN=mine");
    assert_eq!(value(&told, "x-forwarded-clientcert-issuerdn"), "");
    // Without a certificate there is no connection.
    let url = format!("https://localhost:{}/seen", port_of(&local, 443));
    let refused = super::run(Command::new("curl").args(["-sS", "--cacert", &ca, &url]));
    assert!(!refused.status.success());
}
