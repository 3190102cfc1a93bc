//! Secrets that must not show in logs.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use memchr::memmem;

pub(crate) const MASK: &str = "******";

/// Shorter values occur in ordinary words too.
const LENGTH_MIN: usize = 8;

/// The least of a secret that is masked where a text breaks off, in bytes.
const BEGUN_MIN: usize = 4;

/// Replaces known secret values in text, and passwords in URLs whether they are known or not.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    secrets: Arc<[String]>,
}

impl Redactor {
    /// Collects the secrets of `variables`. The whole value is secret if the name of the variable says so. Parts of
    /// other values are secret too: passwords in URLs, `password=…` and similar pairs.
    pub(crate) fn new<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets: Vec<String> = variables
            .into_iter()
            .flat_map(|(name, value)| {
                let whole = is_secret_name(name).then(|| value.to_owned());
                whole.into_iter().chain(within(value))
            })
            // A log is read line by line, and so a secret of several lines is seen.
            .flat_map(|value| std::iter::once(value.clone()).chain(lines(&value)).collect::<Vec<_>>())
            .filter(|text| text.len() >= LENGTH_MIN && !text.starts_with("-----"))
            .flat_map(|text| spellings(&text))
            .collect();
        // A secret that contains another secret must be masked first.
        secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        Redactor { secrets: secrets.into() }
    }

    pub(crate) fn redact(&self, text: String) -> String {
        masked_urls(mask(&self.secrets, text))
    }

    /// As [`redact`](Self::redact), of a line that is given in parts: `part` follows `before`, which was redacted as a part
    /// already. Of a secret across the two, nothing is left in `part`. If the line goes on behind `part`, the begin of a
    /// secret at its end is masked; should it prove to be none, the next part shows it.
    pub(crate) fn redact_part(&self, before: &[u8], part: &[u8], has_ended: bool) -> String {
        let redact = |bytes: &[u8], has_ended| {
            let text = str::from_utf8(bytes).map(str::to_owned);
            let text = text.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned());
            if has_ended { self.redact(text) } else { self.redact_begun(text) }
        };
        if before.is_empty() {
            return redact(part, has_ended);
        }
        let shown = redact(before, false);
        let mut text = redact(&[before, part].concat(), has_ended);
        text.drain(..common(&shown, &text));
        text
    }

    /// Masks the begin of a secret at the end too.
    fn redact_begun(&self, text: String) -> String {
        let Some(begun) = self.begun(&text).map(str::to_owned) else {
            return masked_begun_url(masked_urls(mask(&self.secrets, text)));
        };
        // As among whole secrets, the longer goes first.
        let (longer, others) =
            self.secrets.split_at(self.secrets.partition_point(|one| one.len() > begun.len()));
        let mut text = mask(longer, text);
        if text.ends_with(&begun) {
            text.truncate(text.len() - begun.len());
            text.push_str(MASK);
        }
        masked_begun_url(masked_urls(mask(others, text)))
    }

    /// The longest begin of a secret that `text` ends with.
    fn begun<'a>(&self, text: &'a str) -> Option<&'a str> {
        // A character may be cut.
        let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let longest = |secret: &String| {
            let mut lengths = (BEGUN_MIN..secret.len()).rev();
            lengths.find(|length| whole.as_bytes().ends_with(&secret.as_bytes()[..*length]))
        };
        let length = self.secrets.iter().filter_map(longest).max()?;
        text.get(whole.len() - length..)
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Redactor({} secrets)", self.secrets.len())
    }
}

fn mask(secrets: &[String], mut text: String) -> String {
    for secret in secrets {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), MASK);
        }
    }
    text
}

/// How many bytes two texts begin with alike.
fn common(one: &str, other: &str) -> usize {
    let differs = one.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
    differs.map_or(one.len().min(other.len()), |((at, _), _)| at)
}

fn lines(value: &str) -> impl Iterator<Item = String> + '_ {
    value.lines().map(|line| line.trim().to_owned())
}

/// Whether the name of a variable says that the value is secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let tells = [
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "TOKEN",
        "CREDENTIAL",
        "PRIVATE",
        "ACCESS_KEY",
        "ACCESSKEY",
        "API_KEY",
        "APIKEY",
    ];
    let is_key = name.ends_with("_KEY") && !name.contains("PUBLIC");
    is_key || tells.iter().any(|part| name.contains(part))
}

/// Whether a key within a value names a secret, as in `host=h password=p` or `Endpoint=e;AccountKey=k`.
pub(crate) fn is_secret_key(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    is_secret_name(&name)
        || ["pwd", "pass", "auth", "sig", "signature"].contains(&&*name)
        || name.ends_with("key") && !name.contains("public")
}

/// The secrets within a value whose variable has no secret name.
fn within(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in value.match_indices("://") {
        if let Some((start, end)) = password(value, at + 3) {
            found.push(value[start..end].to_owned());
            found.extend(decoded(&value[start..end]));
        }
    }
    for pair in value.split([';', '&', '?', ',', ' ', '\t', '\n']) {
        let Some((_, value)) = pair.split_once('=').filter(|(name, _)| is_secret_key(name)) else {
            continue;
        };
        let value = value.trim_matches(['"', '\'']);
        found.push(value.to_owned());
        found.extend(decoded(value));
    }
    found
}

