use fc_runtime::App;

fn main() {
    let _ = App::new().get("/", async |ex| ex.websocket(async |_| 7));
}
