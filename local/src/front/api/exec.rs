//! A command in an instance: the handshake of its WebSocket.

use std::sync::Arc;
use std::time::SystemTime;

use fc_runtime::platform::names::header as fc;
use http::{HeaderValue, Request, Response, StatusCode};

use crate::account::{Account, Ask, What as Asked};
use crate::auth::{Gate, judge_control};
use crate::failure::Failure;
use crate::front::body::{Outgoing, plain};
use crate::front::operation::{Operation, What};
use crate::front::visit::Visit;
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, upgrade, websocket};

/// Starts the command, and upgrades the connection.
pub(crate) fn exec(
    operation: Operation,
    account: &Arc<Account>,
    (gate, peer): (&Gate, &Peer),
    visit: &Visit,
    mut request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let handshake = upgrade::is_handshake(&request).then(|| hyper::upgrade::on(&mut request));
    let (head, _) = request.into_parts();
    judge_control(gate, &head, peer.is_near(), SystemTime::now())?;
    let Operation { function, what: What::Exec(instance), .. } = operation else {
        return Err(Failure::invalid_argument("this is no command in an instance"));
    };
    let (Some(client), Some((name, accepted))) = (handshake, websocket::accept(&head.headers)) else {
        let text = "a command in an instance is asked for by the handshake of a WebSocket, version 13";
        return Err(Failure::invalid_argument(text));
    };
    let ask = Ask {
        what: Asked::ListInstances,
        function,
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: bytes::Bytes::new(),
        request: visit.id().to_string(),
        host: String::new(),
        keys: gate.keys()?.clone(),
    };
    let command = account.execute(&ask, &instance)?;
    let mut headers = http::HeaderMap::new();
    upgrade::set(&mut headers);
    headers.insert(name, accepted);
    if let Ok(id) = HeaderValue::from_str(&visit.id()) {
        headers.insert(fc::REQUEST_ID, id);
    }
    let body = Outgoing::command(client, command);
    Ok(plain(StatusCode::SWITCHING_PROTOCOLS, headers, "").map(|_: bytes::Bytes| body))
}