/// The range of the password in a URL whose authority begins at `from`.
fn password(text: &str, from: usize) -> Option<(usize, usize)> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '\\');
    let length = text[from..].find(is_end).unwrap_or(text.len() - from);
    let (user, _) = text[from..from + length].rsplit_once('@')?;
    let colon = user.find(':')?;
    (colon + 1 < user.len()).then_some((from + colon + 1, from + user.len()))
}

/// `text` with the passwords of its URLs masked, of any length: their place says what they are.
fn masked_urls(text: String) -> String {
    match mask_urls(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => masked,
    }
}

/// Masks what may be the begin of a URL's password at the end of `text`.
fn masked_begun_url(mut text: String) -> String {
    let is_end =
        |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '\\' | '@');
    let authority = text.rsplit_once("://").map(|(_, rest)| rest).filter(|rest| !rest.contains(is_end));
    let Some((host, begun)) = authority.and_then(|text| text.split_once(':')) else { return text };
    let is_port = begun.len() <= 5 && begun.bytes().all(|byte| byte.is_ascii_digit());
    // An address of IPv6 has colons.
    if !is_port && !host.starts_with('[') {
        text.truncate(text.len() - begun.len());
        text.push_str(MASK);
    }
    text
}

/// `text` with the passwords of its URLs masked.
fn mask_urls(text: &str) -> Cow<'_, str> {
    static BEGIN: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("://"));
    let mut out = String::new();
    let mut done = 0;
    for at in BEGIN.find_iter(text.as_bytes()) {
        if let Some((start, end)) = password(text, at + 3)
            && start >= done
        {
            out.push_str(&text[done..start]);
            out.push_str(MASK);
            done = end;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// The decoded text. `None` if `text` is not percent-encoded.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *byte == b'%').and_then(|two| std::str::from_utf8(two).ok());
        let code = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).ok().filter(|decoded| decoded != text)
}

/// The forms of a secret in a line or a page: plain, percent-encoded, or escaped as in JSON, and each of them as HTML has it.
fn spellings(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned()];
    // The unescaped characters of RFC 3986, of browsers, and of forms.
    for (safe, plus) in [("-._~", false), ("-._~!*'()", false), ("-._~/", false), ("-._*", true)] {
        for upper in [true, false] {
            all.push(encoded(secret, safe, plus, upper));
        }
    }
    let json = serde_json::Value::from(secret).to_string();
    let json = &json[1..json.len() - 1];
    all.extend([json.to_owned(), json.replace('/', "\\/"), secret.escape_debug().to_string()]);
    let of_html = |text: &String| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        text.replace('>', "&gt;").replace('"', "&quot;")
    };
    let pages: Vec<String> = all.iter().map(of_html).collect();
    all.extend(pages);
    all.sort_unstable();
    all.dedup();
    all
}

fn encoded(text: &str, safe: &str, plus: bool, upper: bool) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        // Writing into a string cannot fail.
        _ = match byte {
            b' ' if plus => out.write_char('+'),
            byte if byte.is_ascii_alphanumeric() || safe.as_bytes().contains(&byte) => {
                out.write_char(char::from(byte))
            }
            byte if upper => write!(out, "%{byte:02X}"),
            byte => write!(out, "%{byte:02x}"),
        };
        out
    })
}

#[cfg(test)]
mod tests {
    use super::Redactor;

    #[test]
    fn secret_values_are_masked_and_others_stay() {
        let variables = [
            ("DB_PASSWORD", "hunter2-hunter2"),
            ("API_TOKEN", "hunter2-hunter2-longer"),
            ("PORT_TOKEN", "9000"),
            ("REGION", "cn-hangzhou"),
            ("SIGNING_PRIVATE", "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkq9w0BAQEFAASC\n-----END KEY-----\n"),
        ];
        let redactor = Redactor::new(variables);
        let text = redactor.redact("a hunter2-hunter2-longer b hunter2-hunter2 9000 cn-hangzhou".to_owned());
        assert_eq!(text, "a ****** b ****** 9000 cn-hangzhou");
        let text = redactor.redact("> kq9w0BAQEFAASC\n-----END KEY-----".to_owned());
        assert_eq!(text, "> ******\n-----END KEY-----");
        assert!(!format!("{redactor:?}").contains("hunter2"));
    }

    #[track_caller]
    fn check(variable: (&str, &str), text: &str, expected: &str) {
        assert_eq!(Redactor::new([variable]).redact(text.to_owned()), expected, "{variable:?}");
    }

