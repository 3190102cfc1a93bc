//! The header by which a load balancer finds loops: each rule that a request has passed leaves a mark.

use http::{HeaderMap, HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};

const TRACE: HeaderName = HeaderName::from_static("alicloud-alb-trace");

/// The most rules that a request passes.
const MARKS_MAX: usize = 16;

/// The mark of a rule: 16 characters that depend on its load balancer, its listener and its name.
pub(super) fn mark(listener: &str, rule: &str) -> HeaderValue {
    let hash = digest(&SHA256, format!("{listener}\n{rule}").as_bytes());
    let half: [u8; 8] = hash.as_ref().first_chunk().copied().unwrap_or_default();
    HeaderValue::try_from(format!("{:016x}", u64::from_be_bytes(half)))
        .unwrap_or_else(|_| HeaderValue::from_static("0000000000000000"))
}

/// Adds a mark to the request's. `false` if the request was there before, or has passed too many rules.
pub(super) fn pass(headers: &mut HeaderMap, mark: &HeaderValue) -> bool {
    let Some(before) = headers.get(TRACE) else {
        headers.insert(TRACE, mark.clone());
        return true;
    };
    let mut all = before.as_bytes().to_vec();
    for more in headers.get_all(TRACE).iter().skip(1) {
        all.push(b',');
        all.extend_from_slice(more.as_bytes());
    }
    let marks = || all.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if marks().count() >= MARKS_MAX || marks().any(|own| own == mark.as_bytes()) {
        return false;
    }
    all.push(b',');
    all.extend_from_slice(mark.as_bytes());
    HeaderValue::from_bytes(&all).is_ok_and(|value| headers.insert(TRACE, value).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_passes_a_rule_once() {
        let (first, second) = (mark("lb:80", "a"), mark("lb:80", "b"));
        assert_eq!(first.len(), 16);
        assert_ne!(first, second);
        let mut headers = HeaderMap::new();
        assert!(pass(&mut headers, &first) && pass(&mut headers, &second));
        let text = format!("{},{}", first.to_str().unwrap(), second.to_str().unwrap());
        assert_eq!(headers[TRACE], text);
        assert!(!pass(&mut headers, &first), "a loop");
        // A client may split the header.
        let mut headers = HeaderMap::new();
        headers.append(TRACE, second.clone());
        headers.append(TRACE, first.clone());
        assert!(!pass(&mut headers, &first));
    }

    #[test]
    fn a_request_passes_so_many_rules() {
        let mut headers = HeaderMap::new();
        for rule in 0..MARKS_MAX {
            assert!(pass(&mut headers, &mark("lb:80", &rule.to_string())), "{rule}");
        }
        assert!(!pass(&mut headers, &mark("lb:80", "one more")));
    }
}
