use fc_runtime::App;
use tower_layer::Identity;

fn main() {
    let _ = App::new().get("/", async |_| "tea").around(Identity::new());
}
