use fc_runtime::App;

fn main() {
    let _ = App::new().get("/", async |_| {});
}
