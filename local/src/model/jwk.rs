//! A JSON Web Key: one public key or shared secret, and the one algorithm that it verifies.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::auth::Secret;

/// A key that verifies tokens of one algorithm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Jwk {
    /// `None` for a key without a `kid`, or with an empty one.
    pub(crate) kid: Option<String>,
    /// The algorithm of the key. The header of a token has no say in it.
    pub(crate) algorithm: JwsAlgorithm,
    pub(crate) material: KeyMaterial,
}

/// The documented algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JwsAlgorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

/// The numbers of a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KeyMaterial {
    Secret(Secret),
    /// Modulus and exponent, big-endian.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point as SEC 1 writes it without compression: 4, x, y.
    Ec(Vec<u8>),
    Ed25519(Vec<u8>),
}

const ALGORITHMS: [(JwsAlgorithm, &str, &str); 13] = [
    (JwsAlgorithm::Hs256, "HS256", "oct"),
    (JwsAlgorithm::Hs384, "HS384", "oct"),
    (JwsAlgorithm::Hs512, "HS512", "oct"),
    (JwsAlgorithm::Rs256, "RS256", "RSA"),
    (JwsAlgorithm::Rs384, "RS384", "RSA"),
    (JwsAlgorithm::Rs512, "RS512", "RSA"),
    (JwsAlgorithm::Ps256, "PS256", "RSA"),
    (JwsAlgorithm::Ps384, "PS384", "RSA"),
    (JwsAlgorithm::Ps512, "PS512", "RSA"),
    (JwsAlgorithm::Es256, "ES256", "EC"),
    (JwsAlgorithm::Es384, "ES384", "EC"),
    (JwsAlgorithm::Es512, "ES512", "EC"),
    (JwsAlgorithm::EdDsa, "EdDSA", "OKP"),
];

/// The bits of an RSA key that tokens are verified with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

impl JwsAlgorithm {
    /// The name in the header of a token.
    pub(crate) fn name(self) -> &'static str {
        ALGORITHMS.iter().find(|(own, ..)| *own == self).map_or("", |(_, name, _)| name)
    }

    fn kind_of_key(self) -> &'static str {
        ALGORITHMS.iter().find(|(own, ..)| *own == self).map_or("", |(.., kind)| kind)
    }

    fn find(name: &str) -> Option<Self> {
        ALGORITHMS.iter().find(|(_, own, _)| *own == name).map(|(own, ..)| *own)
    }

    /// The curve of an elliptic key, and the length of its coordinates in bytes.
    fn curve(self) -> Option<(&'static str, usize)> {
        match self {
            JwsAlgorithm::Es256 => Some(("P-256", 32)),
            JwsAlgorithm::Es384 => Some(("P-384", 48)),
            JwsAlgorithm::Es512 => Some(("P-521", 66)),
            _ => None,
        }
    }
}

impl Jwk {
    /// The secret of a key that signer and verifier share.
    pub(crate) fn shared_secret(&self) -> Option<&Secret> {
        if let KeyMaterial::Secret(secret) = &self.material { Some(secret) } else { None }
    }

    /// Reads a key. A text says what is wrong with the key, and shows nothing of the key itself.
    pub(crate) fn read(json: &Value) -> Result<Self, String> {
        let Value::Object(fields) = json else { return Err("is not a map".to_owned()) };
        let text = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(format!("has a `{name}` that is not text")),
        };
        let required = |name: &str| text(name)?.ok_or_else(|| format!("has no `{name}`"));
        let bytes = |name: &str| match URL_SAFE_NO_PAD.decode(required(name)?) {
            Ok(bytes) if bytes.is_empty() => Err(format!("has an empty `{name}`")),
            Ok(bytes) => Ok(bytes),
            Err(_) => Err(format!("has a `{name}` that is not base64url without padding")),
        };
        let kind = required("kty")?;
        let algorithm = algorithm(kind, text("alg")?, text("crv")?)?;
        if let Some(purpose) = text("use")?.filter(|purpose| *purpose != "sig") {
            return Err(format!("is for `use: {purpose}`, not for `sig`"));
        }
        let operations = fields.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|operations| operations.iter().all(|operation| operation != "verify")) {
            return Err("has `key_ops` without `verify`".to_owned());
        }
        let material = match (algorithm.curve(), kind) {
            (Some((curve, length)), _) => {
                if required("crv")? != curve {
                    return Err(format!("needs the curve {curve} for {}", algorithm.name()));
                }
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != length || y.len() != length {
                    return Err(format!("has coordinates that are not {length} bytes long"));
                }
                KeyMaterial::Ec([&[4], &x[..], &y[..]].concat())
            }
            (None, "oct") => KeyMaterial::Secret(Secret::new(bytes("k")?)),
            (None, "OKP") => match bytes("x")? {
                _ if required("crv")? != "Ed25519" => return Err("needs the curve Ed25519".to_owned()),
                x if x.len() != 32 => return Err("has an `x` that is not 32 bytes long".to_owned()),
                x => KeyMaterial::Ed25519(x),
            },
            (None, _) => {
                let without_zeros = |bytes: Vec<u8>| {
                    bytes.iter().position(|byte| *byte != 0).map(|first| bytes[first..].to_vec())
                };
                let (n, e) = (without_zeros(bytes("n")?), without_zeros(bytes("e")?));
                let (Some(n), Some(e)) = (n, e) else { return Err("has an RSA number that is 0".to_owned()) };
                let bits = n.len() * 8 - n[0].leading_zeros() as usize;
                if !RSA_BITS.contains(&bits) {
                    let (least, most) = RSA_BITS.into_inner();
                    return Err(format!("has {bits} bits; RSA keys have {least} to {most}"));
                }
                KeyMaterial::Rsa { n, e }
            }
        };
        let id = text("kid")?.filter(|id| !id.is_empty());
        Ok(Jwk { kid: id.map(str::to_owned), algorithm, material })
    }

    /// What is wrong with keys that stand together.
    pub(crate) fn fault_of_set(keys: &[Jwk]) -> Option<String> {
        let mut kids: Vec<Option<&str>> = keys.iter().map(|key| key.kid.as_deref()).collect();
        kids.sort_unstable();
        let twice = kids.windows(2).find(|pair| pair[0] == pair[1])?[0];
        Some(twice.map_or_else(
            || "have more than one key without a `kid`; one is allowed".to_owned(),
            |kid| format!("have more than one key with the `kid` `{kid}`"),
        ))
    }
}

