//! The phase that asks who calls.

use http::request::Parts;

use crate::auth;
use crate::failure::Failure;
use crate::model::Auth;

/// Checks the caller of a request by the settings of a trigger or a domain.
pub(super) fn admit(policy: &Auth, head: &Parts) -> Result<(), Failure> {
    match policy {
        Auth::Anonymous => Ok(()),
        Auth::Bearer(tokens) => auth::check_bearer(tokens, &head.headers),
        Auth::Basic(users) => auth::check_basic(users, &head.headers),
        // Nothing is served open that should not be.
        Auth::Function | Auth::Jwt(_) => Err(Failure::access_denied("fc-local does not check this yet")),
    }
}
