use fc_runtime::App;

fn main() {
    let mut hits = 0;
    let _ = App::new().get("/", async move |_| {
        hits += 1;
        hits.to_string()
    });
}
