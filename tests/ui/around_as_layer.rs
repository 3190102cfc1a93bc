use fc_runtime::App;

fn main() {
    let _ = App::new().layered(async |ex, next| next.run(ex).await, |group| group.get("/", async |_| "tea"));
}
