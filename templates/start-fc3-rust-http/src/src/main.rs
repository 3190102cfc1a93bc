use fc_runtime::App;

fn main() -> fc_runtime::Result {
    App::new()
        .get("/", async |_| "Hello, World!\n")
        .get("/hello/{name}", async |ex| Ok(format!("Hello, {}!\n", ex.param::<String>("name")?)))
        .run()
}
