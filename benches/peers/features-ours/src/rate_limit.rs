//! A limit for each client, told apart by a header, that no client of the measurement reaches.

use std::time::Duration;

use fc_runtime::{App, guard};

pub(crate) fn with(app: App) -> App {
    let by_agent = |ex: &fc_runtime::Exchange| ex.header("user-agent").map(str::to_owned);
    app.around(guard::rate_limit(1_000_000, Duration::from_secs(60), by_agent))
}
