//! Access keys of this machine, and temporary keys that are derived from them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac;
use subtle::ConstantTimeEq;

use super::encoding::hex;
use crate::failure::Failure;
use crate::model::Secret;

/// The begin of the id of a temporary key.
const TEMPORARY: &str = "STS.";

/// A key that signs requests.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    /// The security token that requests carry beside the signature of a temporary key.
    pub(crate) token: Option<Secret>,
}

/// The keys that signatures are checked with: one of the project, and the temporary ones derived from that one.
///
/// No list of temporary keys is kept. A security token names the end of its time, and secret and token follow from the
/// project's own secret.
#[derive(Debug, Clone)]
pub(crate) struct LocalKeys {
    own: AccessKey,
}

impl LocalKeys {
    pub(crate) fn new(own: AccessKey) -> Self {
        LocalKeys { own }
    }

    pub(crate) fn own(&self) -> &AccessKey {
        &self.own
    }

    /// A temporary key that is valid until a time. `nonce` tells keys of the same end apart.
    pub(crate) fn temporary(&self, nonce: [u8; 8], until: SystemTime) -> AccessKey {
        let end = until.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.derived(format!("{TEMPORARY}{}", hex(&nonce)), end)
    }

    fn derived(&self, id: String, end: u64) -> AccessKey {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.own.secret.reveal());
        let derive =
            |purpose: &str| hex(hmac::sign(&key, format!("{purpose}\n{id}\n{end}").as_bytes()).as_ref());
        let token = format!("{end}.{}", derive("token"));
        AccessKey { secret: Secret::new(derive("secret")), token: Some(Secret::new(token)), id }
    }

    /// The secret of the key with this id, if the request's security token belongs to the key. An empty token counts as
    /// none: the platform's own samples sign one.
    pub(crate) fn find(&self, id: &str, token: &[u8], now: SystemTime) -> Result<Secret, Failure> {
        let is_own = id == self.own.id;
        let is_temporary = !is_own && id.starts_with(TEMPORARY);
        let key = if is_temporary {
            self.derived(id.to_owned(), end_of(token).ok_or_else(denied)?)
        } else if is_own {
            self.own.clone()
        } else {
            return Err(Failure::unknown_access_key(id));
        };
        let expected = key.token.as_ref().map_or(&b""[..], Secret::reveal);
        if !bool::from(expected.ct_eq(token)) {
            return Err(denied());
        }
        let end = end_of(token)
            .filter(|_| is_temporary)
            .map(|end| UNIX_EPOCH.checked_add(Duration::from_secs(end)));
        match end {
            Some(end) if end.is_none_or(|end| end <= now) => {
                Err(Failure::access_denied("the security token has expired"))
            }
            _ => Ok(key.secret),
        }
    }
}

fn denied() -> Failure {
    Failure::access_denied("the security token does not belong to the access key")
}

fn end_of(token: &[u8]) -> Option<u64> {
    let (end, _) = std::str::from_utf8(token).ok()?.split_once('.')?;
    end.bytes().all(|byte| byte.is_ascii_digit()).then(|| end.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_keys_are_valid_with_their_token_until_their_end() {
        let own = AccessKey { id: "own".to_owned(), secret: Secret::new("hunter2"), token: None };
        let keys = LocalKeys::new(own);
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let later = |seconds| now + Duration::from_secs(seconds);
        let key = keys.temporary([1; 8], later(60));
        let other = keys.temporary([2; 8], later(60));
        let token = |key: &AccessKey| key.token.clone().unwrap().reveal().to_vec();
        assert_ne!((key.secret.reveal(), token(&key)), (other.secret.reveal(), token(&other)));

        assert_eq!(keys.find(&key.id, &token(&key), later(59)).unwrap(), key.secret);
        let refused = |id: &str, token: &[u8], now, text: &str| {
            let failure = keys.find(id, token, now).unwrap_err();
            assert!(failure.message().contains(text), "{failure:?}");
        };
        refused(&key.id, &token(&key), later(60), "has expired");
        refused(&key.id, b"", now, "does not belong");
        refused(&key.id, &token(&other), now, "does not belong");
        let longer = [b"9", &token(&key)[..]].concat();
        refused(&key.id, &longer, now, "does not belong");
        refused(&key.id, format!("{}.", u64::MAX).as_bytes(), now, "does not belong");
        refused("own", &token(&key), now, "does not belong");
        refused("none", b"", now, "invalid access key ID 'none'");
        assert_eq!(keys.find("own", b"", now).unwrap().reveal(), b"hunter2");
        assert!(!format!("{keys:?} {key:?}").contains("hunter2"));
    }
}
