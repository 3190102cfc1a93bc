//! Requests as events: the JSON by which the platform asks an event function, and the reply that it makes of the function's.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fc_events::http::{Reply, Request};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request and what is known of it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a Uri,
    pub(crate) host: &'a str,
    /// By their names in small letters.
    pub(crate) headers: Vec<(&'a str, &'a [u8])>,
    pub(crate) body: &'a [u8],
    /// The address of the client.
    pub(crate) client: &'a str,
    pub(crate) account: &'a str,
    pub(crate) id: &'a str,
}

impl Asked<'_> {
    /// The event, in the form `v1`.
    pub(crate) fn event(&self, now: SystemTime) -> Request {
        let mut event = Request::default();
        "v1".clone_into(&mut event.version);
        self.target.path().clone_into(&mut event.raw_path);
        let query = self.target.query().unwrap_or_default();
        let query = form_urlencoded::parse(query.as_bytes());
        event.query_parameters = joined(query.map(|(name, value)| (name.into_owned(), value.into_owned())));
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        event.headers = joined(self.headers.iter().map(|(name, value)| (canonical(name), text(value))));
        (event.body, event.is_base64_encoded) = match std::str::from_utf8(self.body) {
            Ok(body) => (body.to_owned(), false),
            Err(_) => (STANDARD.encode(self.body), true),
        };
        let context = &mut event.request_context;
        self.account.clone_into(&mut context.account_id);
        self.host.clone_into(&mut context.domain_name);
        self.host.split('.').next().unwrap_or_default().clone_into(&mut context.domain_prefix);
        self.id.clone_into(&mut context.request_id);
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        context.time = time(since);
        context.time_epoch = i64::try_from(since.as_millis()).ok();
        self.method.clone_into(&mut context.http.method);
        context.http.path = percent_decode_str(self.target.path()).decode_utf8_lossy().into_owned();
        "HTTP/1.1".clone_into(&mut context.http.protocol);
        self.client.clone_into(&mut context.http.source_ip);
        let agent = self.headers.iter().find(|(name, _)| *name == "user-agent");
        context.http.user_agent = agent.map(|(_, value)| text(value)).unwrap_or_default();
        event
    }
}

/// In seconds, as RFC 3339.
fn time(since: Duration) -> String {
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// The values of a name joined by commas, which is all that the event can say of them.
fn joined(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name)
            .and_modify(|before: &mut String| *before = format!("{before},{value}"))
            .or_insert(value);
    }
    all
}

/// `Content-Type`, as the platform writes names.
fn canonical(name: &str) -> String {
    let mut starts = true;
    let mut capital = |c: char| {
        let c = if starts { c.to_ascii_uppercase() } else { c };
        starts = c == '-';
        c
    };
    name.chars().map(&mut capital).collect()
}

/// The reply of HTTP that a function's reply stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Replied {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Replied {
    /// An object with a `statusCode` says what the reply is. Everything else is the body of a 200.
    ///
    /// # Errors
    /// The object is no reply; the text says why.
    pub(crate) fn of(payload: &Bytes) -> Result<Self, String> {
        let value = serde_json::from_slice::<Value>(payload);
        if value.as_ref().is_ok_and(|value| value.get("statusCode").is_some()) {
            return fc_events::read::<Reply>(payload).map_err(|error| error.to_string()).and_then(said);
        }
        let kind = if value.is_ok() { "application/json" } else { "text/plain; charset=utf-8" };
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        Ok(Replied { status: StatusCode::OK, headers, body: payload.clone() })
    }
}

