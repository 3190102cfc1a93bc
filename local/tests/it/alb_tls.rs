//! HTTPS at a listener of a load balancer.

use std::io::{Read, Write};

use serde_json::json;
use testkit::events::kind;
use testkit::h1::{exchange, request};

use crate::alb::{alb_part, group, listener, port_of, start};
use crate::harness::{f, scripted};
use crate::tls::{authority, connect, exchange as exchange_tls, trusting};

fn https(port: u16, more: &str) -> String {
    let more = format!("certificates {{\n certificate_id = \"cert-1\"\n }}\n {more}");
    listener(port, "f", &more).replace("\"HTTP\"", "\"HTTPS\"")
}

#[test]
fn a_listener_of_https_speaks_tls_alone() {
    let new = "security_policy_id = \"tls_cipher_policy_1_2_strict_with_1_3\"";
    let proto = "x_forwarded_for_config {\n x_forwarded_for_proto_enabled = true\n }";
    let terraform =
        [group("f"), https(443, proto), https(444, &format!("http2_enabled = false\n {new}"))].concat();
    let local = start(scripted(), f(), &terraform, &[443, 444]);
    let file = authority(&local);
    let (port, other) = (port_of(&local, 443), port_of(&local, 444));
    let event = local.wait_for(kind("alb").field("what", "listening").field("port", 443));
    assert_eq!(event["url"], json!(format!("https://localhost:{port}/")));

    let mut tls = connect(port, trusting(&file), "shop.example.com", &["http/1.1"]).unwrap();
    let text = exchange_tls(&mut tls, &request("GET", "/seen", "", b""), "x-fc-function-deadline");
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("x-forwarded-proto: https"), "{text}");
    assert_eq!(alb_part(&local, "/seen", 200)["listener"], "http-443");
    for (port, alpn, version) in [
        (port, Some(&b"h2"[..]), rustls::ProtocolVersion::TLSv1_2),
        (other, Some(&b"http/1.1"[..]), rustls::ProtocolVersion::TLSv1_3),
    ] {
        let tls = connect(port, trusting(&file), "localhost", &["h2", "http/1.1"]).unwrap();
        assert_eq!((tls.conn.alpn_protocol(), tls.conn.protocol_version()), (alpn, Some(version)), "{port}");
    }
    // Plain HTTP is refused, and recorded.
    exchange(port, &request("GET", "/plain", "", b"")).assert_status(400);
    assert_eq!(alb_part(&local, "/plain", 400)["statusBy"], "alb");
}

#[test]
fn clients_show_their_certificates() {
    let switches = ["subject_dn", "issuer_dn", "finger_print", "client_verify"]
        .map(|field| format!("x_forwarded_for_client_cert_{field}_enabled = true\n"))
        .concat();
    let mutual = format!(
        "ca_enabled = true\n ca_certificates {{\n certificate_id = \"ca-1\"\n }}\n x_forwarded_for_config {{\n \
         x_forwarded_for_client_cert_subject_dn_alias = \"who\"\n {switches} }}"
    );
    let local = start(scripted(), f(), &(group("f") + &https(443, &mutual)), &[443]);
    let port = port_of(&local, 443);
    let file = authority(&local);
    // Without a certificate there is no connection.
    let refused = connect(port, trusting(&file), "localhost", &[]).and_then(|mut tls| {
        tls.write_all(&request("GET", "/seen", "", b""))?;
        tls.read(&mut [0; 16])
    });
    assert!(refused.is_err() || refused.is_ok_and(|length| length == 0));

    let text = std::fs::read_to_string(file.with_file_name("authority.pem")).unwrap();
    let begin = text.find("-----BEGIN CERTIFICATE").unwrap();
    let key = rcgen::KeyPair::from_pem(&text[..begin]).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "fc-local development authority");
    let issuer = rcgen::Issuer::new(params, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "me");
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&own, &issuer).unwrap();
    let identity = (certificate.der().clone(), own.serialize_der());
    let mut tls = crate::tls::connect_as(port, trusting(&file), "localhost", identity).unwrap();
    let sent = "x-forwarded-clientcert-issuerdn: mine\r\nwho: another\r\n";
    let text = exchange_tls(&mut tls, &request("GET", "/seen", sent, b""), "x-fc-function-deadline");
    for line in [
        "who: CN=me\r\n",
        "x-forwarded-clientcert-issuerdn: CN=fc-local development authority\r\n",
        "x-forwarded-clientcert-clientverify: SUCCESS\r\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let fingerprint = text.split("x-forwarded-clientcert-fingerprint: ").nth(1).unwrap();
    assert!(fingerprint.lines().next().unwrap().len() == 40, "{text}");
}
