//! Who calls the API.

use std::time::SystemTime;

use http::Request;
use http::request::Parts;

use crate::auth::{Gate, judge_api};
use crate::failure::Failure;
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, limits};

/// Judges the caller of the API, and gives the parts of the request. A body whose hash is signed is read.
pub(super) async fn admit(
    gate: &Gate,
    peer: &Peer,
    request: Request<ClientBody>,
) -> Result<(Parts, ClientBody), Failure> {
    let (head, mut body) = request.into_parts();
    limits::check_length(&head.headers)?;
    if let Some(hash) = judge_api(gate, &head, peer.is_near(), SystemTime::now())? {
        hash.check(&body.read_in(limits::BODY_MAX).await?)?;
    }
    Ok((head, body))
}

/// The failure of a call that cannot be: that of its caller, if the caller is not let in, else `failure`. So nobody
/// else learns what there is.
pub(in crate::front) async fn refuse(
    failure: Failure,
    gate: &Gate,
    peer: &Peer,
    request: Request<ClientBody>,
) -> Failure {
    admit(gate, peer, request).await.err().unwrap_or(failure)
}
