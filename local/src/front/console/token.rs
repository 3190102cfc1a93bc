//! The token of this run: a form that changes something has to carry it, so that only the console's own pages can.

use subtle::ConstantTimeEq;

/// Whether the form has the token that the pages of this run have.
pub(super) fn is_own(expected: &str, given: Option<&str>) -> bool {
    given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(expected.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_compared_whole() {
        assert!(is_own("abc", Some("abc")));
        for wrong in [None, Some(""), Some("ab"), Some("abcd"), Some("abd")] {
            assert!(!is_own("abc", wrong), "{wrong:?}");
        }
    }
}
