//! Literals beside parameters.

use fc_runtime::App;

pub fn app() -> App {
    App::new()
        .get("/users/me", async |_| "me")
        .get("/users/@me", async |_| "at me")
        .get("/users/{id}", async |ex| Ok(format!("user {}", ex.param::<String>("id")?)))
        .get("/café/x", async |_| "café x")
        .get("/café/{*rest}", async |ex| Ok(format!("café {}", ex.param::<String>("rest")?)))
        .get("/100%25", async |_| "all")
        .get("/%7ea", async |_| "tilde")
}
