//! Signatures in recorded requests: which there are, and what is left without them.

use crate::record::Entry;

/// Headers of a signature beside `Authorization`.
pub(super) const OF_SIGNATURE: [&str; 6] = [
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-security-token",
    "x-acs-signature-nonce",
    "x-fc-security-token",
    "date",
];

/// Parameters of a signature in an address.
const SIGNED: [&str; 4] = ["x-fc-access-key-id", "x-fc-expires", "x-fc-security-token", "x-fc-signature"];

/// Whether the request has a signature of an access key, by a header or in its address.
pub(super) fn is_signed(authorization: &[u8], target: &str) -> bool {
    authorization.starts_with(b"FC ")
        || authorization.starts_with(b"ACS3-")
        || target
            .split(['?', '&'])
            .skip(1)
            .any(|part| part.to_ascii_lowercase().starts_with("x-fc-signature="))
}

/// Whether the call is of the account's objects, on which no signature is made for somebody else. Calls of functions have a
/// way in.
pub(super) fn is_of_account(entry: &Entry) -> bool {
    const APIS: [&str; 3] = ["/2023-03-30/", "/2021-04-06/", "/2016-08-15/"];
    let path = entry.call.original.path();
    entry.call.via.is_none()
        && APIS.iter().any(|api| path.starts_with(api))
        && !path.starts_with("/2016-08-15/proxy/")
}

/// The target without the parameters of a signature.
pub(super) fn without_signature(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let is_of_signature = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default().to_ascii_lowercase();
        SIGNED.contains(&name.as_str())
    };
    let rest: Vec<&str> = query.split('&').filter(|part| !is_of_signature(part)).collect();
    if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) }
}
