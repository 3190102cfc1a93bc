//! What a page sends: the fields of a query or of a form.

/// Fields in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `name=value&…`, as in queries and in forms.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes);
        Fields(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Names and values.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.trim()))
    }

    /// The field of this name. A field that is empty counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The field of this name, without blanks around it.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The fields of these names as a query, with `?` before it; empty if there are none.
    pub(super) fn query(&self, names: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for name in names {
            if let Some(value) = self.get(name) {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// A text as a part of a path.
pub(super) fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The text of a part of a path.
pub(super) fn of_segment(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_written() {
        let fields = Fields::read(b"q=a%26b+c&empty=&status=5xx&q=second");
        assert_eq!((fields.get("q"), fields.get("empty"), fields.get("none")), (Some("a&b c"), None, None));
        assert_eq!(fields.query(&["status", "q", "empty"]), "?status=5xx&q=a%26b+c");
        assert_eq!(Fields::default().query(&["q"]), "");
        assert_eq!(of_segment(&segment("a/b c\u{e9}?")), "a/b c\u{e9}?");
    }
}
