//! `ACS3-HMAC-SHA256`, the signature of requests to the platform.

use std::fmt::Write;
use std::time::SystemTime;

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};

/// The scheme, as the `Authorization` header and the string to sign begin.
pub(crate) const SCHEME: &str = "ACS3-HMAC-SHA256";

/// What of a request is signed.
#[derive(Debug)]
pub(crate) struct Signable<'a> {
    pub(crate) method: &'a str,
    /// As it is sent.
    pub(crate) path: &'a str,
    /// As it is sent, without `?`.
    pub(crate) query: &'a str,
    /// Names in lower case and sorted, each once.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The hash of the body in hexadecimal digits; empty where the body is not signed.
    pub(crate) payload: &'a str,
}

impl Signable<'_> {
    fn names(&self) -> String {
        self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
    }

    pub(crate) fn string_to_sign(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.method, self.path, canonical_query(self.query));
        for (name, value) in self.headers {
            text.extend([name, ":", value.trim(), "\n"]);
        }
        text.extend(["\n", &self.names(), "\n", self.payload]);
        format!("{SCHEME}\n{}", sha256(text.as_bytes()))
    }

    /// The signature, in hexadecimal digits.
    pub(crate) fn signature(&self, secret: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hex(hmac::sign(&key, self.string_to_sign().as_bytes()).as_ref())
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self, id: &str, secret: &str) -> String {
        let (names, signature) = (self.names(), self.signature(secret));
        format!("{SCHEME} Credential={id},SignedHeaders={names},Signature={signature}")
    }
}

/// The SHA-256 of the bytes, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A text takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A value that no other request has. `None` if the system has no random numbers.
pub(crate) fn nonce() -> Option<String> {
    random::<16>().map(|bytes| hex(&bytes))
}

/// Random bytes. `None` if the system has none.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok().map(|()| bytes)
}

/// A moment as `2026-11-29T15:38:02Z`; one before 1970 or after 9999 as the begin of 1970.
pub(crate) fn iso8601(moment: SystemTime) -> String {
    Timestamp::try_from(moment).unwrap_or_default().max(Timestamp::UNIX_EPOCH).strftime("%FT%TZ").to_string()
}

/// The text with everything but letters, digits and `-._~` as `%XX`.
pub(crate) fn encode(text: &str) -> String {
    encode_bytes(text.as_bytes())
}

fn encode_bytes(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(*byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The bytes that a part of a query stands for: `+` is a space.
fn decode(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let pair = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2)));
        match (byte, pair) {
            (b'%', (Some(high), Some(low))) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            _ => decoded.push(*byte),
        }
        at += 1;
    }
    decoded
}

/// The pairs sorted by key. Values are encoded and keys are not: so do the platform's own clients.
fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(Vec<u8>, String)> = pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), encode_bytes(&decode(value)))
        })
        .collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    let texts: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}={value}", String::from_utf8_lossy(key))).collect();
    texts.join("&")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::Value;

    use super::*;

    /// Requests as the official SDKs sent them to a recorder, with keys made up for the purpose. `fc-local` checks its
    /// verifier with the same file.
    const VECTORS: &str = include_str!("../../local/src/auth/signature/vectors.json");

    fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
        vector[name].as_str().unwrap_or_else(|| panic!("no {name}: {vector}"))
    }

    /// The paths that clients sign for a path that they send.
    fn spellings(path: &str) -> Vec<String> {
        let segments = path.split('/').map(|segment| encode_bytes(&decode(&segment.replace('+', "%2B"))));
        vec![
            path.to_owned(),
            path.replace('+', "%20").replace('*', "%2A").replace("%7E", "~"),
            path.replacen('+', "%20", 1).replacen('*', "%2A", 1).replacen("%7E", "~", 1),
            segments.collect::<Vec<_>>().join("/"),
        ]
    }

    /// Signs a recorded request anew. Whether any spelling of the path gives the recorded signature.
    fn is_reproduced(vector: &Value) -> bool {
        let headers: Vec<(String, &str)> = vector["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap().to_ascii_lowercase(), pair[1].as_str().unwrap()))
            .collect();
        let value = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| *value);
        let authorization = value("authorization").unwrap();
        let parameter = |name: &str| {
            let parts = authorization.trim_start_matches(SCHEME).trim().split(',');
            parts.filter_map(|part| part.split_once('=')).find(|(own, _)| *own == name).unwrap().1
        };
        let signed: Vec<(&str, &str)> = parameter("SignedHeaders")
            .split(';')
            .map(|name| (name, value(name).unwrap_or_default()))
            .collect();
        let target = text(vector, "target");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let payload =
            signed.iter().find(|(name, _)| *name == "x-acs-content-sha256").map_or("", |(_, hash)| hash);
        spellings(path).iter().any(|path| {
            let method = text(vector, "method");
            let request = Signable { method, path, query, headers: &signed, payload };
            request.authorization(parameter("Credential"), text(vector, "access_key_secret")) == authorization
        })
    }

    #[test]
    fn the_requests_of_the_official_sdks_are_signed_alike() {
        let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
        let ours = vectors.iter().filter(|vector| text(vector, "scheme").starts_with("acs3"));
        let (mut valid, mut invalid) = (0, 0);
        for vector in ours {
            let is_valid = text(vector, "expect") == "valid";
            // A body that differs from its hash is found by the hash, not by the signature.
            let is_body = text(vector, "name").contains("body");
            assert!(is_reproduced(vector) == is_valid || is_body, "{vector}");
            *(if is_valid { &mut valid } else { &mut invalid }) += 1;
        }
        assert_eq!((valid, invalid), (60, 9));
    }

    #[test]
    fn the_samples_of_the_manual_are_signed_alike() {
        let sign = |headers: &[(&str, &str)], (method, path, query), payload, secret| {
            Signable { method, path, query, headers, payload }.signature(secret)
        };
        let hash = sha256(b"");
        let headers = [
            ("host", "ecs.cn-shanghai.aliyuncs.com"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-content-sha256", &hash),
            ("x-acs-date", "2023-10-26T10:22:32Z"),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
            ("x-acs-version", "2014-05-26"),
        ];
        let query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai";
        assert_eq!(
            sign(&headers, ("POST", "/", query), &hash, "YourAccessKeySecret"),
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        );
        for (token, signature) in [
            ("", "f800a1b6845e854efefd67393eaf25229a8c47ed8168115708e7fc3745daafec"),
            ("testToken", "45a9a86d3aaea49d7629a9e4f8f21c61580d8a888502a0e2261af88388b0f342"),
        ] {
            let headers = [("x-acs-date", "2024-02-22T09:21:31Z"), ("x-acs-security-token", token)];
            assert_eq!(sign(&headers, ("POST", "/hello", "foo=bar"), "", "testSecret"), signature);
        }
        let headers = [("x-acs-date", "2024-02-22T09:21:31Z")];
        assert_eq!(
            sign(&headers, ("GET", "/", ""), "", "testSecret"),
            "067a834ff254f1a2273741c3c0d5916a2344a61304971acc1192b2b48891d534"
        );
    }

    #[test]
    fn moments_are_written_as_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_698_315_752, "2023-10-26T10:22:32Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(iso8601(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn no_two_nonces_are_alike() {
        let nonce = || nonce().unwrap();
        assert_eq!(nonce().len(), 32);
        assert_ne!(nonce(), nonce());
    }
}
