//! TLS by rustls and ring, SQLite from its C source, a name to resolve, and a panic to find again.

use fc_runtime::{App, OrError, Result};
use rusqlite::Connection;
use serde::Deserialize;

#[derive(Deserialize)]
struct Query {
    host: Option<String>,
    port: u16,
}

fn main() -> Result {
    App::new()
        .get("/sqlite", async |_| {
            let database = Connection::open_in_memory()?;
            Ok(database.query_row("SELECT sqlite_version()", [], |row| row.get::<_, String>(0))?)
        })
        // What the client says of an address where nobody speaks TLS: it has resolved the name, and tried.
        .get("/tls", async |ex| {
            let Query { host, port } = ex.query()?;
            let host = host.as_deref().unwrap_or("localhost");
            let failed = reqwest::get(format!("https://{host}:{port}/")).await.err();
            Ok(format!("{:?}", failed.or_error(500, "it worked")?))
        })
        .get("/panic", async |_| deep_below(7).to_string())
        .run()
}

#[inline(never)]
fn deep_below(depth: u32) -> u32 {
    assert!(depth < 5, "a depth of {depth}");
    depth
}
