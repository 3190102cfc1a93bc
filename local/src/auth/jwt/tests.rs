//! Tokens that verify, and tokens that must not.

use std::time::Duration;

use serde_json::json;

use super::*;

/// A key of each algorithm and a token that it signed, made with another implementation. The private keys are gone.
const TOKENS: &str = include_str!("tokens.json");

/// A moment within the time of the tokens.
const NOW: u64 = 1_800_000_000;

fn recorded() -> (Vec<Jwk>, Value) {
    let json: Value = serde_json::from_str(TOKENS).unwrap();
    let keys = json["keys"].as_array().unwrap().iter().map(|key| Jwk::read(key).unwrap()).collect();
    (keys, json)
}

fn judge_at(token: &str, keys: &[Jwk], now: u64) -> Result<Claims, String> {
    let now = UNIX_EPOCH + Duration::from_secs(now);
    let judge = || {
        let token = Token::parse(token)?;
        token.verify(token.key(keys)?, now)
    };
    judge().map_err(|failure: Failure| failure.message().to_owned())
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// A token with this header and these claims, signed as HS256 does with `secret`.
fn hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

const SECRET: &[u8] = b"a secret of a test";

fn key(id: &str) -> Jwk {
    Jwk::read(&json!({"kty": "oct", "alg": "HS256", "kid": id, "k": URL_SAFE_NO_PAD.encode(SECRET)})).unwrap()
}

#[test]
fn every_documented_algorithm_is_verified() {
    let (keys, json) = recorded();
    let tokens = json["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), 13);
    for (name, token) in tokens {
        let token = token.as_str().unwrap();
        let claims = judge_at(token, &keys, NOW).unwrap_or_else(|text| panic!("{name}: {text}"));
        assert_eq!(claims["name"], "Ann");
        // Any other byte of the signature, and other claims under it, are refused.
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            bytes[at] ^= 1;
            let changed = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&bytes));
            assert_eq!(
                judge_at(&changed, &keys, NOW).unwrap_err(),
                "AccessDenied: the token has a wrong signature"
            );
            bytes[at] ^= 1;
        }
        let header = signed.split('.').next().unwrap();
        let other = format!("{header}.{}.{signature}", part(&json!({"name": "Root"})));
        assert!(judge_at(&other, &keys, NOW).unwrap_err().contains("wrong signature"), "{name}");
        // The signature of all zeros that some libraries took for a valid one.
        let zeros = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(vec![0; bytes.len()]));
        assert!(judge_at(&zeros, &keys, NOW).unwrap_err().contains("wrong signature"), "{name}");
    }
}

/// A token can name a key, and cannot choose how the key is used.
#[test]
fn no_key_is_used_for_another_algorithm() {
    let (keys, json) = recorded();
    for key in &keys {
        for (name, token) in json["tokens"].as_object().unwrap() {
            let (signed, signature) = token.as_str().unwrap().rsplit_once('.').unwrap();
            let payload = signed.split('.').nth(1).unwrap();
            let header = part(&json!({"alg": name, "kid": key.kid}));
            let outcome = judge_at(&format!("{header}.{payload}.{signature}"), &keys, NOW);
            assert!(outcome.is_err(), "{name} for {key:?}");
        }
    }
    // The public key, in each of its forms, as the secret of a MAC.
    let rsa = json["keys"].as_array().unwrap().iter().find(|key| key["kid"] == "RS256").unwrap();
    let pem = json["rsa_pem"].as_str().unwrap();
    let n = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    for secret in [pem.as_bytes(), pem.trim().as_bytes(), &n, rsa["n"].as_str().unwrap().as_bytes(), b""] {
        for algorithm in ["HS256", "RS256", "hs256"] {
            let token = hs256(&json!({"alg": algorithm, "kid": "RS256"}), &json!({"name": "Root"}), secret);
            assert!(judge_at(&token, &keys, NOW).is_err(), "{algorithm}");
        }
    }
}

