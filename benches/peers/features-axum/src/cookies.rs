//! A plain and a signed cookie.

use axum::extract::FromRef;
use axum::routing::get;
use axum::{Router, http::HeaderMap};
use axum_extra::extract::cookie::{CookieJar, Key, SignedCookieJar};

const KEY: &[u8] = b"key-of-benches-0123456789abcdef0123456789abcdef";

#[derive(Clone)]
struct Keys(Key);

impl FromRef<Keys> for Key {
    fn from_ref(keys: &Keys) -> Self {
        keys.0.clone()
    }
}

async fn user(headers: HeaderMap, signed: SignedCookieJar) -> String {
    let plain = CookieJar::from_headers(&headers);
    let theme = plain.get("theme").map_or("none", |cookie| cookie.value()).to_owned();
    let user = signed.get("user").map(|cookie| cookie.value().to_owned());
    format!("{theme} {}", user.unwrap_or_default())
}

pub(crate) fn add(app: Router) -> Router {
    app.merge(Router::new().route("/user", get(user)).with_state(Keys(Key::derive_from(KEY))))
}
