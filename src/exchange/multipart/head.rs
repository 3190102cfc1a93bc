//! The head of a part, and parameters such as `name` and `boundary`.

use http::{HeaderMap, HeaderName, HeaderValue};

/// What the head of a part says.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) headers: HeaderMap,
}

/// The most header lines of a part.
const LINES_MAX: usize = 32;

impl Head {
    /// Reads the lines of a head, each with its line break.
    ///
    /// # Errors
    /// What is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut headers = HeaderMap::new();
        for line in lines(bytes) {
            let colon =
                line.iter().position(|byte| *byte == b':').ok_or("a header of a part has no colon")?;
            let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
            let name = HeaderName::from_bytes(name).map_err(|_| "a header of a part has no usable name")?;
            let value =
                HeaderValue::from_bytes(value).map_err(|_| "a header of a part has forbidden bytes")?;
            if headers.len() == LINES_MAX {
                return Err("a part has more than 32 headers");
            }
            headers.append(name, value);
        }
        let disposition = headers.get(http::header::CONTENT_DISPOSITION);
        let disposition = disposition.ok_or("a part has no Content-Disposition")?;
        let disposition = String::from_utf8_lossy(disposition.as_bytes());
        let (kind, parameters) = disposition.split_at(disposition.find(';').unwrap_or(disposition.len()));
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err("a part is no form-data");
        }
        let (mut name, mut plain, mut extended) = (None, None, None);
        for (key, value) in Parameters(parameters) {
            match &*key.to_ascii_lowercase() {
                "name" => name = name.or(Some(value)),
                "filename" => plain = plain.or(Some(value)),
                "filename*" => extended = extended.or_else(|| decoded(&value)),
                _ => {}
            }
        }
        let name = name.ok_or("a part has no name")?;
        let file_name = extended.or(plain).map(without_folders);
        Ok(Self { name, file_name, headers })
    }
}

/// The lines of a head. A line that begins with a blank continues the one before.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match lines.last_mut() {
            Some(before) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                before.push(b' ');
                before.extend_from_slice(line.trim_ascii());
            }
            _ if line.is_empty() => {}
            _ => lines.push(line.to_vec()),
        }
    }
    lines.into_iter()
}

/// The boundary in the parameters of the content type, if it is one that RFC 2046 allows.
pub(super) fn boundary(parameters: &str) -> Option<String> {
    let (_, boundary) = Parameters(parameters).find(|(key, _)| key.eq_ignore_ascii_case("boundary"))?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let is_usable = (1..=70).contains(&boundary.len()) && boundary.bytes().all(is_allowed);
    // Some clients use other characters that do no harm.
    let is_harmless =
        (1..=70).contains(&boundary.len()) && boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    ((is_usable || is_harmless) && !boundary.ends_with(' ')).then_some(boundary)
}

/// Parameters such as `; name="a"; filename=b`, with and without quotes.
struct Parameters<'t>(&'t str);

impl Iterator for Parameters<'_> {
    type Item = (String, String);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start_matches([';', ' ', '\t']);
        let (key, rest) = text.split_once('=')?;
        let rest = rest.trim_start();
        let (value, rest) = if let Some(quoted) = rest.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let (value, rest) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
            (value.trim().to_owned(), rest)
        };
        self.0 = rest;
        // A word without a value may stand before.
        let key = key.rsplit(';').next().unwrap_or(key);
        Some((key.trim().to_owned(), value))
    }
}

/// Reads up to the closing quote. Browsers write a quote as `%22`, others as `\"`. Other backslashes and percent signs are
/// part of the name: `100%25.txt` is the name of a file.
fn unquoted(text: &str) -> (String, &str) {
    let (mut value, mut characters) = (String::new(), text.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value.replace("%22", "\""), &text[at + 1..]),
            '\\' if text[at + 1..].starts_with(['"', '\\']) => {
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            character => value.push(character),
        }
    }
    (value, "")
}

