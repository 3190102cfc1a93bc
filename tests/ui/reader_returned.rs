use fc_runtime::App;

fn main() {
    let _ = App::new().post("/", async |ex| ex.text().await);
}
