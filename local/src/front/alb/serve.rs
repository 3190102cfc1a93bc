//! The life of a request at a listener: what is refused, what the rules say, the backend, and the way back.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    CONTENT_LENGTH, HOST, ORIGIN, SET_COOKIE,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use tokio::time::{Instant, timeout, timeout_at};

use super::b3;
use super::balancers::Balancers;
use super::compress;
use super::forward::Backed;
use super::forwarded;
use super::group::Group;
use super::port::Port;
use super::replies;
use super::trace;
use crate::alb::{self, Decision, HeaderChange, RequestView, ResponseView, Target, Terminal};
use crate::event::{AlbVisit, Maker};
use crate::front::body::{Outgoing, plain};
use crate::front::rpc;
use crate::front::target::Door;
use crate::front::visit::Visit;
use crate::model::alb::{AlbCors, BackendProtocol, GroupId};
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Seen, host};

/// The longest target, and the largest headers, in bytes.
const HEAD_MAX: usize = 32 * 1024;

/// The largest body: 50 GiB.
const BODY_MAX: u64 = 50 << 30;

/// The largest body that is copied for a mirror.
const MIRROR_BODY_MAX: usize = 1024 * 1024;

/// The largest body that is compressed. It takes the processor a while, during which nothing else of the connection happens.
const COMPRESSED_MAX: usize = 1024 * 1024;

/// How many headers a request mostly gets on its way: room for them is made once.
const ADDED: usize = 8;

impl Balancers {
    /// Answers one request of a client of the listener `key`. `note` is told the function, once it is known.
    pub(crate) async fn serve(
        &self,
        key: &str,
        (peer, begin): (&Peer, Instant),
        mut request: Box<Request<ClientBody>>,
        note: impl Fn(&Visit),
    ) -> Response<Outgoing> {
        let mut visit = Visit::arrive(&self.shared.log, &request, begin);
        if self.shared.records.limits().is_some() {
            visit.record(&self.shared.records, Door::Alb(Arc::from(key)).name(), peer, &mut request);
        }
        let Some(port) = self.port(key) else {
            visit.set_alb(AlbVisit::new(None));
            return visit.leave(replies::page(503, ""));
        };
        visit.set_alb(AlbVisit::new(Some(&port.name)));
        let response = match refusal(&port, peer, &request) {
            Some(refused) => refused.map(Outgoing::whole),
            None => self.answer(&port, peer, &mut visit, request, note).await,
        };
        visit.leave_with(response)
    }

    async fn answer(
        &self,
        port: &Arc<Port>,
        peer: &Peer,
        visit: &mut Visit,
        mut request: Box<Request<ClientBody>>,
        note: impl Fn(&Visit),
    ) -> Response<Outgoing> {
        let is_rpc = rpc::is_call(&request);
        let source = forwarded::source(
            request.headers(),
            port.listener().x_forwarded.trusted.as_deref(),
            peer.socket().ip(),
        );
        let asked = Asked {
            method: request.method().clone(),
            uri: request.uri().clone(),
            source_port: peer.socket().port(),
            source,
        };
        // Rules of the way back see the request as it came.
        let kept = port.rules.looks_at_responses().then(|| request.headers().clone());
        let decision = port.rules.decide(&asked.view(request.headers()), random());
        let rule = decision.rule.map(|hit| hit.index);
        if let Some(alb) = visit.alb() {
            alb.rule = rule.and_then(|rule| port.rule_names.get(rule).cloned());
        }
        // The answer to a preflight says itself who may read what.
        let cors = decision.cors.filter(|_| !alb::is_preflight(request.method(), request.headers()));
        let origin = cors.and_then(|_| request.headers().get(ORIGIN).cloned());
        let accepted = if port.listener().gzip { compress::accepted(request.headers()) } else { None };
        let is_head = *request.method() == Method::HEAD;
        // What the load balancer and the gateway add.
        request.headers_mut().reserve(ADDED);
        let own = admitted(port, &decision, rule, &asked, request.headers_mut());
        let mut response = if let Some(own) = own {
            own.map(Outgoing::whole)
        } else {
            let mirrored = match self.mirrored(&decision, port, request.body_mut()).await {
                Ok(mirrored) => mirrored,
                Err(status) => return replies::page(status, "").map(Outgoing::whole),
            };
            if change_head(&mut request, &decision, port, peer).is_none() {
                return replies::page(400, "").map(Outgoing::whole);
            }
            let seen = Seen::of(request.headers());
            request.body_mut().see(seen);
            if let Some((groups, bytes)) = mirrored {
                self.mirror(&groups, &request, &bytes);
            }
            let forward = (group_of(port, &decision), &decision, is_rpc);
            self.forward(port, peer, visit, request, forward, note).await
        };
        if let (Some(cors), Some(origin)) = (cors, &origin) {
            let_read(cors, response.headers_mut(), origin);
        }
        if let Some(kept) = &kept {
            response = by_response_rules(port, visit, &asked.view(kept), response);
        }
        if let Some(accepted) = accepted.filter(|_| !is_head) {
            response = compressed(&accepted, response).await;
        }
        response
    }

