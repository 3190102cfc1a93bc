//! Work that is done once for each key, rate limits, and what a call says of its attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fc_runtime::store::{Begun, Hits, MemoryStore, Store};
use fc_runtime::testing::{self, Client, freeze};
use fc_runtime::{App, Error, guard};
use tokio::sync::Notify;

#[derive(Default)]
struct Shop {
    orders: AtomicU32,
    begun: Notify,
    go_on: Notify,
}

/// `POST /orders?do=…` with a key: what it does shows how the first attempt ends.
fn shop() -> Client<Arc<Shop>> {
    App::with_state(Arc::new(Shop::default()))
        .post("/orders/{how}", async |ex| {
            let how: String = ex.param("how")?;
            let shop = Arc::clone(ex.state());
            let key = ex.header("idempotency-key").unwrap_or_default().to_owned();
            let number = ex.once(key, async || {
                let number = shop.orders.fetch_add(1, Ordering::Relaxed) + 1;
                match how.as_str() {
                    "fails" => return Err(Error::unavailable("closed")),
                    "panics" => panic!("asked to"),
                    "slow" => {
                        shop.begun.notify_one();
                        shop.go_on.notified().await;
                    }
                    _ => {}
                }
                Ok(format!("order {number}"))
            });
            let wait = if ex.header("x-wait").is_some() { Duration::from_secs(10) } else { Duration::ZERO };
            number.wait(wait).keep(Duration::from_secs(60)).lease(Duration::from_secs(30)).await
        })
        .event(async |event| {
            let invocation = event.invocation();
            let (attempt, key) = (invocation.attempt(), invocation.task_id().unwrap_or("none").to_owned());
            let shop = Arc::clone(event.state());
            let work = async || Ok(shop.orders.fetch_add(1, Ordering::Relaxed) + 1);
            let number = event.once(key.clone(), work).await?;
            if attempt == 1 {
                Err(Error::unavailable("after the work"))
            } else {
                Ok(format!("{key} {attempt} {number}"))
            }
        })
        .get("/begun", async |ex| {
            ex.state().begun.notified().await;
            "begun"
        })
        .post("/go-on", async |ex| {
            ex.state().go_on.notify_one();
            "on"
        })
        .test_client()
}

fn order<'c>(client: &'c Client<Arc<Shop>>, how: &str, key: &str) -> testing::TestRequest<'c, Arc<Shop>> {
    client.post(&format!("/orders/{how}")).header("idempotency-key", key)
}

#[test]
fn a_key_is_worked_on_once() {
    testing::run(async {
        let client = shop();
        for _ in 0..3 {
            order(&client, "now", "a").await.assert_status(200).assert_text("order 1");
        }
        order(&client, "now", "b").await.assert_text("order 2");
        // The result is kept for a minute.
        freeze(Duration::from_secs(59)).await;
        order(&client, "now", "a").await.assert_text("order 1");
        freeze(Duration::from_secs(2)).await;
        order(&client, "now", "a").await.assert_text("order 3");
    });
}

#[test]
fn what_fails_or_leaves_frees_the_key() {
    testing::run(async {
        let client = shop();
        order(&client, "fails", "a").await.assert_status(503);
        order(&client, "panics", "a").await.assert_status(500);
        // The drop of a handler frees its key in a task.
        order(&client, "now", "a").header("x-wait", "1").await.assert_text("order 3");
        let begun = async { drop(client.get("/begun").await) };
        assert!(order(&client, "slow", "b").leave_when(begun).await.is_none());
        order(&client, "now", "b").header("x-wait", "1").await.assert_text("order 5");
    });
}

#[test]
fn callers_meanwhile_wait_or_are_told() {
    testing::run(async {
        let client = shop();
        let second = async {
            client.get("/begun").await;
            let busy = order(&client, "now", "a").await;
            busy.assert_status(409).assert_header("retry-after", "1");
            assert_eq!(busy.json::<serde_json::Value>()["code"], "InProgress");
            let waiting = order(&client, "now", "a").header("x-wait", "1");
            let (waited, _) = tokio::join!(async { waiting.await }, async { client.post("/go-on").await });
            waited.assert_status(200).assert_text("order 1");
        };
        let (first, ()) = tokio::join!(async { order(&client, "slow", "a").await }, second);
        first.assert_text("order 1");
    });
}

