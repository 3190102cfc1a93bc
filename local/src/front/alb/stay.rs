//! How a client stays with a server of a group: by cookies of the listener, or by one of the server's own.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::alb::cookies;
use crate::model::alb::StickySession;

/// The listener's cookie, and its twin for pages of other sites.
const OWN: [&str; 2] = ["SERVERID", "SERVERCORSID"];

/// Between the server's mark and the value that the server gave its cookie.
const MARK_END: char = '|';

/// The mark of the server with which the client stays. A server's own cookie gets back the value that the server gave it.
pub(super) fn take(session: &StickySession, headers: &mut HeaderMap) -> Option<String> {
    match session {
        StickySession::Insert(_) => {
            cookies(headers).find(|(name, _)| OWN.contains(name)).map(|(_, mark)| mark.to_owned())
        }
        StickySession::Server(name) => {
            let (_, value) = cookies(headers).find(|(own, _)| own == name)?;
            let mark = value.split_once(MARK_END)?.0.to_owned();
            restore(headers, name, &mark);
            Some(mark)
        }
    }
}

/// Takes the mark out of the request's cookie.
fn restore(headers: &mut HeaderMap, name: &str, mark: &str) {
    let (with, without) = (format!("{name}={mark}{MARK_END}"), format!("{name}="));
    for header in headers.iter_mut().filter(|(own, _)| **own == COOKIE).map(|(_, header)| header) {
        let Ok(text) = header.to_str() else { continue };
        let own = |cookie: &str| match cookie.strip_prefix(&with) {
            Some(value) => format!("{without}{value}"),
            None => cookie.to_owned(),
        };
        let all: Vec<String> = text.split(';').map(str::trim).map(own).collect();
        if let Ok(restored) = HeaderValue::from_str(&all.join("; ")) {
            *header = restored;
        }
    }
}

/// Makes the client of a reply stay with the server of this mark. `sent` is the mark that the client had.
pub(super) fn give(session: &StickySession, headers: &mut HeaderMap, mark: &str, sent: Option<&str>) {
    match session {
        StickySession::Insert(_) if sent == Some(mark) => {}
        StickySession::Insert(length) => {
            for name in OWN {
                let cross_site = if name == OWN[0] { "" } else { "; SameSite=None; Secure" };
                let cookie = format!("{name}={mark}; Path=/; Max-Age={}{cross_site}", length.as_secs());
                if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                    headers.append(SET_COOKIE, cookie);
                }
            }
        }
        StickySession::Server(name) => {
            let begin = format!("{name}=");
            for cookie in headers.iter_mut().filter(|(own, _)| **own == SET_COOKIE).map(|(_, own)| own) {
                let marked = cookie
                    .to_str()
                    .ok()
                    .and_then(|text| text.strip_prefix(&begin))
                    // An empty value takes the cookie away.
                    .filter(|value| !value.is_empty() && !value.starts_with(';'))
                    .and_then(|value| HeaderValue::from_str(&format!("{begin}{mark}{MARK_END}{value}")).ok());
                if let Some(marked) = marked {
                    *cookie = marked;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn headers(name: &http::HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn all(headers: &HeaderMap, name: http::HeaderName) -> Vec<&str> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn a_servers_own_cookie_comes_back_as_the_server_set_it() {
        let session = StickySession::Server("sid".to_owned());
        let mut reply =
            headers(&SET_COOKIE, &["sid=abc; Path=/; HttpOnly", "other=1", "sid=; Max-Age=0", "sidx=2"]);
        give(&session, &mut reply, "0011", None);
        let expected = ["sid=0011|abc; Path=/; HttpOnly", "other=1", "sid=; Max-Age=0", "sidx=2"];
        assert_eq!(all(&reply, SET_COOKIE), expected);
        let mut request = headers(&COOKIE, &["a=b; sid=0011|abc; sidx=0011|2", "c=d"]);
        assert_eq!(take(&session, &mut request).as_deref(), Some("0011"));
        assert_eq!(all(&request, COOKIE), ["a=b; sid=abc; sidx=0011|2", "c=d"]);
        // A cookie that never passed the listener.
        let mut request = headers(&COOKIE, &["sid=abc"]);
        assert_eq!(take(&session, &mut request), None);
        assert_eq!(all(&request, COOKIE), ["sid=abc"]);
        // The server sets a value with the same sign in it.
        let mut request = headers(&COOKIE, &["sid=0011|a|b"]);
        assert_eq!(take(&session, &mut request).as_deref(), Some("0011"));
        assert_eq!(all(&request, COOKIE), ["sid=a|b"]);
    }

    #[test]
    fn the_listeners_cookies_are_set_once() {
        let session = StickySession::Insert(Duration::from_secs(60));
        let mut reply = HeaderMap::new();
        give(&session, &mut reply, "0011", Some("0022"));
        let expected = [
            "SERVERID=0011; Path=/; Max-Age=60",
            "SERVERCORSID=0011; Path=/; Max-Age=60; SameSite=None; Secure",
        ];
        assert_eq!(all(&reply, SET_COOKIE), expected);
        let mut reply = HeaderMap::new();
        give(&session, &mut reply, "0011", Some("0011"));
        assert!(reply.is_empty());
        for cookie in ["SERVERID=0011", "a=b; SERVERCORSID=0011"] {
            assert_eq!(take(&session, &mut headers(&COOKIE, &[cookie])).as_deref(), Some("0011"));
        }
    }
}
