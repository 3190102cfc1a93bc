//! JSON into a struct whose values are checked.

use axum::Router;
use axum::extract::Json;
use axum::http::StatusCode;
use axum::routing::post;
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

async fn order(Json(order): Json<Order>) -> Result<String, (StatusCode, String)> {
    order.validate().map_err(|report| (StatusCode::UNPROCESSABLE_ENTITY, report.to_string()))?;
    Ok(format!("{} {} {}", order.item, order.quantity, order.notes.len()))
}

pub(crate) fn add(app: Router) -> Router {
    app.route("/orders", post(order))
}
