use fc_runtime::{App, SetCookie};

fn main() {
    let _ = App::new().get("/", async |_| SetCookie::new("theme", "dark"));
}
