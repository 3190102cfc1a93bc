//! Signs requests as clients do.

use std::time::{SystemTime, UNIX_EPOCH};

use http::request::Parts;
use http::{HeaderValue, header};
use ring::digest;

use super::acs3::{self, CONTENT_HASH, DATE, TOKEN};
use super::encoding::hex;
use super::fc_signature;
use super::keys::AccessKey;
use super::time::iso8601;
use crate::model::Secret;

/// Adds the headers of a signature to a request that has its `Host`. `None` if a header is repeated, or the query could be
/// read in two ways.
pub(crate) fn sign(head: &mut Parts, body: &[u8], key: &AccessKey, now: SystemTime) -> Option<()> {
    let set = |head: &mut Parts, name, value: &[u8]| {
        head.headers.insert(name, HeaderValue::from_bytes(value).ok()?);
        Some(())
    };
    set(head, DATE, iso8601(now).as_bytes())?;
    set(head, CONTENT_HASH, hex(digest::digest(&digest::SHA256, body).as_ref()).as_bytes())?;
    if let Some(token) = &key.token {
        set(head, TOKEN, token.reveal())?;
    }
    let is_signed = |name: &str| matches!(name, "host" | "content-type") || name.starts_with("x-acs-");
    let mut signed: Vec<String> = head.headers.keys().map(|name| name.as_str().to_owned()).collect();
    signed.retain(|name| is_signed(name));
    signed.sort_unstable();
    let signed: Vec<&str> = signed.iter().map(String::as_str).collect();
    let authorization = acs3::sign(head, &signed, &key.id, key.secret.reveal())?;
    set(head, header::AUTHORIZATION, authorization.as_bytes())
}

/// The target of a request, path and query, with a signature until `end`.
pub(crate) fn presign(head: &Parts, key: &AccessKey, end: SystemTime) -> Option<String> {
    let token = key.token.as_ref().map_or(&b""[..], Secret::reveal);
    let end = end.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let query = fc_signature::presign(head, &key.id, token, key.secret.reveal(), end)?;
    Some(format!("{}?{query}", head.uri.path()))
}
