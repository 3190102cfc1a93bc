//! `ACS3-HMAC-SHA256`, the signature of the platform's present SDKs.

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use ring::{digest, hmac};

use super::encoding::{decode, encode, from_hex, hex, pairs};

/// The scheme, as the `Authorization` header and the string to sign begin.
pub(crate) const SCHEME: &str = "ACS3-HMAC-SHA256";

pub(crate) const DATE: HeaderName = HeaderName::from_static("x-acs-date");
pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-acs-security-token");
pub(crate) const CONTENT_HASH: HeaderName = HeaderName::from_static("x-acs-content-sha256");

/// An `Authorization` header, read.
#[derive(Debug)]
pub(crate) struct Acs3<'a> {
    pub(crate) key_id: &'a str,
    pub(crate) signed: Vec<&'a str>,
    signature: Vec<u8>,
}

impl<'a> Acs3<'a> {
    /// Reads what follows the scheme. The list of headers must be lower-case, sorted and without repetitions, as all
    /// clients write it.
    pub(crate) fn parse(parameters: &'a str) -> Option<Self> {
        let mut found = [None; 3];
        for part in parameters.split(',') {
            let (name, value) = part.trim().split_once('=')?;
            let at = ["Credential", "SignedHeaders", "Signature"].iter().position(|own| *own == name)?;
            if found[at].replace(value).is_some() {
                return None;
            }
        }
        let [Some(key_id), Some(signed), Some(signature)] = found else { return None };
        let signed: Vec<&str> = signed.split(';').collect();
        let is_sorted = signed.windows(2).all(|pair| pair[0] < pair[1]);
        let is_name = |name: &&str| !name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let is_form = is_sorted && signed.iter().all(is_name) && !key_id.is_empty();
        Some(Acs3 { key_id, signed, signature: from_hex(signature)? }).filter(|_| is_form)
    }

    pub(crate) fn signs(&self, name: &HeaderName) -> bool {
        self.signed.contains(&name.as_str())
    }

    /// Whether the signature is that of the request. Clients spell the path in several ways before they sign.
    pub(crate) fn is_right(&self, head: &Parts, secret: &[u8]) -> bool {
        let Some(request) = Canonical::of(head, &self.signed) else { return false };
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let verifies =
            |path: &String| hmac::verify(&key, request.string_to_sign(path).as_bytes(), &self.signature);
        spellings(head.uri.path()).iter().any(|path| verifies(path).is_ok())
    }
}

/// The value of the `Authorization` header for a request that has all the headers of `signed`, in sorted order.
pub(crate) fn sign(head: &Parts, signed: &[&str], key_id: &str, secret: &[u8]) -> Option<String> {
    let request = Canonical::of(head, signed)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = hmac::sign(&key, request.string_to_sign(head.uri.path()).as_bytes());
    let (signed, signature) = (signed.join(";"), hex(signature.as_ref()));
    Some(format!("{SCHEME} Credential={key_id},SignedHeaders={signed},Signature={signature}"))
}

/// The parts of the canonical request.
struct Canonical<'a> {
    method: &'a str,
    query: String,
    headers: String,
    signed: String,
    /// The hash of the body, if it is signed; else the body is not.
    payload: String,
}

impl<'a> Canonical<'a> {
    /// `None` if a header is absent or repeated, or the query could be read in two ways.
    fn of(head: &'a Parts, signed: &[&str]) -> Option<Self> {
        let mut headers = String::new();
        for name in signed {
            headers.extend([name, ":", single(&head.headers, name)?, "\n"]);
        }
        let is_hashed = signed.contains(&CONTENT_HASH.as_str());
        let payload =
            if is_hashed { single(&head.headers, CONTENT_HASH.as_str())?.to_owned() } else { String::new() };
        let query = canonical_query(head.uri.query().unwrap_or_default())?;
        Some(Canonical { method: head.method.as_str(), query, headers, signed: signed.join(";"), payload })
    }

    fn string_to_sign(&self, path: &str) -> String {
        let Canonical { method, query, headers, signed, payload } = self;
        let request = format!("{method}\n{path}\n{query}\n{headers}\n{signed}\n{payload}");
        let digest = digest::digest(&digest::SHA256, request.as_bytes());
        format!("{SCHEME}\n{}", hex(digest.as_ref()))
    }
}

/// The value of a header that stands there once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
}

/// The pairs sorted by key, a repeated key in its order. Values are encoded, keys are not: so do all clients.
///
/// `None` for a key with a character that separates: one canonical text would stand for two queries.
fn canonical_query(query: &str) -> Option<String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (key, value, _) in self::pairs(query) {
        let key = String::from_utf8(key).ok().filter(|key| !key.contains(['&', '=', '\n']))?;
        pairs.push((key, encode(&value)));
    }
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    Some(pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&"))
}

/// The spellings of a path that clients sign, the usual one first.
fn spellings(path: &str) -> Vec<String> {
    let path = if path.is_empty() { "/" } else { path };
    let segments = path.split('/').map(|segment| encode(&decode(segment, false)));
    let mut spellings = vec![
        path.to_owned(),
        path.replace('+', "%20").replace('*', "%2A").replace("%7E", "~"),
        path.replacen('+', "%20", 1).replacen('*', "%2A", 1).replacen("%7E", "~", 1),
        segments.collect::<Vec<_>>().join("/"),
    ];
    spellings.dedup();
    spellings
}
