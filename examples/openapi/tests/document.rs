//! The document says what the app does.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use fc_runtime::testing;
use openapi::{Document, app};
use serde_json::Value;
use utoipa::OpenApi;

/// Method and path of each operation in a document.
fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.into_iter().map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// A route without a word in the document, or a path without a route, is a mistake. The document's patterns are ours.
#[test]
fn every_route_is_in_the_document() {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let app = app();
    let routes = app.routes().filter(|route| route.pattern != "/openapi.json").map(|route| {
        let method = route.method.unwrap_or_else(|| panic!("{}: every method", route.location));
        (method.to_string(), route.pattern)
    });
    assert_eq!(operations(&document), routes.collect());
}

#[test]
fn the_document_is_served_and_true() {
    testing::run(async {
        let client = app().test_client();
        let document: Value = client.get("/openapi.json").await.assert_status(200).json();
        assert!(document["openapi"].as_str().unwrap().starts_with("3."));
        let answers =
            |method: &str| document["paths"]["/orders"][method]["responses"].as_object().unwrap().clone();
        let order = serde_json::json!({"item": "tea", "quantity": 2});
        let taken = client.post("/orders").json(&order).await;
        assert!(answers("post").contains_key(taken.status.as_str()));
        let refused = client.post("/orders").json(&serde_json::json!({"item": "tea", "quantity": 0})).await;
        assert!(answers("post").contains_key(refused.status.as_str()));
        refused.assert_header("content-type", "application/problem+json");
        let listed: Vec<Value> = client.get("/orders").await.json();
        assert_eq!(listed, [order]);
        client.get("/orders/0").await.assert_status(200);
        client.get("/orders/7").await.assert_status(404);
    });
}
