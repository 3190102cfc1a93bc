//! The phase that asks who calls.

use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;

use crate::auth::{Admission, BodyNeed, Gate, body_need, judge};
use crate::failure::Failure;
use crate::model::Auth;
use crate::wire::{ClientBody, limits};

/// Judges the caller of a request by the settings of a trigger or a domain. The body is read only if the judgement
/// depends on it. `paths` are those that lists of paths are compared with.
pub(super) async fn admit(
    policy: &Auth,
    gate: &Gate,
    head: &Parts,
    paths: &[&str],
    body: &mut ClientBody,
) -> Result<Admission, Failure> {
    if *policy == Auth::Anonymous {
        return Ok(Admission::default());
    }
    // Boxed: keys may have to be fetched, and most requests are anonymous.
    Box::pin(admit_known(policy, gate, head, paths, body)).await
}

async fn admit_known(
    policy: &Auth,
    gate: &Gate,
    head: &Parts,
    paths: &[&str],
    body: &mut ClientBody,
) -> Result<Admission, Failure> {
    let now = SystemTime::now();
    if body_need(policy, head) == BodyNeed::Form {
        let bytes = body.read_in(limits::BODY_MAX).await?;
        let form = str::from_utf8(&bytes).map_err(|_| Failure::access_denied("the form is no text"))?;
        let admission = judge(policy, gate, head, paths, Some(form), now).await?;
        if let Some(form) = admission.form(form) {
            body.replace(Bytes::from(form));
        }
        return Ok(admission);
    }
    let admission = judge(policy, gate, head, paths, None, now).await?;
    if let Some(hash) = &admission.body_hash {
        hash.check(&body.read_in(limits::BODY_MAX).await?)?;
    }
    Ok(admission)
}
