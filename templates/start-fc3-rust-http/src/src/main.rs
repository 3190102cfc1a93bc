//! A small shop: routes, JSON, and state that all requests share.

use std::sync::{PoisonError, RwLock};

use fc_runtime::{App, Error, Json, OrError, Result};
use serde::{Deserialize, Serialize};

/// What the instance knows. The next instance knows nothing of it: what must last belongs into a database.
#[derive(Default)]
struct Shop(RwLock<Vec<Item>>);

#[derive(Clone, Deserialize, Serialize)]
struct Item {
    name: String,
    price: u32,
}

fn main() -> Result {
    app().run()
}

fn app() -> App<Shop> {
    App::with_state(Shop::default())
        .get("/", async |_| "Hello, World!\n")
        .get("/hello/{name}", async |ex| Ok(format!("Hello, {}!\n", ex.param::<String>("name")?)))
        .get("/items/{number}", async |ex| {
            let number: usize = ex.param("number")?;
            let items = ex.state().0.read().unwrap_or_else(PoisonError::into_inner);
            Ok(Json(items.get(number).cloned().or_not_found("no such item")?))
        })
        .post("/items", async |ex| {
            let item: Item = ex.json().await?;
            if item.price == 0 {
                return Err(Error::unprocessable("nothing is free"));
            }
            let mut items = ex.state().0.write().unwrap_or_else(PoisonError::into_inner);
            let place = format!("/items/{}", items.len());
            items.push(item.clone());
            Ok((201, [("location", place)], Json(item)))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_that_was_put_in_is_there() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            client.get("/hello/you").await.assert_text("Hello, you!\n");
            client.get("/items/0").await.assert_status(404);
            let tea = json!({"name": "green tea", "price": 5});
            client.post("/items").json(&tea).await.assert_status(201).assert_header("location", "/items/0");
            client.get("/items/0").await.assert_json(tea);
            client.post("/items").json(&json!({"name": "tea", "price": 0})).await.assert_status(422);
        });
    }
}
