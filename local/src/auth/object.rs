//! `OSS id:signature`, the signature of object storage's clients, and addresses that carry one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderName, header};
use ring::hmac;

use super::encoding::{encode, pairs};
use super::keys::{AccessKey, LocalKeys};
use super::time;
use crate::failure::Failure;

const SCHEME: &str = "OSS ";
/// The scheme of the fourth version.
const LATER_SCHEME: &str = "OSS4-";
const PREFIX: &str = "x-oss-";
const DATE: &str = "x-oss-date";
const TOKEN: &str = "x-oss-security-token";

/// The parameters of an address that carries its signature.
const KEY_ID: &str = "OSSAccessKeyId";
const EXPIRES: &str = "Expires";
const SIGNATURE: &str = "Signature";

/// Whether a request comes from a client of object storage.
pub(crate) fn is_of_object_client(authorization: Option<&str>, query: &str) -> bool {
    authorization.is_some_and(|value| value.starts_with(SCHEME) || value.starts_with(LATER_SCHEME))
        || pairs(query).any(|(key, ..)| key == KEY_ID.as_bytes())
}

/// Checks who asks for `resource`, which is a bucket and the name of an object: `/bucket/object`.
pub(crate) fn check_object(
    head: &Parts,
    resource: &str,
    keys: &LocalKeys,
    now: SystemTime,
) -> Result<(), Failure> {
    let query = head.uri.query().unwrap_or_default();
    let parameter = |name: &str| {
        let mut found = pairs(query).filter(|(key, ..)| key == name.as_bytes());
        found.next().map(|(_, value, _)| String::from_utf8_lossy(&value).into_owned())
    };
    if let Some(id) = parameter(KEY_ID) {
        let expires = parameter(EXPIRES).unwrap_or_default();
        let until =
            expires.parse().ok().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        let until = until.ok_or_else(|| Failure::invalid_argument("`Expires` of the address is no time"))?;
        if until <= now {
            return Err(Failure::access_denied("the address has expired"));
        }
        let secret = keys.find(&id, b"", now)?;
        let text = text(head, &expires, resource);
        return compare(text, secret.reveal(), &parameter(SIGNATURE).unwrap_or_default());
    }
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = header(header::AUTHORIZATION.as_str()).unwrap_or_default();
    if authorization.starts_with(LATER_SCHEME) {
        let text = "signatures of version 4 are not read here: let the client sign as version 1 (`OSS id:signature`)";
        return Err(Failure::invalid_argument(text));
    }
    let pair = authorization.strip_prefix(SCHEME).and_then(|pair| pair.split_once(':'));
    let (id, signature) = pair.ok_or_else(|| Failure::header_missing("Authorization"))?;
    let date = header(DATE).or_else(|| header(header::DATE.as_str()));
    let date = date.ok_or_else(|| Failure::header_missing("Date"))?;
    let sent =
        time::parse_rfc1123(date).ok_or_else(|| Failure::invalid_argument("the date cannot be read"))?;
    time::check_window(sent, now)?;
    let token = header(TOKEN).unwrap_or_default();
    let secret = keys.find(id, token.as_bytes(), now)?;
    compare(text(head, date, resource), secret.reveal(), signature)
}

/// The query by which anybody who has the address may read `resource` until `until`.
pub(crate) fn presign_object(resource: &str, key: &AccessKey, until: SystemTime) -> String {
    let expires = until.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let text = format!("GET\n\n\n{expires}\n{resource}");
    let signature = STANDARD.encode(hmac::sign(&hmac_key(key.secret.reveal()), text.as_bytes()));
    let (id, signature) = (encode(key.id.as_bytes()), encode(signature.as_bytes()));
    format!("{KEY_ID}={id}&{EXPIRES}={expires}&{SIGNATURE}={signature}")
}

