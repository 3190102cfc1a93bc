//! The session of a request: where its id stands in a request, and where the platform puts one it made.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::call::Answer;
use crate::failure::Failure;
use crate::model::{Affinity, AffinityKind, Claim, SessionId};
use crate::wire::ids;

/// The platform's cookie.
const SESSION_COOKIE: &str = "x-fc-cookie-session-id";

/// The header of MCP, in which the function names a session and the client repeats its name.
const MCP_SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// The longest id that a function may choose.
const MCP_ID_MAX: usize = 256;

/// The parameters that MCP's libraries put a session into.
const PARAMETERS: [&str; 2] = ["sessionId", "session_id"];

/// The session of one request.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) claim: Claim,
    /// The header that tells the client of a session that the platform made.
    told: Option<(HeaderName, HeaderValue)>,
    reply: Reply,
}

/// What the function's reply may say of the session.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reply {
    #[default]
    Nothing,
    /// Its header names the session.
    Names,
    /// The first event of its stream names the session, which lasts as long as the stream.
    NamesInEvent,
    /// A success ends the session.
    Ends,
}

impl Session {
    /// The session of an HTTP request.
    ///
    /// # Errors
    ///
    /// The client's id breaks the platform's rules.
    pub(crate) fn of_request(
        affinity: Option<&Affinity>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Self, Failure> {
        let Some(affinity) = affinity else { return Ok(Session::default()) };
        match &affinity.kind {
            AffinityKind::McpStreamable => mcp_streamable(method, headers),
            AffinityKind::McpSse(path) => Ok(mcp_sse(path, method, uri)),
            AffinityKind::Header(_) | AffinityKind::Cookie => Session::of_event(Some(affinity), headers),
        }
    }

    /// The session of an event. MCP has none.
    ///
    /// # Errors
    ///
    /// As [`of_request`](Self::of_request).
    pub(crate) fn of_event(affinity: Option<&Affinity>, headers: &HeaderMap) -> Result<Self, Failure> {
        match affinity.map(|affinity| (&affinity.kind, affinity.lifetime)) {
            Some((AffinityKind::Header(name), _)) => by_header(name, headers),
            Some((AffinityKind::Cookie, lifetime)) => Ok(by_cookie(headers, lifetime.as_secs())),
            _ => Ok(Session::default()),
        }
    }

    /// Follows what the function's reply says of the session.
    pub(crate) fn follow(&self, answer: &mut Answer) {
        match self.reply {
            Reply::Names => {
                let name = answer.head.headers.get(MCP_SESSION).and_then(|name| name.to_str().ok());
                if let Some(id) = name.filter(|id| is_short(id)).map(SessionId::from) {
                    answer.body.name_session(id);
                }
            }
            Reply::NamesInEvent => answer.body.find_session_in_event(),
            Reply::Ends if answer.head.status.is_success() => answer.body.close_session(),
            Reply::Ends | Reply::Nothing => {}
        }
    }

    /// Tells the client of a session that the platform made.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        if let Some((name, value)) = self.told {
            headers.append(name, value);
        }
    }
}

fn by_header(name: &str, headers: &HeaderMap) -> Result<Session, Failure> {
    let Some(given) = headers.get(name) else {
        let id = ids::session();
        let told = HeaderName::try_from(name).ok().zip(HeaderValue::from_str(&id).ok());
        return Ok(Session { claim: Claim::Session(id), told, reply: Reply::Nothing });
    };
    let id = given.to_str().ok().filter(|id| ids::is_session(id)).ok_or_else(|| {
        Failure::invalid_argument(format!(
            "the session id in '{name}' must be 1 to 64 letters, digits, `_` or `-`, and not start with `-`"
        ))
    })?;
    Ok(Session { claim: Claim::Session(Arc::from(id)), ..Session::default() })
}

fn by_cookie(headers: &HeaderMap, lifetime: u64) -> Session {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let given =
        pairs.find(|(name, _)| *name == SESSION_COOKIE).map(|(_, id)| id).filter(|id| ids::is_session(id));
    if let Some(id) = given {
        return Session { claim: Claim::Session(Arc::from(id)), ..Session::default() };
    }
    let id = ids::session();
    let cookie = HeaderValue::try_from(format!("{SESSION_COOKIE}={id}; Max-Age={lifetime}"));
    Session {
        claim: Claim::Session(id),
        told: cookie.ok().map(|cookie| (SET_COOKIE, cookie)),
        reply: Reply::Nothing,
    }
}

