use std::rc::Rc;

use fc_runtime::App;

fn main() {
    let _ = App::open(async |_| Ok(Rc::new(7))).get("/", async |_| "x");
}
