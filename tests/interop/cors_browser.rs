//! Real cross-origin fetches by a real browser, directly and behind a proxy that fills headers in as the platform does.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use crate::browser::{browse, head, serve, serve_page};
use crate::support::{Launch, Server};

/// Pages of two origins, and a function behind them.
///
/// Pages come from `http://localhost:<port>` and `http://127.0.0.1:<port>`: two origins, and a third is the function's.
const PAGE: &str = r"<!doctype html><title>cors</title><body>waiting<script>
const base = new URL(location).searchParams.get('base');
const tries = [
  ['plain', '/plaintext', {}],
  ['credentialed', '/plaintext', { credentials: 'include' }],
  ['preflighted', '/private', { headers: { authorization: 'somebody' } }],
  ['put', '/private', { method: 'PUT', headers: { authorization: 'somebody' } }],
  ['unauthorized', '/private', {}],
  ['delete', '/private', { method: 'DELETE' }],
  ['missing', '/nothing', {}],
  ['wrong method', '/plaintext', { method: 'POST' }],
  ['too large', '/read', { method: 'POST', body: new Uint8Array(3 << 20) }],
  ['panicked', '/panic', {}],
  ['unavailable', '/fail', {}],
  ['public', '/public', {}],
  ['public credentialed', '/public', { credentials: 'include' }],
  ['closed', '/closed', {}],
];
(async () => {
  const lines = [];
  for (const [name, path, how] of tries) {
    try {
      const answer = await fetch(base + path, how);
      const text = await answer.text();
      lines.push(name + ': ' + answer.status + (answer.status >= 400 ? ' ' + JSON.parse(text).status : ''));
    } catch (error) {
      lines.push(name + ': refused');
    }
  }
  document.body.textContent = '[' + lines.join('; ') + ']';
})();
</script>";

fn value<'h>(lines: &'h [String], name: &str) -> Option<&'h str> {
    let pairs = lines.iter().filter_map(|line| line.split_once(':'));
    pairs.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The platform's gateway as far as CORS goes: where the function sends no `Access-Control-*`, it invites the request's
/// origin, with credentials.
fn serve_gateway(function: u16) -> u16 {
    serve(move |client| {
        forward(client, function);
    })
}

/// One request, one connection.
fn forward(client: &TcpStream, function: u16) -> Option<()> {
    let mut from_client = BufReader::new(client);
    let request = head(&mut from_client)?;
    let mut body = vec![0; value(&request, "content-length").map_or(0, |length| length.parse().unwrap())];
    from_client.read_exact(&mut body).ok()?;
    let mut upstream = TcpStream::connect(("127.0.0.1", function)).ok()?;
    let kept = request.iter().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let sent =
        kept.flat_map(|line| [line.as_str(), "\r\n"]).collect::<String>() + "Connection: close\r\n\r\n";
    upstream.write_all(sent.as_bytes()).ok()?;
    let _ = upstream.write_all(&body);
    let mut from_function = BufReader::new(upstream);
    let mut reply = head(&mut from_function)?;
    let says = reply.iter().any(|line| line.to_ascii_lowercase().starts_with("access-control-"));
    if !says {
        if let Some(origin) = value(&request, "origin") {
            reply.push(format!("Access-Control-Allow-Origin: {origin}"));
            reply.push("Access-Control-Allow-Credentials: true".to_owned());
        }
        reply.push("Access-Control-Expose-Headers: Date,x-fc-request-id".to_owned());
    }
    let text = reply.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect::<String>() + "\r\n";
    let mut rest = Vec::new();
    let _ = from_function.read_to_end(&mut rest);
    (&*client).write_all(&[text.as_bytes(), &rest].concat()).ok()
}

fn function(policy: &str, origins: &str) -> Server {
    Launch::app("settings").var("IT_CORS", policy).var("IT_ORIGINS", origins).start()
}

/// What an allowed page sees; a page may read why it failed.
const ALLOWED: [&str; 14] = [
    "plain: 200",
    "credentialed: 200",
    "preflighted: 200",
    "put: 200",
    "unauthorized: 401 401",
    // The path has no such method, and the preflight said so.
    "delete: refused",
    "missing: 404 404",
    "wrong method: 405 405",
    "too large: 413 413",
    "panicked: 500 500",
    "unavailable: 503 503",
    "public: 200",
    // A star is not for credentials.
    "public credentialed: refused",
    "closed: refused",
];

#[track_caller]
fn check(name: &str, seen: &str, is_expected: impl Fn(&str) -> bool) {
    println!("{name}: {seen}");
    let seen: Vec<&str> = seen.split("; ").collect();
    assert_eq!(seen.len(), ALLOWED.len(), "{name}: {seen:?}");
    for (seen, allowed) in seen.iter().zip(ALLOWED) {
        let (what, _) = allowed.split_once(':').unwrap();
        let expected = if is_expected(what) { allowed.to_owned() } else { format!("{what}: refused") };
        assert_eq!(*seen, expected, "{name}");
    }
}

#[test]
#[ignore = "needs chromium: .ci/run runs it with --ignored"]
fn a_browser_reads_what_it_may_and_nothing_else() {
    let page = serve_page(PAGE);
    let (allowed, other) = (format!("http://127.0.0.1:{page}"), format!("http://localhost:{page}"));
    let server = function("list", &allowed);
    let same = function("same", "");
    let silent = function("none", "");
    for (way, through) in [
        ("directly", (|port| port) as fn(u16) -> u16),
        ("behind the gateway", serve_gateway as fn(u16) -> u16),
    ] {
        let port = through(server.port);
        check(&format!("{way}, allowed"), &browse(&allowed, port), |_| true);
        check(&format!("{way}, refused"), &browse(&other, port), |what| what == "public");
        let port = through(same.port);
        check(&format!("{way}, same origin"), &browse(&allowed, port), |what| what == "public");
    }
    // What a function without a policy gets from the gateway: everyone may read, with credentials.
    let seen = browse(&other, serve_gateway(silent.port));
    println!("behind the gateway, without a policy: {seen}");
    assert!(
        seen.contains("plain: 200") && seen.contains("credentialed: 200"),
        "the gateway fills in: {seen}"
    );
    let seen = browse(&other, silent.port);
    assert!(seen.starts_with("plain: refused"), "{seen}");
}
