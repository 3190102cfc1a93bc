//! A shop with an `OpenAPI` document: utoipa makes it from types and attributes, a route serves it, and a test compares it
//! with the routes of the app.

#![allow(clippy::unused_async, reason = "handlers are async, whether they wait or not")]
#![allow(
    clippy::needless_for_each,
    clippy::exhaustive_structs,
    reason = "the code that utoipa generates, and plain data"
)]

use std::sync::{Mutex, PoisonError};

use fc_runtime::{App, Error, Exchange, Json, OrError, Result};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

/// The document. Each path is a function below.
#[derive(Debug, OpenApi)]
#[openapi(paths(list_orders, add_order, get_order), components(schemas(Problem)))]
pub struct Document;

/// An order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// What is ordered.
    pub item: String,
    /// How many.
    #[schema(minimum = 1)]
    pub quantity: u32,
}

/// How errors look (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What went wrong.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do.
    pub detail: Option<String>,
    /// The request's id, for the log.
    pub request_id: String,
}

/// The orders so far.
pub type Orders = Mutex<Vec<Order>>;

/// The app.
pub fn app() -> App<Orders> {
    App::with_state(Orders::default())
        .get("/orders", list_orders)
        .post("/orders", add_order)
        .get("/orders/{number}", get_order)
        .get("/openapi.json", async |_| Json(Document::openapi()))
}

/// Lists all orders.
#[utoipa::path(get, path = "/orders", responses((status = 200, body = [Order])))]
async fn list_orders(ex: Exchange<Orders>) -> Json<Vec<Order>> {
    Json(ex.state().lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Takes an order.
#[utoipa::path(post, path = "/orders", request_body = Order, responses(
    (status = 201, body = Order),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
async fn add_order(ex: Exchange<Orders>) -> Result<(u16, Json<Order>)> {
    let order: Order = ex.json().await?;
    if order.quantity == 0 {
        return Err(Error::unprocessable("at least one, please"));
    }
    ex.state().lock().unwrap_or_else(PoisonError::into_inner).push(order.clone());
    Ok((201, Json(order)))
}

/// Shows an order.
#[utoipa::path(get, path = "/orders/{number}", params(("number" = usize, Path, description = "from 0")), responses(
    (status = 200, body = Order),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
async fn get_order(ex: Exchange<Orders>) -> Result<Json<Order>> {
    let number: usize = ex.param("number")?;
    let orders = ex.state().lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Json(orders.get(number).cloned().or_not_found("no such order")?))
}