fn mcp_streamable(method: &Method, headers: &HeaderMap) -> Result<Session, Failure> {
    let Some(given) = headers.get(MCP_SESSION) else {
        return Ok(Session { claim: Claim::NewSession, told: None, reply: Reply::Names });
    };
    let id = given.to_str().ok().filter(|id| is_short(id));
    let id = id.ok_or_else(|| Failure::invalid_argument("the header Mcp-Session-Id is not a session id"))?;
    let reply = if *method == Method::DELETE { Reply::Ends } else { Reply::Nothing };
    Ok(Session { claim: Claim::Session(Arc::from(id)), told: None, reply })
}

fn mcp_sse(path: &str, method: &Method, uri: &Uri) -> Session {
    if *method == Method::GET && uri.path() == path {
        return Session { claim: Claim::NewSession, told: None, reply: Reply::NamesInEvent };
    }
    match uri.query().and_then(session_parameter) {
        Some(id) if is_short(&id) => Session { claim: Claim::Session(Arc::from(&*id)), ..Session::default() },
        _ => Session::default(),
    }
}

/// The session that a query names.
fn session_parameter(query: &str) -> Option<Cow<'_, str>> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| PARAMETERS.contains(name)).map(|(_, id)| Cow::Borrowed(id))
}

fn is_short(id: &str) -> bool {
    (1..=MCP_ID_MAX).contains(&id.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn affinity(kind: AffinityKind) -> Affinity {
        let lifetime = Duration::from_secs(3600);
        Affinity {
            kind,
            sessions_per_instance: 20,
            is_isolated: false,
            lifetime,
            idle: None,
            is_id_used_once: false,
        }
    }

    fn session(kind: AffinityKind, request: &str, header: Option<(&str, &str)>) -> Result<Session, Failure> {
        let (method, uri) = request.split_once(' ').unwrap();
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let (method, uri) = (method.parse().unwrap(), uri.parse().unwrap());
        Session::of_request(Some(&affinity(kind)), &method, &uri, &headers)
    }

    fn named(id: &str) -> Claim {
        Claim::Session(Arc::from(id))
    }

    #[test]
    fn a_header_names_the_session_or_gets_its_name() {
        let kind = || AffinityKind::Header("my-session".to_owned());
        let given = session(kind(), "GET /", Some(("my-session", "A_b-1"))).unwrap();
        assert_eq!((given.claim, given.told), (named("A_b-1"), None));
        let made = session(kind(), "GET /", None).unwrap();
        let (name, value) = made.told.unwrap();
        assert_eq!(name, "my-session");
        assert_eq!(made.claim, named(value.to_str().unwrap()));
        assert!(ids::is_session(value.to_str().unwrap()), "{value:?}");
        for id in ["", "-a", "a b", "a.b", &"a".repeat(65)] {
            assert!(session(kind(), "GET /", Some(("my-session", id))).is_err(), "{id}");
        }
    }

    #[test]
    fn a_cookie_names_the_session_or_is_set() {
        let given =
            session(AffinityKind::Cookie, "GET /", Some(("cookie", "a=1; x-fc-cookie-session-id=one; b=2")));
        let given = given.unwrap();
        assert_eq!((given.claim, given.told), (named("one"), None));
        let made = session(AffinityKind::Cookie, "GET /", Some(("cookie", "a=1"))).unwrap();
        let Claim::Session(id) = made.claim else { panic!("{made:?}") };
        let (name, value) = made.told.unwrap();
        assert_eq!(name, "set-cookie");
        assert_eq!(value, format!("x-fc-cookie-session-id={id}; Max-Age=3600"));
    }

    #[test]
    fn mcp_names_its_sessions_by_itself() {
        let streamable =
            |request: &str, header| session(AffinityKind::McpStreamable, request, header).unwrap();
        let first = streamable("POST /mcp", None);
        assert_eq!((first.claim, first.reply), (Claim::NewSession, Reply::Names));
        let next = streamable("POST /mcp", Some(("mcp-session-id", "s.1")));
        assert_eq!((next.claim, next.reply), (named("s.1"), Reply::Nothing));
        assert_eq!(streamable("DELETE /mcp", Some(("mcp-session-id", "s"))).reply, Reply::Ends);

        let sse = |request: &str| session(AffinityKind::McpSse("/sse".to_owned()), request, None).unwrap();
        assert_eq!((sse("GET /sse").claim, sse("GET /sse").reply), (Claim::NewSession, Reply::NamesInEvent));
        for (request, claim) in [
            ("POST /messages?sessionId=1-a", named("1-a")),
            ("POST /messages?a=b&session_id=2", named("2")),
            ("POST /messages", Claim::Any),
            ("POST /sse", Claim::Any),
        ] {
            assert_eq!(sse(request).claim, claim, "{request}");
        }
    }
}