/// A value of RFC 8187, such as `utf-8''%C3%A4.txt`. `None` for other charsets.
fn decoded(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((byte, behind)) = rest.split_first() {
        let escaped = if *byte == b'%' { behind.split_at_checked(2) } else { None };
        let digits = escaped.and_then(|(digits, _)| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| !digits.starts_with('+'));
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() { &behind[2..] } else { behind };
    }
    if charset.eq_ignore_ascii_case("utf-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case("iso-8859-1") {
        Some(bytes.into_iter().map(char::from).collect())
    } else {
        None
    }
}

/// Old clients send the whole path, and others may send one that leads elsewhere.
fn without_folders(name: String) -> String {
    match name.rfind(['/', '\\']) {
        Some(at) => name[at + 1..].to_owned(),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(disposition: &str, name: &str, file_name: Option<&str>) {
        let head = Head::parse(format!("Content-Disposition: {disposition}\r\n").as_bytes()).unwrap();
        assert_eq!((&*head.name, head.file_name.as_deref()), (name, file_name), "{disposition}");
    }

    #[test]
    fn names_are_read_as_clients_write_them() {
        check("form-data; name=\"title\"", "title", None);
        check("form-data; name=title; filename=a.txt", "title", Some("a.txt"));
        check("Form-Data;NAME=\"a\";FileName=\"b\"", "a", Some("b"));
        check("form-data; name=\"a; filename=x\"", "a; filename=x", None);
        check("form-data; name=\"a%22b\"; filename=\"c\\\"d\\\\e.txt\"", "a\"b", Some("e.txt"));
        check("form-data; name=\"größe\"; filename=\"ä.txt\"", "größe", Some("ä.txt"));
        check("form-data; name=a; filename=\"100%25.txt\"", "a", Some("100%25.txt"));
        check("form-data; name=a; filename=\"C:\\dir\\b.txt\"", "a", Some("b.txt"));
        check("form-data; name=a; filename=\"../../etc/passwd\"", "a", Some("passwd"));
        check("form-data; name=a; filename=\"\"", "a", Some(""));
        check(
            "form-data; name=file; filename=a.txt; filename*=utf-8''%C3%A4%20b.txt",
            "file",
            Some("ä b.txt"),
        );
        check("form-data; name=file; filename*=ISO-8859-1'en'%E4.txt; filename=a.txt", "file", Some("ä.txt"));
        check("form-data; name=file; filename=a.txt; filename*=utf-8''%ff", "file", Some("a.txt"));
        check("form-data; name=file; filename=a.txt; filename*=nonsense", "file", Some("a.txt"));
        check("form-data; name=file; filename*=utf-8''..%2Fb%2", "file", Some("b%2"));
        check("form-data; x; name=a; filename*=utf-8''%+1", "a", Some("%+1"));
        check("form-data;\r\n name=\"a\";\r\n\tfilename=\"b\"", "a", Some("b"));
    }

    #[test]
    fn a_head_that_cannot_be_used_is_refused() {
        let check = |head: &str, part: &str| {
            let why = Head::parse(head.as_bytes()).unwrap_err();
            assert!(why.contains(part), "{head}: {why}");
        };
        check("", "no Content-Disposition");
        check("content-disposition: form-data\r\n", "no name");
        check("content-disposition: attachment; name=a\r\n", "no form-data");
        check("nonsense\r\n", "no colon");
        check("a b: c\r\n", "no usable name");
        check("a: b\0c\r\n", "forbidden bytes");
        check(&"a: b\r\n".repeat(33), "more than 32");
    }

    #[test]
    fn boundaries_are_checked() {
        for (parameters, expected) in [
            ("; boundary=abc", Some("abc")),
            ("; charset=utf-8; Boundary=\"a b'()+_,-./:=?\"", Some("a b'()+_,-./:=?")),
            (
                "; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
                Some("----WebKitFormBoundary7MA4YWxkTrZu0gW"),
            ),
            ("; boundary=", None),
            ("; boundary=\"a \"", None),
            ("", None),
        ] {
            assert_eq!(boundary(parameters).as_deref(), expected, "{parameters}");
        }
        assert_eq!(boundary(&format!("; boundary={}", "a".repeat(71))), None);
    }
}
