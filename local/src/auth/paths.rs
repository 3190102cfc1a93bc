//! Which paths need a token, however they are spelled.

use super::encoding::decode;
use crate::model::AuthPaths;

/// How often a path is decoded: some servers decode twice.
const DECODINGS_MAX: usize = 8;

/// Whether a request for this path needs a token.
///
/// A function may read the same path in several ways. A path is open only if each reading of it is.
pub(crate) fn need_token(paths: &AuthPaths, path: &str) -> bool {
    let matches = |patterns: &[String], path: &str| {
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(begin) => path.starts_with(begin),
            None => path == pattern,
        })
    };
    match paths {
        AuthPaths::All => true,
        AuthPaths::AllBut(open) => !readings(path).iter().all(|path| matches(open, path)),
        AuthPaths::Only(closed) => readings(path).iter().any(|path| matches(closed, path)),
    }
}

/// The path as it was sent, and as servers read it: decoded once or more, without dots, doubled slashes and parameters.
fn readings(path: &str) -> Vec<String> {
    let mut readings = vec![path.to_owned(), normal(path)];
    let mut decoded = path.to_owned();
    for _ in 0..DECODINGS_MAX {
        let next = String::from_utf8_lossy(&decode(&decoded, false)).into_owned();
        if next == decoded {
            return readings;
        }
        readings.push(normal(&next));
        decoded = next;
    }
    // What is still encoded hides something.
    readings.push(String::new());
    readings
}

fn normal(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut is_folder = false;
    let path = path.replace('\\', "/");
    for segment in path.split('/') {
        // `;` begins a segment's parameters, and some servers drop them.
        let name = segment.split(';').next().unwrap_or_default();
        is_folder = matches!(name, "" | "." | "..");
        match name {
            "" | "." => {}
            ".." => _ = segments.pop(),
            name => segments.push(name),
        }
    }
    let end = if is_folder && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|pattern| (*pattern).to_owned()).collect()
    }

    #[test]
    fn a_white_path_is_open_in_every_reading() {
        let paths = AuthPaths::AllBut(patterns(&["/login", "/public/*"]));
        for open in ["/login", "/public/", "/public/a", "/public/b/c/d", "/public/a%20b", "/public/a/"] {
            assert!(!need_token(&paths, open), "{open} is closed");
        }
        for closed in [
            "/",
            "/login/",
            "/LOGIN",
            "/login;x",
            "/login%00",
            "//login",
            "/public",
            "/a/../login",
            "/./login",
            "/%6cogin%2f",
            "/public/../admin",
            "/public/..",
            "/public/%2e%2e/admin",
            "/public/.%2E/admin",
            "/public/%252e%252e/admin",
            "/public/%25252e%25252e/admin",
            "/public/..%2fadmin",
            "/public/..;/admin",
            "/public/..\\admin",
            "/public/..%5cadmin",
            "/public/a/../../admin",
            "/public//../admin",
            "*",
            "",
            "/public/%2525252525252525252525252e",
        ] {
            assert!(need_token(&paths, closed), "{closed} is open");
        }
    }

    #[test]
    fn a_black_path_is_closed_in_any_reading() {
        let paths = AuthPaths::Only(patterns(&["/admin", "/private/*"]));
        for closed in [
            "/admin",
            "/%61dmin",
            "/%2561dmin",
            "//admin",
            "/./admin",
            "/x/../admin",
            "/x/..%2fadmin",
            "/admin;a=b",
            "\\admin",
            "/private/",
            "/private/a",
            "//private//a",
            "/x/..;/private/a",
            "/%70rivate/a",
            "/private%2fa",
        ] {
            assert!(need_token(&paths, closed), "{closed} is open");
        }
        for open in ["/", "/admin/", "/administrator", "/private", "/x/private/a", "/Admin"] {
            assert!(!need_token(&paths, open), "{open} is closed");
        }
        assert!(need_token(&AuthPaths::All, "/"));
    }
}
