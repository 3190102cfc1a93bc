//! Judges the caller of an HTTP trigger or of a domain by its settings.

use std::time::SystemTime;

use http::request::Parts;
use http::{HeaderMap, Uri, header};

use super::gate::Gate;
use super::jwt::{Claims, Token};
use super::parameters::{Passed, find_token, is_form};
use super::paths::need_token;
use super::plain::{check_basic, check_bearer};
use super::signature::{Addressee, BodyHash, check_signature, is_signed};
use crate::failure::Failure;
use crate::model::{Auth, JwtAuth, KeySource, Position};

/// What the judgement of a caller needs of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyNeed {
    None,
    /// A form, which may hold a token, or takes claims.
    Form,
}

/// A caller that was let in.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Admission {
    /// The hash that the body must have, if it is signed.
    pub(crate) body_hash: Option<BodyHash>,
    passed: Passed,
}

/// What [`judge`] needs of the body.
pub(crate) fn body_need(policy: &Auth, head: &Parts) -> BodyNeed {
    let Auth::Jwt(jwt) = policy else { return BodyNeed::None };
    let in_form = jwt.lookups.iter().map(|lookup| lookup.position);
    let mut positions = in_form.chain(jwt.claims.iter().map(|claim| claim.position));
    let is_needed = is_form(head) && positions.any(|position| position == Position::Form);
    if is_needed { BodyNeed::Form } else { BodyNeed::None }
}

/// Judges a caller. `paths` are those that lists of paths are compared with, and `form` is the body, if [`body_need`] asks
/// for it.
pub(crate) async fn judge(
    policy: &Auth,
    gate: &Gate,
    head: &Parts,
    paths: &[&str],
    form: Option<&str>,
    now: SystemTime,
) -> Result<Admission, Failure> {
    match policy {
        Auth::Anonymous => Ok(Admission::default()),
        Auth::Function => {
            let signed = check_signature(head, Addressee::HttpTrigger, gate.keys()?, now)?;
            Ok(Admission { body_hash: signed.body_hash, passed: Passed::default() })
        }
        Auth::Jwt(jwt) => {
            if form.is_some() && head.headers.contains_key(header::CONTENT_ENCODING) {
                return Err(Failure::access_denied("a form with a content coding cannot be read"));
            }
            let is_open = !paths.iter().any(|path| need_token(&jwt.paths, path));
            let claims = if is_open { None } else { Some(claims(jwt, gate, head, form, now).await?) };
            Ok(Admission { body_hash: None, passed: Passed::new(&jwt.claims, claims.as_ref())? })
        }
        Auth::Bearer(tokens) => check_bearer(tokens, &head.headers).map(|()| Admission::default()),
        Auth::Basic(users) => check_basic(users, &head.headers).map(|()| Admission::default()),
    }
}

/// Judges a caller of the API, and gives the hash that the body must have. A request that is not signed passes if it comes
/// from this machine (`is_near`), unless the settings say otherwise.
pub(crate) fn judge_api(
    gate: &Gate,
    head: &Parts,
    is_near: bool,
    now: SystemTime,
) -> Result<Option<BodyHash>, Failure> {
    if !is_signed(head) {
        match (is_near, gate.requires_signature) {
            (true, false) => return Ok(None),
            // `Host` is what the client says. Its address is not.
            (false, false) => {
                return Err(Failure::access_denied("calls of the API from other machines must be signed"));
            }
            (_, true) => {}
        }
    }
    check_signature(head, Addressee::Api, gate.keys()?, now).map(|signed| signed.body_hash)
}

/// Judges a caller that reads or changes what the account holds: from this machine, and signed.
pub(crate) fn judge_control(
    gate: &Gate,
    head: &Parts,
    is_near: bool,
    now: SystemTime,
) -> Result<Option<BodyHash>, Failure> {
    if !is_near {
        let text = "calls that read or change the configuration are taken from this machine alone";
        return Err(Failure::access_denied(text));
    }
    check_signature(head, Addressee::Api, gate.keys()?, now).map(|signed| signed.body_hash)
}

async fn claims(
    jwt: &JwtAuth,
    gate: &Gate,
    head: &Parts,
    form: Option<&str>,
    now: SystemTime,
) -> Result<Claims, Failure> {
    let token = find_token(&jwt.lookups, head, form)?;
    let token = token.ok_or_else(|| Failure::access_denied("the request has no token"))?;
    let token = Token::parse(&token)?;
    match &jwt.keys {
        KeySource::Inline(keys) => token.verify(token.key(keys)?, now),
        KeySource::Url(url) => gate.sets.verify(url, &token, now).await,
    }
}

impl Admission {
    /// Sets the parameters that the function gets from claims, in place of the client's own.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, target: &mut Uri) {
        self.passed.apply(headers, target);
    }

    /// The form with the parameters from claims, if there can be any.
    pub(crate) fn form(&self, form: &str) -> Option<String> {
        self.passed.has_form().then(|| self.passed.form(form))
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn calls_of_the_api_without_a_signature_come_from_this_machine_alone() {
        let head = Request::post("/2023-03-30/functions/f/invocations").header("host", "localhost");
        let head = head.body(()).unwrap().into_parts().0;
        // No key is needed to refuse, so none is made in the folder.
        let gate = Gate::new("/none-such".into(), false);
        let judged = |is_near| judge_api(&gate, &head, is_near, SystemTime::UNIX_EPOCH);
        assert!(matches!(judged(true), Ok(None)));
        let failure = judged(false).unwrap_err();
        assert!(failure.message().contains("other machines must be signed"), "{failure:?}");
    }
}
