use fc_runtime::App;

struct Order {
    item: String,
}

fn main() {
    let _ = App::new().post("/", async |ex| {
        let order: Order = ex.form().await?;
        Ok(order.item)
    });
}
