//! Who may change something here: a form of the console's own pages, and nobody else whom the developer's browser visits.

use http::{HeaderMap, header};
use subtle::ConstantTimeEq;

/// Refuses a request that another site's page may have sent. A browser names the page's origin with every form and every
/// script; what names none is no browser, and has to know the token of the pages.
///
/// # Errors
///
/// The reason, for people.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), &'static str> {
    let host = headers.get(header::HOST).map(|host| host.as_bytes().to_ascii_lowercase());
    for origin in headers.get_all(header::ORIGIN) {
        let own = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let is_own = own
            .is_some_and(|(_, authority)| host.as_deref() == Some(authority.to_ascii_lowercase().as_bytes()));
        if !is_own {
            return Err("a page of another site sent this: nothing was done");
        }
    }
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err("a page of another site sent this: nothing was done");
    }
    Ok(())
}

/// Whether the form has the token that the pages of this run have.
pub(super) fn has_token(expected: &str, given: Option<&str>) -> bool {
    given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(expected.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_other_sites_are_refused() {
        let host = ("host", "console.localhost:8080");
        for (headers, is_allowed) in [
            (vec![host], true),
            (vec![host, ("origin", "http://console.localhost:8080")], true),
            (vec![host, ("origin", "https://Console.localhost:8080")], true),
            (vec![host, ("origin", "http://console.localhost:8081")], false),
            (vec![host, ("origin", "http://shop.localhost:8080")], false),
            (vec![host, ("origin", "https://evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("origin", "http://console.localhost:8080"), ("origin", "null")], false),
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("sec-fetch-site", "none")], true),
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(check_origin(&map).is_ok(), is_allowed, "{headers:?}");
        }
    }

    #[test]
    fn the_token_is_compared_whole() {
        assert!(has_token("abc", Some("abc")));
        for wrong in [None, Some(""), Some("ab"), Some("abcd"), Some("abd")] {
            assert!(!has_token("abc", wrong), "{wrong:?}");
        }
    }
}
