//! A web function in a container. It listens where the platform says: the port of `s.yaml`, which the Dockerfile exposes.

use fc_runtime::{App, Result};

fn main() -> Result {
    app().run()
}

fn app() -> App {
    App::new()
        .get("/", async |_| "Hello, World!\n")
        .get("/hello/{name}", async |ex| Ok(format!("Hello, {}!\n", ex.param::<String>("name")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_greeted() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            client.get("/hello/you").await.assert_text("Hello, you!\n");
            client.get("/nothing").await.assert_status(404);
        });
    }
}