/// What is signed.
fn text(head: &Parts, date: &str, resource: &str) -> Option<Vec<u8>> {
    let value = |name: &str| -> Option<&[u8]> {
        let mut values = head.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Some(b""),
            (Some(value), None) => Some(value.as_bytes().trim_ascii()),
            // Two values of one name could be read in two ways.
            _ => None,
        }
    };
    let method = head.method.as_str().as_bytes();
    let lines = [method, value("content-md5")?, value("content-type")?, date.as_bytes()];
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    let mut names: Vec<&str> = head.headers.keys().map(HeaderName::as_str).collect();
    names.retain(|name| name.starts_with(PREFIX));
    names.sort_unstable();
    for name in names {
        text.extend([name.as_bytes(), b":", value(name)?, b"\n"].concat());
    }
    text.extend(resource.as_bytes());
    Some(text)
}

fn compare(text: Option<Vec<u8>>, secret: &[u8], signature: &str) -> Result<(), Failure> {
    let signature = STANDARD.decode(signature).ok();
    let is_right = text.zip(signature).is_some_and(|(text, signature)| {
        // Compares in constant time.
        hmac::verify(&hmac_key(secret), &text, &signature).is_ok()
    });
    if is_right { Ok(()) } else { Err(Failure::signature_differs()) }
}

fn hmac_key(secret: &[u8]) -> hmac::Key {
    // What the clients of object storage use.
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::model::Secret;

    fn keys() -> LocalKeys {
        LocalKeys::new(AccessKey { id: "id".to_owned(), secret: Secret::new("secret"), token: None })
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[track_caller]
    fn judged(request: http::request::Builder, resource: &str, now: u64) -> Result<(), String> {
        let head = request.body(()).unwrap().into_parts().0;
        check_object(&head, resource, &keys(), at(now)).map_err(|failure| failure.message().to_owned())
    }

    #[test]
    fn a_signature_covers_what_object_storage_documents() {
        let date = "Thu, 22 Feb 2024 09:21:31 GMT";
        let now = 1_708_593_691;
        // HMAC-SHA1 over "PUT\n\napplication/zip\n<date>\nx-oss-date:<date>\n/bucket/1/a", computed with openssl.
        let signature = "v9bidddkTOFEN9dsuQGz3GnN10U=";
        let request = |signature: &str| {
            Request::put("/1/a")
                .header("content-type", "application/zip")
                .header("x-oss-date", date)
                .header("authorization", format!("OSS id:{signature}"))
        };
        assert_eq!(judged(request(signature), "/bucket/1/a", now), Ok(()));
        let refused = |request, resource, now, part: &str| {
            let text = judged(request, resource, now).unwrap_err();
            assert!(text.contains(part), "{text}");
        };
        refused(request(signature), "/bucket/1/b", now, "signature");
        refused(request(signature).header("x-oss-meta-a", "b"), "/bucket/1/a", now, "signature");
        refused(request(signature).header("content-type", "x"), "/bucket/1/a", now, "signature");
        refused(request(signature), "/bucket/1/a", now + 1000, "too large");
        refused(request("x"), "/bucket/1/a", now, "signature");
        refused(request("").header("authorization", "x"), "/bucket/1/a", now, "signature");
        refused(
            Request::put("/1/a").header("authorization", "OSS4-HMAC-SHA256 x"),
            "/bucket/1/a",
            now,
            "version 1",
        );
        refused(Request::put("/1/a"), "/bucket/1/a", now, "Authorization");
    }

    #[test]
    fn an_address_is_valid_until_its_end() {
        let query = presign_object("/bucket/code/a", keys().own(), at(100));
        let request = |query: &str| Request::get(format!("/bucket/code/a?{query}"));
        assert_eq!(judged(request(&query), "/bucket/code/a", 99), Ok(()));
        assert!(judged(request(&query), "/bucket/code/a", 100).unwrap_err().contains("expired"));
        assert!(judged(request(&query), "/bucket/code/b", 99).is_err());
        let longer = query.replace("Expires=100", "Expires=900");
        assert!(judged(request(&longer), "/bucket/code/a", 99).is_err());
        assert!(judged(request(&query).method("PUT"), "/bucket/code/a", 99).is_err());
    }
}
