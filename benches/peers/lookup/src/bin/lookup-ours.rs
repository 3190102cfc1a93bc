//! The library.

use fc_runtime::{AccessLog, App};

fn main() -> fc_runtime::Result {
    let app = App::new().access_log(AccessLog::Off).get("/plaintext", async |_| "Hello, World!");
    lookup::patterns()
        .fold(app, |app, pattern| app.get(pattern, async |ex| Ok(ex.param::<String>("id")?)))
        .run()
}
