//! Signed and private cookies: values that only the holder of the key can make, or read.

use std::fmt;

use cookie::{Cookie, CookieJar, Key};

use crate::error::{Error, StatusError};

/// The keys of signed and private cookies.
///
/// The first key makes cookies; all keys read them. So a key is replaced in three steps: put the new one first, wait as
/// long as cookies live, take the old one away. Make a key with `openssl rand -hex 32`.
///
/// A signed cookie can be read by the client, and not be changed. A private cookie is encrypted (AES-256-GCM). Both are
/// bound to their names: the value of one cookie is no value of another.
///
/// ```
/// use fc_runtime::{App, CookieKeys, SetCookie};
///
/// # fc_runtime::testing::run(async {
/// // In a function: `App::with_state_from(async |instance| CookieKeys::parse(&instance.var("COOKIE_KEYS")?))`.
/// let keys = CookieKeys::parse("new-6ac8d0f4e1b94e0fb6a1c02de7f5a3b9 old-0b6f3c7d1e9a4f52a8d46b3c7e1f9a20").unwrap();
/// let client = App::with_state(keys)
///     .get("/login", async |ex| (SetCookie::signed(ex.state(), "user", "7"), "welcome"))
///     .get("/", async |ex| match ex.signed_cookie(ex.state(), "user") {
///         Some(user) => format!("user {user}"),
///         None => "nobody".to_owned(),
///     })
///     .test_client();
/// let reply = client.get("/login").await;
/// let cookie = reply.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
/// client.get("/").header("cookie", &cookie).await.assert_text("user 7");
/// client.get("/").header("cookie", &cookie.replace('7', "8")).await.assert_text("nobody");
/// # });
/// ```
#[derive(Clone)]
#[doc(alias = "session")]
#[doc(alias = "secret")]
pub struct CookieKeys(Vec<Key>);

/// The least bytes of a secret. The algorithms have keys of this length.
const SECRET_MIN: usize = 32;

/// The length of a signature, in base64.
const SIGNATURE: usize = 44;

impl CookieKeys {
    /// Reads one or more secrets of at least 32 bytes, between blanks or commas, such as the text of an environment
    /// variable. The first makes cookies.
    ///
    /// # Errors
    /// 500 when there is no secret, or when one is too short. The error shows no part of it.
    #[track_caller]
    pub fn parse(text: &str) -> Result<Self, StatusError> {
        let secrets: Vec<&str> =
            text.split([' ', '\t', '\r', '\n', ',']).filter(|secret| !secret.is_empty()).collect();
        if let Some(at) = secrets.iter().position(|secret| secret.len() < SECRET_MIN) {
            let length = secrets[at].len();
            let message = format!("cookie key {} has {length} bytes; {SECRET_MIN} are the least", at + 1);
            return Err(Error::internal(message).into_std());
        }
        if secrets.is_empty() {
            return Err(Error::internal("there is no cookie key").into_std());
        }
        Ok(Self(secrets.into_iter().map(|secret| Key::derive_from(secret.as_bytes())).collect()))
    }

    pub(crate) fn sign(&self, name: &str, value: &str) -> String {
        let (mut jar, mut signed) = (CookieJar::new(), String::new());
        if let Some(key) = self.0.first() {
            jar.signed_mut(key).add(Cookie::new("", bound(name, value)));
            signed = jar.get("").map(|cookie| cookie.value().to_owned()).unwrap_or_default();
            // The client sends the name itself.
            signed.replace_range(SIGNATURE..=SIGNATURE + name.len(), "");
        }
        signed
    }

    pub(crate) fn verify(&self, name: &str, sent: &str) -> Option<String> {
        let (signature, value) = sent.split_at_checked(SIGNATURE)?;
        let whole = format!("{signature}{}", bound(name, value));
        let jar = CookieJar::new();
        let mut verified =
            self.0.iter().filter_map(|key| jar.signed(key).verify(Cookie::new("", whole.clone())));
        verified.next().map(|_| value.to_owned())
    }

    pub(crate) fn encrypt(&self, name: &str, value: &str) -> String {
        let mut jar = CookieJar::new();
        if let Some(key) = self.0.first() {
            jar.private_mut(key).add(Cookie::new(name.to_owned(), value.to_owned()));
        }
        jar.get(name).map(|cookie| cookie.value().to_owned()).unwrap_or_default()
    }

    pub(crate) fn decrypt(&self, name: &str, sent: &str) -> Option<String> {
        let (jar, sent) = (CookieJar::new(), Cookie::new(name.to_owned(), sent.to_owned()));
        let opened = self.0.iter().find_map(|key| jar.private(key).decrypt(sent.clone()));
        opened.map(|cookie| cookie.value().to_owned())
    }
}

/// The signed text. Without the name, the signature of one cookie would be good for every other.
fn bound(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

/// Shows the number of keys alone.
impl fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieKeys").field("keys", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn keys(text: &str) -> CookieKeys {
        CookieKeys::parse(text).unwrap()
    }

    #[test]
    fn values_are_read_by_all_keys_and_made_by_the_first() {
        let (old, both, new) = (keys(OLD), keys(&format!("{NEW}, {OLD}")), keys(NEW));
        let signed = old.sign("user", "7");
        assert_eq!(both.verify("user", &signed).as_deref(), Some("7"));
        assert_eq!(new.verify("user", &signed), None);
        assert_eq!(new.verify("user", &both.sign("user", "8")).as_deref(), Some("8"));
        let private = old.encrypt("user", "a=ä; b");
        assert_eq!(both.decrypt("user", &private).as_deref(), Some("a=ä; b"));
        assert_eq!(new.decrypt("user", &private), None);
    }

    #[test]
    fn a_value_is_bound_to_its_name_and_its_content() {
        let keys = keys(OLD);
        let (signed, private) = (keys.sign("cart", "7"), keys.encrypt("cart", "7"));
        assert!(signed.ends_with('7') && signed.len() == SIGNATURE + 1, "{signed}");
        assert_eq!((keys.verify("user", &signed), keys.decrypt("user", &private)), (None, None));
        assert_eq!(keys.verify("cart", &format!("{signed}0")), None);
        assert_eq!(keys.verify("art", &format!("{}c=7", &signed[..SIGNATURE])), None);
        for nonsense in ["", "7", "ä", &"ä".repeat(40), &"=".repeat(60), &private] {
            assert_eq!(keys.verify("cart", nonsense), None, "{nonsense}");
        }
        for nonsense in ["", "7", "ä", &"ä".repeat(40), &"=".repeat(60), &signed] {
            assert_eq!(keys.decrypt("cart", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn keys_that_are_too_short_are_named_and_not_shown() {
        let cause = |text: &str| CookieKeys::parse(text).unwrap_err().cause().unwrap().to_string();
        assert_eq!(cause(&format!("{OLD} secret")), "cookie key 2 has 6 bytes; 32 are the least");
        assert_eq!(cause(" , "), "there is no cookie key");
        assert!(!format!("{:?}", keys(OLD)).contains("0123"));
    }
}
