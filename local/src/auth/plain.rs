//! `authType: bearer` and `basic`: secrets that a request carries as they are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use subtle::{Choice, ConstantTimeEq};

use crate::failure::Failure;
use crate::model::{BasicUser, BearerToken};

/// Checks the token of `Authorization: Bearer TOKEN`.
pub(crate) fn check_bearer(tokens: &[BearerToken], headers: &HeaderMap) -> Result<(), Failure> {
    let token = credentials(headers, "Bearer")?;
    // Every token is compared, so that the time tells nothing.
    let is_known = tokens.iter().fold(Choice::from(0), |is_known, own| {
        is_known | (own.token.reveal().ct_eq(token.as_bytes()) & Choice::from(u8::from(own.is_enabled)))
    });
    if is_known.into() { Ok(()) } else { Err(Failure::access_denied("the bearer token is not valid")) }
}

/// Checks the name and the password of `Authorization: Basic …`.
pub(crate) fn check_basic(users: &[BasicUser], headers: &HeaderMap) -> Result<(), Failure> {
    let denied = || Failure::access_denied("the user name or the password is not valid");
    let pair = STANDARD.decode(credentials(headers, "Basic")?).map_err(|_| denied())?;
    let colon = pair.iter().position(|byte| *byte == b':').ok_or_else(denied)?;
    let (name, password) = (&pair[..colon], &pair[colon + 1..]);
    let is_known = users.iter().fold(Choice::from(0), |is_known, own| {
        is_known | (own.name.as_bytes().ct_eq(name) & own.password.reveal().ct_eq(password))
    });
    if is_known.into() { Ok(()) } else { Err(denied()) }
}

/// The credentials of the one `Authorization` header, if they are of `scheme`.
fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Result<&'a str, Failure> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (None, _) => {
            let text = format_args!("the request has no header `Authorization: {scheme} …`");
            return Err(Failure::access_denied(text));
        }
        _ => return Err(Failure::access_denied("the request has more than one Authorization header")),
    };
    match value.split_once(' ') {
        Some((own, credentials)) if own.eq_ignore_ascii_case(scheme) => Ok(credentials.trim_start()),
        _ => {
            Err(Failure::access_denied(format_args!("the request's Authorization is not of scheme {scheme}")))
        }
    }
}
