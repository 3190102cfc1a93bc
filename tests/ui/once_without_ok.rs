use fc_runtime::App;

fn main() {
    let _ = App::new().post("/", async |ex| {
        let number: u32 = ex.once("order 7", async || 7).await?;
        Ok(number.to_string())
    });
}