/// The algorithm of a key: the declared one, or else the only one, or the usual one, for this kind of key.
fn algorithm(kind: &str, declared: Option<&str>, curve: Option<&str>) -> Result<JwsAlgorithm, String> {
    let algorithm = match (declared, kind, curve) {
        (Some(name), ..) => {
            JwsAlgorithm::find(name).ok_or_else(|| format!("has an `alg` `{name}` that is not supported"))?
        }
        (None, "RSA", _) => JwsAlgorithm::Rs256,
        (None, "EC", Some("P-256")) => JwsAlgorithm::Es256,
        (None, "EC", Some("P-384")) => JwsAlgorithm::Es384,
        (None, "EC", Some("P-521")) => JwsAlgorithm::Es512,
        (None, "OKP", _) => JwsAlgorithm::EdDsa,
        (None, "oct", _) => return Err("needs an `alg`".to_owned()),
        (None, ..) => return Err(format!("is of a kind that is not supported: `kty: {kind}`")),
    };
    if algorithm.kind_of_key() != kind {
        return Err(format!("is of kind `{kind}`, which `{}` cannot use", algorithm.name()));
    }
    Ok(algorithm)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(json: &Value, expected: Result<JwsAlgorithm, &str>) {
        match (Jwk::read(json), expected) {
            (Ok(key), Ok(algorithm)) => assert_eq!(key.algorithm, algorithm, "{json}"),
            (Err(text), Err(expected)) => assert!(text.contains(expected), "{text} for {json}"),
            (read, expected) => panic!("{read:?}, not {expected:?}, for {json}"),
        }
    }

    #[test]
    fn a_key_has_one_algorithm() {
        let n = URL_SAFE_NO_PAD.encode([0xff; 256]);
        let long = |length| URL_SAFE_NO_PAD.encode(vec![1; length]);
        check(&json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "PS384"}), Ok(JwsAlgorithm::Ps384));
        check(&json!({"kty": "RSA", "n": n, "e": "AQAB"}), Ok(JwsAlgorithm::Rs256));
        check(&json!({"kty": "EC", "crv": "P-521", "x": long(66), "y": long(66)}), Ok(JwsAlgorithm::Es512));
        check(&json!({"kty": "OKP", "crv": "Ed25519", "x": long(32)}), Ok(JwsAlgorithm::EdDsa));
        check(&json!({"kty": "oct", "k": "AAAA", "alg": "HS256", "use": "sig"}), Ok(JwsAlgorithm::Hs256));

        check(&json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "HS256"}), Err("cannot use"));
        check(&json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "none"}), Err("not supported"));
        check(&json!({"kty": "RSA", "n": n, "e": "AQAB", "use": "enc"}), Err("not for `sig`"));
        check(&json!({"kty": "RSA", "n": n, "e": "AQAB", "key_ops": ["encrypt"]}), Err("without `verify`"));
        check(&json!({"kty": "RSA", "n": long(128), "e": "AQAB"}), Err("1017 bits"));
        check(&json!({"kty": "RSA", "n": n}), Err("no `e`"));
        check(&json!({"kty": "RSA", "n": n, "e": "AQAB=="}), Err("base64url"));
        check(&json!({"kty": "EC", "crv": "P-256", "x": long(31), "y": long(32)}), Err("32 bytes"));
        check(
            &json!({"kty": "EC", "crv": "P-384", "x": long(48), "y": long(48), "alg": "ES256"}),
            Err("P-256"),
        );
        check(&json!({"kty": "oct", "k": "AAAA"}), Err("needs an `alg`"));
        check(&json!({"kty": "oct", "k": "", "alg": "HS256"}), Err("empty `k`"));
        check(&json!({"kty": "OKP", "crv": "X25519", "x": long(32)}), Err("Ed25519"));
        check(&json!({"kty": "XYZ"}), Err("not supported"));
        check(&json!({"kid": "a"}), Err("no `kty`"));
        check(&json!([]), Err("not a map"));
    }

    #[test]
    fn at_most_one_key_of_a_set_has_no_kid() {
        let key =
            |kid: &str| Jwk::read(&json!({"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": kid})).unwrap();
        assert_eq!(Jwk::fault_of_set(&[key(""), key("a"), key("b")]), None);
        assert!(Jwk::fault_of_set(&[key(""), key("a"), key("")]).unwrap().contains("without"));
        assert!(Jwk::fault_of_set(&[key("a"), key("b"), key("a")]).unwrap().contains("`a`"));
    }

    #[test]
    fn shared_secrets_are_not_shown() {
        let key = Jwk::read(&json!({"kty": "oct", "k": "aHVudGVyMg", "alg": "HS256"})).unwrap();
        assert!(!format!("{key:?}").contains("104, 117"), "{key:?}");
    }
}
