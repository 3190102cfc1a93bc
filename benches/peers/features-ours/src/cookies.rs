//! A plain and a signed cookie.

use fc_runtime::{App, CookieKeys};

const KEY: &str = "key-of-benches-0123456789abcdef0123456789abcdef";

pub(crate) fn add(app: App) -> App {
    let keys = std::sync::LazyLock::new(|| CookieKeys::parse(KEY));
    let keys = std::sync::Arc::new(keys);
    app.get("/user", async move |ex| {
        let keys = keys.as_ref().as_ref().map_err(|_| fc_runtime::Error::unavailable("no keys"))?;
        let theme = ex.cookie("theme").unwrap_or("none");
        Ok(format!("{theme} {}", ex.signed_cookie(keys, "member").unwrap_or_default()))
    })
}
