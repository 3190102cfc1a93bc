//! Generated names: request ids and instance ids.

use std::sync::Arc;

use fc_runtime::platform::RequestId;

/// `1-<8 hex unix seconds>-<8 hex>-<12 hex>`, the form of FC 3.0.
pub(crate) fn request() -> Arc<str> {
    RequestId::generate().as_str().into()
}

/// `c-<8 hex unix seconds>-<20 hex>`, made of a generated request id, and so as unique.
pub(crate) fn instance() -> Arc<str> {
    let id = RequestId::generate();
    let mut parts = id.as_str().split('-').skip(1);
    let mut next = || parts.next().unwrap_or_default();
    format!("c-{}-{}{}", next(), next(), next()).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_have_the_platforms_form_and_differ() {
        let id = super::request();
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [1, 8, 8, 12]);
        assert!(parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit())), "{id}");
        assert_ne!(id, super::request());
        assert_eq!(super::instance().len(), 2 + 8 + 1 + 20);
    }
}
