//! The application on Function Compute.

use fc_runtime::{App, Result};
use lift_and_shift::app::{self, Rates};

fn main() -> Result {
    let rates = Rates::open(&std::env::var("OPERATOR_TOKEN").unwrap_or_default());
    App::with_state(rates.clone())
        .ready_check("rates", async |rates| Ok(rates.check()?))
        .on_initialize(async |hook| Ok(hook.state().check()?))
        .on_pre_stop(async |hook| hook.state().close())
        .mount("/", app::router(rates))
        .run()
}
