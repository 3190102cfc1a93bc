//! Custom domains as curl and a browser see them, through TLS and without.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::Folder;
use testkit::events::kind;
use testkit::manifest::{Function, Manifest};

use super::browser::{look, serve_page};
use super::clients::curl_status;
use super::succeed;
use super::websocket::{NODE_SERVER, node};
use crate::harness::{Local, scripted, write_manifest};
use crate::signer::hs256;

fn custom(name: &str, protocol: &str, more: &[(&str, Value)]) -> Value {
    let mut domain = json!({"domainName": name, "protocol": protocol, "route": {"path": "/*"}});
    for (key, value) in more {
        domain[*key] = value.clone();
    }
    domain
}

fn named(name: &str) -> Function {
    Function::new(name).var("SCRIPT_NAME", name).timeout(60).concurrency(10).prop("triggers", json!([]))
}

/// A key and its certificate for `name`, signed by itself: the paths of both.
fn certificate(folder: &Folder, name: &str) -> [String; 2] {
    let [key, chain] = ["key.pem", "chain.pem"].map(|file| folder.file(file).display().to_string());
    let subject = format!("/CN={name}");
    let alternative = format!("subjectAltName=DNS:{name}");
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]);
    openssl.args(["-subj", &subject, "-addext", &alternative, "-keyout", &key, "-out", &chain]);
    succeed(&mut openssl);
    [key, chain]
}

#[test]
#[ignore = "needs curl and openssl: .ci/run runs it with --ignored"]
fn curl_reaches_domains_by_host_and_through_tls() {
    let folder = scripted();
    let [key, chain] = certificate(&folder, "own.example.com");
    let own = json!({"certName": "own", "certificate": chain, "privateKey": key});
    let functions = [
        named("plain").prop("customDomain", custom("plain.example.com", "HTTP", &[])),
        named("own").prop("customDomain", custom("own.example.com", "HTTPS", &[("certConfig", own)])),
        named("made").prop("customDomain", custom("*.made.example.com", "HTTPS", &[])),
    ];
    write_manifest(&folder, Manifest::of(functions));
    let local = Local::start(folder, &[]);
    for name in ["plain.example.com", "own.example.com", "*.made.example.com"] {
        local.wait_for(kind("domain_ready").field("domain", name));
    }
    let main = local.main_port();
    let authority = local.wait_for(kind("tls_ready"))["certificate"].as_str().unwrap().to_owned();
    // The command that is printed, with a path behind its own.
    let printed = |name: &str| {
        let ready = local.wait_for(kind("domain_ready").field("domain", name));
        let line =
            format!("{}name", ready["curl"].as_str().unwrap().replacen("curl ", "curl -s --noproxy '*' ", 1));
        succeed(Command::new("sh").args(["-c", &line]))
    };
    assert_eq!(printed("plain.example.com"), "plain");
    assert_eq!(printed("*.made.example.com"), "made");
    let ask = |host: &str, scheme: &str, trust: &[&str]| {
        let (address, url) = (format!("{host}:{main}:127.0.0.1"), format!("{scheme}://{host}:{main}/name"));
        curl_status(&[&["--resolve", &address, &url], trust].concat())
    };
    assert_eq!(ask("plain.example.com", "http", &[]), "plain|200");
    assert_eq!(ask("own.example.com", "https", &["--cacert", &chain]), "own|200");
    assert_eq!(ask("own.example.com", "https", &["--cacert", &chain, "--http1.1"]), "own|200");
    assert_eq!(ask("a.made.example.com", "https", &["--cacert", &authority]), "made|200");
    let refused = ask("own.example.com", "http", &[]);
    assert!(refused.contains("takes HTTPS only") && refused.ends_with("|403"), "{refused}");
    assert!(ask("plain.example.com", "https", &["--cacert", &authority]).ends_with("|403"));
}

