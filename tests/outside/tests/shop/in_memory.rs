//! The shop without a socket: methods, WebSockets, gRPC, clients that leave, freezes, work done once, and the document.

use std::collections::BTreeSet;
use std::time::Duration;

use fc_runtime::testing::{self, Client, freeze};
use outside::{Document, PATHS, Shop};
use tokio::sync::mpsc;
use utoipa::OpenApi as _;

#[derive(Clone, PartialEq, prost::Message)]
struct Name {
    #[prost(string, tag = "1")]
    name: String,
}

fn shop() -> (Client<Shop>, mpsc::UnboundedReceiver<&'static str>) {
    let (tell, dropped) = mpsc::unbounded_channel();
    (outside::app(tell, ".".as_ref()).test_client(), dropped)
}

#[test]
fn methods_sockets_and_grpc_need_no_port() {
    testing::run(async {
        let (client, _) = shop();
        client.delete("/items/salt").await.assert_status(204);
        client.put("/layers/cors").await.assert_status(200);
        client.patch("/items").await.assert_status(405);
        let names = client.grpc("/streams/shop.Shop/Names", [Name::default()]).await;
        assert_eq!(names.status().code(), tonic::Code::Ok);
        assert_eq!(names.messages::<Name>(), [Name { name: "tea".to_owned() }]);
        let mut socket = client.get("/echo").websocket().await.unwrap();
        socket.send("tea").await;
        assert_eq!(socket.next().await.unwrap().as_text(), Some("tea"));
        assert_eq!(socket.close().await.unwrap().code, 1000);
    });
}

#[test]
fn a_client_that_leaves_is_counted() {
    testing::run(async {
        let (client, mut dropped) = shop();
        let slow = client.get("/layers/trace/slow");
        let begun = async {
            for _ in 0..1000 {
                if client.counters().await.in_flight == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            panic!("the handler did not begin");
        };
        assert!(slow.leave_when(begun).await.is_none());
        assert_eq!(dropped.recv().await, Some("layered"));
        assert_eq!(client.counters().await.cancelled, 1);
    });
}

#[test]
fn work_is_done_once_and_limits_end_with_their_time() {
    testing::run(async {
        let (client, _) = shop();
        for _ in 0..2 {
            let order = client.post("/once").header("idempotency-key", "a").body("pepper");
            order.await.assert_status(200).assert_text("1");
        }
        let limited = async || client.get("/limited").header("x-client", "a").await.status.as_u16();
        assert_eq!([limited().await, limited().await, limited().await], [200, 200, 429]);
        freeze(Duration::from_secs(61)).await;
        assert_eq!(limited().await, 200);
        let retried = client.invoke("").header("x-fc-async-task-id", "t-1").header("x-fc-retry-count", "1");
        retried.await.assert_text("t-1 attempt 2");
    });
}

#[test]
fn the_document_has_the_routes() {
    let (tell, _) = mpsc::unbounded_channel();
    let app = outside::app(tell, ".".as_ref());
    let routes = app.routes().filter(|route| route.pattern.starts_with(PATHS));
    let routes: BTreeSet<_> =
        routes.map(|route| (route.method.unwrap().to_string(), route.pattern)).collect();
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        operations
            .extend(item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    assert_eq!(routes, operations);
    testing::run(async {
        let served: serde_json::Value =
            app.test_client().get("/openapi.json").await.assert_status(200).json();
        assert_eq!(served, document);
    });
}
