//! Finds a parameter's value in a path. The search happens when the value is read; a match costs nothing for it.

/// The most parameters of one pattern, because each is searched separately.
pub(crate) const PARAMS_MAX: usize = 8;

/// One parameter of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    /// The number of bytes before the segment of the pattern's first parameter. It is the same in every path.
    skipped: usize,
    /// The number of slashes from `skipped` to this parameter's segment.
    slashes: usize,
    /// The lengths of the literal text around the parameter in its segment, in bytes, as clients send it.
    before: usize,
    after: usize,
    /// Whether the segment reaches to the end of the path.
    is_last: bool,
}

impl Param {
    /// The parameter's value in a path that matches the pattern, still percent-encoded.
    pub(crate) fn value<'p>(&self, path: &'p str) -> Option<&'p str> {
        // Byte by byte, because paths are short; a substring searcher pays off on long texts.
        let (mut slashes, mut start) = (0, self.skipped);
        let bytes = path.as_bytes();
        while slashes < self.slashes {
            slashes += usize::from(*bytes.get(start)? == b'/');
            start += 1;
        }
        let length = || bytes.get(start..)?.iter().position(|byte| *byte == b'/');
        let end = if self.is_last { None } else { length() };
        let end = end.map_or(bytes.len(), |length| start + length);
        path.get(start + self.before..end.checked_sub(self.after)?)
    }
}

/// The parameters of a pattern. A doubled brace stands for one literal brace.
pub(crate) fn params(text: &str) -> Vec<Param> {
    let mut params = Vec::new();
    let last = text.split('/').count() - 1;
    // The first segment with a parameter: its index, and the number of bytes before it.
    let mut start: Option<(usize, usize)> = None;
    let mut passed = 0;
    for (at, segment) in text.split('/').enumerate() {
        let mut found: Option<Param> = None;
        let mut literal = 0;
        let mut rest = segment;
        while let Some(first) = rest.chars().next() {
            let length = if rest.starts_with("{{") || rest.starts_with("}}") {
                literal += 1;
                2
            } else if let (true, Some(close)) = (first == '{', rest.find('}')) {
                let (name, is_rest) = match &rest[1..close] {
                    name if name.starts_with('*') => (name.trim_start_matches('*'), true),
                    name => (name, false),
                };
                let (own, skipped) = *start.get_or_insert((at, passed));
                let (name, slashes, is_last) = (name.to_owned(), at - own, is_rest || at == last);
                params.extend(found.take());
                found = Some(Param { name, skipped, slashes, before: literal, after: 0, is_last });
                literal = 0;
                close + 1
            } else {
                // The number of bytes of the character as clients send it.
                literal += if first.is_ascii_graphic() { 1 } else { 3 * first.len_utf8() };
                first.len_utf8()
            };
            rest = &rest[length..];
        }
        params.extend(found.map(|param| Param { after: literal, ..param }));
        passed += literal + 1;
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: &[(&str, &str)]) {
        let params = params(pattern);
        let got: Vec<_> = params.iter().map(|param| (&*param.name, param.value(path).unwrap())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn parameters_are_found_in_the_paths_they_match() {
        check("/", "/", &[]);
        check("/users/{id}", "/users/7", &[("id", "7")]);
        check("/users/{id}/posts/{post}", "/users/a%2Fb/posts/9", &[("id", "a%2Fb"), ("post", "9")]);
        check("/files/{*rest}", "/files/a/b", &[("rest", "a/b")]);
        check("/files/{name}.json", "/files/x.json", &[("name", "x")]);
        check("/v{major}/{{x}}/{*rest}", "/v12/{x}/a/b/", &[("major", "12"), ("rest", "a/b/")]);
        check("/{{{x}}}", "/{7}", &[("x", "7")]);
        check("/é{größe}ß", "/%C3%A9XL%C3%9F", &[("größe", "XL")]);
    }

    #[test]
    fn a_path_that_does_not_match_has_no_value() {
        let params = params("/files/{name}.json");
        assert_eq!(params[0].value("/files"), None);
        assert_eq!(params[0].value("/files/json"), None);
    }
}
