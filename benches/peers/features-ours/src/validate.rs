//! JSON into a struct whose values are checked.

use fc_runtime::{App, valid};
use garde::Validate;
use serde::Deserialize;

#[derive(Deserialize, Validate)]
struct Order {
    #[garde(length(min = 1, max = 100))]
    item: String,
    #[garde(range(min = 1, max = 100))]
    quantity: u32,
    #[garde(length(max = 10), inner(length(min = 1)))]
    notes: Vec<String>,
}

pub(crate) fn add(app: App) -> App {
    app.post("/orders", async |ex| {
        let Order { item, quantity, notes } = valid(ex.json().await?)?;
        Ok(format!("{item} {quantity} {}", notes.len()))
    })
}
