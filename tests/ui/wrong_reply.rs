use fc_runtime::App;

fn main() {
    let _ = App::new().get("/", async |_| 0.5_f64);
}