/// An attempt did its work and failed later. The platform repeats the task with the same id.
#[test]
fn a_retry_of_a_task_finds_its_work_done() {
    testing::run(async {
        let client = shop();
        for name in ["x-fc-async-task-id", "x-fc-stateful-async-invocation-id"] {
            let attempt =
                |retry: &'static str| client.invoke("").header(name, name).header("x-fc-retry-count", retry);
            attempt("0").await.assert_status(404);
            let number = if name == "x-fc-async-task-id" { 1 } else { 2 };
            attempt("1").await.assert_status(200).assert_text(&format!("{name} 2 {number}"));
            attempt("2").await.assert_text(&format!("{name} 3 {number}"));
        }
    });
}

/// A store that fails.
struct Broken;

impl Store for Broken {
    async fn begin(&self, _: &str, _: &str, _: Duration) -> fc_runtime::Result<Begun> {
        Err(Error::unavailable("no store"))
    }
    async fn complete(&self, _: &str, _: &str, _: &[u8], _: Duration) -> fc_runtime::Result {
        Err(Error::unavailable("no store"))
    }
    async fn release(&self, _: &str, _: &str) -> fc_runtime::Result {
        Err(Error::unavailable("no store"))
    }
    async fn hit(&self, _: &str, _: Duration) -> fc_runtime::Result<Hits> {
        Err(Error::unavailable("no store"))
    }
}

/// A store whose first result takes for ever.
#[derive(Default)]
struct Slow {
    memory: MemoryStore,
    completes: AtomicU32,
    begun: Arc<Notify>,
}

impl Store for Slow {
    async fn begin(&self, key: &str, holder: &str, lease: Duration) -> fc_runtime::Result<Begun> {
        self.memory.begin(key, holder, lease).await
    }
    async fn complete(&self, key: &str, holder: &str, value: &[u8], keep: Duration) -> fc_runtime::Result {
        if self.completes.fetch_add(1, Ordering::Relaxed) == 0 {
            self.begun.notify_one();
            std::future::pending::<()>().await;
        }
        self.memory.complete(key, holder, value, keep).await
    }
    async fn release(&self, key: &str, holder: &str) -> fc_runtime::Result {
        self.memory.release(key, holder).await
    }
    async fn hit(&self, key: &str, window: Duration) -> fc_runtime::Result<Hits> {
        self.memory.hit(key, window).await
    }
}

/// The work is done, so that its result must not be lost with the client.
#[test]
fn a_client_that_leaves_while_its_result_is_kept_loses_nothing() {
    testing::run(async {
        let slow = Slow::default();
        let begun = Arc::clone(&slow.begun);
        let client = App::with_state(AtomicU32::new(0))
            .store(slow)
            .get("/", async |ex| {
                let work = async || Ok(ex.state().fetch_add(1, Ordering::Relaxed) + 1);
                Ok(ex.once("k", work).await?.to_string())
            })
            .test_client();
        assert!(client.get("/").leave_when(async move { begun.notified().await }).await.is_none());
        client.get("/").await.assert_status(200).assert_text("1");
    });
}

/// A value that is no JSON has no result that could be kept: an error, which frees the key.
#[test]
fn a_result_that_is_no_json_frees_the_key() {
    testing::run(async {
        let client = App::new()
            .get("/", async |ex| {
                let work = async || Ok(std::collections::BTreeMap::from([((1, 2), 3)]));
                Ok(ex.once("k", work).wait(Duration::from_secs(1)).await?.len().to_string())
            })
            .test_client();
        for _ in 0..2 {
            client.get("/").await.assert_status(500);
        }
    });
}

fn limited(app: App) -> Client {
    let by_name = |ex: &fc_runtime::Exchange| ex.header("x-name").map(str::to_owned);
    app.get("/", async |_| "inside")
        .get("/once", async |ex| Ok(ex.once("k", async || Ok(1)).await?.to_string()))
        .around(guard::rate_limit(2, Duration::from_secs(60), by_name))
        .test_client()
}

#[test]
fn a_limit_is_each_keys_own_and_ends() {
    testing::run(async {
        let client = limited(App::new());
        let ask = |name: &str| client.get("/").header("x-name", name);
        for (name, status) in [("a", 200), ("a", 200), ("a", 429), ("b", 200)] {
            ask(name).await.assert_status(status);
        }
        freeze(Duration::from_millis(30_500)).await;
        ask("a").await.assert_status(429).assert_header("retry-after", "30");
        freeze(Duration::from_secs(30)).await;
        ask("a").await.assert_status(200);
        for _ in 0..5 {
            client.get("/").await.assert_status(200);
        }
    });
}

#[test]
fn a_store_that_fails_stops_no_requests_but_those_that_need_it() {
    testing::run(async {
        let client = limited(App::new().store(Broken));
        for _ in 0..5 {
            client.get("/").header("x-name", "a").await.assert_status(200);
        }
        client.get("/once").await.assert_status(503);
    });
}
