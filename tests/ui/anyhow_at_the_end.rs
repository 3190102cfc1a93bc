use fc_runtime::{App, Exchange};

async fn number(ex: Exchange) -> anyhow::Result<String> {
    let number: u32 = ex.text().await?.parse()?;
    Ok(number.to_string())
}

fn main() {
    let _ = App::new().post("/", number);
}