fn said(reply: Reply) -> Result<Replied, String> {
    let status = StatusCode::from_u16(reply.status_code).ok().filter(|status| !status.is_informational());
    let status = status
        .ok_or_else(|| format!("statusCode is {}, which is no status of a reply", reply.status_code))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &reply.headers {
        let own = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        let (own, value) = own.ok_or_else(|| format!("headers has `{name}`, which is no header of HTTP"))?;
        // A name in another case is one more value: the map has no other way to say it.
        headers.append(own, value);
    }
    let body = if reply.is_base64_encoded {
        STANDARD.decode(&reply.body).map_err(|error| format!("body is no base64: {error}"))?
    } else {
        reply.body.into_bytes()
    };
    Ok(Replied { status, headers, body: body.into() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_says_what_the_request_says() {
        let target: Uri = "/orders/42%20a?tag=a&tag=b%20c&x=1".parse().unwrap();
        let mut asked = Asked {
            method: "POST",
            target: &target,
            host: "www.example.com",
            headers: vec![("x-one", b"1"), ("x-one", b"2"), ("user-agent", b"me")],
            body: b"a=1",
            client: "203.0.113.9",
            account: "123",
            id: "1-a",
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_595_271_895);
        let told = serde_json::to_value(asked.event(now)).unwrap();
        let expected = json!({
            "version": "v1", "rawPath": "/orders/42%20a", "body": "a=1", "isBase64Encoded": false,
            "headers": {"X-One": "1,2", "User-Agent": "me"}, "queryParameters": {"tag": "a,b c", "x": "1"},
            "requestContext": {
                "accountId": "123", "domainName": "www.example.com", "domainPrefix": "www", "requestId": "1-a",
                "time": "2026-01-05T06:41:11Z", "timeEpoch": "1767595271895",
                "http": {
                    "method": "POST", "path": "/orders/42 a", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9",
                    "userAgent": "me",
                },
            },
        });
        assert_eq!(told, expected);
        asked.body = b"\xff\x00";
        let told = serde_json::to_value(asked.event(now)).unwrap();
        assert_eq!((&told["body"], &told["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    }

    #[track_caller]
    fn check(payload: &'static [u8], status: u16, kind: &str, body: &[u8]) {
        let replied = Replied::of(&Bytes::from_static(payload)).unwrap();
        assert_eq!((replied.status.as_u16(), &*replied.body), (status, body));
        assert_eq!(
            replied.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes),
            kind.as_bytes()
        );
    }

    #[test]
    fn a_reply_is_an_object_with_a_status_or_the_body_of_a_200() {
        check(br#"{"statusCode": 201, "headers": {"Content-Type": "a/b"}, "body": "x"}"#, 201, "a/b", b"x");
        check(br#"{"statusCode": 200, "isBase64Encoded": true, "body": "/wA="}"#, 200, "", b"\xff\x00");
        check(br#"{"statusCode": "204"}"#, 204, "", b"");
        check(br#"{"status": 1}"#, 200, "application/json", br#"{"status": 1}"#);
        check(b"hello world", 200, "text/plain; charset=utf-8", b"hello world");
        check(b"\"hello\"", 200, "application/json", b"\"hello\"");
        check(b"", 200, "text/plain; charset=utf-8", b"");
        let payload = br#"{"statusCode": 200, "headers": {"Set-Cookie": "a=1", "set-cookie": "b=2"}}"#;
        let replied = Replied::of(&Bytes::from_static(payload)).unwrap();
        assert_eq!(replied.headers.get_all("set-cookie").iter().count(), 2);
    }

    #[test]
    fn an_object_that_is_no_reply_says_why() {
        for (payload, part) in [
            (&br#"{"statusCode": "many"}"#[..], "statusCode"),
            (br#"{"statusCode": 99}"#, "no status"),
            (br#"{"statusCode": 101}"#, "no status of a reply"),
            (br#"{"statusCode": 200, "headers": {"a b": "1"}}"#, "`a b`"),
            (br#"{"statusCode": 200, "headers": {"a": "1\n2"}}"#, "`a`"),
            (br#"{"statusCode": 200, "isBase64Encoded": true, "body": "?"}"#, "no base64"),
            (br#"{"statusCode": 200, "body": {}}"#, "body"),
        ] {
            let error = Replied::of(&Bytes::from_static(payload)).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
