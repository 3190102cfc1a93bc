//! The page, its script and its style: whole files of this program, so that no inline script is needed.

use fc_runtime::{Exchange, IntoReply, Reply};

use crate::State;

/// Nothing but what comes from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

pub async fn html(ex: Exchange<State>) -> Reply {
    served(&ex, "text/html; charset=utf-8", include_str!("../page/index.html"))
}

pub async fn style(ex: Exchange<State>) -> Reply {
    served(&ex, "text/css; charset=utf-8", include_str!("../page/page.css"))
}

pub async fn script(ex: Exchange<State>) -> Reply {
    served(&ex, "text/javascript; charset=utf-8", include_str!("../page/page.js"))
}

fn served(ex: &Exchange<State>, content_type: &'static str, text: &'static str) -> Reply {
    let headers = [
        ("content-type", content_type),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
    ];
    ex.conditional((headers, text).into_reply())
}
