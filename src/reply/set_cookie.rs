//! Cookies that a reply sets, with their attributes.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::panic::Location;
use std::time::Duration;

use http::HeaderValue;
use http::header::SET_COOKIE;

#[cfg(feature = "cookies")]
use crate::cookies::CookieKeys;
use crate::reply::{Reply, ReplyPart};

/// A cookie that a reply sets, as a part before the reply. Several parts set several cookies;
/// [`Reply::with_cookie`] adds one to a reply.
///
/// By default the cookie is for the whole site (`Path=/`), is not shown to scripts (`HttpOnly`), is sent over TLS alone
/// (`Secure`; browsers take `localhost` for secure, most other clients do not), comes along on links from other sites but
/// not on their forms (`SameSite=Lax`), and lives until the browser is closed.
///
/// The value is sent as it is, and [`Exchange::cookie`](crate::Exchange::cookie) reads it as it is. A name or value with
/// bytes that cookies forbid, such as a blank, a comma or a semicolon, is a mistake of the author: the reply becomes a
/// 500, and the log names the line. So do more than 4096 bytes, which browsers drop. Encode such values first.
///
/// ```
/// use fc_runtime::{App, SetCookie};
/// use std::time::Duration;
///
/// # fc_runtime::testing::run(async {
/// let week = Duration::from_secs(7 * 24 * 60 * 60);
/// let client = App::new()
///     .get("/in", async move |_| (SetCookie::new("theme", "dark").with_max_age(week).without_http_only(), "dark"))
///     .get("/out", async |_| (SetCookie::removal("theme"), "plain"))
///     .test_client();
/// let expected = "theme=dark; Max-Age=604800; Path=/; SameSite=Lax; Secure";
/// client.get("/in").await.assert_header("set-cookie", expected);
/// let gone = client.get("/out").await.headers["set-cookie"].to_str().unwrap().to_owned();
/// assert!(gone.starts_with("theme=; Max-Age=0;"));
/// # });
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a cookie does nothing unless it is part of a reply"]
#[doc(alias = "Cookie")]
#[doc(alias = "CookieJar")]
#[doc(alias = "Set-Cookie")]
pub struct SetCookie {
    name: Cow<'static, str>,
    value: Cow<'static, str>,
    max_age: Option<Duration>,
    path: Cow<'static, str>,
    domain: Option<Cow<'static, str>>,
    same_site: SameSite,
    is_secure: bool,
    is_for_scripts: bool,
    is_partitioned: bool,
    made_at: &'static Location<'static>,
}

/// On which requests that start at other sites a browser sends a cookie.
///
/// ```
/// use fc_runtime::{IntoReply, SameSite, SetCookie};
///
/// let reply = (SetCookie::new("sid", "7").with_same_site(SameSite::Strict), "hello").into_reply();
/// assert_eq!(reply.headers()["set-cookie"], "sid=7; Path=/; SameSite=Strict; Secure; HttpOnly");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the three of the specification")]
pub enum SameSite {
    /// On none.
    Strict,
    /// When a link or the address line opens the page. The default.
    Lax,
    /// On all. Needs `Secure`.
    None,
}

/// The most bytes of a name with its value that browsers keep.
const LENGTH_MAX: usize = 4096;

impl SetCookie {
    /// A cookie with this name and value.
    #[track_caller]
    pub fn new(name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            max_age: None,
            path: Cow::Borrowed("/"),
            domain: None,
            same_site: SameSite::Lax,
            is_secure: true,
            is_for_scripts: false,
            is_partitioned: false,
            made_at: Location::caller(),
        }
    }

    /// A cookie that the client can read and not change: [`Exchange::signed_cookie`](crate::Exchange::signed_cookie)
    /// reads it. A signature does not grow old: put a date into values that shall.
    #[cfg(feature = "cookies")]
    #[track_caller]
    pub fn signed(keys: &CookieKeys, name: impl Into<Cow<'static, str>>, value: &str) -> Self {
        let name = name.into();
        let signed = keys.sign(&name, value);
        Self::new(name, signed)
    }

    /// A cookie that the client can neither read nor change:
    /// [`Exchange::private_cookie`](crate::Exchange::private_cookie) reads it. The value may have any characters.
    #[cfg(feature = "cookies")]
    #[track_caller]
    pub fn private(keys: &CookieKeys, name: impl Into<Cow<'static, str>>, value: &str) -> Self {
        let name = name.into();
        let encrypted = keys.encrypt(&name, value);
        Self::new(name, encrypted)
    }

    /// Removes the cookie of this name from the client. Path and domain have to be those with which it was set.
    #[track_caller]
    #[doc(alias = "delete")]
    pub fn removal(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, "").with_max_age(Duration::ZERO)
    }

    /// How long the client keeps the cookie, in whole seconds. Without this, until the browser is closed. Browsers keep
    /// none longer than 400 days.
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// The paths to which the client sends the cookie: this one and those below it. Default: `/`.
    pub fn with_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// The domain to whose hosts the client sends the cookie. Default: the host of the request alone.
    pub fn with_domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// On which requests that start at other sites the client sends the cookie. Default: [`SameSite::Lax`].
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Keeps the cookie apart for each site that embeds this one (`Partitioned`).
    pub fn with_partitions(mut self) -> Self {
        self.is_partitioned = true;
        self
    }

    /// Lets the client send the cookie without TLS, too.
    pub fn without_secure(mut self) -> Self {
        self.is_secure = false;
        self
    }

    /// Lets the page's scripts read the cookie: without `HttpOnly`.
    pub fn without_http_only(mut self) -> Self {
        self.is_for_scripts = true;
        self
    }

    /// # Errors
    /// The mistake of the author.
    fn to_header(&self) -> Result<HeaderValue, String> {
        let Self { name, value, .. } = self;
        self.check()?;
        let mut text = format!("{name}={value}");
        if let Some(age) = self.max_age {
            let _ = write!(text, "; Max-Age={}", age.as_secs());
            if age.is_zero() {
                text.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
            }
        }
        if let Some(domain) = &self.domain {
            text.extend(["; Domain=", domain]);
        }
        text.extend(["; Path=", &self.path]);
        text.push_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        for (is_set, attribute) in [
            (self.is_secure, "; Secure"),
            (!self.is_for_scripts, "; HttpOnly"),
            (self.is_partitioned, "; Partitioned"),
        ] {
            text.push_str(if is_set { attribute } else { "" });
        }
        HeaderValue::try_from(text).map_err(|_| format!("the cookie {name:?} has bytes that HTTP forbids"))
    }

    fn check(&self) -> Result<(), String> {
        let Self { name, value, path, .. } = self;
        let is_attribute = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b':' | b'<'..=b'~'));
        let domain = self.domain.as_deref().unwrap_or_default();
        let is_bound_to_host = starts_with(name, "__Host-");
        let mistake = if name.is_empty() || !name.bytes().all(is_token) {
            "a name with bytes that cookies forbid"
        } else if !value.bytes().all(is_octet) {
            "a value with bytes that cookies forbid: encode it first, in base64url or percent signs"
        } else if name.len() + value.len() > LENGTH_MAX {
            "more than 4096 bytes, which browsers drop"
        } else if !path.starts_with('/') || !is_attribute(path) {
            "a path that does not start with \"/\" or has bytes that cookies forbid"
        } else if !is_attribute(domain) {
            "a domain with bytes that cookies forbid"
        } else if !self.is_secure
            && (self.same_site == SameSite::None
                || self.is_partitioned
                || is_bound_to_host
                || starts_with(name, "__Secure-"))
        {
            "to be Secure, for browsers drop it otherwise"
        } else if is_bound_to_host && (path != "/" || self.domain.is_some()) {
            "to have the path / and no domain, for its name starts with \"__Host-\""
        } else {
            return Ok(());
        };
        Err(format!("the cookie {name:?} has {mistake}"))
    }
}

