use fc_runtime::{App, valid};
use serde::Deserialize;

#[derive(Deserialize)]
struct Order {
    item: String,
}

fn main() {
    let _ = App::new().post("/", async |ex| {
        let order: Order = valid(ex.json().await?)?;
        Ok(order.item)
    });
}
