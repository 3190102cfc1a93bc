use fc_runtime::App;

fn main() {
    let _ = App::new().event(async |_| 42);
}
