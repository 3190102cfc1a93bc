use fc_runtime::App;

async fn hello(name: String) -> String {
    format!("Hello, {name}!")
}

fn main() {
    let _ = App::new().get("/{name}", hello);
}
