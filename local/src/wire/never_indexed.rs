//! The headers of HTTP/2 that no table keeps.

use fc_runtime::platform::names::header as fc;
use http::HeaderMap;

/// Marks what HTTP/2 is to keep out of the tables by which each end of a connection knows the headers of former requests: a
/// secret, which could be guessed at there, and a value that is new with each request, which would only push out what comes
/// again, and be searched past. The first block of a connection is to leave the names of the latter in the table.
pub(crate) fn keep_from_table(headers: &mut HeaderMap, is_first: bool) {
    for (name, value) in headers {
        if is_secret(name.as_str()) || !is_first && is_new_each_time(name.as_str()) {
            value.set_sensitive(true);
        }
    }
}

fn is_secret(name: &str) -> bool {
    matches!(name, "authorization" | "cookie" | "set-cookie" | "x-acs-security-token")
}

fn is_new_each_time(name: &str) -> bool {
    matches!(
        name,
        fc::REQUEST_ID
            | "b3"
            | "grpc-timeout"
            | "traceparent"
            | "traceresponse"
            | "tracestate"
            | "x-acs-signature-nonce"
            | "x-b3-spanid"
            | "x-b3-traceid"
            | "x-request-id"
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn no_table_gets_secrets_or_what_is_new_each_time() {
        let all = [
            ("authorization", true, true),
            ("set-cookie", true, true),
            ("x-fc-request-id", false, true),
            ("grpc-timeout", false, true),
            ("traceparent", false, true),
            ("content-type", false, false),
            ("x-fc-requests", false, false),
        ];
        for (name, of_first, of_later) in all {
            for (is_first, expected) in [(true, of_first), (false, of_later)] {
                let mut headers = HeaderMap::new();
                headers.append(name, HeaderValue::from_static("1"));
                headers.append(name, HeaderValue::from_static("2"));
                keep_from_table(&mut headers, is_first);
                let marked: Vec<bool> = headers.values().map(HeaderValue::is_sensitive).collect();
                assert_eq!(marked, [expected; 2], "{name} {is_first}");
            }
        }
    }
}
