use std::time::Duration;

use fc_runtime::{App, guard};

fn main() {
    let by_token = guard::rate_limit(2, Duration::from_secs(60), |ex| ex.header("x-token"));
    let _ = App::new().get("/", async |_| "tea").around(by_token);
}
