//! The phase that asks who calls.

use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;

use crate::auth::{Admission, BodyNeed, Gate, body_need, judge};
use crate::failure::Failure;
use crate::model::Auth;
use crate::wire::{BodyFault, ClientBody, Payload, limits};

/// The body of an admitted request: still to come, or read already.
#[derive(Debug)]
pub(super) enum AdmittedBody {
    Client(ClientBody),
    Read(Bytes),
}

impl AdmittedBody {
    /// The body for the function, and the place for its fault.
    pub(super) fn payload(self) -> (Payload, BodyFault) {
        match self {
            AdmittedBody::Client(body) => Payload::client(body, limits::BODY_MAX),
            AdmittedBody::Read(bytes) => Payload::read(bytes),
        }
    }
}

/// Judges the caller of a request by the settings of a trigger or a domain. The body is read only if the judgement
/// depends on it.
pub(super) async fn admit(
    policy: &Auth,
    gate: &Gate,
    head: &Parts,
    body: ClientBody,
) -> Result<(Admission, AdmittedBody), Failure> {
    let now = SystemTime::now();
    if body_need(policy, head) == BodyNeed::Form {
        let bytes = body.read_whole(limits::BODY_MAX).await?;
        let form = str::from_utf8(&bytes).map_err(|_| Failure::access_denied("the form is no text"))?;
        let admission = judge(policy, gate, head, Some(form), now).await?;
        let form = admission.form(form).map(Bytes::from);
        return Ok((admission, AdmittedBody::Read(form.unwrap_or(bytes))));
    }
    let admission = judge(policy, gate, head, None, now).await?;
    let Some(hash) = &admission.body_hash else { return Ok((admission, AdmittedBody::Client(body))) };
    let bytes = body.read_whole(limits::BODY_MAX).await?;
    hash.check(&bytes)?;
    Ok((admission, AdmittedBody::Read(bytes)))
}
