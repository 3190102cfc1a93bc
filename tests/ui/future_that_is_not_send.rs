use std::rc::Rc;

use fc_runtime::App;

fn main() {
    let _ = App::new().get("/", async |ex| {
        let seen = Rc::new(7);
        let body = ex.bytes().await?;
        Ok(format!("{seen} {}", body.len()))
    });
}
