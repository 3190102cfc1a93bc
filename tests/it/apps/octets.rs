//! What each reader of headers makes of them.

use std::collections::HashMap;

use fc_runtime::{App, at, guard};

pub fn app() -> App {
    App::new()
        .trusted_hops(1)
        .get("/cookie", async |ex| ex.cookie("sid").unwrap_or("none").to_owned())
        .post("/json", async |ex| Ok(ex.json::<Vec<u8>>().await?.len().to_string()))
        .post("/form", async |ex| Ok(ex.form::<HashMap<String, String>>().await?.len().to_string()))
        .post("/text", async |ex| Ok(ex.text().await?))
        .get("/id", async |ex| ex.last_event_id().as_deref().unwrap_or("none").to_owned())
        .get("/header", async |ex| ex.header("x-name").unwrap_or("none").to_owned())
        .get("/scheme", async |ex| ex.scheme().to_owned())
        .group(at("/token"), |group| group.get("/", async |_| "inside").around(guard::bearer(["schlüssel"])))
}
