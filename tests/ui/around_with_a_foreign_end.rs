use fc_runtime::App;

fn main() {
    let _ = App::new().get("/", async |_| "x").around(async |ex, next| {
        next.run(ex).await;
    });
}
