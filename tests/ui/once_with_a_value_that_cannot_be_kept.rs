use fc_runtime::App;

struct Receipt {
    number: u32,
}

fn main() {
    let _ = App::new().post("/", async |ex| {
        let receipt = ex.once("order 7", async || Ok(Receipt { number: 7 })).await?;
        Ok(receipt.number.to_string())
    });
}