    /// Sends a request to its group, and waits for the head of the reply for so long as the listener says.
    async fn forward(
        &self,
        port: &Port,
        peer: &Peer,
        visit: &mut Visit,
        mut request: Box<Request<ClientBody>>,
        (group, decision, is_rpc): (Option<&Arc<Group>>, &Decision<'_>, bool),
        note: impl Fn(&Visit),
    ) -> Response<Outgoing> {
        let Some(group) = group else { return replies::page(503, "").map(Outgoing::whole) };
        if let Some(alb) = visit.alb() {
            alb.group = Some(Arc::clone(&group.name));
        }
        if is_rpc {
            group.tell_of_grpc(&self.shared.log);
        }
        let has_all = request.body_mut().tell_end();
        let backed = Backed { shared: &self.shared, group, peer };
        let until = Instant::now() + port.listener().request_timeout;
        let answered = {
            let mut answer = pin!(backed.answer(visit, request, note));
            match self.ticks.soon(answer.as_mut()).await {
                Some(answered) => Ok(answered),
                None => timeout_at(until, answer).await,
            }
        };
        let Ok(answered) = answered else {
            let is_slow_client = !has_all.is_none_or(|all: Arc<AtomicBool>| all.load(Ordering::Relaxed));
            return replies::page(if is_slow_client { 408 } else { 504 }, "").map(Outgoing::whole);
        };
        let mut response = match answered {
            Ok((response, by)) => {
                if let Some(alb) = visit.alb() {
                    (alb.upstream_status, alb.by) = (Some(response.status().as_u16()), by);
                }
                response
            }
            Err(status) => return replies::page(status, "").map(Outgoing::whole),
        };
        if group.settings.protocol == BackendProtocol::Grpc {
            // A reply without a message has its status in the head.
            visit.set_grpc_status(rpc::code_of(response.headers()));
        }
        response.body_mut().set_idle(port.listener().idle_timeout);
        if let Terminal::Forward { remember: Some(length), .. } = &decision.terminal {
            response.headers_mut().append(SET_COOKIE, alb::set_cookie(&group.name, *length));
        }
        response
    }

    /// The groups that get a copy of the request, and its body. A request whose body is too large for that is not copied. An
    /// error is a status.
    async fn mirrored(
        &self,
        decision: &Decision<'_>,
        port: &Port,
        body: &mut ClientBody,
    ) -> Result<Option<(Vec<Arc<Group>>, Bytes)>, u16> {
        if decision.mirrors.is_empty() {
            return Ok(None);
        }
        let groups = decision.mirrors.iter().filter_map(|id| port.groups.get(id.0).cloned());
        let length = http_body::Body::size_hint(body).exact();
        if length.is_none_or(|length| length > MIRROR_BODY_MAX as u64) {
            return Ok(None);
        }
        match timeout(port.listener().request_timeout, body.read_in(MIRROR_BODY_MAX)).await {
            Ok(Ok(bytes)) => Ok(Some((groups.collect(), bytes))),
            Ok(Err(_)) => Err(400),
            Err(_) => Err(408),
        }
    }
}

/// The parts of a request that rules look at, besides its headers.
struct Asked {
    method: Method,
    uri: Uri,
    source: std::net::IpAddr,
    source_port: u16,
}

impl Asked {
    fn view<'a>(&'a self, headers: &'a HeaderMap) -> RequestView<'a> {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        RequestView {
            method: &self.method,
            host: alb::without_port(host),
            path: self.uri.path(),
            query: self.uri.query(),
            headers,
            source: self.source,
            source_port: self.source_port,
        }
    }
}

/// What the listener refuses before it asks its rules.
fn refusal(port: &Port, peer: &Peer, request: &Request<ClientBody>) -> Option<Response<Bytes>> {
    if port.is_https() && !peer.is_tls() {
        return Some(replies::page(400, "The plain HTTP request was sent to HTTPS port"));
    }
    let target = request.uri().path_and_query().map_or(0, |target: &PathAndQuery| target.as_str().len());
    if target > HEAD_MAX {
        return Some(replies::page(414, ""));
    }
    let headers = request.headers();
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > HEAD_MAX {
        return Some(replies::page(400, "Request Header Or Cookie Too Large"));
    }
    if *request.method() == Method::TRACE {
        return Some(replies::page(405, ""));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY_MAX) {
        return Some(replies::page(413, ""));
    }
    host::check(request, request.body().seen()).is_err().then(|| replies::page(400, ""))
}

/// The listener's own reply, if there is one: the request comes again, too many come, or the rule answers itself.
fn admitted(
    port: &Port,
    decision: &Decision<'_>,
    rule: Option<usize>,
    asked: &Asked,
    headers: &mut HeaderMap,
) -> Option<Response<Bytes>> {
    if !trace::pass(headers, port.mark(rule)) {
        return Some(replies::page(replies::LOOP, ""));
    }
    if let Some(limit) = decision.limit
        && let Some(limiter) = rule.and_then(|rule| port.limiters.get(rule))
        && !limiter.admit(limit, asked.source)
    {
        return Some(replies::limited());
    }
    if let Some(allowed) = decision.cors.and_then(|cors| alb::preflight(cors, &asked.method, headers)) {
        return Some(plain(StatusCode::NO_CONTENT, allowed, Bytes::new()));
    }
    match &decision.terminal {
        Terminal::Forward { .. } => None,
        Terminal::NoGroup => Some(replies::page(503, "")),
        Terminal::Redirect { status, location } => Some(replies::redirect(*status, location)),
        Terminal::Fixed(fixed) => Some(replies::fixed(fixed)),
    }
}

fn group_of<'a>(port: &'a Port, decision: &Decision<'_>) -> Option<&'a Arc<Group>> {
    match decision.terminal {
        Terminal::Forward { group: GroupId(number), .. } => port.groups.get(number),
        _ => None,
    }
}

/// Makes of the client's head the one for the backend. `None` if a rewritten target or host cannot be one.
fn change_head(
    request: &mut Request<ClientBody>,
    decision: &Decision<'_>,
    port: &Port,
    peer: &Peer,
) -> Option<()> {
    let client_host = request.headers().get(HOST).cloned();
    if decision.target.is_some() || request.uri().authority().is_some() {
        let target = match &decision.target {
            None => request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
            Some(Target { path, query: None, .. }) => path.clone(),
            Some(Target { path, query: Some(query), .. }) => format!("{path}?{query}"),
        };
        let target = if target.starts_with('/') { target } else { format!("/{target}") };
        *request.uri_mut() = target.parse().ok()?;
    }
    if let Some(host) = decision.target.as_ref().and_then(|target| target.host.as_deref()) {
        request.headers_mut().insert(HOST, HeaderValue::from_str(host).ok()?);
    }
    let headers = request.headers_mut();
    apply(&decision.headers, headers);
    forwarded::apply(headers, port, peer, client_host.as_ref());
    if let Some(sample) = port.listener().tracing {
        b3::apply(headers, sample, random());
    }
    // Backends speak HTTP/1.1, whatever the client speaks.
    *request.version_mut() = Version::HTTP_11;
    Some(())
}

fn apply(changes: &[HeaderChange], headers: &mut HeaderMap) {
    for change in changes {
        match change {
            HeaderChange::Insert(name, value) => drop(headers.insert(name, value.clone())),
            HeaderChange::Remove(name) => drop(headers.remove(name)),
        }
    }
}

/// Applies the rules for responses.
fn by_response_rules(
    port: &Port,
    visit: &mut Visit,
    request: &RequestView<'_>,
    mut response: Response<Outgoing>,
) -> Response<Outgoing> {
    let view = ResponseView { status: response.status(), headers: response.headers() };
    let decision = port.rules.decide_response(request, &view);
    if let Some(fixed) = decision.fixed {
        if let Some(alb) = visit.alb() {
            alb.by = Maker::Alb;
        }
        response = replies::fixed(fixed).map(Outgoing::whole);
    }
    apply(&decision.headers, response.headers_mut());
    response
}

/// Says by a rule who may read a reply, in place of the backend.
fn let_read(cors: &AlbCors, headers: &mut HeaderMap, origin: &HeaderValue) {
    for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS]
    {
        headers.remove(name);
    }
    alb::allow(cors, origin, headers);
}

async fn compressed(accepted: &HeaderValue, response: Response<Outgoing>) -> Response<Outgoing> {
    let (mut head, mut body) = response.into_parts();
    if let Some(bytes) = body.whole_bytes().filter(|bytes| bytes.len() <= COMPRESSED_MAX)
        && let Some(coding) = compress::choose(accepted, &head.headers, bytes.len())
        && let Some(bytes) = compress::compress(coding, &mut head.headers, bytes)
    {
        body = Outgoing::whole(bytes);
        // Compression may take a millisecond: others come first for once.
        tokio::task::yield_now().await;
    }
    Response::from_parts(head, body)
}

/// A number for choices by weight.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}
