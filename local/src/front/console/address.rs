//! Where the console is: at a host of its own for browsers, and below a path of this machine for clients that do not
//! know `*.localhost`.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, header};

use crate::registry::Functions;
use crate::wire::host;

/// The console's own host. Browsers know that `*.localhost` is this machine.
const HOST: &str = "console.localhost";

/// The path at `localhost`, `127.0.0.1` and `[::1]`.
const PATH: &str = "/_local/console";

/// The console's addresses at a main port: for browsers, and for clients that do not know `*.localhost`. `is_taken` says that a
/// function is called `console`, and has the host.
pub(crate) fn urls(main: SocketAddr, is_taken: bool) -> (String, String) {
    let path = format!("http://{main}{PATH}/");
    let host = format!("http://{HOST}:{}/", main.port());
    (if is_taken { path.clone() } else { host }, path)
}

/// Whether a function has the name that is the console's host.
pub(crate) fn is_own_name(function: &str) -> bool {
    function.eq_ignore_ascii_case(HOST.trim_end_matches(".localhost"))
}

/// What stands before the console's paths if the request is for the console: nothing at its own host, else
/// `/_local/console`. `None` if the request is for something else. A function that is called `console` keeps its host.
pub(crate) fn base<B>(
    request: &Request<B>,
    functions: impl FnOnce() -> Arc<Functions>,
) -> Option<&'static str> {
    let path = request.uri().path();
    let has_path = path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // Most requests are for functions: one look at the bytes tells so.
    let has_host = request.headers().get(header::HOST).is_some_and(|host| {
        let begin = host.as_bytes().get(..HOST.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(HOST.as_bytes()))
    });
    if !has_path && !has_host {
        return None;
    }
    let host = host::check(request).ok()?;
    match &*host.name {
        HOST if !functions().names().any(is_own_name) => Some(""),
        "localhost" | "127.0.0.1" | "[::1]" if has_path => Some(PATH),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_an_address_that_works() {
        let (url, path) = urls(([127, 0, 0, 1], 8080).into(), false);
        assert_eq!(
            (&*url, &*path),
            ("http://console.localhost:8080/", "http://127.0.0.1:8080/_local/console/")
        );
        assert_eq!(urls(([127, 0, 0, 1], 8080).into(), true).0, path);
        assert!(is_own_name("Console") && !is_own_name("consoles"));
    }

    #[test]
    fn the_console_has_a_host_and_a_path() {
        for (host, target, expected) in [
            ("console.localhost:8080", "/", Some("")),
            ("Console.LOCALHOST", "/requests?q=a", Some("")),
            ("console.localhost.example.com", "/", None),
            ("console.localhosts", "/", None),
            ("shop.localhost:8080", "/_local/console/", None),
            ("example.com", "/_local/console/", None),
            ("127.0.0.1:8080", "/_local/console", Some(PATH)),
            ("localhost:8080", "/_local/console/tasks", Some(PATH)),
            ("[::1]:8080", "/_local/console/", Some(PATH)),
            ("127.0.0.1:8080", "/_local/consoles", None),
            ("127.0.0.1:8080", "/", None),
            ("", "/_local/console/", None),
        ] {
            let request = Request::builder().uri(target).header(header::HOST, host).body(()).unwrap();
            assert_eq!(base(&request, Default::default), expected, "{host} {target}");
        }
    }
}
