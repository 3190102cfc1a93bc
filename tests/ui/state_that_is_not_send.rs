use std::rc::Rc;

use fc_runtime::App;

fn main() {
    let _ = App::with_state_from(async |_| Ok(Rc::new(7))).get("/", async |_| "x");
}
