//! Checks the signature of a request, of whichever scheme.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use ring::digest;

use super::acs3::{self, Acs3};
use super::encoding::from_hex;
use super::fc_signature::{self, Presigned, Resource};
use super::keys::LocalKeys;
use super::time;
use crate::failure::Failure;

/// Where a signed request is going: both sign other parts of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addressee {
    HttpTrigger,
    Api,
}

/// A request whose signature is right.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the hash of the body is still to be compared"]
pub(crate) struct Signed {
    /// The SHA-256 that the body must have. `None` where the body is not signed.
    pub(crate) body_hash: Option<BodyHash>,
}

/// The SHA-256 of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BodyHash(Vec<u8>);

impl BodyHash {
    /// Refuses a body with another hash.
    pub(crate) fn check(&self, body: &[u8]) -> Result<(), Failure> {
        let is_same = digest::digest(&digest::SHA256, body).as_ref() == self.0;
        if is_same { Ok(()) } else { Err(Failure::signature_differs()) }
    }
}

/// Whether a request claims to be signed.
pub(crate) fn is_signed(head: &Parts) -> bool {
    let signed = |value: &header::HeaderValue| {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
        [acs3::SCHEME, fc_signature::SCHEME].iter().any(|own| scheme.eq_ignore_ascii_case(own.as_bytes()))
    };
    head.headers.get_all(header::AUTHORIZATION).iter().any(signed)
        || Presigned::is_in(head.uri.query().unwrap_or_default())
}

/// Checks the signature and the time of a request.
pub(crate) fn check_signature(
    head: &Parts,
    addressee: Addressee,
    keys: &LocalKeys,
    now: SystemTime,
) -> Result<Signed, Failure> {
    let query = head.uri.query().unwrap_or_default();
    if Presigned::is_in(query) {
        let presigned = Presigned::parse(query)
            .ok_or_else(|| Failure::invalid_argument("the parameters of the signed URL cannot be read"))?;
        return check_presigned(head, &presigned, keys, now);
    }
    let mut values = head.headers.get_all(header::AUTHORIZATION).iter();
    let authorization = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (None, _) => return Err(missing(&head.headers)),
        _ => return Err(Failure::invalid_argument("the request has more than one Authorization header")),
    };
    match authorization.split_once(' ') {
        Some((acs3::SCHEME, parameters)) => check_acs3(head, parameters, addressee, keys, now),
        Some((fc_signature::SCHEME, pair)) => check_fc(head, pair, addressee, keys, now),
        _ => Err(Failure::invalid_argument(
            "the Authorization header is of neither form: `ACS3-HMAC-SHA256 …` or `FC id:signature`",
        )),
    }
}

/// What an unsigned request lacks. The platform names the date first.
fn missing(headers: &HeaderMap) -> Failure {
    let has_date = headers.contains_key(header::DATE) || headers.contains_key(acs3::DATE);
    Failure::header_missing(if has_date { "Authorization" } else { "Date" })
}

fn check_acs3(
    head: &Parts,
    parameters: &str,
    addressee: Addressee,
    keys: &LocalKeys,
    now: SystemTime,
) -> Result<Signed, Failure> {
    let headers = &head.headers;
    let signature = Acs3::parse(parameters)
        .ok_or_else(|| Failure::invalid_argument("the Authorization header cannot be read"))?;
    // What is not signed does not count.
    let signed = |name: &HeaderName| headers.get(name).filter(|_| signature.signs(name));
    let date = signed(&acs3::DATE).ok_or_else(|| Failure::header_missing("Date"))?;
    let date = date.to_str().ok().and_then(time::parse_iso8601).ok_or_else(|| unreadable(&acs3::DATE))?;
    time::check_window(date, now)?;
    if addressee == Addressee::Api {
        for name in [header::HOST, acs3::CONTENT_HASH] {
            signed(&name).ok_or_else(|| Failure::header_missing(name.as_str()))?;
        }
    }
    let token = signed(&acs3::TOKEN).map_or(&b""[..], |token| token.as_bytes());
    let secret = keys.find(signature.key_id, token, now)?;
    if !signature.is_right(head, secret.reveal()) {
        return Err(Failure::signature_differs());
    }
    let hash = signed(&acs3::CONTENT_HASH).map(|hash| {
        let bytes =
            hash.to_str().ok().and_then(from_hex).filter(|bytes| bytes.len() == digest::SHA256_OUTPUT_LEN);
        bytes.map(BodyHash).ok_or_else(Failure::signature_differs)
    });
    Ok(Signed { body_hash: hash.transpose()? })
}

fn check_fc(
    head: &Parts,
    pair: &str,
    addressee: Addressee,
    keys: &LocalKeys,
    now: SystemTime,
) -> Result<Signed, Failure> {
    let (id, signature) = pair
        .split_once(':')
        .ok_or_else(|| Failure::invalid_argument("the Authorization header cannot be read"))?;
    let date = head.headers.get(header::DATE).ok_or_else(|| Failure::header_missing("Date"))?;
    let date = date.to_str().ok().and_then(time::parse_rfc1123).ok_or_else(|| unreadable(&header::DATE))?;
    time::check_window(date, now)?;
    let token = head.headers.get(fc_signature::TOKEN).map_or(&b""[..], |token| token.as_bytes());
    let secret = keys.find(id, token, now)?;
    let is_api = addressee == Addressee::Api && !head.uri.path().starts_with("/2016-08-15/proxy/");
    let resource = if is_api { Resource::Path } else { Resource::PathAndQuery };
    let is_right = fc_signature::is_right(head, resource, secret.reveal(), signature);
    if is_right { Ok(Signed { body_hash: None }) } else { Err(Failure::signature_differs()) }
}

fn check_presigned(
    head: &Parts,
    presigned: &Presigned,
    keys: &LocalKeys,
    now: SystemTime,
) -> Result<Signed, Failure> {
    let end = UNIX_EPOCH.checked_add(Duration::from_secs(presigned.expires));
    if end.is_none_or(|end| end <= now) {
        return Err(Failure::access_denied("the signed URL has expired"));
    }
    let secret = keys.find(&presigned.key_id, &presigned.token, now)?;
    let is_right = presigned.is_right(head, secret.reveal());
    if is_right { Ok(Signed { body_hash: None }) } else { Err(Failure::signature_differs()) }
}

fn unreadable(name: &HeaderName) -> Failure {
    Failure::invalid_argument(format!("the header {name} is no date that can be read"))
}

#[cfg(test)]
mod tests;
