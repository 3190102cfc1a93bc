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

/// 32 hex digits, for a session that the platform makes.
pub(crate) fn session() -> Arc<str> {
    random().into()
}

/// 32 hex digits, for a trace that begins here.
pub(crate) fn trace() -> String {
    random()
}

/// 16 hex digits, for a span.
pub(crate) fn span() -> String {
    let mut digits = random();
    digits.truncate(16);
    digits
}

/// The longest id of a session that a client may choose.
const SESSION_MAX: usize = 64;

/// Whether a client may give a session this id: letters, digits, `_` and `-`, which it does not begin with.
pub(crate) fn is_session(id: &str) -> bool {
    let starts_well = id.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    starts_well
        && id.len() <= SESSION_MAX
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// `<8 hex>-<4 hex>-4<3 hex>-<4 hex>-<12 hex>`, the form of request ids in FC 2.0.
pub(crate) fn uuid() -> Arc<str> {
    let digits = random();
    // A UUID of version 4 has two digits that say so.
    let part = |from: usize, to: usize| &digits[from..to];
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32)).into()
}

/// 32 random hex digits.
fn random() -> String {
    let mut digits = String::with_capacity(40);
    // The time stands first in an id.
    for _ in 0..2 {
        digits.extend(RequestId::generate().as_str().split('-').skip(2));
    }
    digits.truncate(32);
    digits
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
        let (session, uuid) = (super::session(), super::uuid());
        assert!(session.len() == 32 && session.bytes().all(|b| b.is_ascii_hexdigit()), "{session}");
        let parts: Vec<&str> = uuid.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{uuid}");
        assert_ne!((session, uuid), (super::session(), super::uuid()));
    }
}