/// Browsers compare prefixes of names without regard to case.
fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A byte of a value, as RFC 6265 has it.
fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

/// Without the value, which may let its reader in.
impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie")
            .field("name", &self.name)
            .field("max_age", &self.max_age)
            .field("path", &self.path)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

impl ReplyPart for SetCookie {
    fn apply(self, reply: Reply) -> Reply {
        reply.with_cookie(self)
    }
}

impl Reply {
    /// The reply with a cookie more. One that the reply sets with the same name, path and domain before is left to the
    /// client, which keeps the later one.
    #[allow(clippy::needless_pass_by_value, reason = "a cookie is made for one reply")]
    pub fn with_cookie(mut self, cookie: SetCookie) -> Self {
        match cookie.to_header() {
            Ok(value) => {
                self.headers_mut().append(SET_COOKIE, value);
                self
            }
            Err(mistake) => Self::mistake(mistake, Some(cookie.made_at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "reads better")]
    fn check(cookie: SetCookie, expected: Result<&str, &str>) {
        match (cookie.to_header(), expected) {
            (Ok(header), Ok(expected)) => assert_eq!(header, expected),
            (Err(mistake), Err(part)) => assert!(mistake.contains(part), "{mistake}"),
            (got, _) => panic!("{cookie:?} gave {got:?}"),
        }
    }

    #[test]
    fn attributes_are_written_in_one_order() {
        let cookie =
            SetCookie::new("a", "b/=+%20").with_max_age(Duration::from_millis(1500)).with_path("/shop");
        check(
            cookie.clone().with_domain("example.com").with_same_site(SameSite::None).with_partitions(),
            Ok("a=b/=+%20; Max-Age=1; Domain=example.com; Path=/shop; SameSite=None; Secure; HttpOnly; \
                Partitioned"),
        );
        check(
            cookie.without_secure().without_http_only(),
            Ok("a=b/=+%20; Max-Age=1; Path=/shop; SameSite=Lax"),
        );
        check(SetCookie::new("__Host-a", ""), Ok("__Host-a=; Path=/; SameSite=Lax; Secure; HttpOnly"));
    }

    #[test]
    fn what_clients_would_drop_or_misread_is_a_mistake() {
        for value in ["a b", "a,b", "a;b", "\"a\"", "a\\b", "ä", "a\r\nset-cookie: x"] {
            check(SetCookie::new("a", value), Err("encode it first"));
        }
        for name in ["", "a b", "a=b", "ä", "a;"] {
            check(SetCookie::new(name, "1"), Err("a name with bytes"));
        }
        check(
            SetCookie::new("a", "b".repeat(4095)),
            Ok(&format!("a={}; Path=/; SameSite=Lax; Secure; HttpOnly", "b".repeat(4095))),
        );
        check(SetCookie::new("a", "b".repeat(4096)), Err("4096"));
        check(SetCookie::new("a", "b").with_path("shop"), Err("a path"));
        check(SetCookie::new("a", "b").with_path("/;Domain=x"), Err("a path"));
        check(SetCookie::new("a", "b").with_domain("x; Path=/"), Err("a domain"));
        check(SetCookie::new("a", "b").with_same_site(SameSite::None).without_secure(), Err("Secure"));
        check(SetCookie::new("__Host-a", "b").without_secure(), Err("Secure"));
        check(SetCookie::new("__host-a", "b").with_domain("example.com"), Err("no domain"));
    }

    #[test]
    fn a_value_is_not_shown() {
        let shown = format!("{:?}", SetCookie::new("sid", "hush"));
        assert!(shown.contains("sid") && !shown.contains("hush"), "{shown}");
    }
}
