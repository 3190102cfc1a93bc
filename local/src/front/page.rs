//! Lists of the API, page by page.

use http::Uri;
use serde_json::Value;

use crate::failure::Failure;

/// How many entries a page has if the caller does not say.
const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;

/// The page that a caller asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    limit: usize,
    /// The name of the last entry of the page before.
    after: Option<String>,
    /// The beginning of the names that are listed.
    pub(crate) prefix: String,
}

impl Page {
    /// Reads `limit`, `nextToken` and `prefix`.
    ///
    /// # Errors
    ///
    /// `limit` is out of its range.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Failure> {
        let query = uri.query().unwrap_or_default();
        let value = |key: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(name, value)| *name == key && !value.is_empty()).map(|(_, value)| value)
        };
        let limit = match value("limit") {
            None => LIMIT_DEFAULT,
            Some(limit) => {
                limit.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
                    Failure::invalid_argument(format!("limit must be 1 to {LIMIT_MAX} but is '{limit}'"))
                })?
            }
        };
        let text = |key| value(key).map(str::to_owned);
        Ok(Page { limit, after: text("nextToken"), prefix: text("prefix").unwrap_or_default() })
    }

    /// The entries of this page, from all entries by name in their order, and the token of the next page.
    pub(crate) fn cut(&self, all: Vec<(String, Value)>) -> (Vec<Value>, Option<String>) {
        let begin = match &self.after {
            None => 0,
            // The entries behind a removed one are not known.
            Some(after) => all.iter().position(|(name, _)| name == after).map_or(all.len(), |at| at + 1),
        };
        let has_more = all.len() > begin + self.limit;
        let page: Vec<(String, Value)> = all.into_iter().skip(begin).take(self.limit).collect();
        let next = page.last().filter(|_| has_more).map(|(name, _)| name.clone());
        (page.into_iter().map(|(_, document)| document).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_into_pages() {
        let page = |query: &str| Page::of(&format!("/a?{query}").parse().unwrap());
        let all = || ["a", "b", "c"].map(|name| (name.to_owned(), Value::from(name))).to_vec();
        let cut = |query: &str| page(query).unwrap().cut(all());
        assert_eq!(cut(""), (vec!["a".into(), "b".into(), "c".into()], None));
        assert_eq!(cut("limit=2"), (vec!["a".into(), "b".into()], Some("b".to_owned())));
        assert_eq!(cut("limit=2&nextToken=b"), (vec!["c".into()], None));
        assert_eq!(cut("limit=2&nextToken="), (vec!["a".into(), "b".into()], Some("b".to_owned())));
        for limit in ["0", "101", "x"] {
            assert!(page(&format!("limit={limit}")).is_err(), "{limit}");
        }
    }
}
