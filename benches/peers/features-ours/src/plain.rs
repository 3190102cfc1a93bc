//! Without any feature.

use fc_runtime::App;

pub(crate) fn app() -> App {
    App::new().get("/users/{id}", async |ex| Ok(ex.param::<String>("id")?))
}
