//! Sticky sessions of server groups.

use std::time::Duration;

use super::fields::Fields;
use crate::model::alb::StickySession;

pub(super) fn read(fields: &mut Fields<'_>) -> Option<StickySession> {
    fields.check(&["sticky_session_enabled", "sticky_session_type", "cookie", "cookie_timeout"], &[]);
    let is_on = fields.boolean("sticky_session_enabled", false);
    let timeout = fields.integer("cookie_timeout", 1..=86_400).unwrap_or(1000);
    let kind = fields.one_of("sticky_session_type", &["Insert", "Server"]).unwrap_or("Insert");
    let cookie = fields.text("cookie");
    if let Some(cookie) = &cookie {
        check_cookie(fields, cookie);
    }
    if !is_on {
        return None;
    }
    if kind == "Insert" {
        if cookie.is_some() {
            fields
                .note("cookie", "has no effect with the type Insert: the listener's own cookie is SERVERID");
        }
        return Some(StickySession::Insert(Duration::from_secs(timeout)));
    }
    if fields.has("cookie_timeout") {
        fields.note(
            "cookie_timeout",
            "has no effect with the type Server: the server says how long its cookie lasts",
        );
    }
    if !fields.has("cookie") {
        fields.error("cookie", "is missing: the type Server needs the name of the server's cookie");
    }
    cookie.map(StickySession::Server)
}

/// The cloud takes 1 to 200 printable characters without separators, and no dollar sign first.
fn check_cookie(fields: &mut Fields<'_>, cookie: &str) {
    let is_token = |b: u8| b.is_ascii_graphic() && !b"=,;\"".contains(&b);
    if !(1..=200).contains(&cookie.len()) || !cookie.bytes().all(is_token) || cookie.starts_with('$') {
        let text = format!(
            "must have 1 to 200 printable characters without blanks, `,`, `;`, `=` and quotes, no `$` first, but is `{cookie}`"
        );
        fields.error("cookie", &text);
    }
}
