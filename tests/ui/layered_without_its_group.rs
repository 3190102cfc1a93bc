use fc_runtime::App;
use tower_layer::Identity;

fn main() {
    let _ = App::new().layered(Identity::new(), |group| {
        group.get("/", async |_| "tea");
    });
}
