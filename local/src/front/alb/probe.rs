//! Health checks: a task for each backend of a group that checks.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, Version, header};
use http_body_util::{BodyExt, Full, Limited};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::balancers::Shared;
use super::forward::Backed;
use super::group::Group;
use super::{grpc, upstream};
use crate::event::AlbVisit;
use crate::front::visit::Visit;
use crate::model::alb::{AlbHealthCheck, GroupKind, IpServer, ProbeMethod};
use crate::wire::ClientBody;
use crate::wire::headers::Peer;

/// How much of a reply a check reads, in bytes. The rest does not matter.
const BODY_MAX: usize = 8 * 1024;

/// The host of a check that names none. A function has no address of its own.
const OWN_ADDRESS: &str = "127.0.0.1";

/// Starts the checks of a group, if it checks.
pub(super) fn start(shared: &Arc<Shared>, group: &Arc<Group>, stop: &CancellationToken) {
    if group.settings.health_check.is_none() {
        return;
    }
    for number in 0..group.targets.len() {
        let (shared, group, stop) = (Arc::clone(shared), Arc::clone(group), stop.clone());
        let tasks = shared.tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = run(&shared, &group, number) => {}
            }
        });
    }
}

async fn run(shared: &Arc<Shared>, group: &Group, number: usize) {
    let Some(check) = &group.settings.health_check else { return };
    let mut ticks = interval(check.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let once = async {
            match group.server(number) {
                None => ask_function(shared, group, check).await,
                Some(server) => ask_server(shared, server, check).await,
            }
        };
        let outcome = timeout(check.timeout, once)
            .await
            .unwrap_or_else(|_| Err(format!("no reply within {} s", check.timeout.as_secs())));
        group.note(&shared.log, number, outcome);
    }
}

/// The request of a check: no user agent, and nothing else that a client would say.
fn request<B>(check: &AlbHealthCheck, host: &str, body: B) -> Result<Request<B>, String> {
    let uri: Uri = check.path.parse().map_err(|_| format!("`{}` is no path", check.path))?;
    let mut request = Request::new(body);
    *request.method_mut() = if check.method == ProbeMethod::Get { Method::GET } else { Method::HEAD };
    *request.uri_mut() = uri;
    *request.version_mut() = if check.is_http11 { Version::HTTP_11 } else { Version::HTTP_10 };
    let host = HeaderValue::from_str(host).map_err(|_| format!("`{host}` is no host"))?;
    request.headers_mut().insert(header::HOST, host);
    Ok(request)
}

fn judge(check: &AlbHealthCheck, status: StatusCode) -> Result<(), String> {
    let is_healthy = check.codes.iter().any(|class| u16::from(*class) == status.as_u16() / 100);
    if is_healthy { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
}

/// Checks a function: an invocation like any other, by the gateway and with a record.
async fn ask_function(shared: &Arc<Shared>, group: &Group, check: &AlbHealthCheck) -> Result<(), String> {
    let GroupKind::Fc { .. } = &group.settings.kind else { return Ok(()) };
    let host = check.host.as_deref().unwrap_or(OWN_ADDRESS);
    let mut request = request(check, host, ClientBody::empty())?;
    let peer = Peer::of_this_machine().ok_or("this machine has no address")?;
    let mut visit = Visit::arrive(&shared.log, &request, Instant::now());
    if shared.records.limits().is_some() {
        visit.record(&shared.records, Arc::from(""), &peer, &mut request);
    }
    visit.set_alb(AlbVisit { is_probe: true, group: Some(Arc::clone(&group.name)), ..AlbVisit::new(None) });
    let backed = Backed { shared, group, peer: &peer };
    match backed.answer(&mut visit, Box::new(request), |_| {}).await {
        Ok((response, by)) => {
            let status = response.status();
            if let Some(alb) = visit.alb() {
                (alb.upstream_status, alb.by) = (Some(status.as_u16()), by);
            }
            let body = visit.leave_with(response).into_body();
            // What is beyond the limit is not read, and its call ends as one whose client left.
            drop(Limited::new(body, BODY_MAX).collect().await);
            judge(check, status)
        }
        Err(status) => {
            visit.leave(super::replies::page(status, ""));
            Err(format!("status {status}"))
        }
    }
}

async fn ask_server(shared: &Shared, server: &IpServer, check: &AlbHealthCheck) -> Result<(), String> {
    let port = if check.port == 0 { server.port } else { check.port };
    let server = IpServer { port, ..server.clone() };
    if check.method == ProbeMethod::Connect {
        let connected = TcpStream::connect((server.host.as_str(), port)).await;
        return connected.map(drop).map_err(|error| error.to_string());
    }
    let host = check.host.as_deref().unwrap_or(&server.host);
    if check.method == ProbeMethod::Grpc {
        return grpc::check(&server, &shared.connections, (check, host)).await;
    }
    let request = request(check, host, Full::<Bytes>::default())?;
    let response = upstream::send(&server, &shared.connections, request).await;
    let response = response.map_err(|_| "the connection failed".to_owned())?;
    let status = response.status();
    drop(Limited::new(response.into_body(), BODY_MAX).collect().await);
    judge(check, status)
}
