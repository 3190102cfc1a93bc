//! JSON Web Tokens: the signature by the key's own algorithm, and the time.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p521::ecdsa::signature::Verifier;
use ring::{hmac, signature};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::model::{Jwk, JwsAlgorithm, KeyMaterial};

/// The longest token that is read, in bytes. The platform takes 8 KiB of headers.
const TOKEN_MAX: usize = 16 * 1024;

/// The claims of a token.
pub(crate) type Claims = Map<String, Value>;

/// A token whose parts are read. Nothing in it is true before [`verify`](Self::verify) says so.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// The bytes that the signature covers.
    signed: &'a [u8],
    header: Map<String, Value>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads a token in its compact form.
    pub(crate) fn parse(token: &'a str) -> Result<Self, Failure> {
        let malformed = || denied("is not a JSON Web Token");
        if token.len() > TOKEN_MAX {
            return Err(denied("is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
        let header: Map<String, Value> = serde_json::from_slice(&decode(header)?).map_err(|_| malformed())?;
        if header.contains_key("crit") {
            return Err(denied("needs extensions that are not supported: `crit`"));
        }
        Ok(Token {
            signed: signed.as_bytes(),
            payload: decode(payload)?,
            signature: decode(signature)?,
            header,
        })
    }

    /// The key that the token names, or the one key without a name. No other key is tried.
    pub(crate) fn key<'k>(&self, keys: &'k [Jwk]) -> Result<&'k Jwk, Failure> {
        let id = match self.header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.as_str()).filter(|id| !id.is_empty()),
            Some(_) => return Err(denied("has a `kid` that is not text")),
        };
        keys.iter().find(|key| key.kid.as_deref() == id).ok_or_else(|| match id {
            Some(_) => denied("names a key that is not in the key set"),
            None => denied("names no key, and every key of the set has a name"),
        })
    }

    /// Checks the signature by the algorithm of the key, and the time.
    pub(crate) fn verify(&self, key: &Jwk, now: SystemTime) -> Result<Claims, Failure> {
        // The header says what the client wishes. The key says what its owner has declared.
        if self.header.get("alg").and_then(Value::as_str) != Some(key.algorithm.name()) {
            return Err(denied(format_args!(
                "is not signed by {}, the algorithm of the key",
                key.algorithm.name()
            )));
        }
        if !is_signed_by(key, self.signed, &self.signature) {
            return Err(denied("has a wrong signature"));
        }
        let claims: Claims = serde_json::from_slice(&self.payload)
            .map_err(|_| denied("has claims that are not a JSON object"))?;
        let now = now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let seconds = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            Some(_) => Err(denied(format_args!("has a `{name}` that is no number"))),
        };
        if seconds("exp")?.is_some_and(|end| end <= now) {
            return Err(denied("has expired"));
        }
        if seconds("nbf")?.is_some_and(|begin| begin > now) {
            return Err(denied("is not valid yet"));
        }
        Ok(claims)
    }
}

fn denied(what: impl std::fmt::Display) -> Failure {
    Failure::access_denied(format_args!("the token {what}"))
}

fn is_signed_by(key: &Jwk, signed: &[u8], signature: &[u8]) -> bool {
    match &key.material {
        KeyMaterial::Secret(secret) => {
            let algorithm = match key.algorithm {
                JwsAlgorithm::Hs256 => hmac::HMAC_SHA256,
                JwsAlgorithm::Hs384 => hmac::HMAC_SHA384,
                JwsAlgorithm::Hs512 => hmac::HMAC_SHA512,
                _ => return false,
            };
            hmac::verify(&hmac::Key::new(algorithm, secret.reveal()), signed, signature).is_ok()
        }
        KeyMaterial::Rsa { n, e } => {
            let parameters = match key.algorithm {
                JwsAlgorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                JwsAlgorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                JwsAlgorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                JwsAlgorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                JwsAlgorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                JwsAlgorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                _ => return false,
            };
            signature::RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).is_ok()
        }
        KeyMaterial::Ec(point) => {
            let algorithm = match key.algorithm {
                JwsAlgorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
                JwsAlgorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
                JwsAlgorithm::Es512 => return is_signed_by_p521(point, signed, signature),
                _ => return false,
            };
            signature::UnparsedPublicKey::new(algorithm, point).verify(signed, signature).is_ok()
        }
        KeyMaterial::Ed25519(point) => {
            key.algorithm == JwsAlgorithm::EdDsa
                && signature::UnparsedPublicKey::new(&signature::ED25519, point)
                    .verify(signed, signature)
                    .is_ok()
        }
    }
}

fn is_signed_by_p521(point: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(point);
    let signature = p521::ecdsa::Signature::from_slice(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(signed, &signature).is_ok())
}

#[cfg(test)]
mod tests;
