//! Stickiness between groups: a cookie names the group to which a client came first.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::condition::cookies;
use crate::model::alb::Forward;

/// The cookie's name, which the platform's documents do not tell.
pub(crate) const COOKIE: &str = "ALBGROUP";

/// `Set-Cookie` for a client that stays with the group of this name.
pub(crate) fn set_cookie(group: &str, time: Duration) -> HeaderValue {
    let text = format!("{COOKIE}={}; Max-Age={}; Path=/; HttpOnly", id(group), time.as_secs());
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("ALBGROUP=; Max-Age=0"))
}

/// The position, among the rule's groups, of the one that the client's cookie names. `names` are the groups' names.
pub(super) fn remembered(forward: &Forward, names: &[String], headers: &HeaderMap) -> Option<usize> {
    forward.sticky?;
    let (_, value) = cookies(headers).find(|(name, _)| *name == COOKIE)?;
    let is_meant = |at: &usize| names.get(*at).is_some_and(|name| id(name) == value);
    (0..forward.groups.len()).find(is_meant).filter(|at| forward.groups[*at].weight > 0)
}

/// A group's id: the same after a restart.
fn id(group: &str) -> String {
    format!("{:08x}", crc32fast::hash(group.as_bytes()))
}
