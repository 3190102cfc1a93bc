use std::error::Error;

use fc_runtime::App;

fn main() {
    let _ = App::new().post("/", async |ex| -> Result<String, Box<dyn Error>> {
        let number: u32 = ex.text().await?.parse()?;
        Ok(number.to_string())
    });
}
