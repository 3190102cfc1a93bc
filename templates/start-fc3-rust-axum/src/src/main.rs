//! An axum router, unchanged, on the platform's contract: hooks, probes, records, clients that leave.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use fc_runtime::{App, Result};
use serde::{Deserialize, Serialize};
use tower_http::timeout::TimeoutLayer;

#[derive(Deserialize, Serialize)]
struct Sum {
    a: i64,
    b: i64,
}

fn main() -> Result {
    app().run()
}

/// What is routed here comes first; everything else is the router's.
fn app() -> App {
    App::new().get("/version", async |_| env!("CARGO_PKG_VERSION")).mount("/", router())
}

fn router() -> Router {
    Router::new()
        .route("/hello/{name}", get(async |Path(name): Path<String>| format!("Hello, {name}!\n")))
        .route("/sum", get(async |Query(sum): Query<Sum>| (sum.a + sum.b).to_string()))
        .route("/sum", post(async |Json(sum): Json<Sum>| (StatusCode::CREATED, Json([sum.a + sum.b]))))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(20)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_router_answers_through_the_app() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            client.get("/hello/you").await.assert_text("Hello, you!\n");
            client.get("/sum?a=1&b=2").await.assert_text("3");
            client
                .post("/sum")
                .json(&json!({"a": 1, "b": 2}))
                .await
                .assert_status(201)
                .assert_json(json!([3]));
            client.get("/nothing").await.assert_status(404);
            client.get("/version").await.assert_text(env!("CARGO_PKG_VERSION"));
        });
    }
}