    #[test]
    fn a_secret_is_masked_however_it_is_spelt() {
        let token = ("TOKEN", "a/b+c=\"d e\\f");
        for spelling in [
            "a/b+c=\"d e\\f",
            "a%2Fb%2Bc%3D%22d%20e%5Cf",
            "a%2fb%2bc%3d%22d%20e%5cf",
            "a/b%2Bc%3D%22d%20e%5Cf",
            "a%2Fb%2Bc%3D%22d+e%5Cf",
            r#"a/b+c=\"d e\\f"#,
            r#"a\/b+c=\"d e\\f"#,
        ] {
            check(token, &format!("t={spelling}&x"), "t=******&x");
        }
        let token = ("TOKEN", "<a>&b\"c d");
        for page in ["&lt;a&gt;&amp;b&quot;c d", "&lt;a&gt;&amp;b\\&quot;c d"] {
            check(token, &format!("<b>{page}</b>"), "<b>******</b>");
        }
    }

    #[test]
    fn passwords_within_values_are_masked_by_themselves() {
        let url = ("DATABASE_URL", "postgres://user:s3cret-p%40ss@db.example:5432/shop?sslmode=require");
        check(url, "login as user with s3cret-p@ss", "login as user with ******");
        check(url, "login with s3cret-p%40ss at db.example:5432", "login with ****** at db.example:5432");
        check(("DSN", "host=db password='long-enough' user=u"), "auth long-enough", "auth ******");
        check(("CONNECTION", "Endpoint=sb://x/;SharedAccessKey=abcdefgh1234="), "abcdefgh1234=", "******");
        check(("URL", "https://x.example/?sig=0123456789&v=1"), "0123456789 v=1", "****** v=1");
        check(("REDIS", "redis://:pass-of-redis@cache:6379"), "pass-of-redis", "******");
        // A user without a password, and a host with a port.
        check(
            ("URL", "https://somebody@host.example:8080/"),
            "somebody host.example",
            "somebody host.example",
        );
    }

    #[test]
    fn passwords_in_urls_are_masked_whoever_knows_them() {
        for (text, expected) in [
            ("to postgres://u:p@h/db now", "to postgres://u:******@h/db now"),
            ("redis://:p@h redis://:q@h", "redis://:******@h redis://:******@h"),
            ("\"amqp://u:a@b@h\"", "\"amqp://u:******@h\""),
            ("http://h:80/a@b http://u@h http://u:@h", "http://h:80/a@b http://u@h http://u:@h"),
            ("://", "://"),
        ] {
            check(("NAME", "value"), text, expected);
        }
    }

    /// Redacts a line in parts that are given one by one.
    #[track_caller]
    fn check_parts(redactor: &Redactor, parts: &[&str], expected: &[&str]) {
        let mut before = String::new();
        let mut seen = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            seen.push(redactor.redact_part(before.as_bytes(), part.as_bytes(), at + 1 == parts.len()));
            before.push_str(part);
        }
        assert_eq!(seen, expected, "{parts:?}");
    }

    #[test]
    fn a_secret_across_parts_of_a_line_is_masked_in_each() {
        let redactor =
            Redactor::new([("TOKEN", "hunter2-hunter2"), ("LONG_TOKEN", "hunter2-hunter2-longer")]);
        for (parts, expected) in [
            (&["a hunter2-", "hunter2 b"][..], &["a ******", " b"][..]),
            (&["a hun", "ter2-hunter2 b"], &["a hun", "****** b"]),
            (&["a hunter2-", "hun", "ter2 b"], &["a ******", "", " b"]),
            // The begin of the longer one holds the shorter one.
            (&["a hunter2-hunter2-l", "onger b"], &["a ******", " b"]),
            (&["a hunter2-hunter2", "-longer b"], &["a ******", " b"]),
            (&["a hunter2-hunter2", " b"], &["a ******", " b"]),
            // It was none.
            (&["a hunter2-", "and gatherers"], &["a ******", "hunter2-and gatherers"]),
            (&["plain ", "text"], &["plain ", "text"]),
            (&["to redis://u:se", "cret@h/0"], &["to redis://u:******", "@h/0"]),
            (&["at http://h:80", "80/x"], &["at http://h:80", "80/x"]),
            (&["at http://[::1]:80", "80/x"], &["at http://[::1]:80", "80/x"]),
        ] {
            check_parts(&redactor, parts, expected);
        }
        let whole = "a schlüssel-ß b";
        let redactor = Redactor::new([("TOKEN", "schlüssel-ß")]);
        for cut in 0..whole.len() {
            let (one, two) = whole.as_bytes().split_at(cut);
            let (one, two) = (redactor.redact_part(b"", one, false), redactor.redact_part(one, two, true));
            let is_masked = |text: &str| !text.contains("schl") && !text.contains("ssel");
            assert!(is_masked(&one) && is_masked(&two), "{cut}: {one} {two}");
        }
    }

    #[test]
    fn names_that_tell_of_keys_are_known() {
        check(("ENCRYPTION_KEY", "0123456789"), "0123456789", "******");
        check(("PUBLIC_KEY", "0123456789"), "0123456789", "0123456789");
        check(("PWD", "/home/somebody"), "/home/somebody", "/home/somebody");
    }
}
