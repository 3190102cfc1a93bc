//! The routes of orders with their OpenAPI document.

use fc_runtime::{App, Exchange, Json};
use utoipa::OpenApi;

use crate::Shop;

/// The document. Each path is a function below.
#[derive(OpenApi)]
#[openapi(paths(list, remove))]
pub struct Document;

/// The begin of the paths that the document has.
pub const PATHS: &str = "/items";

#[utoipa::path(get, path = "/items", responses((status = 200, body = [String])))]
async fn list(ex: Exchange<Shop>) -> fc_runtime::Result<Json<Vec<String>>> {
    let names = sqlx::query_scalar("select name from items order by name").fetch_all(&ex.state().db).await?;
    Ok(Json(names))
}

#[utoipa::path(delete, path = "/items/{name}", params(("name" = String, Path)), responses((status = 204)))]
async fn remove(ex: Exchange<Shop>) -> fc_runtime::Result<u16> {
    let name: String = ex.param("name")?;
    sqlx::query("delete from items where name = ?").bind(name).execute(&ex.state().db).await?;
    Ok(204)
}

pub(crate) fn add(app: App<Shop>) -> App<Shop> {
    app.get("/items", list)
        .delete("/items/{name}", remove)
        .get("/openapi.json", async |_| Json(Document::openapi()))
}
