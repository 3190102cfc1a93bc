//! Values of conditions: exact, with wildcards, or regular expressions.

use regex::{Regex, RegexBuilder};

/// The largest compiled expression, in bytes.
const COMPILED_MAX: usize = 1 << 20;

/// A value that a text is compared with.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// The whole text. `*` is any text, also none; `?` is one character.
    Text { pattern: String, ignores_case: bool },
    /// A part of the text.
    Expression(Regex),
}

impl Pattern {
    /// A value of a host condition: `~` begins an expression. Hosts have no case.
    pub(crate) fn host(value: &str) -> Result<Self, String> {
        match value.strip_prefix("~*").or_else(|| value.strip_prefix('~')) {
            Some(expression) => compile(expression, true).map(Pattern::Expression),
            None => Ok(Pattern::text(value)),
        }
    }

    /// A value of a path condition: `~` begins an expression, `~*` one without case.
    pub(crate) fn path(value: &str) -> Result<Self, String> {
        if let Some(expression) = value.strip_prefix("~*") {
            return compile(expression, true).map(Pattern::Expression);
        }
        match value.strip_prefix('~') {
            Some(expression) => compile(expression, false).map(Pattern::Expression),
            None => Ok(Pattern::Text { pattern: value.to_owned(), ignores_case: false }),
        }
    }

    /// A text with wildcards, without case.
    pub(crate) fn text(value: &str) -> Self {
        Pattern::Text { pattern: value.to_owned(), ignores_case: true }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Text { pattern, ignores_case } => {
                matches_wildcards(pattern.as_bytes(), text.as_bytes(), *ignores_case)
            }
            Pattern::Expression(expression) => expression.is_match(text),
        }
    }

    /// The one text that matches, if there is only one.
    pub(crate) fn whole(&self) -> Option<&str> {
        match self {
            Pattern::Text { pattern, ignores_case: false } => {
                (!pattern.contains(['*', '?'])).then_some(pattern.as_str())
            }
            _ => None,
        }
    }

    /// How many groups of the pattern take a text.
    pub(crate) fn groups(&self) -> usize {
        match self {
            Pattern::Text { .. } => 0,
            Pattern::Expression(expression) => expression.captures_len() - 1,
        }
    }

    /// What the groups took; `None` if the text does not match.
    pub(crate) fn captures<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        match self {
            Pattern::Text { .. } => self.matches(text).then(Vec::new),
            Pattern::Expression(expression) => {
                let captures = expression.captures(text)?;
                Some(captures.iter().skip(1).map(|group| group.map_or("", |found| found.as_str())).collect())
            }
        }
    }
}

fn compile(expression: &str, ignores_case: bool) -> Result<Regex, String> {
    if expression.is_empty() {
        return Err("the expression behind `~` is empty".to_owned());
    }
    let mut builder = RegexBuilder::new(expression);
    builder.case_insensitive(ignores_case).size_limit(COMPILED_MAX).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("the expression needs more than {limit} bytes: make it simpler")
        }
        // The text has several lines, of which the last one says what is wrong.
        error => {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("no regular expression that fc-local can run: {why}")
        }
    })
}

/// Compares byte by byte. A star takes as little as it can, and more only if the rest does not fit.
fn matches_wildcards(pattern: &[u8], text: &[u8], ignores_case: bool) -> bool {
    let same =
        |own: u8, other: u8| if ignores_case { own.eq_ignore_ascii_case(&other) } else { own == other };
    let (mut at, mut seen) = (0, 0);
    // The last star, and how much of the text it has left to the rest of the pattern.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(b'?') => {
                // A character of several bytes is one.
                seen += 1;
                while text.get(seen).is_some_and(|byte| byte & 0xC0 == 0x80) {
                    seen += 1;
                }
                at += 1;
            }
            Some(own) if same(*own, text[seen]) => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, seen) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_take_the_whole_text() {
        for (pattern, text, matches) in [
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a", "/A", false),
            ("/a*", "/a", true),
            ("/a/*", "/a", false),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/c", true),
            ("/*/c", "/a/b/c", true),
            ("/*/c", "/c", false),
            ("/a?", "/ab", true),
            ("/a?", "/a", false),
            ("/?", "/é", true),
            ("/??", "/é", false),
            ("*", "", true),
            ("?", "", false),
            ("/*a*b*", "/xxaxxbxx", true),
            ("/*a*b", "/ba", false),
            ("/*.jpg", "/x.jpg.jpg", true),
            ("/a.c", "/abc", false),
        ] {
            assert_eq!(Pattern::path(pattern).unwrap().matches(text), matches, "{pattern} {text}");
        }
        assert!(Pattern::host("*.Example.com").unwrap().matches("A.eXample.COM"));
        assert!(!Pattern::host("*.example.com").unwrap().matches("example.com"));
        assert!(Pattern::host("www.example.*").unwrap().matches("www.example.org"));
    }

    #[test]
    fn expressions_are_searched_for() {
        for (pattern, text, matches) in [
            ("~/api", "/v1/api/x", true),
            ("~^/api", "/v1/api", false),
            ("~^/api$", "/api", true),
            ("~^/API$", "/api", false),
            ("~*^/API$", "/api", true),
            ("~\\.(png|jpg)$", "/x.jpg", true),
            ("~\\.(png|jpg)$", "/x.JPG", false),
            ("~/a{2}$", "/aa", true),
        ] {
            assert_eq!(Pattern::path(pattern).unwrap().matches(text), matches, "{pattern} {text}");
        }
        assert!(Pattern::host("~^Shop[0-9]+\\.").unwrap().matches("shop12.example.com"));
        for wrong in ["~", "~*", "~(", "~(?=x)", "~(?<!a)b", "~a{1000}{1000}{1000}"] {
            assert!(Pattern::path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups_take_texts() {
        let pattern = Pattern::path("~/sys/(.*)/(.*)/aaa").unwrap();
        assert_eq!(pattern.groups(), 2);
        assert_eq!(pattern.captures("/sys/ccc/bbb/aaa"), Some(vec!["ccc", "bbb"]));
        assert_eq!(pattern.captures("/sys"), None);
        assert_eq!(Pattern::path("~/a(x)?").unwrap().captures("/a"), Some(vec![""]));
    }
}