#[test]
fn the_time_of_a_token_counts() {
    let judge = |claims: &Value| judge_at(&hs256(&json!({"alg": "HS256"}), claims, SECRET), &[key("")], NOW);
    assert!(judge(&json!({})).is_ok(), "a token without an end has none");
    assert!(judge(&json!({"exp": NOW + 1, "nbf": NOW})).is_ok());
    assert!(judge(&json!({"exp": 1.8e9 + 0.5})).is_ok());
    for (claims, text) in [
        (json!({"exp": NOW}), "has expired"),
        (json!({"exp": 0}), "has expired"),
        (json!({"exp": -1}), "has expired"),
        (json!({"nbf": NOW + 1}), "not valid yet"),
        (json!({"exp": NOW.to_string()}), "no number"),
        (json!({"exp": null}), "no number"),
        (json!({"exp": [NOW + 1]}), "no number"),
        (json!({"nbf": "0"}), "no number"),
        (json!([]), "not a JSON object"),
        (json!("x"), "not a JSON object"),
    ] {
        assert!(judge(&claims).unwrap_err().contains(text), "{claims}");
    }
}

#[test]
fn a_token_is_verified_with_the_key_that_it_names_and_no_other() {
    let other = Jwk::read(&json!({"kty": "oct", "alg": "HS256", "kid": "other", "k": "AAAA"})).unwrap();
    let judge = |kid: &Value, keys: &[Jwk]| {
        judge_at(&hs256(&json!({"alg": "HS256", "kid": kid}), &json!({}), SECRET), keys, NOW)
    };
    let named = [key("a"), other.clone()];
    let nameless = [key(""), other];
    assert!(judge(&"a".into(), &named).is_ok());
    assert!(judge(&"".into(), &nameless).is_ok());
    for (kid, keys) in [
        (json!("b"), &named),
        (json!("A"), &named),
        (json!("other"), &named),
        (json!(""), &named),
        (json!(null), &named),
        (json!(1), &named),
        (json!("a"), &nameless),
        (json!("../../dev/null"), &named),
    ] {
        assert!(judge(&kid, keys).is_err(), "{kid}");
    }
    let without = hs256(&json!({"alg": "HS256"}), &json!({}), SECRET);
    assert!(judge_at(&without, &named, NOW).unwrap_err().contains("names no key"));
    assert!(judge_at(&without, &nameless, NOW).is_ok());
    assert!(judge_at(&without, &[], NOW).is_err());
}

#[test]
fn what_is_no_token_is_refused() {
    let good = hs256(&json!({"alg": "HS256"}), &json!({}), SECRET);
    assert!(judge_at(&good, &[key("")], NOW).is_ok());
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let none = part(&json!({"alg": "none"}));
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{}.{payload}.", part(&json!({"alg": "None"}))),
        format!("{}.{payload}.", part(&json!({"alg": "NONE"}))),
        format!("{}.{payload}.", part(&json!({"alg": ""}))),
        format!("{}.{payload}.{signature}", part(&json!({}))),
        format!("{}.{payload}.{signature}", part(&json!({"alg": ["HS256"]}))),
        format!("{}.{payload}.{signature}", part(&json!(["HS256"]))),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        good.replace('.', ". "),
        good.replace('.', "%2E"),
        format!("{header}.{payload}.{}", &signature[..20]),
        format!("{header}.{payload}.{signature}AAAA"),
        "a".repeat(TOKEN_MAX + 1),
    ] {
        assert!(judge_at(&token, &[key("")], NOW).is_err(), "{token}");
    }
    for header in [
        json!({"alg": "HS256", "crit": ["exp"], "exp": 0}),
        json!({"alg": "HS256", "crit": [], "b64": false}),
        json!({"alg": "HS512"}),
        json!({"alg": "RS256"}),
    ] {
        assert!(judge_at(&hs256(&header, &json!({}), SECRET), &[key("")], NOW).is_err(), "{header}");
    }
    // A key that the token brings itself is not looked at.
    let own = json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode("own")});
    let header =
        json!({"alg": "HS256", "jwk": own, "jku": "http://127.0.0.1/keys", "x5u": "http://127.0.0.1/keys"});
    assert!(
        judge_at(&hs256(&header, &json!({}), b"own"), &[key("")], NOW)
            .unwrap_err()
            .contains("wrong signature")
    );
}
