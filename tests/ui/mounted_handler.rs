use fc_runtime::App;

fn main() {
    let _ = App::new().mount("/greeter", async |_| "hello");
}
