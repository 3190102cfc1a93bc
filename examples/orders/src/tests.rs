//! Orders that come twice, at once and after a failure.

use fc_runtime::testing;
use serde_json::json;

use super::*;

fn store(name: &str) -> (Store, String) {
    let path = std::env::temp_dir().join(format!("orders-{}-{name}.sqlite", std::process::id()));
    let path = path.to_string_lossy().into_owned();
    let _ = std::fs::remove_file(&path);
    (Store::open(&path).unwrap(), path)
}

fn order(id: &str, quantity: u32) -> Order {
    Order { id: id.to_owned(), item: "cup".to_owned(), quantity }
}

#[test]
fn an_order_is_carried_out_once_however_often_it_comes() {
    let (store, path) = store("once");
    assert_eq!(store.carry_out(&order("a", 3)).unwrap(), 7);
    assert_eq!(store.carry_out(&order("b", 1)).unwrap(), 6);
    assert_eq!(store.carry_out(&order("a", 3)).unwrap(), 7);
    // Another process, and four attempts at a time.
    let attempts = (0..4).map(|_| {
        let path = path.clone();
        std::thread::spawn(move || Store::open(&path).unwrap().carry_out(&order("c", 2)).unwrap())
    });
    let attempts: Vec<_> = attempts.collect();
    let answers: Vec<u32> = attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect();
    assert_eq!((answers, store.stock("cup").unwrap()), (vec![4; 4], 4));
}

#[test]
fn an_attempt_that_fails_leaves_nothing_behind() {
    let (store, _) = store("fails");
    assert!(store.carry_out(&order("a", 11)).is_err());
    assert_eq!(store.stock("cup").unwrap(), 10);
    // With the same id, for the first time that it succeeds.
    assert_eq!(store.carry_out(&order("a", 2)).unwrap(), 8);
}

#[test]
fn a_wrong_order_is_refused_before_it_is_handed_over() {
    testing::run(async {
        let (_, path) = store("refused");
        // Nobody listens there: a call would fail.
        let endpoint = "http://127.0.0.1:1";
        let instance = Instance::from_vars([("DATABASE", path.as_str()), ("FC_ENDPOINT", endpoint)]);
        let client = app().test_client().with_instance(instance);
        let answer = |order: serde_json::Value| {
            client.post("/orders").header("content-type", "application/json").body(order.to_string())
        };
        answer(json!({"id": "a", "item": "cup", "quantity": 0})).await.assert_status(422);
        answer(json!({"id": "a", "item": "sofa", "quantity": 1})).await.assert_status(404);
        answer(json!({"item": "cup"})).await.assert_status(422);
        answer(json!({"id": "a", "item": "cup", "quantity": 1})).await.assert_status(503);
    });
}

#[test]
fn the_handler_gives_every_attempt_the_same_answer() {
    testing::run(async {
        let (_, path) = store("handler");
        let vars = [
            ("FC_FUNCTION_NAME", "orders"),
            ("FC_ENDPOINT", "http://127.0.0.1:1"),
            ("DATABASE", path.as_str()),
        ];
        let instance = Instance::from_vars(vars);
        let client = app().test_client().with_instance(instance);
        let order = json!({"id": "a", "item": "tea", "quantity": 30}).to_string();
        for _ in 0..3 {
            client.invoke(order.clone()).await.assert_text("70");
        }
        client.get("/stock/tea").await.assert_text("70");
    });
}
