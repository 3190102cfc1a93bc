//! Servers beside the functions: one connection for each request, as for a group without kept connections.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::balancers::{Balancers, Shared};
use super::forward::Answered;
use super::group::Group;
use super::{grpc, stay};
use crate::event::Maker;
use crate::front::body::Outgoing;
use crate::model::alb::{BackendProtocol, IpServer};
use crate::wire::{ClientBody, headers, upgrade};

/// How long a connection to a server may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long a copy of a request may take.
const MIRROR_MAX: Duration = Duration::from_secs(60);

/// Sends a request to a server of the group.
pub(super) async fn answer(group: &Group, shared: &Shared, mut request: Request<ClientBody>) -> Answered {
    let sticky = group.settings.sticky_session.as_ref();
    let mark = sticky.and_then(|session| stay::take(session, request.headers_mut()));
    let number = group.choose(mark.as_deref());
    let Some((number, server)) = number.and_then(|number| Some((number, group.server(number)?))) else {
        return Err(503);
    };
    let client = upgrade::is_handshake(&request).then(|| hyper::upgrade::on(&mut request));
    headers::strip_connection(request.headers_mut());
    if client.is_some() {
        upgrade::set(request.headers_mut());
    }
    let mut response = ask(group, server, &shared.connections, request).await?;
    let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let body = match client.filter(|_| is_upgrade && upgrade::is_agreed(response.headers())) {
        Some(client) => {
            let server = hyper::upgrade::on(&mut response);
            let (mut head, _) = response.into_parts();
            headers::strip_connection(&mut head.headers);
            upgrade::set(&mut head.headers);
            return Ok((
                Response::from_parts(head, Outgoing::joined(client, server, shared.stop.clone())),
                Maker::Server,
            ));
        }
        None if is_upgrade => return Err(502),
        None => response,
    };
    let (mut head, body) = body.into_parts();
    headers::strip_connection(&mut head.headers);
    if let Some(session) = sticky {
        stay::give(session, &mut head.headers, group.token(number), mark.as_deref());
    }
    Ok((Response::from_parts(head, Outgoing::passed(body)), Maker::Server))
}

/// Sends a request to a server of a group, by what its servers speak.
async fn ask<B>(
    group: &Group,
    server: &IpServer,
    connections: &TaskTracker,
    request: Request<B>,
) -> Result<Response<Incoming>, u16>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match group.settings.protocol {
        BackendProtocol::Http => send(server, connections, request).await,
        BackendProtocol::Grpc => grpc::send(server, connections, request).await,
    }
}

/// Connects to a server. A failure is the status that the client gets.
pub(super) async fn connect(server: &IpServer) -> Result<TcpStream, u16> {
    let connect = TcpStream::connect((server.host.as_str(), server.port));
    let connected = timeout(CONNECT_MAX, connect).await.map_err(|_| 504_u16)?;
    let stream = connected.map_err(|_| 502_u16)?;
    _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Sends a request on a connection of its own. A failure is the status that the client gets.
pub(super) async fn send<B>(
    server: &IpServer,
    connections: &TaskTracker,
    request: Request<B>,
) -> Result<Response<Incoming>, u16>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let stream = connect(server).await?;
    let opened = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = opened.map_err(|_| 502_u16)?;
    // Ends with the reply's body, or with its drop.
    connections.spawn(async move { drop(connection.with_upgrades().await) });
    sender.send_request(request).await.map_err(|error| if error.is_parse() { 502 } else { 500 })
}

impl Balancers {
    /// Sends copies of a request, whose replies are dropped. Beyond a bound nothing is copied.
    pub(super) fn mirror(&self, groups: &[Arc<Group>], head: &Request<ClientBody>, body: &Bytes) {
        for group in groups {
            let Ok(permit) = Arc::clone(&self.mirrors).try_acquire_owned() else { return };
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = head.method().clone();
            *request.uri_mut() = head.uri().clone();
            *request.headers_mut() = copied(head.headers());
            let (group, shared) = (Arc::clone(group), Arc::clone(&self.shared));
            self.shared.tasks.spawn(async move {
                let _permit = permit;
                let server = group.choose(None).and_then(|number| group.server(number));
                if let Some(server) = server {
                    let sent = timeout(MIRROR_MAX, ask(&group, server, &shared.connections, request));
                    // A stop does not wait for a reply that is dropped.
                    drop(shared.stop.run_until_cancelled(sent).await);
                }
            });
        }
    }
}

fn copied(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers::strip_connection(&mut headers);
    headers.remove(CONNECTION);
    headers.remove(UPGRADE);
    headers
}