/// A page of `http://page.example:<port>` that asks the domains for what it may, and says what it got.
const PAGE: &str = r"<!doctype html><title>domains</title><body>waiting<img src=/hold><script>
const port = new URL(location).searchParams.get('port');
const token = new URL(location).searchParams.get('token');
const at = (host, path, how) => async () => {
  const answer = await fetch('http://' + host + ':' + port + path, how);
  return answer.status + ' ' + (await answer.text()) + ' ' + (answer.headers.get('x-fc-request-id') ? 'id' : 'no id');
};
const own = { method: 'PUT', headers: { 'x-own': '1' } };
const tries = {
  plain: at('default.example', '/name', {}),
  'default preflight': at('default.example', '/name', own),
  configured: at('cors.example', '/name', {}),
  'configured preflight': at('cors.example', '/name', own),
  'other method': at('cors.example', '/name', { method: 'DELETE' }),
  credentials: at('cors.example', '/name', { credentials: 'include' }),
  'other origin': at('closed.example', '/name', {}),
  doubled: at('cors.example', '/cors', {}),
  authorized: at('token.example', '/name', { headers: { authorization: 'Bearer ' + token } }),
  unauthorized: at('token.example', '/name', {}),
  socket: () => new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://socket.example:' + port + '/ws', ['echo']);
    socket.onopen = () => socket.send('tea');
    socket.onmessage = (event) => { socket.close(1000); event.data.text ? event.data.text().then(resolve) : resolve(event.data); };
    socket.onerror = () => reject();
  }),
};
(async () => {
  const lines = [];
  for (const [name, ask] of Object.entries(tries)) {
    try { lines.push(name + ': ' + await ask()); } catch { lines.push(name + ': refused'); }
  }
  document.body.textContent = '[' + lines.join('; ') + ']';
  await fetch('/done');
})();
</script>";

/// The key of the tokens.
const SECRET: &[u8] = b"a secret of a test, with 32 bytes";

#[test]
#[ignore = "needs chromium and npm: .ci/run runs it with --ignored"]
fn a_browser_uses_domains_as_their_cors_lets_it() {
    let page = serve_page(PAGE);
    let origin = format!("http://page.example:{page}");
    let cors = |origin: &str| {
        json!({
            "allowOrigins": [origin], "allowMethods": ["GET", "PUT"], "allowHeaders": ["x-own", "authorization"],
            "exposeHeaders": ["x-fc-request-id"],
        })
    };
    let key = json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET)});
    let jwt = json!({"jwks": {"keys": [key]}, "tokenLookup": "header:Authorization:Bearer "});
    let auth = json!({"authType": "jwt", "authInfo": jwt.to_string()});
    let token = hs256(&json!({"alg": "HS256"}), &json!({"sub": "me"}), SECRET);
    let mut default = custom("default.example", "HTTP", &[]);
    // Without `OPTIONS` the gateway answers preflights itself.
    default["route"]["methods"] = json!(["GET", "PUT"]);
    let script = node("websocket_server_of_a_domain.js", NODE_SERVER);
    let script = script.get_args().next().unwrap().to_str().unwrap();
    let folder = scripted();
    let functions = [
        named("default").prop("customDomain", default),
        named("cors").prop("customDomain", custom("cors.example", "HTTP", &[("corsConfig", cors(&origin))])),
        named("socket")
            .runtime("command", json!(["node", script]))
            .prop("customDomain", custom("socket.example", "HTTP", &[])),
        named("closed").prop(
            "customDomain",
            custom("closed.example", "HTTP", &[("corsConfig", cors("https://a.example"))]),
        ),
        named("token").prop(
            "customDomain",
            custom("token.example", "HTTP", &[("corsConfig", cors(&origin)), ("authConfig", auth)]),
        ),
    ];
    write_manifest(&folder, Manifest::of(functions));
    let local = Local::start(folder, &[]);
    for name in ["default", "cors", "socket", "closed", "token"] {
        local.wait_for(kind("ready").function(name));
    }
    let url = format!("{origin}/?port={}&token={token}", local.main_port());
    let seen = look(&url, &["--host-resolver-rules=MAP *.example 127.0.0.1", "--timeout=20000"]);
    let seen: Vec<&str> = seen.split("; ").collect();
    let expected = [
        "plain: 200 default id",
        "default preflight: 200 default id",
        "configured: 200 cors id",
        "configured preflight: 200 cors id",
        // The function was asked instead, and does not allow the method.
        "other method: refused",
        // The configuration does not allow credentials.
        "credentials: refused",
        "other origin: refused",
        // Two origins in one reply, as on the platform.
        "doubled: refused",
        "authorized: 200 token id",
    ];
    assert_eq!(seen[..expected.len()], expected);
    // A refusal can be read by the page that the configuration lets in.
    assert!(seen[9].starts_with("unauthorized: 403 {"), "{}", seen[9]);
    assert_eq!(seen[10], "socket: tea");
    local.wait_for(kind("origins_doubled").function("cors"));
    local.wait_for(kind("request").field("domain", "socket.example").status(101));
}
