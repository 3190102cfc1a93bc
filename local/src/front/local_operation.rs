//! Operations of fc-local's own, which the platform does not have: on recorded calls, on lines of functions, on what functions use, and on the
//! server itself.

use http::{Method, Uri};

/// The begin of their paths.
const BASE: &str = "/_local/v1/";

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LocalOperation {
    /// `GET requests`: those that pass the filter of the query.
    List,
    /// `GET changes`: waits for those that are added or changed.
    Changes,
    /// `DELETE requests`: forgets all.
    Forget,
    /// `GET requests/ID`.
    Get(String),
    /// `GET requests/ID/curl`.
    Curl(String),
    /// `POST requests/ID/replay`.
    Replay(String),
    /// `GET har`: an archive of those that pass the filter of the query.
    Archive,
    /// `GET logs`: lines of functions that pass the filter of the query.
    Logs,
    /// `GET usage`.
    Usage,
    /// `GET server`: says that fc-local listens here, and which version. For everybody of this machine: nothing is told of functions.
    Server,
    /// `GET course`: one function over the last quarter of an hour.
    Course,
}

impl LocalOperation {
    /// `None` if the request is for somebody else.
    pub(crate) fn parse(method: &Method, uri: &Uri) -> Option<Self> {
        let mut parts = uri.path().strip_prefix(BASE)?.split('/');
        let (what, id, then) = (parts.next()?, parts.next(), parts.next());
        if parts.next().is_some() {
            return None;
        }
        let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
        Some(match (method, what, id, then) {
            (&Method::GET, "requests", None, None) => LocalOperation::List,
            (&Method::DELETE, "requests", None, None) => LocalOperation::Forget,
            (&Method::GET, "requests", Some(id), None) => LocalOperation::Get(id),
            (&Method::GET, "requests", Some(id), Some("curl")) => LocalOperation::Curl(id),
            (&Method::POST, "requests", Some(id), Some("replay")) => LocalOperation::Replay(id),
            (&Method::GET, "changes", None, None) => LocalOperation::Changes,
            (&Method::GET, "har", None, None) => LocalOperation::Archive,
            (&Method::GET, "logs", None, None) => LocalOperation::Logs,
            (&Method::GET, "usage", None, None) => LocalOperation::Usage,
            (&Method::GET, "course", None, None) => LocalOperation::Course,
            (&Method::GET, "server", None, None) => LocalOperation::Server,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_lead_to_operations() {
        for (method, path, expected) in [
            (Method::GET, "/_local/v1/requests?status=5xx", Some(LocalOperation::List)),
            (Method::DELETE, "/_local/v1/requests", Some(LocalOperation::Forget)),
            (Method::GET, "/_local/v1/requests/1-a", Some(LocalOperation::Get("1-a".to_owned()))),
            (Method::GET, "/_local/v1/requests/1-a/curl", Some(LocalOperation::Curl("1-a".to_owned()))),
            (Method::POST, "/_local/v1/requests/1-a/replay", Some(LocalOperation::Replay("1-a".to_owned()))),
            (Method::GET, "/_local/v1/requests/1-a/replay", None),
            (Method::GET, "/_local/v1/har", Some(LocalOperation::Archive)),
            (Method::GET, "/_local/v1/changes?after=3", Some(LocalOperation::Changes)),
            (Method::GET, "/_local/v1/logs?function=f", Some(LocalOperation::Logs)),
            (Method::POST, "/_local/v1/logs", None),
            (Method::GET, "/_local/v1/usage", Some(LocalOperation::Usage)),
            (Method::GET, "/_local/v1/server", Some(LocalOperation::Server)),
            (Method::DELETE, "/_local/v1/server", None),
            (Method::GET, "/_local/v1/requests/1/curl/x", None),
            (Method::GET, "/_local/v1/other", None),
            (Method::GET, "/requests", None),
        ] {
            assert_eq!(LocalOperation::parse(&method, &path.parse().unwrap()), expected, "{method} {path}");
        }
    }
}
