//! The smallest function: `cargo run --release --example hello`, then `curl localhost:9000/`.

use fc_runtime::App;

fn main() -> fc_runtime::Result {
    App::new()
        .get("/", async |_| "Hello, World!\n")
        .get("/hello/{name}", async |ex| Ok(format!("Hello, {}!\n", ex.param::<String>("name")?)))
        .event(async |event| Ok(format!("Hello, {}!", event.text()?)))
        .run()
}
