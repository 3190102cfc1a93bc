//! Errors through other crates and back.

use anyhow::Context as _;
use eyre::WrapErr as _;
use fc_runtime::{Error, Exchange, Group, Json, OrError, StatusError, at};
use serde::{Deserialize, Serialize};

use crate::Shop;

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
    quantity: u32,
}

/// The program's own errors.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    #[error("the request cannot be read")]
    Request(#[from] StatusError),
    #[error(transparent)]
    Transparent(StatusError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("{0} is sold out")]
    SoldOut(String),
}

async fn by_anyhow(ex: &Exchange<Shop>) -> anyhow::Result<Order> {
    let order: Order = ex.json().await?;
    anyhow::ensure!(order.quantity < 1000, "too many: {}", order.quantity);
    if order.item == "gold" {
        return Err(Error::conflict("no gold").with_code("no_gold").into_std().into());
    }
    Ok(order)
}

async fn by_eyre(ex: &Exchange<Shop>) -> eyre::Result<Order> {
    ex.json().await.wrap_err("reading the order")
}

async fn by_box(ex: &Exchange<Shop>) -> Result<Order, Box<dyn std::error::Error + Send + Sync>> {
    Ok(ex.json().await?)
}

async fn by_enum(ex: &Exchange<Shop>) -> Result<Order, ShopError> {
    let order: Order = ex.json().await?;
    if order.item == "transparent" {
        ex.query::<Order>().map_err(ShopError::Transparent)?;
    }
    sqlx::query("select name from items where name = ?")
        .bind(&order.item)
        .fetch_optional(&ex.state().db)
        .await?;
    if order.item == "salt" { Err(ShopError::SoldOut(order.item)) } else { Ok(order) }
}

pub(crate) fn routes(group: Group<Shop>) -> Group<Shop> {
    group
        .post(at("/anyhow").body_limit(64), async |ex| Ok(Json(by_anyhow(&ex).await?)))
        .post(at("/context").body_limit(64), async |ex| {
            Ok(Json(by_anyhow(&ex).await.context("the order").context("the shop")?))
        })
        .post(at("/eyre").body_limit(64), async |ex| Ok(Json(by_eyre(&ex).await?)))
        .post(at("/box").body_limit(64), async |ex| Ok(Json(by_box(&ex).await?)))
        .post(at("/enum").body_limit(64), async |ex| Ok(Json(by_enum(&ex).await?)))
        // The author's own status stays above that of the cause.
        .post(at("/chosen").body_limit(64), async |ex| {
            Ok(Json(by_anyhow(&ex).await.or_error(502, "the order did not come through")?))
        })
        .get("/found", async |_| {
            // Back by downcasting, in a function that knows nothing of this crate's `Error`.
            let error = anyhow::Error::from(Error::conflict("sold out").into_std()).context("outer");
            let found = error.downcast_ref::<StatusError>().map(|error| error.status().as_u16());
            Ok((found.unwrap_or(500), "found"))
        })
}
